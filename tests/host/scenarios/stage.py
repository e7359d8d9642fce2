"""The stage of a scenario: services that break, opsagent beside them, and what it says of them to the outside.

Everything is seen as a user sees it: `opsagent … --json`, the Markdown, what a webhook gets, and systemd's own word.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.interfaces import client
from tests.host.harness import HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.host.harness import Host

HERE = Path(__file__).parent
SETTINGS = "/etc/opsagent/opsagent.yaml"
UNITS = "/usr/local/lib/systemd/system"  # where packages put them: what lies in /etc cannot be masked
HOOK = "{name: hook, kind: webhook, url: 'http://127.0.0.1:9009/'}"
# Beliefs in a second instead of half a minute, so that a scenario takes seconds. The rules are the same.
CONFIRM = "{failures: 2, retry: 200ms, successes: 2, stable_for: 300ms, resolve_after: 500ms, start_within: 10s}"
# What stays bad after a start counts after ten seconds, or, where it will stay bad for ever, after one.
QUICK = f"every: 1s, timeout: 500ms, confirm: {CONFIRM}"
HOPELESS = QUICK.replace("start_within: 10s", "start_within: 1s")
CALM = "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
STARTED = "39f53479d3a045ac8e11786248231fbf"  # systemd's number for "a unit was started"

PYTHON = "/opt/opsagent/bin/python"
ASK, ANSWER = "/run/refresh-ask", "/run/refresh-answer"
"""Pipes to a program that runs `opsagent install --refresh` (refresher.py)."""

Incident = dict[str, Any]

_RESET = f"""
systemctl stop opsagent.service
find /var/lib/opsagent -mindepth 1 -delete
install -d -m 2770 -o opsagent -g opsagent /var/lib/opsagent/spool
rm -f /srv/hook/received /etc/opsagent/HOLD
install -m 640 -g opsagent /dev/stdin {SETTINGS}
if [ -x {PYTHON} ]; then
    systemctl start refresher.service
    until [ -p {ASK} ] && [ -p {ANSWER} ]; do sleep 0.05; done
    echo now >{ASK}
    read -r status said <{ANSWER}
    [ "$status" = 0 ] || {{ echo "$said" >&2; exit "$status"; }}
else  # installed as a package
    opsagent install --refresh
