# syntax=docker/dockerfile:1
# The image of a node, built from source:
#   docker build -t countersign .
#   docker run --rm -v countersign:/var/lib/countersign -p 8888:8888 -p 1812:1812/udp -p 1813:1813/udp countersign
# compose.yaml starts two nodes on PostgreSQL; docs/operations.md says more.

FROM rust:1.95-slim-bookworm AS build
# aws-lc, SQLite and mimalloc are compiled from C
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends cmake gcc g++ libc6-dev make \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
ARG FEATURES=""
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --locked --release -p countersign-server --features "$FEATURES" \
 && install -D -m 0755 target/release/countersign /out/usr/bin/countersign \
 && install -d -m 0700 -o 10001 -g 10001 /out/var/lib/countersign

FROM debian:bookworm-slim
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates curl \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --system --gid 10001 countersign \
 && useradd --system --uid 10001 --gid 10001 --home-dir /var/lib/countersign --shell /usr/sbin/nologin countersign
COPY --from=build /out /
USER 10001:10001
WORKDIR /var/lib/countersign
# Health and figures are asked by the healthcheck and by Prometheus; whoever publishes 8889 decides who reaches it.
ENV COUNTERSIGN_DATA_DIR=/var/lib/countersign \
    COUNTERSIGN_HEALTH_LISTEN=0.0.0.0:8889 \
    COUNTERSIGN_LOG_FORMAT=json
VOLUME /var/lib/countersign
EXPOSE 8888/tcp 8889/tcp 1812/udp 1813/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
  CMD ["curl", "--silent", "--fail", "--output", "/dev/null", "http://127.0.0.1:8889/health"]
ENTRYPOINT ["/usr/bin/countersign"]
CMD ["serve"]
