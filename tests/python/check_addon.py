"""Holds everything that packs the program against its rules: the Home Assistant app, the images, compose, systemd.

usage: check_addon.py [ROOT]     prints each fault as FILE: WHAT; exit code 1 if there is one
       check_addon.py --prove    breaks copies of the files, each in one way, and sees that each is found
"""

import json
import re
import struct
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parents[2]
ADDON = "addon/config.yaml"
VENV_BIN = Path(sys.executable).parent

# What the Supervisor takes as it is when it is left out; written out, it is noise that app linters refuse.
DEFAULTS = {
    "startup": "application", "boot": "auto", "init": True, "ingress_port": 8099, "ingress_entry": "/", "stage": "stable",
    "hassio_role": "default", "host_network": False, "backup": "hot", "panel_admin": True, "apparmor": True,
    "homeassistant_api": False, "auth_api": False, "full_access": False, "docker_api": False, "legacy": False,
    "advanced": False, "panel_icon": "mdi:puzzle", "privileged": [], "tmpfs": False, "host_pid": False,
}
KNOWN = {*DEFAULTS, "name", "version", "slug", "description", "arch", "url", "image", "homeassistant", "timeout", "ingress",
         "panel_title", "hassio_api", "services", "map", "ports", "options", "schema", "breaking_versions", "backup_exclude"}
TYPE = re.compile(r"(str|bool|email|url|password|port|float|int|int\(\d*,\d*\)|float\([\d.]*,[\d.]*\)|match\(.+\)"
                  r"|list\([^()|]+(\|[^()|]+)*\))(\?)?")
DANGEROUS = {"BPF", "CHECKPOINT_RESTORE", "DAC_READ_SEARCH", "NET_ADMIN", "NET_RAW", "PERFMON", "SYS_ADMIN",
             "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO"}


def load(root, name):
    return yaml.safe_load((root / name).read_text())


def ran(fault, *command, **options):
    """A fault with the command's last words, unless it succeeds."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, **options)
    except FileNotFoundError:
        return [f"{fault}: {command[0]} is not installed, run scripts/test once"]
    if done.returncode == 0:
        return []
    return [f"{fault}: {(done.stdout + done.stderr).strip() or done.returncode}"]


def rating(config, has_profile):
    """The Supervisor's rating of an app, 1 to 8."""
    points = 5 + (2 if config.get("ingress") else 1 if config.get("auth_api") else 0)
    apparmor = config.get("apparmor", True)
    points += (has_profile and apparmor is not False) - (apparmor is False)
    points -= bool(DANGEROUS & set(config.get("privileged", []))) or bool(config.get("kernel_modules"))
    points -= {"manager": 1, "admin": 2}.get(config.get("hassio_role", "default"), 0)
    points -= bool(config.get("host_network")) + 2 * bool(config.get("host_pid")) + bool(config.get("host_uts"))
    return 1 if config.get("docker_api") or config.get("full_access") else max(1, min(8, points))


def fits(kind, value):
    kind = kind.removesuffix("?")
    if kind.startswith("list("):
        return value in kind[5:-1].split("|")
    if kind == "port" or kind.startswith("int"):
        return isinstance(value, int) and (kind != "port" or 0 < value < 65536)
    return isinstance(value, bool if kind == "bool" else (int, float) if kind.startswith("float") else str)


def leaves(schema, path=""):
    """Every option with its path as DOCS.md writes it, groups and lists too."""
    for name, kind in schema.items():
        inner = kind[0] if isinstance(kind, list) else kind
        here = path + name
        yield here, kind
        if isinstance(inner, dict):
            yield from leaves(inner, here + ("[]." if isinstance(kind, list) else "."))


