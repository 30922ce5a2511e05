"""What must be seen in a real Home Assistant, with a real Mosquitto, simulated plants and this program.

usage: homeassistant.py PROGRAM TOOLS WORK [--fleet|--restarts|--from-givtcp]... [FAMILY...]
Without a part all three are seen; without families, all of them in one home. TOOLS holds ha_config.py; WORK the installation
that run_ha.sh beside it makes. Standard library only; needs root (chroot).
"""

import itertools
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PROGRAM, TOOLS, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
PARTS = [argument for argument in sys.argv[4:] if argument.startswith("--")] or ["--fleet", "--restarts", "--from-givtcp"]
FAMILIES = [argument for argument in sys.argv[4:] if not argument.startswith("--")] or [
    "hybrid-gen1", "hybrid-gen2", "hybrid-gen3", "hybrid-gen4", "polar", "ac-coupled", "all-in-one", "all-in-one-hybrid",
    "all-in-one-commercial", "hv-gen3", "three-phase-hybrid", "three-phase-ac", "ems", "gateway", "pv-only",
]
ROOT = WORK / "forky"
# Two runs at a time do not share one.
CONFIG = ROOT / f"opt/haconfig-{os.getpid()}"
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


HTTP, MQTT = free_port(), free_port()
DONGLES = [free_port() for _ in FAMILIES]


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
    settings.write_text(f"listener {MQTT} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\nuser root\n")
    start("mosquitto", "mosquitto", "-c", str(settings))
    wait(lambda: subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", "x", "-m", "x"], capture_output=True).returncode == 0, 10)


def new_home() -> None:
    shutil.rmtree(CONFIG, ignore_errors=True)
    subprocess.run([sys.executable, TOOLS / "ha_config.py", CONFIG, str(HTTP), str(MQTT)], check=True)
    # Settings of the web server in the file would be on trial for five minutes, and then Home Assistant would restart.
    text = (CONFIG / "configuration.yaml").read_text()
    text = re.sub(r"http:\n(  server_\w+:.*\n)+", "", text).replace("components.mqtt: info", "components.mqtt: warning")
    (CONFIG / "configuration.yaml").write_text(text + "recorder:\n  commit_interval: 1\nhistory:\n")
    stable = {
        "server_host": ["127.0.0.1"], "server_port": HTTP, "cors_allowed_origins": [], "login_attempts_threshold": -1,
        "ip_ban_enabled": True, "ssl_profile": "intermediate_v6", "use_x_frame_options": True,
        "created_at": "2026-01-01T00:00:00+00:00", "error": None, "error_message": None,
    }
    data = {"stable": stable, "pending": None, "yaml_migration_done": True}
    (CONFIG / ".storage/http").write_text(json.dumps({"version": 3, "minor_version": 1, "key": "http", "data": data}))


def start_home(with_broker: bool = True) -> None:
    inner = f"mount --bind /proc {ROOT}/proc; mount --bind /dev {ROOT}/dev; exec chroot {ROOT} /opt/ha/bin/hass -c /opt/{CONFIG.name} --skip-pip"
    start("home", "unshare", "-m", "--propagation", "private", "bash", "-c", inner)

    def is_up():
        config = api("/api/config")
        return config["state"] == "RUNNING" and ("mqtt" in config["components"] or not with_broker)

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
    return {name: state for name, state in states().items() if re.search(r"\.(givenergy|givtcp\d*)_", name)}


def state_of(entity: str) -> dict:
    return api("/api/states/" + entity)


def wait(is_so, seconds: float, pause: float = 0.4) -> float | None:
    """How long it took; nothing if it took too long."""
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        try:
            if is_so():
                return round(time.monotonic() - begun, 1)
        except (OSError, KeyError, ValueError):
            pass
        time.sleep(pause)
    return None


def start_plant(*arguments: str, place: int = 0) -> None:
    name = f"simulator{place}" if place else "simulator"
    start(name, PROGRAM, "simulate", "--listen", f"127.0.0.1:{DONGLES[place]}", "--delay", "2", *arguments)


def start_givtcp(entities: str, more: str = "", dongles=None, every: int = 5) -> None:
    settings = HERE / "givtcp.yaml"
    names = {port: f", name: {family}" if dongles else "" for port, family in zip(DONGLES, FAMILIES)}
    inverters = ", ".join(f"{{ host: 127.0.0.1, port: {port}{names[port]} }}" for port in dongles or DONGLES[:1])
    settings.write_text(
        f"data_dir: {HERE}/data\ninverters: [{inverters}]\npoll: {{ every: {every}s, settings_every: {2 * every}s }}\n"
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


def configs():
    """What is told of each entity, with the device's fields where it is told as a part of one."""
    for topic, payload in kept().items():
        if topic.endswith("/config"):
            payload = json.loads(payload)
            yield from (config for config in payload.get("components", {"": payload}).values() if "default_entity_id" in config)


def announced() -> set[str]:
    """The entities that are told of, and on."""
    return {config["default_entity_id"].lower() for config in configs() if config.get("enabled_by_default", True)}


def plants() -> dict[str, list[str]]:
    """The entities of each inverter by its serial number, told by the topics of their values and commands."""
    by_serial: dict[str, list[str]] = {}
    for config in configs():
        if config.get("enabled_by_default", True):
            text = json.dumps({key: value for key, value in config.items() if "topic" in key or key == "stat_t"})
            serial = re.search(r"GivEnergy/(?:control/)?(\w{10})/", text)
            by_serial.setdefault(serial[1] if serial else "?", []).append(config["default_entity_id"].lower())
    return by_serial


class Log:
    """What Home Assistant complains of from now on."""

    def __init__(self):
        self.at = (HERE / "home.log").stat().st_size

    def complaints(self) -> list[str]:
        with open(HERE / "home.log", "rb") as log:
            log.seek(self.at)
            lines = log.read().decode(errors="replace").splitlines()
        # It waits long for its own subscriptions when thousands of entities appear at once on a busy machine.
        lines = [line for line in lines if "No ACK from MQTT server" not in line]
        return [line for line in lines if re.search("WARNING|ERROR", line) and re.search("mqtt|giv", line, re.I)]


def is_settled() -> bool:
    wanted, have = announced(), ours()
    is_known = lambda name: have[name]["state"] != "unavailable" and (have[name]["state"] != "unknown" or MAY_BE_UNKNOWN.search(name))
    return bool(wanted) and wanted <= have.keys() and all(is_known(name) for name in wanted)


def why_not_settled() -> str:
    wanted, have = announced(), ours()
    odd = {name: state["state"] for name, state in have.items() if name in wanted and state["state"] in ("unknown", "unavailable") and not MAY_BE_UNKNOWN.search(name)}
    return f"missing {sorted(wanted - have.keys())[:5]}, {dict(list(odd.items())[:5])}"


def a_time(name: str) -> str:
    # A slot whose start and end are one is refused.
    return "03:47:00" if "_end_" in name else "03:17:00"


def try_controls(names: list[str]) -> tuple[int, list[str]]:
    """Each control is changed, and the state, which is read back from the plant, must follow."""
    late = []
    tried = 0
    is_three_phase = any(name.endswith("_force_ac_charge_enable") for name in names)
    for name in sorted(names):
        if re.search("(force_|pause_|temp_).*(charge|export|discharge)(_num|_minutes)?$|current_rate_type", name):
            continue
        # Three phases show another register (HR 1005) than the one that GivTCP's command writes (HR 166).
        if is_three_phase and name.endswith("_real_time_control"):
            continue
        state = state_of(name)
        kind, attributes, now = name.split(".")[0], state["attributes"], state["state"]
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
        # A calibration is shown to run, whichever was asked for.
        shown = "Running" if "calibration" in name else wanted
        same = same or (lambda new: new == shown)
        api("/api/services/" + service, {"entity_id": name, **body})
        if wait(lambda: same(state_of(name)["state"]), 40, 1) is None:
            late.append(f"{name}: {now} -> {wanted}: {state_of(name)['state']}")
        if "calibration" in name:
            call("select/select_option", name, option="Off")
            if wait(lambda: state_of(name)["state"] == "Off", 40, 1) is None:
                late.append(f"{name}: Running -> Off: {state_of(name)['state']}")
    return tried, late


SETTABLE = re.compile(r"^(number|select|switch|time)\.")
OVERRIDE = re.compile(r"^(button\..*_start_|select\..*_)((temp_)?(force|pause)_(charge|export|discharge))$")


def try_overrides(names: list[str]) -> tuple[int, list[str]]:
    """Each override is begun and called off; meanwhile settings differ, and afterwards they are what they were."""
    odd = []
    starts = [name for name in sorted(names) if OVERRIDE.search(name)]
    # What the owner has paused would stay paused.
    for name in names:
        if re.search("^select.*_pause_mode$", name) and state_of(name)["state"] != "Disabled":
            call("select/select_option", name, option="Disabled")
            wait(lambda: state_of(name)["state"] == "Disabled", 40, 1)
    others = [name for name in names if SETTABLE.search(name) and not re.search("(force|pause)_(charge|export|discharge)(_num|_minutes)?$|current_rate_type", name)]
    settings = lambda: {name: state_of(name)["state"] for name in others}
    for start in starts:
        is_native = start.startswith("button.")
        other = lambda kind, end: re.sub(r"^button\.(.*)_start_(.*)$", rf"{kind}.\1_\2_{end}", start)
        before = settings()
        ways = ["minutes"] if is_native else ["select", "number"]
        for way in ways:
            if is_native:
                call("number/set_value", other("number", "minutes"), value=7)
                if wait(lambda: float(state_of(other("number", "minutes"))["state"]) == 7, 30, 1) is None:
                    odd.append(f"{start}: the minutes stay {state_of(other('number', 'minutes'))['state']}")
                call("button/press", start)
                running, is_on, left = other("binary_sensor", "running"), "on", other("sensor", "time_left")
            else:
                running, is_on, left = start, "Running", "number" + start.removeprefix("select") + "_num"
                if way == "select":
                    call("select/select_option", start, option="10")
                else:
                    call("number/set_value", left, value=7)
            if wait(lambda: state_of(running)["state"] == is_on, 40, 1) is None:
                odd.append(f"{start} by {way}: it does not begin: {state_of(running)['state']}")
                continue
            if wait(lambda: 3 <= float(state_of(left)["state"]) <= 10, 30, 1) is None:
                odd.append(f"{left} by {way}: {state_of(left)['state']} minutes left")
            if wait(lambda: settings() != before, 30, 2) is None:
                odd.append(f"{start} by {way}: no setting has changed")
            if is_native:
                call("button/press", start.replace("_start_", "_cancel_"))
            else:
                call("select/select_option", start, option="Cancel")
            if wait(lambda: state_of(running)["state"] == ("off" if is_native else "Normal"), 40, 1) is None:
                odd.append(f"{start} by {way}: it does not end: {state_of(running)['state']}")
            if wait(lambda: settings() == before, 40, 2) is None:
                now = settings()
                odd.append(f"{start} by {way}: not put back: " + str({n: (before[n], now[n]) for n in before if before[n] != now[n]}))
            if wait(lambda: float(state_of(left)["state"]) == 0, 30, 1) is None:
                odd.append(f"{left} by {way}: {state_of(left)['state']} minutes left of one called off")
    return len(starts), odd


def call(service: str, entity: str, **body) -> None:
    api("/api/services/" + service, {"entity_id": entity, **body})


def try_buttons(names: list[str], results: list[str], serial: str) -> tuple[int, list[str]]:
    """The clock and the restart: both are carried out, the restart with the serial number that is asked for."""
    odd = []
    buttons = [name for name in sorted(names) if re.search(r"^button\..*(sync|reboot_inv|_restart$)", name)]
    for name in buttons:
        command = "syncDateTime" if "sync" in name else "rebootInverter"
        at = len(results)
        call("button/press", name)
        wanted = re.compile(rf"GivEnergy/result/{serial}/{command} .*\"outcome\":\"(applied|unchanged)\"", re.I)
        if wait(lambda: any(wanted.search(line) for line in results[at:]), 30, 1) is None:
            odd.append(f"{name}: {[line for line in results[at:] if serial in line][-1:]}")
    return len(buttons), odd


def listen(topic: str) -> list[str]:
    """What is said at a topic from now on."""
    child = subprocess.Popen(["mosquitto_sub", "-p", str(MQTT), "-t", topic, "-v"], stdout=subprocess.PIPE, text=True)
    CHILDREN["listener"] = child
    lines: list[str] = []
    threading.Thread(target=lambda: lines.extend(iter(child.stdout.readline, "")), daemon=True).start()
    return lines


def fleet() -> None:
    """A plant of each family, all in one home, in both profiles."""
    say(f"== {len(FAMILIES)} families")
    shutil.rmtree(HERE / "data", ignore_errors=True)
    for place, name in enumerate(FAMILIES):
        start_plant("--family", name, place=place)
    results = listen("GivEnergy/result/#")
    for profile, other in (("native", r"\.givtcp\d*_"), ("givtcp", r"\.givenergy_"), ("native", r"\.givtcp\d*_")):
        log = Log()
        start_givtcp(profile, dongles=DONGLES, every=10)
        took = wait(lambda: len(plants()) == len(FAMILIES) and is_settled(), 180, 3)
        check(took is not None, f"{profile}: {len(announced())} entities are there after {took} s: {'' if took else why_not_settled()}")
        took = wait(lambda: not any(re.search(other, entity) for entity in ours()), 400, 3)
        check(took is not None, f"{profile}: nothing is left of the other profile after {took} s")
        if profile not in TRIED:
            TRIED.append(profile)
            try_fleet(profile, results)
        # By now batteries and meters that were found later are there, too.
        check(wait(is_settled, 60, 3) is not None, f"{profile}: all are known in the end: {why_not_settled()}")
        say(f"{profile}: " + ", ".join(f"{family_of(serial)} {len(names)}" for serial, names in plants().items()))
        complaints = log.complaints()
        check(not complaints, f"{profile}: no complaint in the log: {complaints[:6]}")
        stop("givtcp")
        check(wait(lambda: all(s["state"] == "unavailable" for s in ours().values()), 20, 2) is not None, f"{profile}: unavailable when stopped")
    if len(FAMILIES) > 1:
        taken_out()
    for place in range(len(FAMILIES)):
        stop(f"simulator{place}" if place else "simulator")
    stop("listener")
    empty_all()


TRIED: list = []


def try_fleet(profile: str, results: list[str]) -> None:
    found = plants()
    models = {serial: family_of(serial) for serial in found}

    def of_one(serial: str) -> None:
        begun = time.monotonic()
        try:
            names = found[serial]
            overrides, odd = try_overrides(names)
            controls, late = try_controls(names)
            buttons, wrong = try_buttons(names, results, serial)
            unknown = lambda: [name for name in names if state_of(name)["state"] == "unknown" and not MAY_BE_UNKNOWN.search(name)]
            if wait(lambda: not unknown(), 40, 5) is None:
                wrong.append(f"unknown now: {unknown()}")
            minutes = (time.monotonic() - begun) / 60
            check(
                not (odd or late or wrong),
                f"{models[serial]}, {profile}: {len(names)} entities, {controls} controls, {overrides} overrides, {buttons} buttons in {minutes:.1f} min: {(odd + late + wrong)[:9]}",
            )
        except Exception as error:  # a thread's end is no end of the run
            check(False, f"{models[serial]}, {profile}: {error!r}")

    threads = [threading.Thread(target=of_one, args=(serial,)) for serial in found]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = sorted({line.strip()[:160] for line in results if '"outcome":"refused"' in line or '"outcome":"failed"' in line})
    check(not refused, f"{profile}: {len(results)} results, and none is a refusal: {refused[:6]}")
    results.clear()


def family_of(serial: str) -> str:
    """By the log: in the settings of a fleet each inverter is called what it is."""
    log = re.sub(r"\x1b\[[0-9;]*m", "", (HERE / "givtcp.log").read_text(errors="replace"))
    name = re.search(rf"inverter {serial} is a .*inverter\.name=(\S+)", log)
    return name[1] if name else serial


def taken_out() -> None:
    """An inverter that is taken out of the settings takes its entities along, and nothing that is somebody else's."""
    foreign = "homeassistant/sensor/somebody/else/config"
    text = json.dumps({"name": "Else", "unique_id": "else", "state_topic": "GivEnergy/else"})
    subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", foreign, "-r", "-m", text], check=True)
    before = plants()
    start_givtcp("native", dongles=DONGLES[1:], every=10)
    gone = lambda: set(before) - set(plants())
    took = wait(lambda: len(gone()) == 1 and is_settled(), 300, 3)
    check(took is not None, f"an inverter that was taken out is gone after {took} s: {gone()} {'' if took else why_not_settled()}")
    topics = [topic for serial in gone() for topic in [*kept(f"GivEnergy/{serial}/#"), *kept()] if serial in topic]
    check(not topics, f"and so are its topics: {topics[:5]}")
    check(foreign in kept(), "what is not ours stays")
    stop("givtcp")
    start_givtcp("native", dongles=DONGLES, every=10)
    took = wait(lambda: set(plants()) >= set(before) and is_settled(), 180, 3)
    check(took is not None, f"put in again, it is back after {took} s")
    stop("givtcp")


def empty_all() -> None:
    """The broker forgets what it keeps."""
    subprocess.run(["mosquitto_sub", "-p", str(MQTT), "-t", "#", "--remove-retained", "--retained-only", "-W", "3"], capture_output=True)
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
    # Everything is gone, and comes back in every order.
    starts = {"broker": start_broker, "Home Assistant": lambda: start_home(False), "givtcp": lambda: start_givtcp("native")}
    for order in itertools.permutations(starts):
        stop("givtcp", signal.SIGKILL)
        stop("mosquitto")
        stop("home")
        for name in order:
            starts[name]()
            time.sleep(2)
        back("all gone, then " + ", ".join(order))
    complaints = [line for line in log.complaints() if not re.search("[Dd]isconnected|[Cc]onnect|subscrib", line)]
    check(not complaints, f"no complaint in the log but of the broker: {complaints[:3]}")
    stop("givtcp")
    stop("simulator")
    empty_all()


def statistics_after_a_while(seconds: float = 400) -> dict:
    """What the recorder keeps of each entity: its unit, whether it has a sum, how many rows, the newest state and sum.

    Rows are made of each five minutes, at their end; with seconds, those of the minutes that are running are waited for.
    """
    def rows() -> dict:
        with sqlite3.connect(f"file:{CONFIG}/home-assistant_v2.db?mode=ro", uri=True) as database:
            listing = database.execute(
                "select m.statistic_id, m.unit_of_measurement, m.has_sum, count(s.id), s.state, s.sum, max(s.start_ts)"
                " from statistics_meta m join statistics_short_term s on s.metadata_id = m.id group by m.id"
            ).fetchall()
        return {row[0]: row[1:] for row in listing if re.search(r"\.(givenergy|givtcp\d*)_", row[0])}

    begun = time.time()
    wait(lambda: any(row[5] + 300 > begun for row in rows().values()), seconds, 3)
    return rows()


def same_statistics(before: dict, after: dict) -> None:
    """Sums go on: under one id, in one unit, with more rows, and without a step."""
    odd = []
    summed = [name for name, row in before.items() if row[1]]
    for name in summed:
        (unit, _, count, _, total, _), new = before[name], after.get(name)
        if new is None or new[0] != unit or not new[1]:
            odd.append(f"{name}: {before[name]} -> {new}")
        elif new[2] <= count or abs(new[4] - total) > 1.0:
            odd.append(f"{name}: {count} rows, sum {total} -> {new[2]} rows, sum {new[4]}")
    second = [name for name in after if name.removesuffix("_2") in before and name not in before]
    check(bool(summed) and not odd, f"the sums of {len(summed)} energies go on: {odd[:6]}")
    check(not second, f"and none is kept under a second id: {second[:5]}")


def coming_from_givtcp(captures: pathlib.Path, tsv: str, capture: str, count: int) -> None:
    say(f"== coming from GivTCP: {tsv}")
    shutil.rmtree(HERE / "data", ignore_errors=True)
    published = [line.split("\t", 2)[1:] for line in (captures / "../givtcp" / tsv).read_text().splitlines()]
    for topic, payload in sorted(published, key=lambda each: each[0].startswith("homeassistant")):
        subprocess.run(["mosquitto_pub", "-p", str(MQTT), "-t", topic, "-r", "-m", payload], check=True)
    check(wait(lambda: len(ours()) == count, 40) is not None, f"{count} entities of GivTCP: {len(ours())}")
    wait(lambda: not any(state["state"] == "unavailable" for state in ours().values()), 20)
    before = ours()
    say(f"statistics of {len(statistics_after_a_while())} entities as long as GivTCP was there")
    # The recorder forgets no earlier plant.
    statistics = {name: row for name, row in statistics_after_a_while(0).items() if name in before}
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
    same_statistics(statistics, statistics_after_a_while())
    complaints = log.complaints()
    check(not complaints, f"no complaint in the log: {complaints[:3]}")
    stop("givtcp")
    for profile, gone in (("native", ".givtcp_"), ("givtcp", ".givenergy_")):
        start_givtcp(profile)
        took = wait(lambda: is_settled() and not any(gone in name for name in ours()), 300)
        check(took is not None, f"to {profile}, and nothing left over, after {took} s")
        if profile == "givtcp":
            same_statistics(statistics, statistics_after_a_while())
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
    if "--fleet" in PARTS:
        fleet()
    if "--restarts" in PARTS:
        restarts()
    captures = pathlib.Path(os.environ.get("GIVTCP_CAPTURES", "../shared/captures"))
    for tsv, capture, count in FROM_GIVTCP if "--from-givtcp" in PARTS else ():
        if tsv.split(".")[0].replace("_", "-") not in FAMILIES:
            continue
        if (captures / "../givtcp" / tsv).exists():
            coming_from_givtcp(captures, tsv, capture, count)
        else:
            say(f"SKIPPED: {tsv} is not at hand; set GIVTCP_CAPTURES")
    say("FAILED:\n  " + "\n  ".join(FAILED) if FAILED else "all seen")
    sys.exit(bool(FAILED))


# What it has started ends with it.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
try:
    main()
finally:
    for child in list(CHILDREN):
        stop(child)
    shutil.rmtree(CONFIG, ignore_errors=True)