fi
systemctl reset-failed opsagent.service 2>/dev/null || true  # where it never ran there is nothing to forget
systemctl start opsagent.service
"""


def furnish(host: Host) -> None:
    """Put on a host what every scenario needs: the small services, a quiet kernel, somebody who hears the pages."""
    for name in ("api.py", "receiver.py", "refresher.py"):
        host.write(f"/opt/scenario/{name}", (HERE / name).read_text(), 0o755)
    host.write("/opt/scenario/calm", CALM)
    # The machine that runs the tests may be busy; an overloaded host's time-outs would rightly count for nothing.
    known = [f"/proc/pressure/{one}" for one in ("cpu", "io", "memory") if Path(f"/proc/pressure/{one}").exists()]
    calm = "".join(f"BindReadOnlyPaths=/opt/scenario/calm:{path}\n" for path in known)
    host.write("/etc/systemd/system/opsagent.service.d/10-calm.conf", f"[Service]\n{calm}")
    host.unit("hook.service", "[Service]\nExecStart=/usr/bin/python3 /opt/scenario/receiver.py 9009 /srv/hook\n")
    refresher = f"{PYTHON} /opt/scenario/refresher.py {ASK} {ANSWER}"
    host.unit("refresher.service", f"[Service]\nExecStart={refresher}\n")
    host.run(["systemctl", "start", "hook.service"])


class Stage:
    """One scenario's view of its host. opsagent begins it with nothing in its memory."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self._units: list[str] = []

    def service(self, name: str, text: str, *, start: bool = True) -> str:
        """Put a unit on the host, start it, and take it off again at the end; return its name."""
        self._units.append(name)
        self.host.write(f"{UNITS}/{name}", text)
        self.host.run(["sh", "-c", f"systemctl daemon-reload && {'systemctl start' if start else ':'} {name}"])
        return name

    def api(self, name: str, port: int, *, redis: int = 0, unit: str = "", service: str = "", **files: str) -> str:
        """Run the small web service; `files` are what it finds in its folder, `unit` and `service` further lines."""
        self.behave(name, **files)
        self._units.append(f"{name}.service")
        argv = f"/usr/bin/python3 /opt/scenario/api.py {port} /srv/{name} {redis or ''}"
        # enabled: the service is wanted on this host
        lines = f"[Unit]\n{unit}\n[Service]\nExecStart={argv}\n{service}\n[Install]\nWantedBy=multi-user.target\n"
        self.host.write(f"{UNITS}/{name}.service", lines)
        self.host.run(["systemctl", "enable", "-q", "--now", f"{name}.service"])
        return f"{name}.service"

    def behave(self, name: str, **files: str) -> None:
        """Change what the small service finds in its folder."""
        if not files:
            self.host.run(["mkdir", "-p", f"/srv/{name}"])
        for file, content in files.items():
            self.host.write(f"/srv/{name}/{file}", content)

    def begin(self, checks: str, settings: str = "") -> None:
        """Start opsagent anew, with an empty memory and these checks; `settings` are further keys."""
        text = f"host: web-1\nnotifiers: [{HOOK}]\n{settings}\nchecks:\n{checks}\n"
        if "repair: {" not in settings:
            text = "repair: {per_unit: {waits: [200ms]}}\n" + text
        self.host.run(["bash", "-ec", _RESET], stdin=text, timeout=60)

    def end(self) -> None:
        """Stop opsagent and take away what the scenario put on the host."""
        names = " ".join(self._units)
        clean = f"""
        systemctl stop opsagent.service
        [ -z "{names}" ] || systemctl kill -q -s KILL {names}
        [ -z "{names}" ] || systemctl stop {names}
        for unit in {names}; do rm -rf {{{UNITS},/etc/systemd/system,/run/systemd/system}}{{,/*.wants}}/$unit; done
        systemctl daemon-reload; systemctl reset-failed; rm -f /etc/opsagent/HOLD
        """
        self.host.run(["bash", "-c", clean], check=False, timeout=60)

    def signal(self, unit: str, name: str = "KILL") -> None:
        """Send a signal to all processes of a unit."""
        self.host.run(["systemctl", "kill", "-s", name, unit])

    def json(self, question: str) -> Any:
        """Return what `opsagent status --json` or `opsagent incidents --json` would say, without starting a program."""
        path = Path(f"/proc/{self.host.pid}/root/run/opsagent/control.sock")
        return client.ask(path, {"v": 1, "kind": question})["data"]

    def incidents(self, check: str = "") -> list[Incident]:
        """Return the incidents (of a check), oldest first."""
        return [one for one in self.json("incidents") if not check or one["check"] == check]

    def status(self, check: str) -> dict[str, Any]:
        """Return how a check stands."""
        return next(one for one in self.json("status")["checks"] if one["name"] == check)

    def good(self, *checks: str) -> None:
        """Wait until these checks are good."""

        def all_good() -> bool:
            found = {one["name"]: one["status"] for one in self.json("status")["checks"]}
            return all(found[check] == "ok" for check in checks)

        self.until(all_good, what=f"good looks at {', '.join(checks)}")

    def why(self, check: str) -> str:
        """Return the explanation that a person gets."""
        return self.host.run(["opsagent", "why", check]).stdout

    def told(self) -> list[dict[str, Any]]:
        """Return the messages that the webhook got, oldest first."""
        return [json.loads(line)["body"] for line in self._read("srv/hook/received").splitlines()]

    def titles(self) -> list[str]:
        """Return what a phone would have shown."""
        return [one["title"] for one in self.told()]

    def daily(self) -> str:
        """Return today's memory."""
        return self._read("var/lib/opsagent/memory/daily/*.md")

    def record(self) -> str:
        """Return the files of the incidents."""
        return self._read("var/lib/opsagent/memory/incidents/*/*/*")

    def _read(self, pattern: str) -> str:
        """Return what stands in files of the host, without starting a program."""
        root = Path(f"/proc/{self.host.pid}/root")
        return "".join(one.read_text("utf-8", "replace") for one in sorted(root.glob(pattern)))

    def log(self) -> str:
        """Return what opsagent said in the journal since it was started."""
        run = self.host.show("opsagent.service", "InvocationID")
        return self.host.run(["journalctl", "-o", "cat", "--no-pager", f"_SYSTEMD_INVOCATION_ID={run}"]).stdout

    def starts(self, unit: str) -> int:
        """Return how often systemd has started a unit, by its journal."""
        found = self.host.run(["journalctl", "-q", "-o", "cat", f"MESSAGE_ID={STARTED}", f"UNIT={unit}"], check=False)
        return len(found.stdout.splitlines())

    def until(self, condition: Callable[[], object], *, within: float = 20, what: str) -> None:
        """Wait for something; looking is not free, so not too often."""
        try:
            self.host.wait_for(lambda: self._holds(condition), within=within, what=what)
        except HostError as error:
            raise HostError(f"{error}\n{json.dumps(self.incidents(), indent=1)}") from error

    @staticmethod
    def _holds(condition: Callable[[], object]) -> object:
        """Look; a daemon that is not there yet is no error."""
        try:
            return condition()
        except (client.DownError, client.NoAnswerError):
            return False

    def incident(
        self, check: str, condition: Callable[[Incident], object] = bool, *, within: float = 20, what: str = "it"
    ) -> Incident:
        """Wait until the one incident of a check is as the condition wants it, and return it."""
        found: list[Incident] = []

        def seen() -> bool:
            found[:] = self.incidents(check)
            return bool(found) and bool(condition(found[-1]))

        self.until(seen, within=within, what=f"an incident of {check}: {what}")
        assert len(found) == 1, f"more than one incident of {check}: {found}"
        return found[0]

    def healed(self, check: str, *, within: float = 20) -> Incident:
        """Wait until the one incident of a check is resolved, and return it."""
        return self.incident(check, lambda one: one["state"] == "resolved", within=within, what="resolved")


def did(incident: Incident) -> list[tuple[str, str]]:
    """Return what was done about an incident, and what came of it."""
    return [(one["remedy"], one["outcome"]) for one in incident["actions"]]