def schema_faults(config):
    options, schema = config.get("options", {}), config.get("schema", {})
    for path, kind in leaves(schema):
        inner = kind[0] if isinstance(kind, list) else kind
        if path.count(".") > 1:
            yield f"{path}: options nest two deep at most"
        if isinstance(inner, str) and not TYPE.fullmatch(inner):
            yield f"{path}: {inner} is no type of the Supervisor's"
        if "." in path:
            continue
        optional = isinstance(inner, str) and inner.endswith("?")
        if path not in options and not optional:
            yield f"{path}: must have a default in options, or a type with ? at its end"
        elif path in options and isinstance(kind, str) and not fits(kind, options[path]):
            yield f"{path}: its default is no {kind}"
        elif path in options and not isinstance(options[path], type(kind)):
            yield f"{path}: its default is of another shape than its schema"
    yield from (f"{name}: has a default and no schema" for name in options if name not in schema)


def config_faults(root):
    config = load(root, ADDON)
    missing = [key for key in ("name", "version", "slug", "description", "arch") if not config.get(key)]
    yield from (f"{key} is missing" for key in missing)
    yield from (f"{key} is no key that the Supervisor and we know" for key in config.keys() - KNOWN)
    yield from (f"{key}: is the default; leave it out" for key, value in DEFAULTS.items() if config.get(key) == value)
    if not re.fullmatch(r"[-_.A-Za-z0-9]+", config.get("slug", "")):
        yield "slug: has other signs than the Supervisor allows"
    if sorted(config.get("arch", [])) != ["aarch64", "amd64"]:
        yield "arch: must be aarch64 and amd64"
    if [int(part) for part in config["homeassistant"].split(".")] < [2026, 5, 0]:
        yield "homeassistant: earlier ones than 2026.5.0 refuse a device with `time` entities"
    if not 30 <= config.get("timeout", 10) <= 300:
        yield "timeout: must be 30 to 300, for overrides are undone before the program ends"
    if config.get("map") != ["addon_config:rw"]:
        yield "map: must be addon_config:rw alone, which every Supervisor understands"
    if config.get("services") != ["mqtt:want"]:
        yield "services: must be mqtt:want, so that it starts without a broker too"
    if config.get("hassio_api") is not True:
        yield "hassio_api: must be true, for the list of networks"
    if "image" in config and ":" in config["image"].rsplit("/", 1)[-1]:
        yield "image: must have no tag, for that is the version"
    for port, host in config.get("ports", {}).items():
        if not re.fullmatch(r"\d+/(tcp|udp)", str(port)) or host is not None:
            yield f"ports: {port} must be PORT/tcp and closed (null)"
    points = rating(config, (root / "addon/apparmor.txt").exists())
    if points != 8:
        yield f"its security rating is {points}, not 8"
    yield from schema_faults(config)


def translation_faults(root):
    config, words = load(root, ADDON), load(root, "addon/translations/en.yaml")
    yield from (f"{key}: is no key of a translation" for key in words.keys() - {"configuration", "network"})

    def compare(schema, told, path):
        yield from (f"{path}{name} is not translated" for name in schema.keys() - told.keys())
        yield from (f"{path}{name} is no option" for name in told.keys() - schema.keys())
        for name in schema.keys() & told.keys():
            inner = schema[name][0] if isinstance(schema[name], list) else schema[name]
            if not all(isinstance(told[name].get(key), str) for key in ("name", "description")):
                yield f"{path}{name} has no name or no description"
            fields = inner if isinstance(inner, dict) else {}
            yield from compare(fields, told[name].get("fields", {}), f"{path}{name}.")

    yield from compare(config["schema"], words.get("configuration", {}), "")
    ports = words.get("network", {})
    yield from (f"port {port} is not translated" for port in config["ports"].keys() - ports.keys())
    yield from (f"port {port} is none" for port in ports.keys() - config["ports"].keys())


def docs_faults(root):
    config, docs = load(root, ADDON), (root / "addon/DOCS.md").read_text()
    rows = set(re.findall(r"^\| `([^`]+)` \|", docs, re.MULTILINE))
    told = {path for path, _ in leaves(config["schema"])} | set(config["ports"])
    yield from (f"{name} has no row" for name in sorted(told - rows))
    yield from (f"{name} is no option and no port" for name in sorted(rows - told) if re.fullmatch(r"[a-z_.\[\]]+|\d+/\w+", name))


