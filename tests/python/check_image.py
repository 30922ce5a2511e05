"""Plays the container engine for docker-compose.yml and for the Supervisor, with one static binary.

Run by scripts/check-image, as root in namespaces of its own: usage: check_image.py BINARY
"""

import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from sandbox_rules import not_allowed

HERE = Path(__file__).resolve().parents[2]
WORK = HERE / "target/image"
MOST_BYTES = 20_000_000
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, LAST_CAPABILITY = 24, 38, 63
libc = ctypes.CDLL(None, use_errno=True)


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def say(what):
    print(f"   {what}", flush=True)


# === roots ===

def image(binary):
    """What the Dockerfile's last stage holds."""
    root = WORK / "image"
    shutil.copytree("/usr/share/zoneinfo", root / "usr/share/zoneinfo", symlinks=True,
                    ignore=shutil.ignore_patterns("right", "posix"))
    (root / "etc/ssl/certs").mkdir(parents=True)
    (root / "etc/givtcp").mkdir()
    (root / "var/lib/givtcp").mkdir(parents=True)
    if Path("/etc/ssl/certs/ca-certificates.crt").exists():
        shutil.copy("/etc/ssl/certs/ca-certificates.crt", root / "etc/ssl/certs")
    shutil.copy(binary, root / "givtcp")
    (root / "givtcp").chmod(0o755)
    return root


def weigh(root):
    program = (root / "givtcp").stat().st_size
    whole = sum(path.stat().st_size for path in root.rglob("*") if path.is_file() and not path.is_symlink())
    say(f"the program has {program / 1e6:.1f} MB, the image {whole / 1e6:.1f} MB")
    assert whole < MOST_BYTES, f"the image must be below {MOST_BYTES / 1e6} MB"


def is_static(binary):
    """No program header names an interpreter (PT_INTERP)."""
    content = Path(binary).read_bytes()
    assert content[:5] == b"\x7fELF\x02", "no 64 bit ELF program"
    offset, = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    kinds = [struct.unpack_from("<I", content, offset + size * n)[0] for n in range(count)]
    assert 3 not in kinds, "it is not static: it names an interpreter"
    say("it is static")


def container(name, root, volumes):
    """A read-only view of `root` with what an engine puts there, and `volumes` of {path: owner}."""
    for place in ("proc", "dev", "data", "config"):
        (root / place).mkdir(exist_ok=True)
    (root / ".dockerenv").touch()
    names = "localhost givtcp mosquitto redis simulator"
    (root / "etc/hosts").write_text(f"127.0.0.1 {names}\n")
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.1\n")
    (root / "dev/null").touch()
    view = WORK / name
    view.mkdir()
    mount("--bind", root, view)
    mount("-o", "remount,bind,ro,nosuid,nodev", view)
    mount("-t", "proc", "proc", view / "proc")
    mount("--bind", "/dev/null", view / "dev/null")
    for path, owner in volumes.items():
        # On a disk, for the program starts no override where a restart would empty what it keeps.
        volume = WORK / f"{name}-volume" / path.lstrip("/")
        volume.mkdir(parents=True, mode=0o700)
        os.chown(volume, owner, owner)
        mount("--bind", volume, view / path.lstrip("/"))
    return view


def debian(name, places):
    """A root with this machine's programs, read-only but for `places` of {path: (uid, gid)}."""
    view = WORK / name
    view.mkdir()
    mount("-t", "tmpfs", name, view)
    for link in ("bin", "sbin", "lib", "lib64"):
        (view / link).symlink_to(f"usr/{link}")
    for place in ("usr", "etc", "proc", "dev", "mosquitto/config", *places):
        (view / place.lstrip("/")).mkdir(parents=True, exist_ok=True)
    mount("--bind", "/usr", view / "usr")
    mount("--bind", "/etc", view / "etc")
    mount("--bind", "/dev", view / "dev")
    mount("-t", "proc", "proc", view / "proc")
    shutil.copy(HERE / "packaging/compose/mosquitto.conf", view / "mosquitto/config/mosquitto.conf")
    mount("-o", "remount,ro", view)
    for path, (uid, gid) in places.items():
        mount("-t", "tmpfs", "-o", f"mode=0700,uid={uid},gid={gid}", name, view / path.lstrip("/"))
    return view


# === processes ===

def enter(root, uid, gid):
    """What an engine does between fork and exec, with cap_drop: [ALL] and no-new-privileges."""
    os.chroot(root)
    os.chdir("/")
    os.setgroups([])
    for capability in range(LAST_CAPABILITY + 1):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgid(gid)
    os.setuid(uid)
    assert libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0


def start(root, command, environment, owner, log, tracer=()):
    uid, gid = (int(part) for part in owner.split(":"))
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **environment}
    launcher = [sys.executable, "-B", __file__, "--enter", str(root), str(uid), str(gid), *command]
    with open(WORK / log, "ab") as errors:
        return subprocess.Popen([*tracer, *launcher], env=environment, stdout=errors, stderr=errors)


def call(root, command, environment, owner, log="calls.log"):
    return start(root, command, environment, owner, log).wait(timeout=30)


