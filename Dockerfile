# One image for every program: docker build --tag caseload:0.1.0 .
#   docker run … caseload:0.1.0                              the gateway
#   docker run … caseload:0.1.0 src/worker.ts                a worker, and likewise src/scheduler.ts
#   docker run … caseload:0.1.0 src/cli.ts migrate           any command

# Tag for people, digest for the build. To renew it: docker buildx imagetools inspect node:24-bookworm-slim
ARG NODE=node:24-bookworm-slim@sha256:d6aa754f16b3197301076f047b5def2f02ea1dbbc2ca920407d46d7ec7f87b20

FROM ${NODE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# Without the servers and the Node of `npm start`, and without running what packages bring along.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund
# What is in the image, for scanners.
RUN npm sbom --package-lock-only --omit=dev --omit=optional --sbom-format=cyclonedx --sbom-type=application > sbom.cdx.json

# The dashboard is built with what is not needed later.
FROM ${NODE} AS dashboard
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json schema.graphql ./
COPY bin bin
COPY src src
RUN node src/cli.ts dashboard

FROM ${NODE}
ARG VERSION=0.1.0
ARG REVISION=unknown
ARG CREATED=1970-01-01T00:00:00Z
LABEL org.opencontainers.image.title="Caseload" \
      org.opencontainers.image.description="Hands out work fairly, to one holder at a time, to people and machines" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}" \
      org.opencontainers.image.base.name="node:24-bookworm-slim"
# What runs has no use for a package manager.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack \
      /usr/local/bin/yarn /usr/local/bin/yarnpkg /opt/yarn-* \
 && mkdir -p /var/lib/caseload/documents \
 && chown -R node:node /var/lib/caseload
WORKDIR /app
COPY --from=packages /app/node_modules node_modules
COPY --from=packages /app/sbom.cdx.json ./
COPY package.json schema.graphql ./
COPY jetstream jetstream
COPY data data
COPY bin bin
COPY src src
COPY --from=dashboard /app/dist dist
ENV NODE_ENV=production \
    NODE_OPTIONS=--disable-warning=ExperimentalWarning \
    HOST=0.0.0.0 \
    PORT=4000 \
    HEALTH_PORT=9090
USER 1000:1000
EXPOSE 4000 9090
VOLUME /var/lib/caseload/documents
# No shell between: signals reach the program, and probes ask over HTTP.
ENTRYPOINT ["node"]
CMD ["src/gateway.ts"]
