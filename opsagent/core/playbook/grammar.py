"""Which commands of a playbook may be run: a closed grammar, for whoever writes the memory is no operator.

Nothing here reaches a shell. A command is taken apart into words, its program must be one of those below, and what is
run is put together anew from the words that its rule knows; any other word refuses the whole command. No rule leads to
anything that changes the host, waits for more, opens a file outside /var/log, or connects to another host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from opsagent.core.denied import SUFFIXES, malformed
from opsagent.core.playbook.look import MOST_LINES, LogFile, Look, NotAllowedError, Program
from opsagent.core.playbook.loopback import question
from opsagent.core.playbook.words import NUMBER, fitting, letters, path, split

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_PLAIN = re.compile(r"[A-Za-z0-9 \t_./:=@%+,\[\]\"'-]*", re.ASCII)
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|[^\s\"']+")
_CODE_ONLY = re.compile(r"-w\s+[\"']?%\{http_code\}(?:\\n)?[\"']?")
_MOST_NAMED = 3
_SINCE = re.compile(r"today|yesterday|-?[0-9][0-9a-zA-Z :.-]{0,40}", re.ASCII)
_PRIORITY = re.compile(r"[0-7]|emerg|alert|crit|err|warning|notice|info|debug", re.ASCII)
_UNIT = re.compile(r"[A-Za-z0-9@:_.-]+", re.ASCII)
_DEVICE = re.compile(r"[A-Za-z0-9_.@-]{1,15}", re.ASCII)
_OF_PS = re.compile(r"-?[aAefFluxw]+", re.ASCII)
_LOGS = "/var/log/"
_HOMES = {"/bin", "/usr/bin", "/sbin", "/usr/sbin"}
_VERBS = ("status", "show", "is-active", "is-failed", "is-enabled")
_SHOWN = (
    *("LoadState", "ActiveState", "SubState", "Result", "UnitFileState", "Type", "Restart", "NRestarts", "MainPID"),
    *("ExecMainCode", "ExecMainStatus", "ActiveEnterTimestamp", "InactiveEnterTimestamp", "MemoryCurrent"),
    *("TasksCurrent", "FragmentPath", "TriggeredBy"),
)
"""Properties of a unit without its environment and its command lines, where passwords stand."""
_OBJECTS = {
    **dict.fromkeys(("a", "addr", "address"), "address"),
    **dict.fromkeys(("l", "link"), "link"),
    **dict.fromkeys(("r", "route"), "route"),
}


def look(command: str, urls: frozenset[str] = frozenset()) -> Look:
    """Return what a command comes to, made anew from its words. Raises `NotAllowedError` with the reason.

    `urls` are those that the settings' own checks ask: what root lets us ask, a playbook may name.
    """
    name, words = _taken_apart(_CODE_ONLY.sub("", command))
    return question(words, urls) if name == "curl" else _RULES[name](words)


def _taken_apart(command: str) -> tuple[str, list[str]]:
    plain = _PLAIN.match(command)
    if plain is not None and plain.end() < len(command):
        raise NotAllowedError(f"it has {command[plain.end()]!r}, and no shell is ever run")
    words = [word.strip("\"'") for word in _WORD.findall(command.strip().removeprefix("sudo "))]
    if not words:
        raise NotAllowedError("no command is named")
    home, slash, name = words[0].rpartition("/")
    if name not in PROGRAMS or (slash and home not in _HOMES):
        raise NotAllowedError(f"{words[0][:40]!r} is not among the programs that are run")
    if name != "curl" and "[" in command:
        raise NotAllowedError("it has '[', and no shell is ever run")
    return name, words[1:]


def _systemctl(words: Sequence[str]) -> Look:
    verb, *rest = words or [""]
    if verb not in _VERBS:
        raise NotAllowedError(f"of systemctl only {', '.join(_VERBS)} are run")
    wanted = re.compile(rf"(?:{'|'.join(_SHOWN)}|,)+")
    of_show = {"-p": wanted, "--property": wanted} if verb == "show" else {}
    _, left = split(rest, ("--no-pager", "-l", "--full"), {"-n": NUMBER, "--lines": NUMBER, **of_show})
    how = {"status": ("--no-pager", "--full", "--lines=10"), "show": (f"--property={','.join(_SHOWN)}",)}
    return Program(argv=("systemctl", verb, *how.get(verb, ()), "--", *_units(left)))


def _units(words: Sequence[str]) -> tuple[str, ...]:
    if not 1 <= len(words) <= _MOST_NAMED:
        raise NotAllowedError(f"one to {_MOST_NAMED} units are to be named")
    named = [fitting(word, _UNIT) for word in words]
    units = tuple(word if word.rpartition(".")[2] in SUFFIXES else f"{word}.service" for word in named)
    if wrong := next(filter(None, map(malformed, units)), ""):
        raise NotAllowedError(wrong)
    return units


def _journalctl(words: Sequence[str]) -> Look:
    """The last lines of one unit: `-f` waits for nothing here."""
    valued = {"-n": NUMBER, "-u": _UNIT, "-p": _PRIORITY, "-S": _SINCE}
    named = {"--lines": NUMBER, "--unit": _UNIT, "--priority": _PRIORITY, "--since": _SINCE}
    alone = ("--no-pager", "--quiet", "--follow", "--pager-end", *(f"-{letter}" for letter in "qexfrlab"))
    found, left = split([part for word in words for part in _spread(word)], alone, valued | named)
    short = (("-u", "--unit"), ("-p", "--priority"), ("-S", "--since"))
    unit, priority, since = (found.get(one, found.get(name, "")) for one, name in short)
    if left or not unit:
        raise NotAllowedError("journalctl is run with -u UNIT, -n, -p and --since only")
    more = [*([f"--priority={priority}"] if priority else []), *([f"--since={since}"] if since else [])]
    return Program(
        argv=("journalctl", "--no-pager", "--quiet", f"--lines={MOST_LINES}", *more, f"--unit={_units([unit])[0]}")
    )


def _spread(word: str) -> tuple[str, ...]:
    """Take `-xeu` and `-n50` apart."""
    if re.fullmatch(r"-n[0-9]+", word):
        return ("-n", word[2:])
    return tuple(f"-{letter}" for letter in word[1:]) if re.fullmatch(r"-[exfrlabq]+[unpS]?", word) else (word,)


def _on_files(name: str, known: str, *always: str, least: int) -> Callable[[Sequence[str]], Look]:
    def rule(words: Sequence[str]) -> Look:
        options, rest = letters(words, known)
        if not least <= len(rest) <= _MOST_NAMED:
            raise NotAllowedError(f"one to {_MOST_NAMED} full paths are to be named")
        return Program(argv=(name, *always, *options, "--", *map(path, rest)))

    return rule


def _on_nothing(name: str, known: str, *always: str) -> Callable[[Sequence[str]], Look]:
    def rule(words: Sequence[str]) -> Look:
        options, rest = letters(words, known)
        if rest:
            raise NotAllowedError(f"{rest[0][:40]!r} is not allowed there")
        return Program(argv=(name, *always, *options))

    return rule


def _ps(words: Sequence[str]) -> Look:
    """Arguments of processes may be passwords: names only, the busiest first."""
    for word in words:
        fitting(word, _OF_PS)
    return Program(argv=("ps", "-eo", "pid,user,stat,pcpu,pmem,etime,comm", "--sort=-pcpu"))


def _ip(words: Sequence[str]) -> Look:
    _, rest = split(words, ("-br", "-brief", "-4", "-6", "-s", "-o"))
    options = [word for word in words if word.startswith("-")]
    thing = _OBJECTS.get(rest[0] if rest else "")
    rest = rest[2:] if rest[1:2] in (["show"], ["list"], ["ls"]) else rest[1:]
    if thing is None or rest[:1] not in ([], ["dev"]) or len(rest) not in (0, 2):
        raise NotAllowedError("ip only shows addr, link and route, all of it or that of `dev NAME`")
    return Program(argv=("ip", *options, thing, "show", *rest[:1], *(fitting(word, _DEVICE) for word in rest[1:])))


def _on_log(name: str, *alone: str) -> Callable[[Sequence[str]], Look]:
    """`tail -f` is read as what there is: nothing is waited for. Of `cat` it is the end too."""

    def rule(words: Sequence[str]) -> Look:
        found, left = split(
            [part for word in words for part in _counted(word)], alone, {"-n": NUMBER, "--lines": NUMBER}
        )
        if len(left) != 1 or not path(left[0]).startswith(_LOGS):
            raise NotAllowedError(f"{name} is only run for one file below {_LOGS}")
        wanted = int(found.get("-n", found.get("--lines", MOST_LINES)))
        return LogFile(path=path(left[0]), lines=max(1, min(wanted, MOST_LINES)), from_end=name != "head")

    return rule


def _counted(word: str) -> tuple[str, ...]:
    """Take `-50`, `-50f`, `-n50` and `-fn` apart."""
    if found := re.fullmatch(r"-n?([0-9]{1,6})f?", word):
        return ("-n", found[1])
    return ("-f", "-n") if re.fullmatch(r"-[fF]n", word) else (word,)


_RULES: dict[str, Callable[[Sequence[str]], Look]] = {
    "systemctl": _systemctl,
    "journalctl": _journalctl,
    "ss": _on_nothing("ss", "HOaeilmnopstuwx460", "-n"),
    "df": _on_files("df", "hHkmTPil", "-l", least=0),  # a network that is gone would hold it
    "free": _on_nothing("free", "hmgkbwtl"),
    "uptime": _on_nothing("uptime", "ps"),
    "ls": _on_files("ls", "1AFSadhilnrt", least=1),
    "stat": _on_files("stat", "t", least=1),
    "ps": _ps,
    "ip": _ip,
    "tail": _on_log("tail", "-f", "-F", "-q", "--follow"),
    "head": _on_log("head", "-q"),
    "cat": _on_log("cat"),
}
PROGRAMS = frozenset({*_RULES, "curl"})
"""The names that a command may begin with."""