def version_faults(root):
    version = tomllib.loads((root / "Cargo.toml").read_text())["package"]["version"]
    text = {name: (root / name).read_text() for name in
            ("Cargo.lock", ADDON, "Dockerfile", "docker-compose.yml", "addon/CHANGELOG.md")}
    found = {
        "Cargo.lock": re.findall(r'^name = "givtcp"\nversion = "(.+)"', text["Cargo.lock"], re.MULTILINE),
        ADDON: [load(root, ADDON).get("version")],
        "Dockerfile": re.findall(r"^ARG BUILD_VERSION=(.+)$", text["Dockerfile"], re.MULTILINE),
        "docker-compose.yml": re.findall(r"image: givtcp:(.+)", text["docker-compose.yml"]),
        "addon/CHANGELOG.md": re.findall(r"^## (.+)$", text["addon/CHANGELOG.md"], re.MULTILINE)[:1],
    }
    for name, versions in found.items():
        if not versions or any(each != version for each in versions):
            yield f"{name}: its version {versions} is not Cargo.toml's {version}"


def picture_faults(root):
    for name, wanted in (("addon/icon.png", (128, 128)), ("addon/logo.png", (250, 100))):
        content = (root / name).read_bytes()
        if content[:8] != b"\x89PNG\r\n\x1a\n":
            yield f"{name}: is no PNG"
        elif struct.unpack(">II", content[16:24]) != wanted:
            yield f"{name}: must be {wanted[0]} x {wanted[1]}"
        if len(content) > 20_000:
            yield f"{name}: must be below 20 kB"


