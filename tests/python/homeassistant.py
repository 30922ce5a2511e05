"""What must be seen in a real Home Assistant, with a real Mosquitto, simulated plants and this program.

usage: homeassistant.py PROGRAM TOOLS WORK [--families|--restarts|--from-givtcp]... [FAMILY...]
Without a part all three are seen. TOOLS holds ha_config.py; WORK the installation that run_ha.sh beside it makes. Standard library only; needs root (chroot).
"""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM, TOOLS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
PARTS = [argument for argument in sys.argv[4:] if argument.startswith("--")] or ["--families", "--restarts", "--from-givtcp"]
FAMILIES = [argument for argument in sys.argv[4:] if not argument.startswith("--")] or ["hybrid-gen1", "all-in-one", "three-phase-hybrid", "ems", "gateway", "pv-only"]
ROOT = WORK / "forky"
CONFIG = ROOT / "opt/haconfig"
HERE = pathlib.Path(tempfile.mkdtemp(prefix="givtcp-homeassistant-"))
CHILDREN: dict[str, subprocess.Popen] = {}
# Neither is known before somebody presses it, or before it happens.
MAY_BE_UNKNOWN = re.compile(r"^(button|event)\.|_completion_time$")
# The recording of the all-in-one hides its modules' serial numbers by making them equal; tests/it/parity has them whole.
HIDDEN = re.compile(r"_2414g05\d_")
FAILED = []


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


HTTP, MQTT, DONGLE = free_port(), free_port(), free_port()


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def check(is_so: bool, text: str) -> None:
    say(("ok    " if is_so else "FAILED ") + text)
    if not is_so:
        FAILED.append(text)


def start(name: str, *command: str, cwd=None) -> None:
    log = open(HERE / f"{name}.log", "ab")
    CHILDREN[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd, start_new_session=True)


