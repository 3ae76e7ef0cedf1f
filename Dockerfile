# The control plane, and every other command of `detour`. Both stages begin with the same image, which a mirror can give:
#   docker build --build-arg NODE_IMAGE=mirror.example.com/node:24-slim -t detour:0.1.0 .
ARG NODE_IMAGE=node:24-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
# The one install script that matters fetches a Node, which this image has.
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tools tools
COPY src src
RUN node tools/gen-protos.ts && node tools/build.ts

FROM ${NODE_IMAGE}
# For `detour capture`, the init step of pods with a sidecar; an image that has it already is left as it is.
RUN command -v iptables-nft > /dev/null || \
    (apt-get update && apt-get install --yes --no-install-recommends iptables && rm -rf /var/lib/apt/lists/*)
# Nothing is installed from here on.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn-*
WORKDIR /app
COPY package.json LICENSE ./
COPY envoy envoy
COPY --from=build /build/dist dist
# A pod's own addresses, where `detour serve` by itself takes loopback only. And one heap of malloc for all threads: with one
# for each, what V8's compiler needs for a moment stays with them, 9 MB.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 DETOUR_XDS_LISTEN=0.0.0.0:18000 DETOUR_ADMIN_LISTEN=0.0.0.0:19000
EXPOSE 18000 19000
USER 65532:65532
# For a large cluster's first state: room for what lives long before it is gone over, and some for what is made on the way to
# die young (twice that room is 10 MB more, and no faster); from then on little room to grow before garbage is collected.
# Functions are compiled well, and at their best, five times later than usual: at a start, threads that compile take the
# processor from the program itself and from the API server. What a start has left behind is collected once
# (src/collect-garbage.ts).
ENTRYPOINT ["node", "--expose-gc", "--min-semi-space-size=2", "--max-semi-space-size=4", "--heap-growing-percent=50", "--initial-old-space-size=160", "--invocation-count-for-maglev=2000", "--invocation-count-for-turbofan=15000", "/app/dist/main.js"]
CMD ["help"]
