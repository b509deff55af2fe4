# The image of every role: serve (the control plane), gateway, agent, host, service-gateway, migrate.
#   docker build -t skynet .
#   docker buildx build --platform linux/amd64,linux/arm64 --sbom=true --provenance=true -t REGISTRY/skynet:VERSION --push .
# NODE brings node and npm for the build; of it only the program node gets into the image, which is built on BASE.
ARG NODE=node:24-bookworm-slim
ARG BASE=debian:bookworm-slim

FROM ${NODE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=optional --ignore-scripts
COPY tsconfig.json tsconfig.build.json nest-cli.json ./
COPY src ./src
RUN npx nest build

FROM ${NODE} AS production-modules
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# What is only read by people and compilers stays behind. The bill of materials names every module that is in the image.
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
  && npm sbom --package-lock-only --omit=dev --omit=optional --sbom-format=cyclonedx > sbom.cdx.json \
  && find node_modules -type f \( -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.map' -o -iname 'readme*' -o -iname 'changelog*' \) -delete

FROM ${BASE}
# git is what git actions run; its commits need an author, and a repository's own user.name and user.email go before this
# one. tini is process 1: it passes signals on and reaps what jobs and actions leave behind. libstdc++ and libatomic are node's.
RUN apt-get update \
  && apt-get install --yes --no-install-recommends git ca-certificates tini libstdc++6 libatomic1 \
  && apt-get clean && rm -rf /var/lib/apt/lists/* /var/cache/debconf/*-old /var/log/* /usr/share/doc /usr/share/man /usr/share/locale \
  && git config --system user.name skynet && git config --system user.email skynet@localhost
COPY --from=build /usr/local/bin/node /usr/local/bin/node
ENV NODE_ENV=production HOME=/tmp
WORKDIR /app
COPY package.json LICENSE ./
COPY bin ./bin
COPY migrations ./migrations
COPY --from=production-modules /app/sbom.cdx.json ./
COPY --from=production-modules /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
# Nothing is written below /app: the file system may be read-only, with a tmpfs on /tmp.
RUN ln -s /app/bin/skynet /app/bin/skyclaw /usr/local/bin/ \
  && groupadd --gid 1000 skynet && useradd --uid 1000 --gid 1000 --home-dir /tmp --no-create-home skynet \
  && mkdir /workspace /state /skills && chown 1000:1000 /workspace /state /skills
# By number, so that a cluster can see that it is not root.
USER 1000:1000
EXPOSE 8000 8765 8766 8790
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + (process.env.HEALTH_PORT || process.env.SKYNET_PORT || 8000) + (process.env.HEALTH_PATH || '/livez')).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
STOPSIGNAL SIGTERM
# Not -g: a signal is for the program alone, which ends what it has started in its own order.
ENTRYPOINT ["tini", "--", "skynet"]
CMD ["serve"]