def until(what, seconds, ask):
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if answer := ask():
                return answer
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    logs = "\n".join(f"== {path.name}\n{path.read_text()[-3000:]}" for path in sorted(WORK.glob("*.log")))
    raise AssertionError(f"not within {seconds} s: {what}\n{logs}")


def logged(log, words):
    return lambda: words in (WORK / log).read_text()


def ended(process):
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(timeout=30)
    return code, time.monotonic() - began


def http(path, body=None):
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:8099{path}", content, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        raise ValueError(f"{path}: {error.code} {error.read().decode()}") from error


def loopback_up():
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh14x", b"lo", 0x1 | 0x40))


# === docker-compose.yml ===

def substituted(value, variables):
    """As compose does it: ${NAME:?why}, ${NAME:-default} and $$."""
    def replace(found):
        if found[0] == "$$":
            return "$"
        return variables.get(found[1]) or found[3] or ""
    return re.sub(r"\$\$|\$\{([A-Z_]+)(:[?-])?([^}]*)\}", replace, str(value))


class Compose:
    def __init__(self):
        env_file = WORK / "env"
        subprocess.run([HERE / "scripts/compose-passwords", env_file], check=True, stdout=subprocess.DEVNULL)
        lines = env_file.read_text().splitlines()
        self.variables = {**dict(line.split("=", 1) for line in lines), "GIVTCP_INVERTERS": "simulator"}
        self.services = yaml.safe_load((HERE / "docker-compose.yml").read_text())["services"]

    def environment(self, name):
        return {key: substituted(value, self.variables) for key, value in self.services[name]["environment"].items()}

    def command(self, name):
        return [substituted(word, self.variables) for word in self.services[name]["command"]]

    def is_healthy(self, name, root, owner):
        kind, *words = self.services[name]["healthcheck"]["test"]
        words = [substituted(word, self.variables) for word in words]
        return call(root, ["/bin/sh", "-c", *words] if kind == "CMD-SHELL" else words, self.environment(name), owner) == 0


def try_compose(root):
    compose = Compose()
    user = re.search(r"^ARG RUN_AS=(.+)$", (HERE / "Dockerfile").read_text(), re.MULTILINE)[1]
    state = {"/var/lib/givtcp": int(user.split(":")[0])}
    brokers = {}
    if all(shutil.which(name) for name in ("mosquitto", "mosquitto_passwd", "redis-server", "mosquitto_sub")):
        brokers = {"mosquitto": debian("mosquitto", {"/run/mosquitto": (1883, 1883), "/tmp": (1883, 1883), "/mosquitto/data": (1883, 1883)}),
                   "redis": debian("redis", {"/run/redis": (999, 1000), "/data": (999, 1000)})}
    else:
        say("SKIPPED: the compose file's broker and Redis, which are not installed here")
    owners = {name: compose.services[name]["user"] for name in brokers}
    running = [start(brokers[name], compose.command(name), compose.environment(name), owners[name], f"{name}.log") for name in brokers]
    for name in brokers:
        until(f"{name} is healthy", 20, lambda: compose.is_healthy(name, brokers[name], owners[name]))
        say(f"{name} starts as {owners[name]} with a read-only root, and its health check says so")
    if brokers:
        subscribe = ["mosquitto_sub", "-t", "#", "-W", "5", "-C", "1"]
        assert call(brokers["mosquitto"], subscribe, {}, "1883:1883") == 5, "the broker must refuse whoever has no password"
        hashed = (brokers["mosquitto"] / "run/mosquitto/passwords").read_text()
        assert compose.variables["MQTT_PASSWORD"] not in hashed and "$" in hashed, "the broker's passwords are not hashed"

    def givtcp(name, place, **more):
        return start(container(name, root, state), ["/givtcp", "run"],
                     {**compose.environment(place), **more}, user, f"{name}.log")

    simulator = start(container("simulator", root, {}), ["/givtcp", *compose.command("simulator")],
                      compose.environment("simulator"), user, "simulator.log")
    running.append(simulator)
    began = time.monotonic()
    alone = {} if brokers else {"GIVTCP_MQTT__ENABLED": "false", "GIVTCP_REDIS__URL": ""}
    first = givtcp("givtcp", "givtcp", **alone)
    until("HTTP is answered", 20, lambda: http("/api/v1/openapi.json"))
    say(f"givtcp starts as {user} in an empty, read-only root; HTTP answers after {time.monotonic() - began:.2f} s")
    until("the simulator is read", 60, logged("givtcp.log", " is a HYBRID_GEN1"))
    until("readData holds values", 60, lambda: http("/REST1/readData"))
    say(f"the simulated inverter is read after {time.monotonic() - began:.1f} s")
    if call(WORK / "givtcp", ["/givtcp", "healthy", "--help"], {}, user):
        say("SKIPPED: givtcp healthy, which this binary does not have")
    else:
        until("givtcp healthy", 10, lambda: compose.is_healthy("givtcp", WORK / "givtcp", user))
        alive = call(WORK / "simulator", ["/givtcp", "healthy"], {"GIVTCP_HTTP__LISTEN": "127.0.0.1:1"}, user)
        assert alive == 1, "healthy must fail where no givtcp runs"
        say("givtcp healthy says yes, and no where none runs")
    assert list((WORK / "givtcp/var/lib/givtcp").iterdir()), "it wrote nothing to its volume"
    status = Path(f"/proc/{first.pid}/status").read_text()
    assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE) and re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
    say(f"it holds {re.search(r'VmRSS:.+', status)[0].split()[1]} kB of memory")
    if brokers:
        home = ["mosquitto_sub", "-u", "home", "-P", compose.variables["MQTT_HOME_PASSWORD"],
                "-t", "GivEnergy/+/Stats/status", "-C", "1", "-W", "20"]
        assert call(brokers["mosquitto"], home, {}, "1883:1883") == 0, "nothing of givtcp's is at the broker"
        assert "forgets what it holds" not in (WORK / "givtcp.log").read_text(), "Redis does not keep what it holds"
        second = givtcp("standby", "standby", GIVTCP_HTTP__LISTEN="127.0.0.1:8098")
        until("the second one knows the first", 60, logged("standby.log", "standing by"))
    code, took = ended(first)
    assert code == 0, f"it ended with {code}"
    say(f"SIGTERM ends it with 0 within {took:.2f} s")
    if brokers:
        until("standby has taken over", 60, logged("standby.log", " is a HYBRID_GEN1"))
        say("the profile standby's givtcp takes over")
        assert ended(second)[0] == 0
    for process in reversed(running):
        assert ended(process)[0] in (0, -signal.SIGTERM, 143)


