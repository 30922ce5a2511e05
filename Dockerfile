# The program alone in an empty image, linked statically: no shell, no broker, no demo.
# docs/install.md says how to use it, and which of its steps were tried without a container engine.
FROM rust:1-alpine AS build
# ring compiles C; the rest is what the image needs beside the program.
# hadolint ignore=DL3018
RUN apk add --no-cache gcc musl-dev ca-certificates-bundle tzdata
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY config config
COPY src src
COPY web/dist web/dist
# Cargo.toml names their files, so they must be there.
COPY benches benches
COPY tests tests
RUN cargo build --locked --profile dist --no-default-features \
    && install -D target/dist/givtcp /image/givtcp \
    && install -D -m 0644 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt \
    && install -d /image/etc/givtcp /image/usr/share /image/var/lib \
    && cp -r /usr/share/zoneinfo /image/usr/share/zoneinfo \
    && rm -rf /image/usr/share/zoneinfo/right /image/usr/share/zoneinfo/posix \
    && install -d -m 0700 /state/givtcp

FROM scratch
# As whom it runs. As a Home Assistant app as 0:0, since the Supervisor gives /data to root.
ARG RUN_AS=65532:65532
COPY --from=build /image /
COPY --from=build --chown=${RUN_AS} /state/ /var/lib/
USER ${RUN_AS}
VOLUME /var/lib/givtcp
# GivTCP's REST interface and our own; who comes from outside needs GIVTCP_HTTP__TOKEN.
EXPOSE 8099
# It is healthy while it lives and answers, whether an inverter does or not.
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["/givtcp", "healthy"]
ENTRYPOINT ["/givtcp"]
CMD ["run"]
# The Supervisor gives both. Other builders: --build-arg BUILD_ARCH=aarch64 for another machine.
ARG BUILD_VERSION=0.1.0
ARG BUILD_ARCH=amd64
LABEL io.hass.type="app" \
    io.hass.version="${BUILD_VERSION}" \
    io.hass.arch="${BUILD_ARCH}" \
    org.opencontainers.image.title="givtcp" \
    org.opencontainers.image.version="${BUILD_VERSION}" \
    org.opencontainers.image.licenses="MIT OR Apache-2.0"
