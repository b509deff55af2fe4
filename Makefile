.PHONY: install run-api run-bot test test-all smoke check

install: ## install what package-lock.json names
	npm ci

run-api: ## the control plane, API and loops, on SKYNET_PORT
	npm start

run-bot: ## the gateway, with its Telegram bot if that is set up; the name is kept from older deployments
	node scripts/build-if-needed.mjs && node bin/skynet gateway

test: ## all tests
	npm test

test-all: check test ## everything that CI runs

smoke: ## start everything, run the demonstration graph, end
	npm run quickstart -- --exit --plain

check: ## format, lint, types, boundaries, dead code, generated files
	npm run check
