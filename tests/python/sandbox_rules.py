"""What a program was seen to do (strace -f -y) against addon/apparmor.txt and the systemd unit's system calls."""

import re
import subprocess
from pathlib import Path

CHANGES = {"mkdir", "mkdirat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "rmdir", "chmod", "fchmodat",
           "fchmod", "ftruncate", "chown", "fchown", "utimensat"}
LINE = re.compile(r"^\d+\s+(\w+)\((.*)\)\s+= (\S+)")


def whole(lines):
    """The lines of a trace, with those joined that another thread's stand between."""
    begun = {}
    for line in lines:
        thread = line.split(maxsplit=1)[0]
        if line.endswith(" <unfinished ...>"):
            begun[thread] = line.removesuffix(" <unfinished ...>")
        elif rest := re.match(r"\d+\s+<\.\.\. \w+ resumed>(.*)", line):
            yield begun.pop(thread, thread + " ?(") + rest[1]
        else:
            yield line


def pattern(glob):
    """An AppArmor path as a regular expression."""
    glob = glob.replace("@{PROC}", "/proc").replace("@{pid}", "[0-9]+")
    parts = re.split(r"(\*\*|\*|\{[^}]*\}|\[[^\]]*\]\+?)", glob)
    words = {"**": ".+", "*": "[^/]*"}
    def each(part):
        if part in words:
            return words[part]
        if part.startswith("{"):
            return "(" + "|".join(map(re.escape, part[1:-1].split(","))) + ")"
        return part if part.startswith("[") else re.escape(part)
    return re.compile("".join(map(each, parts)))


def rules(profile):
    found = re.findall(r"^\s+((?:/|@\{)\S*) ([a-z]+),", profile, re.MULTILINE)
    return [(pattern(glob), set(letters)) for glob, letters in found]


def accesses(name, arguments, view):
    """(path, letters) of one system call that succeeded."""
    def inside(path):
        return path.removeprefix(view) or "/"

    paths = []
    for descriptor, text in re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>,? ?)?"((?:[^"\\]|\\.)*)"', arguments):
        paths.append(text if text.startswith("/") else f"{inside(descriptor)}/{text}" if text else inside(descriptor))
    if name in ("openat", "open"):
        writes = re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC", arguments)
        reads = not re.search(r"O_WRONLY", arguments)
        return [(paths[0], set("w" if writes else "") | set("r" if reads else ""))]
    if name in CHANGES:
        if not paths:
            paths = [inside(path) for path in re.findall(r"^\d+<(/[^>]*)>", arguments)]
        return [(path, {"w"}) for path in paths]
    if name in ("link", "linkat"):
        return [(paths[-1], {"l", "w"})]
    if name == "fcntl" and "SETLK" in arguments:
        return [(inside(path), {"k"}) for path in re.findall(r"^\d+<(/[^>]*)>", arguments)]
    if name in ("stat", "statx", "lstat", "newfstatat", "access", "faccessat", "faccessat2", "readlink", "readlinkat",
                "inotify_add_watch", "execve"):
        return [(path, {"r"} if name != "execve" else {"x"}) for path in paths[:1]]
    return []


def allowed_calls(unit):
    """The names of the system calls that the unit's filter lets through."""
    sets, current = {}, None
    told = subprocess.run(["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True).stdout
    for line in told.splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), set())
        elif current is not None and re.match(r"\s+[@a-z]", line):
            current.add(line.strip())

    def expand(name):
        return set().union(*(expand(each) for each in sets[name])) if name in sets else {name}

    allowed = set()
    for negative, names in re.findall(r"^SystemCallFilter=(~?)(.+)$", unit, re.MULTILINE):
        for name in names.split():
            allowed = allowed - expand(name) if negative else allowed | expand(name)
    return allowed


def not_allowed(trace, view, root):
    """{rules: faults}: what the trace of a program below `view` shows and the rules forbid."""
    files = rules((root / "addon/apparmor.txt").read_text())
    forbidden, called, began = set(), set(), False
    for line in whole(trace.read_text().splitlines()):
        began = began or 'execve("/givtcp"' in line
        found = LINE.match(line)
        if not began or not found:
            continue
        name, arguments, result = found.groups()
        called.add(name)
        if result.startswith("-") or name not in CHANGES and result == "?":
            continue
        for path, letters in accesses(name, arguments, view):
            path = re.sub(r"^/proc/(self|thread-self)", "/proc/1", path).split(" (deleted)")[0]
            given = set().union(*(given for glob, given in files if glob.fullmatch(path) or glob.fullmatch(path + "/")))
            if path != "/" and not letters <= given:
                forbidden.add(f"{''.join(sorted(letters))} {path}")
    assert len(called) > 20, "the trace shows no program at work"
    outcome = {"addon/apparmor.txt": forbidden}
    if Path("/usr/bin/systemd-analyze").exists():
        outcome["packaging/systemd/givtcp.service"] = called - allowed_calls((root / "packaging/systemd/givtcp.service").read_text())
    return outcome
