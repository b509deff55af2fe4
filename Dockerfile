# The image of every role: control plane (serve), gateway, migrate.
ARG BASE=node:24-slim

FROM ${BASE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --ignore-scripts
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY src ./src
RUN npx nest build

FROM ${BASE} AS production-modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM ${BASE}
# git is what the gateway's git actions run.
# Its commits need an author; a repository's own user.name and user.email go before this one.
RUN apt-get update && apt-get install --yes --no-install-recommends git ca-certificates && rm -rf /var/lib/apt/lists/* \
  && git config --system user.name skynet && git config --system user.email skynet@localhost
ENV NODE_ENV=production
WORKDIR /app
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY --from=production-modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Nothing is written below /app: the file system may be read-only, with a tmpfs on /tmp.
RUN mkdir /workspace /state /skills && chown node:node /workspace /state /skills
USER node
EXPOSE 8000 8766 8790
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HEALTH_PORT || process.env.SKYNET_PORT || 8000) + (process.env.HEALTH_PATH || '/livez')).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Most of what a request makes is garbage when it is answered; a larger nursery is collected less often.
ENTRYPOINT ["node", "--max-semi-space-size=64", "/app/bin/skynet"]
CMD ["serve"]
