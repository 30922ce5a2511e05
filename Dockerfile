# The program alone: no demo, no broker. Not yet tried on a container engine.
FROM rust:1-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY Cargo.toml Cargo.lock ./
COPY src src
# Cargo.toml names their files, so they must be there.
COPY benches benches
COPY tests tests
RUN cargo build --locked --profile dist --no-default-features

FROM debian:bookworm-slim
# Authorities for TLS to the broker, and time zones.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates tzdata \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 1000 --home-dir /var/lib/givtcp --shell /usr/sbin/nologin givtcp \
    && install -d -o givtcp -g givtcp -m 0700 /var/lib/givtcp
COPY --from=build /build/target/dist/givtcp /usr/local/bin/givtcp
USER givtcp
VOLUME /var/lib/givtcp
# GivTCP's REST interface and our own; commands from outside need GIVTCP_HTTP__TOKEN.
EXPOSE 8099
ENTRYPOINT ["givtcp"]
CMD ["run"]
