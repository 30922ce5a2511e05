# What people do with this repository. `just` alone lists it; each recipe is also a plain command to copy.

# List the recipes
default:
    @just --list

# Everything that decides whether a change lands: what is missing is installed, then format, clippy and all tests
test:
    scripts/test

# A simulated plant, broker and poller on this machine
demo *arguments:
    cargo run --release -- demo {{arguments}}

# How long decoding takes; docs/benchmarks.md has the method
bench:
    cargo bench --locked

# The long forms: 200 seeds of every fault at once, energy counters under thousands, a simulated year of them, processes
# that torture locks for ten minutes, a group whose active process is killed 20 times, 300 kills amid overrides (a debug
# build, which alone has crash points), 100 examples of each HTTP operation, the program measured for ten minutes,
# and the image tried without a container engine
soak:
    GIVTCP_SOAK=1 cargo test --locked --release --test it -- --nocapture faults counters content year torture group journal editing
    GIVTCP_SOAK=1 cargo test --locked --test it -- --nocapture kill:: history::
    GIVTCP_SOAK=1 cargo test --locked --lib -- --nocapture history::tests::a_simulated_year
    scripts/schemathesis 100
    scripts/measure
    scripts/check-image

# A real Home Assistant with simulated plants, of these families or of all of them: an hour on two cores
homeassistant *families:
    scripts/homeassistant {{families}}

# Each fuzz target for ten minutes, from another beginning each time
fuzz:
    GIVTCP_FUZZ_SEED=0 scripts/fuzz 600

# Format the code
fmt:
    cargo fmt --all
    cargo fmt --manifest-path fuzz/Cargo.toml

# Lints, with and without the demo's broker
clippy:
    cargo clippy --locked --all-targets -- -D warnings
    cargo clippy --locked --all-targets --no-default-features -- -D warnings

# Licences, sources and duplicates of the dependencies (needs cargo-deny)
deny:
    cargo deny --locked check bans licenses sources

# The code's documentation, private items too
docs:
    cargo doc --locked --no-deps --document-private-items

# A folder that works as a local Home Assistant app, built from source there; put it into Home Assistant's folder addons
addon DIR:
    scripts/stage-addon {{quote(DIR)}}

# What of the container image can be tried without a container engine: static, small, in an empty root, as another user
image *BINARY:
    scripts/check-image {{BINARY}}

# App files, Dockerfile, compose file, systemd unit, workflows and scripts against their rules
check-addon:
    scripts/check-addon
