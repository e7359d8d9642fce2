"""A stage on which opsagent itself is what breaks: killed, frozen, without a disk, without polkit, cut off."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opsagent.interfaces import client
from tests.host.harness import HostError
from tests.host.scenarios.stage import HOOK, QUICK, SETTINGS, Stage

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.host.harness import Host

STATE = "/var/lib/opsagent"
MORE = "/etc/opsagent/conf.d/50-scenario.yaml"
DROP_IN = "/run/systemd/system/opsagent.service.d/50-scenario.conf"
HELD = "/bin/sh -c 'while test -e /run/held; do sleep 0.05; done'"
"""A command of a unit that holds its job in one phase for as long as that file is there."""
IMPATIENT = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=50ms\n"
"""systemd waits 5 s before it brings the daemon back, and gives up after ten times; scenarios cannot."""
_NOT_THERE_YET = (client.DownError, client.NoAnswerError, HostError, LookupError)


_ANEW = f"""
systemctl daemon-reload
systemctl stop opsagent.service
find {STATE} -mindepth 1 -delete
systemd-tmpfiles --create opsagent.conf
rm -f /srv/hook/received /srv/hook/answer* /etc/opsagent/HOLD
install -m 640 -g opsagent /dev/stdin {SETTINGS}
[ "$1" = same ] || opsagent install --refresh
systemctl start opsagent.service
journalctl --sync
"""


_rights: dict[str, str] = {}


def _same(host: Host, rights: str) -> str:
    """Say whether a host has these rights already: to give them anew costs a second."""
    known, _rights[host.name] = _rights.get(host.name), rights
    return "same" if known == rights else "other"


def check(name: str = "worker", *, options: str = QUICK, repair: str = "[restart]") -> str:
    """Return the settings of a check of the unit of that name."""
    return f"- {{name: {name}, kind: unit, unit: {name}.service, {options}, repair: {repair}}}"


class Watched(Stage):
    """Its questions go straight to the control socket, as the commands' do: that spares a program start per look."""

    def worker(self, name: str = "worker", service: str = "") -> str:
        """Run a service that does nothing, with further lines of its unit; return the unit."""
        self.let_go()
        lines = f"[Service]\nExecStart=/bin/sleep infinity\n{service}\n[Install]\nWantedBy=multi-user.target\n"
        self.service(f"{name}.service", lines, start=False)
        self.host.run(["systemctl", "enable", "-q", "--now", f"{name}.service"])
        return f"{name}.service"

    def hold(self) -> None:
        """Let the next job wait at its command `HELD`."""
        self.host.run(["touch", "/run/held"])

    def let_go(self) -> None:
        """Let the job go on."""
        self.host.run(["rm", "-f", "/run/held"])

    def restarts(self, unit: str) -> int:
        """Return how often systemd has started a unit since `begin`, by its journal."""
        self.host.run(["journalctl", "--sync"])
        return self.starts(unit) - self._begun[unit]

    def forget_rights(self) -> None:
        """Have the next `begin` give the rights anew: this scenario has changed them."""
        _rights.pop(self.host.name, None)

    def begin(self, checks: str, settings: str = "", *, notifiers: str = "", drop_in: str = "") -> None:
        """Start opsagent anew under the shipped unit, with what `drop_in` adds to it, and wait until it has looked.

        `notifiers` are further ones beside `hook`.
        """
        self.host.write(MORE, f"notifiers: [{notifiers}]\n")
        self.host.write(DROP_IN, IMPATIENT + drop_in)
        waits = "" if "repair: {" in settings else "repair: {per_unit: {waits: [200ms]}}\n"
        text = f"host: web-1\nnotifiers: [{HOOK}]\n{waits}{settings}\nchecks:\n{checks}\n"
        rights = str(sorted(re.findall(r"unit: ([^,]+),.*repair: (\[.*?\])", checks)))
        self.host.run(["bash", "-ec", _ANEW, "anew", _same(self.host, rights)], stdin=text, timeout=60)
        self._begun = {unit: self.starts(unit) for unit in self._units}
        self.wait(lambda: self.json("status")["daemon"]["last_heartbeat_at"], what="the first heartbeat")

    def json(self, *argv: str) -> Any:
        """Return the daemon's answer to a question."""
        path = Path(f"/proc/{self.host.pid}/root/run/opsagent/control.sock")
        return client.ask(path, {"v": 1, "kind": argv[0]})["data"]

    def wait(self, condition: Callable[[], object], *, what: str, within: float = 15) -> None:
        """Wait until the condition holds; what is not there yet, the daemon included, is no error."""

        def holds() -> object:
            try:
                return condition()
            except _NOT_THERE_YET:
                return False

        self.host.wait_for(holds, within=within, what=what)

    def until(self, condition: Callable[[], object], *, within: float = 20, what: str) -> None:
        """As `wait`, and a failure shows the incidents."""
        try:
            self.wait(condition, within=within, what=what)
        except HostError as error:
            raise HostError(f"{error}\n{json.dumps(self.incidents(), indent=1)}") from error

    def pid(self) -> int:
        """Return the daemon's process on the host, 0 when there is none."""
        return int(self.host.show("opsagent.service", "MainPID"))

    def signal_daemon(self, name: str) -> int:
        """Send the daemon itself a signal; return the process that got it."""
        pid = self.pid()
        self.host.run(["kill", "-s", name, str(pid)])
        return pid

    def kill(self) -> None:
        """Kill the daemon with -9; wait until systemd has brought it back and it answers."""
        self.back(self.signal_daemon("KILL"))

    def back(self, before: int, *, within: float = 15) -> None:
        """Wait until another daemon than process `before` answers."""
        back = lambda: self.pid() not in {0, before} and self.json("status")["daemon"]["pid"] != before  # noqa: E731
        self.wait(back, within=within, what="the daemon to be back")

    def acted(self, check: str) -> list[tuple[str, str]]:
        """Return the repairs of a check's incident that were ordered, and what came of each."""
        (one,) = self.incidents(check)
        return [(action["remedy"], action["outcome"]) for action in one["actions"] if action["seconds"] is not None]

    def answer(self, word: str, path: str = "") -> None:
        """Have the receiver answer `ok`, a status, or `hang`, at one of its paths."""
        self.host.write(f"/srv/hook/answer{path.replace('/', '-')}", word)

    def got(self, event: str = "") -> list[dict[str, Any]]:
        """Return what reached the receiver, all of it or one kind of message: its key, our answer, its body."""
        lines = self.host.run(["cat", "/srv/hook/received"], check=False).stdout.splitlines()
        return [one for one in map(json.loads, lines) if event in {"", one["body"]["event"]}]

    def write_settings(self, text: str) -> None:
        """Write the settings and leave the rights as they are."""
        self.host.write(SETTINGS, text, mode=0o640)
        self.host.run(["chgrp", "opsagent", SETTINGS])

    def markdown(self) -> str:
        """Return everything that stands in the memory."""
        return self.host.run(["sh", "-c", f"find {STATE}/memory -name '*.md' | sort | xargs cat"]).stdout


def quiet_for(seconds: float) -> None:
    """Let a time pass in which nothing may happen: there is no condition to wait for."""
    time.sleep(seconds)