def files(root):
    """Every file of ours, without what is built."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and parts[0] not in ("target", ".git", ".venv") and parts[:2] not in (
                ("fuzz", "target"), ("fuzz", "corpus"), ("fuzz", "artifacts")):
            yield path


def file_faults(root):
    configs = [str(path.relative_to(root)) for path in files(root) if re.fullmatch(r"config\.(ya?ml|json)", path.name)]
    if configs != [ADDON]:
        yield f"{configs}: only {ADDON} may bear this name, for app stores take each for an app"
    for path in files(root):
        name = path.relative_to(root)
        try:
            if path.suffix in (".yaml", ".yml"):
                yaml.safe_load(path.read_text())
            elif path.suffix == ".json":
                json.loads(path.read_text())
        except (yaml.YAMLError, json.JSONDecodeError) as error:
            yield f"{name}: {error}"
        if not path.suffix and path.read_bytes()[:2] == b"#!" and b"bash" in path.read_bytes().split(b"\n")[0]:
            yield from ran(str(name), "bash", "-n", str(path))
    if not load(root, "repository.yaml").get("name"):
        yield "repository.yaml: name is missing"
    yield from (f"addon/{name} is missing" for name in ("README.md", "DOCS.md", "CHANGELOG.md", "apparmor.txt")
                if not (root / "addon" / name).exists())


def apparmor_faults(root):
    path = root / "addon/apparmor.txt"
    text = path.read_text()
    rules = [line.split("#")[0].strip() for line in text.splitlines() if not line.startswith("#")]
    if re.findall(r"^profile (\S+)", text, re.MULTILINE) != ["givtcp"]:
        yield "must have one line that begins with `profile givtcp`"
    if text.count("profile ") != 1 and re.search(r"^\s+profile ", text, re.MULTILINE):
        yield "must have no child profile"
    for rule in rules:
        if re.match(r"(capability|file,|network,|mount|ptrace|dbus|change_profile|signal,|unix,)|/\*\*|deny", rule):
            yield f"`{rule}` is more than the program needs"
        if re.search(r"[A-Za-z]*x[A-Za-z]*,$", rule) and not re.match(r"/givtcp |/(dev/init|\S*docker-init) ", rule):
            yield f"`{rule}` lets it execute something else"
    yield from ran("", "apparmor_parser", "-Q", "-K", "-I", "/etc/apparmor.d", str(path))


def docker_faults(root):
    text = (root / "Dockerfile").read_text()
    joined = re.sub(r"\\\n\s*", "", text)
    wanted = {
        r"^FROM scratch$": "the final image must be scratch",
        r"^ARG RUN_AS=[1-9]\d*:[1-9]\d*$": "it must not run as root by default",
        r"^USER \$\{RUN_AS\}$": "USER must be ${RUN_AS}",
        r"^HEALTHCHECK .*CMD \[\"/givtcp\", \"healthy\"\]$": "HEALTHCHECK must be the program's own",
        r"^ENTRYPOINT \[\"/givtcp\"\]$": "ENTRYPOINT must be the program, as a list",
        r"--no-default-features": "the demo must be left out",
        r"--profile dist": "it must be built with the profile dist",
        r"^LABEL.*io\.hass\.type=\"app\"": "the label io.hass.type is missing",
        r"^LABEL.*io\.hass\.version=\"\$\{BUILD_VERSION\}\"": "the label io.hass.version is missing",
        r"^LABEL.*io\.hass\.arch=\"\$\{BUILD_ARCH\}\"": "the label io.hass.arch is missing",
    }
    yield from (why for pattern, why in wanted.items() if not re.search(pattern, joined, re.MULTILINE))
    ignored = (root / ".dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)$", joined, re.MULTILINE):
        for source in line.split()[:-1]:
            if not (root / source).exists() or f"!{source}" not in ignored:
                yield f"COPY {source}: is not there, or .dockerignore leaves it out"
    yield from ran("hadolint", str(VENV_BIN / "hadolint"), str(root / "Dockerfile"))


def compose_faults(root):
    compose = load(root, "docker-compose.yml")
    services = compose["services"]
    if services.keys() != {"givtcp", "standby", "mosquitto", "redis", "simulator"}:
        yield "must have givtcp, standby, mosquitto, redis and simulator"
    for name, service in services.items():
        wanted = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"],
                  "stop_grace_period": "30s", "restart": "unless-stopped"}
        yield from (f"{name}.{key} must be {value}" for key, value in wanted.items() if service.get(key) != value)
        yield from (f"{name}.{key} must not be there" for key in ("privileged", "network_mode", "cap_add", "pid") if key in service)
        profiles = {"simulator": ["demo"], "standby": ["standby"]}.get(name)
        if service.get("profiles") != profiles:
            yield f"{name}.profiles must be {profiles}"
        if "ports" in service and name != "givtcp":
            yield f"{name} must not be reached from outside"
        health = service.get("healthcheck", {})
        if not (health.get("test") or (name == "simulator" and health.get("disable"))):
            yield f"{name} has no health check"
        yield from (f"{name}: no volume {volume}" for volume in service.get("volumes", [])
                    if not volume.startswith("./") and volume.split(":")[0] not in compose["volumes"])
        yield from (f"{name}: {volume} is not there" for volume in service.get("volumes", [])
                    if volume.startswith("./") and not (root / volume.split(":")[0]).exists())
        for key, value in service.get("environment", {}).items():
            if re.search("PASSWORD|TOKEN|REDIS__URL", key) and not re.search(r"\$\{[A-Z_]+:\?[^}]+\}", value):
                yield f"{name}.environment.{key} must come from .env and be asked for"
        if isinstance(service.get("command"), list) and service["command"][0] == "sh":
            yield from ran(f"{name}.command", "sh", "-n", "-c", service["command"][-1].replace("$$", "$"))
    for name in ("mosquitto", "redis"):
        if services[name].get("networks") != ["inside"] or not re.fullmatch(r"[1-9]\d*:[1-9]\d*", str(services[name].get("user"))):
            yield f"{name} must run as an ordinary user, in the network `inside` alone"
    if compose["networks"]["inside"] != {"internal": True}:
        yield "the network `inside` must be internal"
    if services["givtcp"]["volumes"] == services["standby"]["volumes"]:
        yield "standby must have a state of its own"
    broker = (root / "packaging/compose/mosquitto.conf").read_text()
    if not re.search(r"^allow_anonymous false$", broker, re.MULTILINE) or "password_file" not in broker:
        yield "packaging/compose/mosquitto.conf: nobody may connect without a password"
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", (root / "docker-compose.yml").read_text()))
    made = (root / "scripts/compose-passwords").read_text()
    yield from (f"{name}: scripts/compose-passwords does not make it" for name in sorted(asked) if name not in made)


def systemd_faults(root):
    name = "packaging/systemd/givtcp.service"
    text = (root / name).read_text()
    for line in ("TimeoutStopSec=30s", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "ProtectSystem=strict",
                 "ProtectHome=yes", "PrivateDevices=yes", "PrivateTmp=yes", "MemoryDenyWriteExecute=yes", "User=givtcp",
                 "RestrictNamespaces=yes", "SystemCallFilter=@system-service", "RestartPreventExitStatus=2"):
        if line not in text.splitlines():
            yield f"{name}: {line} is missing"
    with tempfile.TemporaryDirectory() as directory:
        unit = Path(directory) / "givtcp.service"
        unit.write_text(text.replace("/usr/local/bin/givtcp run", "/bin/true").replace("User=givtcp", "User=daemon"))
        if Path("/usr/bin/systemd-analyze").exists():
            yield from ran(name, "systemd-analyze", "verify", str(unit))


def workflow_faults(root):
    name = ".github/workflows/release.yml"
    text = (root / name).read_text()
    flow = yaml.safe_load(text)
    if flow.get(True, {}).get("push", {}).get("tags") != ["v*"]:
        yield f"{name}: must run on tags v*"
    yield from (f"{name}: {word} is missing" for word in ("arch: amd64", "arch: aarch64", "RUN_AS=0:0", "scripts/check-image",
                                                          "scripts/stage-addon") if word not in text)
    if flow.get("permissions") != {"contents": "read"}:
        yield f"{name}: by default it may only read; jobs that publish say what they may"
    for uses in re.findall(r"uses: (\S+)", text):
        if not re.search(r"@(v\d+|[0-9a-f]{40})$", uses):
            yield f"{name}: {uses} must name a version"


def stage_faults(root):
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / "app"
        faults = ran("scripts/stage-addon", str(root / "scripts/stage-addon"), str(target))
        if faults:
            yield from faults
            return
        text = (target / "Dockerfile").read_text()
        if not re.search(r"^ARG RUN_AS=0:0$", text, re.MULTILINE):
            yield "scripts/stage-addon: /data is root's, so an app must run as root"
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
            yield from (f"scripts/stage-addon: {source} is missing" for source in line.split()[:-1]
                        if not (target / source).exists())
        found = [path for path in target.rglob("*") if re.fullmatch(r"config\.(ya?ml|json)", path.name)]
        if found != [target / "config.yaml"]:
            yield f"scripts/stage-addon: {found}"


CHECKS = {
    ADDON: config_faults, "addon/translations/en.yaml": translation_faults, "addon/DOCS.md": docs_faults, "": version_faults,
    "pictures": picture_faults, "files": file_faults, "addon/apparmor.txt": apparmor_faults, "Dockerfile": docker_faults,
    "docker-compose.yml": compose_faults, "systemd": systemd_faults, "workflows": workflow_faults, "stage": stage_faults,
}


def faults(root, checks=CHECKS):
    for name, check in checks.items():
        try:
            yield from (f"{name}: {fault}".removeprefix(": ") for fault in check(root))
        except (OSError, KeyError, ValueError, AttributeError, TypeError, IndexError, yaml.YAMLError) as error:
            yield f"{name}: {type(error).__name__}: {error}"


def main():
    if sys.argv[1:] == ["--prove"]:
        import break_addon
        sys.exit(break_addon.main())
    found = list(faults(Path(sys.argv[1]) if sys.argv[1:] else HERE))
    print("\n".join(found) if found else f"{len(CHECKS)} checks passed")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
