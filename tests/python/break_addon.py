"""Breaks a copy of the packing files in one way after the other: check_addon.py must find each, by its name."""

import shutil
import tempfile
from pathlib import Path

import check_addon
from check_addon import ADDON

EN, DOCS, COMPOSE, UNIT = "addon/translations/en.yaml", "addon/DOCS.md", "docker-compose.yml", "packaging/systemd/givtcp.service"
PROFILE, FLOW, MOSQUITTO = "addon/apparmor.txt", ".github/workflows/release.yml", "packaging/compose/mosquitto.conf"

# Check, file, what is there, what comes in its place, and what must be said.
BREAKS = [
    (ADDON, ADDON, "slug: givtcp", "slug: giv tcp", "slug: has other signs"),
    (ADDON, ADDON, "description: K", "descriptions: K", "description is missing"),
    (ADDON, ADDON, "description: K", "descriptions: K", "descriptions is no key"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nboot: auto", "boot: is the default"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nwatchdog: http://[HOST]:8099", "watchdog is no key"),
    (ADDON, ADDON, "ingress: true", "ingress: false", "rating is 6"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nhost_network: true", "rating is 7"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nhassio_role: manager", "rating is 7"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nprivileged: [SYS_RAWIO]", "rating is 7"),
    (ADDON, ADDON, "ingress: true", "ingress: true\napparmor: false", "rating is 6"),
    (ADDON, ADDON, "ingress: true", "ingress: true\nfull_access: true", "rating is 1"),
    (ADDON, ADDON, "- amd64", "- armv7", "arch: must be"),
    (ADDON, ADDON, '"2026.5.0"', '"2026.4.0"', "homeassistant: earlier"),
    (ADDON, ADDON, "timeout: 30", "timeout: 10", "timeout: must be"),
    (ADDON, ADDON, "addon_config:rw", "type: app_config", "map: must be"),
    (ADDON, ADDON, "mqtt:want", "mqtt:need", "services: must be"),
    (ADDON, ADDON, "hassio_api: true", "hassio_api: false", "hassio_api: must be"),
    (ADDON, ADDON, "hassio_api: true", "hassio_api: true\nimage: example/givtcp:1", "image: must have no tag"),
    (ADDON, ADDON, "8099/tcp: null", "8099/tcp: 8099", "ports: 8099/tcp"),
    (ADDON, ADDON, "  inverters: []\n", "", "inverters: must have a default"),
    (ADDON, ADDON, "  mqtt: {}\n", "", "mqtt: must have a default"),
    (ADDON, ADDON, "  mqtt: {}\n", "  mqtt: []\n", "mqtt: its default is of another shape"),
    (ADDON, ADDON, "  mqtt: {}\n", "  mqtt: {}\n  more: 1\n", "more: has a default and no schema"),
    (ADDON, ADDON, "  mqtt: {}\n", "  mqtt: {}\n  log_level: loud\n", "log_level: its default is no list"),
    (ADDON, ADDON, "prefix: str?", "prefix: string?", "prefix: string? is no type"),
    (ADDON, ADDON, "prefix: str?", "prefix: { a: { b: str } }", "nest two deep"),
    (EN, EN, "  token:\n", "  tokens:\n", "token is not translated"),
    (EN, EN, "  token:\n", "  tokens:\n", "tokens is no option"),
    (EN, EN, "      prefix:\n", "      affix:\n", "inverters.prefix is not translated"),
    (EN, EN, "        description: The user's password.\n", "", "mqtt.password has no name or no description"),
    (EN, EN, "  8099/tcp:", "  8098/tcp:", "port 8099/tcp is not translated"),
    (EN, EN, "network:", "networks:", "networks: is no key"),
    (DOCS, DOCS, "| `mqtt.port` |", "| mqtt.port |", "mqtt.port has no row"),
    (DOCS, DOCS, "| `mqtt.port` |", "| `mqtt.gate` |", "mqtt.gate is no option"),
    (DOCS, DOCS, "| `8099/tcp` |", "| 8099 |", "8099/tcp has no row"),
    ("", ADDON, 'version: "', 'version: "9', "addon/config.yaml: its version"),
    ("", "Cargo.lock", 'name = "givtcp"\nversion = "', 'name = "givtcp"\nversion = "9', "Cargo.lock: its version"),
    ("", "Dockerfile", "BUILD_VERSION=", "BUILD_VERSION=9", "Dockerfile: its version"),
    ("", COMPOSE, "image: givtcp:", "image: givtcp:9", "docker-compose.yml: its version"),
    ("", "addon/CHANGELOG.md", "## ", "## 9", "addon/CHANGELOG.md: its version"),
    ("files", "repository.yaml", "name: givtcp", "title: givtcp", "repository.yaml: name is missing"),
    ("files", "config/givtcp.yaml", "poll:", "poll: [", "config/givtcp.yaml: "),
    ("files", "scripts/stage-addon", "for name in", "for name on", "scripts/stage-addon: "),
    (PROFILE, PROFILE, "profile givtcp", "profile other", "must have one line"),
    (PROFILE, PROFILE, "profile givtcp", "  profile givtcp", "must have one line"),
    (PROFILE, PROFILE, "  signal (receive),", "  signal (receive)", "rror"),
    (PROFILE, PROFILE, "  signal (receive),", "  file,\n  signal (receive),", "`file,` is more"),
    (PROFILE, PROFILE, "  signal (receive),", "  capability net_raw,\n  signal (receive),", "`capability net_raw,` is more"),
    (PROFILE, PROFILE, "  signal (receive),", "  /bin/sh rix,\n  signal (receive),", "execute something else"),
    ("Dockerfile", "Dockerfile", "FROM scratch", "FROM alpine:3", "must be scratch"),
    ("Dockerfile", "Dockerfile", "FROM scratch", "FROM alpine:latest", "DL3007"),
    ("Dockerfile", "Dockerfile", "RUN_AS=65532:65532", "RUN_AS=0:0", "must not run as root"),
    ("Dockerfile", "Dockerfile", "USER ${RUN_AS}\n", "", "USER must be"),
    ("Dockerfile", "Dockerfile", '["/givtcp", "healthy"]', '["/givtcp", "check"]', "HEALTHCHECK must be"),
    ("Dockerfile", "Dockerfile", 'ENTRYPOINT ["/givtcp"]', "ENTRYPOINT /givtcp", "ENTRYPOINT must be"),
    ("Dockerfile", "Dockerfile", " --no-default-features", "", "the demo must be left out"),
    ("Dockerfile", "Dockerfile", "io.hass.type", "io.hass.kind", "io.hass.type is missing"),
    ("Dockerfile", "Dockerfile", "io.hass.arch", "io.hass.kind", "io.hass.arch is missing"),
    ("Dockerfile", ".dockerignore", "!src", "", "COPY src"),
    ("stage", "Dockerfile", "COPY config config", "COPY docs docs", "docs is missing"),
    ("stage", "Dockerfile", "ARG RUN_AS=", "ARG RUN_US=", "must run as root"),
    ("stage", "scripts/stage-addon", 'cp -r addon/. "$target/"', 'cp -r addon "$target/"', "scripts/stage-addon: ["),
    (COMPOSE, COMPOSE, "read_only: true", "read_only: false", "redis.read_only must be True"),
    (COMPOSE, COMPOSE, "cap_drop: [ALL]", "cap_drop: []", "givtcp.cap_drop must be"),
    (COMPOSE, COMPOSE, "stop_grace_period: 30s", "stop_grace_period: 5s", "givtcp.stop_grace_period must be"),
    (COMPOSE, COMPOSE, "no-new-privileges:true", "no-new-privileges:false", "security_opt must be"),
    (COMPOSE, COMPOSE, "networks: [inside]", 'networks: [inside]\n    ports: ["1883:1883"]', "must not be reached"),
    (COMPOSE, COMPOSE, "networks: [inside]", "networks: [outside]", "in the network `inside` alone"),
    (COMPOSE, COMPOSE, "internal: true", "internal: false", "must be internal"),
    (COMPOSE, COMPOSE, "profiles: [standby]", "profiles: []", "standby.profiles must be"),
    (COMPOSE, COMPOSE, "- standby:/var", "- givtcp:/var", "state of its own"),
    (COMPOSE, COMPOSE, "- redis:/data", "- cache:/data", "no volume cache:/data"),
    (COMPOSE, COMPOSE, "conf:/mosquitto/config", "cfg:/mosquitto/config", "is not there"),
    (COMPOSE, COMPOSE, "MQTT_PASSWORD: ${MQTT_PASSWORD:?run scripts/compose-passwords first}", "MQTT_PASSWORD: secret",
     "must come from .env"),
    (COMPOSE, COMPOSE, "${GIVTCP_TOKEN:?", "${OTHER_TOKEN:?", "scripts/compose-passwords does not make it"),
    (COMPOSE, COMPOSE, "      disable: true", "      disable: false", "simulator has no health check"),
    (COMPOSE, COMPOSE, "exec redis-server", "if exec redis-server", "redis.command: "),
    (COMPOSE, COMPOSE, "  simulator:", "  plant:", "must have givtcp"),
    (COMPOSE, MOSQUITTO, "allow_anonymous false", "allow_anonymous true", "nobody may connect"),
    ("systemd", UNIT, "TimeoutStopSec=30s", "TimeoutStopSec=5s", "TimeoutStopSec=30s is missing"),
    ("systemd", UNIT, "ProtectSystem=strict", "ProtectSystem=full", "ProtectSystem=strict is missing"),
    ("workflows", FLOW, 'tags: ["v*"]', 'branches: ["main"]', "must run on tags"),
    ("workflows", FLOW, "arch: aarch64", "arch: armv7", "arch: aarch64 is missing"),
    ("workflows", FLOW, "permissions:\n  contents: read\n", "permissions: write-all\n", "by default it may only read"),
    ("workflows", FLOW, "checkout@v4", "checkout@main", "must name a version"),
]


def blow_up(root):
    (root / "addon/icon.png").write_bytes((root / "addon/logo.png").read_bytes() + bytes(20_000))


def more_configs(root):
    (root / "tests/config.yaml").write_text("name: other\n")


def without_profile(root):
    (root / PROFILE).unlink()


# Check, what is done, what must be said; what a replaced line cannot do.
DEEDS = [
    ("pictures", blow_up, "addon/icon.png: must be 128 x 128"),
    ("pictures", blow_up, "addon/icon.png: must be below 20 kB"),
    ("files", more_configs, "only addon/config.yaml may bear this name"),
    ("files", without_profile, "addon/apparmor.txt is missing"),
    (ADDON, without_profile, "rating is 7"),
]


def copy(target):
    shutil.copytree(check_addon.HERE, target, symlinks=True, dirs_exist_ok=True,
                    ignore=lambda path, names: {"target", ".git", ".venv"} & set(names))


def found(root, check, wanted):
    said = list(check_addon.faults(root, {check: check_addon.CHECKS[check]}))
    return None if any(wanted in each for each in said) else said


def main():
    missed = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        copy(root)
        for check, name, there, instead, wanted in BREAKS:
            path = root / name
            whole = path.read_text()
            if there not in whole:
                missed.append(f"{name}: no longer holds {there!r}, which was to be broken")
                continue
            path.write_text(whole.replace(there, instead))
            said = found(root, check, wanted)
            path.write_text(whole)
            if said is not None:
                missed.append(f"{name}: {there!r} made {instead!r} and {wanted!r} was not said, but {said}")
        for check, deed, wanted in DEEDS:
            deed(root)
            said = found(root, check, wanted)
            if said is not None:
                missed.append(f"{deed.__name__}: {wanted!r} was not said, but {said}")
            shutil.rmtree(root / "addon")
            (root / "tests/config.yaml").unlink(missing_ok=True)
            shutil.copytree(check_addon.HERE / "addon", root / "addon")
        rest = list(check_addon.faults(root))
    missed += [f"what was put back is faulty: {each}" for each in rest]
    print("\n".join(missed) if missed else f"{len(BREAKS) + len(DEEDS)} broken copies were found out")
    return bool(missed)