def stop(name: str, how=signal.SIGTERM) -> None:
    child = CHILDREN.pop(name, None)
    if child is None:
        return
    child.send_signal(how)
    try:
        child.wait(40)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def start_broker() -> None:
    settings = HERE / "mosquitto.conf"
    settings.write_text(f"listener {MQTT} 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n")
    start("mosquitto", "mosquitto", "-c", str(settings))
    wait(lambda: subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", "x", "-m", "x"], capture_output=True).returncode == 0, 10)


def new_home() -> None:
    shutil.rmtree(CONFIG, ignore_errors=True)
    subprocess.run([sys.executable, TOOLS / "ha_config.py", CONFIG, str(HTTP), str(MQTT)], check=True)
    # Settings of the web server in the file would be on trial for five minutes, and then Home Assistant would restart.
    text = (CONFIG / "configuration.yaml").read_text()
    text = re.sub(r"http:\n(  server_\w+:.*\n)+", "", text).replace("components.mqtt: info", "components.mqtt: warning")
    (CONFIG / "configuration.yaml").write_text(text)
    stable = {
        "server_host": ["127.0.0.1"], "server_port": HTTP, "cors_allowed_origins": [], "login_attempts_threshold": -1,
        "ip_ban_enabled": True, "ssl_profile": "intermediate_v6", "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00", "error": None, "error_message": None,
    }
    data = {"stable": stable, "pending": None, "yaml_migration_done": True}
    (CONFIG / ".storage/http").write_text(json.dumps({"version": 3, "minor_version": 1, "key": "http", "data": data}))


def start_home() -> None:
    inner = f"mount --bind /proc {ROOT}/proc; mount --bind /dev {ROOT}/dev; exec chroot {ROOT} /opt/ha/bin/hass -c /opt/haconfig --skip-pip"
    start("home", "unshare", "-m", "--propagation", "private", "bash", "-c", inner)

    def is_up():
        config = api("/api/config")
        return config["state"] == "RUNNING" and "mqtt" in config["components"]

    if not wait(is_up, 180):
        sys.exit("Home Assistant does not come up, see " + str(HERE / "home.log"))


def api(path: str, body=None):
    token = (CONFIG / "token.txt").read_text().strip()
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{HTTP}{path}", data, headers), timeout=20) as answer:
        return json.load(answer)


def states() -> dict:
    return {state["entity_id"]: state for state in api("/api/states")}


def ours() -> dict:
    return {name: state for name, state in states().items() if re.search(r"\.(givenergy|givtcp)_", name)}


def wait(is_so, seconds: float) -> float | None:
    """How long it took; nothing if it took too long."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            if is_so():
                return round(time.monotonic() - begun, 1)
        except (OSError, KeyError, ValueError):
            pass
        time.sleep(0.4)
    return None


def start_plant(*arguments: str) -> None:
    start("simulator", PROGRAM, "simulate", "--listen", f"127.0.0.1:{DONGLE}", "--delay", "2", *arguments)


def start_givtcp(entities: str, more: str = "") -> None:
    settings = HERE / "givtcp.yaml"
    settings.write_text(
        f"data_dir: {HERE}/data\ninverters: [{{ host: 127.0.0.1, port: {DONGLE} }}]\npoll: {{ every: 5s, settings_every: 10s }}\n"
        f"link: {{ gap: 0s, jitter: 0s }}\nmqtt: {{ port: {MQTT}, will_delay: 1s }}\nhttp: {{ enabled: false }}\n"
        f"control: {{ daily_writes: 10000, clock_sync: {{ enabled: false }} }}\nhomeassistant: {{ entities: {entities} }}\n{more}"
    )
    start("givtcp", PROGRAM, "run", "--config", str(settings))


def kept(topic: str = "homeassistant/#") -> dict:
    """What the broker keeps below a topic."""
    listing = subprocess.run(
        ["mosquitto_sub", "-p", str(MQTT), "-t", topic, "-v", "--retained-only", "-W", "2"], capture_output=True, text=True
    ).stdout
    lines = (line.split(" ", 1) for line in listing.splitlines())
    return {line[0]: line[1] for line in lines if len(line) == 2}


def announced() -> set[str]:
    """The entities that are told of, and on."""
    all_of_them = set()
    for topic, payload in kept().items():
        if not topic.endswith("/config"):
            continue
        payload = json.loads(payload)
        for config in payload.get("components", {"": payload}).values():
            if "unique_id" in config and config.get("enabled_by_default", True):
                all_of_them.add(config["default_entity_id"].lower())
    return all_of_them


class Log:
    """What Home Assistant complains of from now on."""

    def __init__(self):
        self.at = (HERE / "home.log").stat().st_size

    def complaints(self) -> list[str]:
        with open(HERE / "home.log", "rb") as log:
            log.seek(self.at)
            lines = log.read().decode(errors="replace").splitlines()
        return [line for line in lines if re.search("WARNING|ERROR", line) and re.search("mqtt|giv", line, re.I)]


def is_settled() -> bool:
    wanted, have = announced(), ours()
    return bool(wanted) and wanted <= have.keys() and all(
        state["state"] != "unavailable" and (state["state"] != "unknown" or MAY_BE_UNKNOWN.search(name)) for name, state in have.items()
    )


def why_not_settled() -> str:
    wanted, have = announced(), ours()
    odd = {name: state["state"] for name, state in have.items() if state["state"] in ("unknown", "unavailable") and not MAY_BE_UNKNOWN.search(name)}
    return f"missing {sorted(wanted - have.keys())[:5]}, {dict(list(odd.items())[:5])}"


def a_time(name: str) -> str:
    # A slot whose start and end are one is refused.
    return "03:47:00" if "_end_" in name else "03:17:00"


def try_controls() -> None:
    """Each control is changed, and the state, which is read back from the plant, must follow."""
    late = []
    tried = 0
    for name, state in sorted(ours().items()):
        kind, attributes, now = name.split(".")[0], state["attributes"], state["state"]
        if re.search("(force_|pause_|temp_).*(charge|export|discharge)$|calibration|_num$|current_rate_type", name):
            continue
        same = None
        if kind == "number":
            least, most, step = attributes["min"], attributes["max"], attributes.get("step", 1)
            half = least + round((most - least) / 2 / step) * step
            wanted = half if abs(half - float(now)) > (most - least) / 5 else least + round((half - least) / 2 / step) * step
            service, body = "number/set_value", {"value": wanted}
            # A rate is one of the register's steps, which are some hundredths of it.
            near = max(step, (most - least) / 20 if "_rate" in name else 0)
            same = lambda new: abs(float(new) - wanted) <= near and new != now
        elif kind == "select":
            options = attributes["options"]
            shown_only = ("Running", "Unknown", "Export (Paused)")
            wanted = a_time(name) if len(options) > 100 else next(o for o in options if o != now and o not in shown_only)
            service, body = "select/select_option", {"option": wanted}
        elif kind == "switch":
            wanted = "off" if now == "on" else "on"
            service, body = f"switch/turn_{wanted}", {}
        elif kind == "time":
            wanted, service, body = a_time(name), "time/set_value", {"time": a_time(name)}
        else:
            continue
        tried += 1
        same = same or (lambda new: new == wanted)
        api("/api/services/" + service, {"entity_id": name, **body})
        if wait(lambda: same(states()[name]["state"]), 15) is None:
            late.append(f"{name}: {now} -> {wanted}: {states()[name]['state']}")
    check(not late, f"{tried} controls are followed: {late[:6]}")


def family(name: str) -> None:
    say(f"== {name}")
    shutil.rmtree(HERE / "data", ignore_errors=True)
    start_plant("--family", name)
    for profile, other in (("native", "givtcp_"), ("givtcp", "givenergy_"), ("native", "givtcp_")):
        log = Log()
        start_givtcp(profile)
        took = wait(is_settled, 60)
        check(took is not None, f"{name}, {profile}: {len(announced())} entities are there after {took} s: {'' if took else why_not_settled()}")
        took = wait(lambda: not any(f".{other}" in entity for entity in ours()), 240)
        check(took is not None, f"{name}, {profile}: nothing is left of the other profile after {took} s")
        if (name, profile) not in TRIED:
            TRIED.append((name, profile))
            try_controls()
        complaints = log.complaints()
        check(not complaints, f"{name}, {profile}: no complaint in the log: {complaints[:3]}")
        stop("givtcp")
        check(wait(lambda: all(s["state"] == "unavailable" for s in ours().values()), 10) is not None, f"{name}, {profile}: unavailable when stopped")
    stop("simulator")
    empty_all()


TRIED: list = []


def empty_all() -> None:
    for topic in list(kept()) + list(kept("GivEnergy/#")):
        subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", topic, "-r", "-n"], check=True)
    wait(lambda: not ours(), 20)


def restarts() -> None:
    say("== restarts")
    shutil.rmtree(HERE / "data", ignore_errors=True)
    start_plant()
    start_givtcp("native")
    check(wait(is_settled, 60) is not None, "entities are there")
    log = Log()

    def gone(what: str) -> None:
        is_gone = lambda: all(state["state"] == "unavailable" for state in ours().values())
        check(wait(is_gone, 30) is not None, f"{what}: entities become unavailable")

    def back(what: str) -> None:
        took = wait(is_settled, 90)
        check(took is not None, f"{what}: entities are back after {took} s: {'' if took else why_not_settled()}")

    stop("mosquitto")
    gone("broker stopped")
    start_broker()
    back("broker started, which had forgotten everything")
    stop("home")
    start_home()
    back("Home Assistant restarted")
    stop("givtcp", signal.SIGKILL)
    gone("givtcp killed")
    start_givtcp("native")
    back("givtcp started")
    stop("simulator")
    gone("inverter away")
    start_plant()
    back("inverter back")
    # Everything at once, in the least lucky order.
    stop("givtcp", signal.SIGKILL)
    stop("mosquitto")
    stop("home")
    start_broker()
    start_home()
    start_givtcp("native")
    back("all three restarted")
    stop("home")
    stop("mosquitto")
    stop("givtcp", signal.SIGKILL)
    start_givtcp("native")
    time.sleep(3)
    start_broker()
    start_home()
    back("all three restarted the other way round")
    complaints = [line for line in log.complaints() if not re.search("[Dd]isconnected|[Cc]onnect|subscrib", line)]
    check(not complaints, f"no complaint in the log but of the broker: {complaints[:3]}")
    stop("givtcp")
    stop("simulator")
    empty_all()


def coming_from_givtcp(captures: pathlib.Path, tsv: str, capture: str, count: int) -> None:
    say(f"== coming from GivTCP: {tsv}")
    shutil.rmtree(HERE / "data", ignore_errors=True)
    published = [line.split("\t", 2)[1:] for line in (captures / "../givtcp" / tsv).read_text().splitlines()]
    for topic, payload in sorted(published, key=lambda each: each[0].startswith("homeassistant")):
        subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", topic, "-r", "-m", payload], check=True)
    check(wait(lambda: len(ours()) == count, 40) is not None, f"{count} entities of GivTCP: {len(ours())}")
    wait(lambda: not any(state["state"] == "unavailable" for state in ours().values()), 20)
    before = ours()
    log = Log()
    start_plant("--capture", str(captures / capture))
    start_givtcp("givtcp")
    took = wait(lambda: (HERE / "data/homeassistant").is_dir() and is_settled(), 90)
    # Nothing is taken back before everything behind the inverter was looked for.
    time.sleep(90)
    now = ours()
    check(took is not None, f"settled after {took} s: {'' if took else why_not_settled()}")
    lost = sorted(name for name in before.keys() - now.keys() if not HIDDEN.search(name))
    check(not lost, f"none of {len(before)} entities is lost: {lost[:10]}")
    check(not [name for name in now if re.search(r"_2$", name) and name not in before], "none has become a second one")
    steps = []
    for name, state in before.items():
        new = now.get(name)
        if new is None or "_energy_" not in name:
            continue
        for key in ("unit_of_measurement", "device_class", "state_class"):
            if state["attributes"].get(key) != new["attributes"].get(key):
                steps.append(f"{name} {key}")
        is_number = re.fullmatch(r"-?[\d.]+", state["state"])
        if "_total_" in name and is_number and (new["state"] == "unknown" or abs(float(state["state"]) - float(new["state"])) > 1.0):
            steps.append(f"{name} {state['state']} -> {new['state']}")
    check(not steps, f"no step in an energy total: {steps[:6]}")
    complaints = log.complaints()
    check(not complaints, f"no complaint in the log: {complaints[:3]}")
    stop("givtcp")
    for profile, gone in (("native", ".givtcp_"), ("givtcp", ".givenergy_")):
        start_givtcp(profile)
        took = wait(lambda: is_settled() and not any(gone in name for name in ours()), 300)
        check(took is not None, f"to {profile}, and nothing left over, after {took} s")
        stop("givtcp")
    lost = sorted(name for name in before.keys() - ours().keys() if not HIDDEN.search(name))
    check(not lost, f"and all are back under their ids: {lost[:10]}")
    stop("simulator")
    empty_all()


# What a broker held that GivTCP 3.5 used, a recording of the same plant, and how many entities Home Assistant made of it.
FROM_GIVTCP = (
    ("hybrid_gen1.mqtt.tsv", "hybrid_gen1_arm449_0x11_poll_10min.log", 185),
    ("all_in_one.mqtt.tsv", "aio_arm620_redetect_7min.log", 346),
    ("gateway.mqtt.tsv", "gateway_gaaa0014_10min_daylight.log", 193),
)


def main() -> None:
    say(f"logs are in {HERE}")
    start_broker()
    new_home()
    start_home()
    say(f"Home Assistant {api('/api/config')['version']} runs")
    if "--families" in PARTS:
        for name in FAMILIES:
            family(name)
    if "--restarts" in PARTS:
        restarts()
    captures = pathlib.Path(os.environ.get("GIVTCP_CAPTURES", "../shared/captures"))
    for tsv, capture, count in FROM_GIVTCP if "--from-givtcp" in PARTS else ():
        if (captures / "../givtcp" / tsv).exists():
            coming_from_givtcp(captures, tsv, capture, count)
        else:
            say(f"SKIPPED: {tsv} is not at hand; set GIVTCP_CAPTURES")
    say("FAILED:\n  " + "\n  ".join(FAILED) if FAILED else "all seen")
    sys.exit(bool(FAILED))


try:
    main()
finally:
    for child in list(CHILDREN):
        stop(child)