# === the app ===

def try_app(root):
    """As the Supervisor runs it: root without a capability, /data and /config. What it does is held against apparmor.txt."""
    if not shutil.which("strace"):
        say("SKIPPED: what the program does against apparmor.txt and the systemd unit; strace is not installed")
        return
    view = container("app", root, {"/data": 0, "/config": 0})
    (view / "data/options.json").write_text(json.dumps({"inverters": [{"host": "127.0.0.1"}], "mqtt": {}}))
    simulator = start(container("plant", root, {}), ["/givtcp", "simulate", "--delay", "0"], {}, "65532:65532", "plant.log")
    until("the simulator listens", 10, logged("plant.log", "listens"))
    environment = {"SUPERVISOR_TOKEN": "0123456789abcdef", "TZ": "Europe/London"}
    reads_options = "--addon" in subprocess.run([root / "givtcp", "run", "--help"], capture_output=True, text=True, check=True).stdout
    if not reads_options:
        say("SKIPPED: /data/options.json, which this binary does not read")
        environment |= {"GIVTCP_DATA_DIR": "/data", "GIVTCP_INVERTERS": "127.0.0.1"}
    tracer = ["strace", "-f", "-y", "-qq", "-s", "4096", "-o", str(WORK / "app.trace")]
    process = start(view, ["/givtcp", "run"], environment, "0:0", "app.log", tracer)
    until("the app reads the simulator", 60, logged("app.log", " is a HYBRID_GEN1"))
    until("the app keeps something", 60, lambda: list((view / "data").rglob("*.json*")))
    assert (view / "config/givtcp.yaml").exists() == reads_options, "its settings file must be made at the first start"
    until("it is polled", 60, lambda: http("/REST1/readData"))
    # Early on it may be asking for what is not there, which takes the time that a command has.
    until("an override starts", 60, lambda: http("/api/v1/plants/1/commands/forceCharge", {"duration": 30}))
    http("/REST1/restart", {})
    until("it restarts", 30, lambda: (WORK / "app.log").read_text().count(" is a HYBRID_GEN1") == 2)
    until("the override goes on", 30, lambda: http("/api/v1/plants/1/overrides")["overrides"])
    if reads_options:
        assert call(view, ["/givtcp", "healthy"], environment, "0:0") == 0, "the image's health check fails in the app"
    child, = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGTERM)
    code = process.wait(timeout=30)
    assert code == 0, f"as an app it ended with {code}"
    say("as an app (root without capabilities, /data, /config) it runs, overrides, restarts, and SIGTERM ends it with 0")
    ended(simulator)
    for name, faults in not_allowed(WORK / "app.trace", str(view), HERE).items():
        if name.endswith(".service"):
            # Only as root SQLite gives the files that it makes to whoever has the database; the unit's user is not root.
            faults = set(faults) - {"fchown"}
        assert not faults, f"{name} does not allow what the program does:\n" + "\n".join(sorted(faults))
        say(f"{name} allows all that it did")


def main():
    if sys.argv[1] == "--enter":
        root, uid, gid, *command = sys.argv[2:]
        enter(root, int(uid), int(gid))
        os.execvp(command[0], command)
    binary = Path(sys.argv[1]).resolve()
    loopback_up()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    WORK.chmod(0o755)
    is_static(binary)
    root = image(binary)
    weigh(root)
    try_compose(root)
    try_app(root)
    print("the image's steps work as far as they can be tried without a container engine")


if __name__ == "__main__":
    main()
