"""What others change on a real host: packages by dpkg, unit files, watched files, logins, also while nobody looked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.host.harness import Host
from tests.host.installed import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = """\
host: web-1
changes: {files: ["/etc/shop/**"]}
checks:
  - {name: shop, kind: unit, unit: shop.service, repair: [restart]}
  - {name: login, kind: login, every: 1s}
"""
UNIT = "[Service]\nExecStart=/opt/shop/serve\n[Install]\nWantedBy=multi-user.target\n"
BUILD = """
rm -rf /tmp/deb; mkdir -p /tmp/deb/DEBIAN /tmp/deb/opt/shop /tmp/deb/usr/lib/systemd/system
printf 'Package: shop\\nVersion: %s\\nArchitecture: all\\nMaintainer: ann <ann@example.org>\\nDescription: a shop\\n' \
    VERSION >/tmp/deb/DEBIAN/control
printf '#!/bin/sh\\nexec sleep infinity # VERSION\\n' >/tmp/deb/opt/shop/serve
chmod 755 /tmp/deb/opt/shop/serve
printf '%s' "$UNIT" >/tmp/deb/usr/lib/systemd/system/shop.service
dpkg-deb --build /tmp/deb /tmp/shop_VERSION.deb >/dev/null
dpkg --install /tmp/shop_VERSION.deb >/dev/null
systemctl daemon-reload
"""


def install(host: Host, version: str) -> None:
    """Build a tiny package and install it with dpkg, as anybody does."""
    text = f"UNIT='{UNIT}'\n{BUILD.replace('VERSION', version)}"
    host.run(["bash", "-ec", text], timeout=60)


def told(host: Host, kind: str, subject: str, what: str = "") -> dict[str, Any]:
    """Wait for a change to be noticed, and return it; `what` tells it from earlier ones of the same."""
    found: list[dict[str, Any]] = []

    def seen() -> bool:
        found[:] = [one for one in asked(host, "changes") if (one["kind"], one["subject"]) == (kind, subject)]
        found[:] = [one for one in found if what in one["what"]]
        return bool(found)

    host.wait_for(seen, within=20, what=f"a change: {kind} {subject}")
    return found[-1]


@pytest.fixture(scope="module")
def shop() -> Iterator[Host]:
    """Yield a host with opsagent that has looked at everything once."""
    host = Host.up("changes", installed=True)
    install(host, "1.0")
    host.run(["systemctl", "enable", "-q", "--now", "shop.service"])
    host.write("/etc/shop/shop.conf", "colour: red\npassword: hunter2-of-old\n")
    host.write("/etc/opsagent/opsagent.yaml", SETTINGS, 0o640)
    host.run(["bash", "-ec", "chgrp opsagent /etc/opsagent/opsagent.yaml; opsagent install --refresh"], timeout=60)
    host.run(["systemctl", "start", "opsagent.service"])
    host.wait_for(
        lambda: host.run(["test", "-s", "/var/lib/opsagent/changes.json"], check=False).returncode == 0,
        within=30,
        what="the first look at what there is",
    )
    yield host
    host.down()


def test_what_is_changed_is_noticed_held_against_nobody_and_told_with_what_breaks(shop: Host) -> None:
    assert json.loads(shop.run(["opsagent", "changes", "--json"]).stdout) == []

    shop.write("/etc/shop/shop.conf", "colour: blue\npassword: hunter2-of-new\n")
    shop.write("/etc/systemd/system/shop.service.d/10-more.conf", "[Service]\nEnvironment=MORE=1\n")
    install(shop, "1.1")
    package = told(shop, "package", "shop")
    config = told(shop, "config", "/etc/shop/shop.conf")
    drop_in = told(shop, "unit-file", "/etc/systemd/system/shop.service.d/10-more.conf", "created")

    assert (package["what"], package["units"], package["unseen"]) == ("1.0 → 1.1", ["shop.service"], False)
    assert (config["units"], config["diff"][1:3]) == (["shop.service"], ["-colour: red", "+colour: blue"])
    said = json.loads(shop.run(["opsagent", "changes", "--json"]).stdout)
    assert said == asked(shop, "changes")
    assert "hunter2" not in json.dumps(said)
    assert (drop_in["what"], drop_in["units"]) == ("created", ["shop.service"])
    assert "hunter2" not in shop.run(["cat", "/var/lib/opsagent/changes.json"]).stdout

    shop.run(["systemctl", "kill", "-s", "KILL", "shop.service"])
    shop.wait_for(
        lambda: any(one["actions"] for one in asked(shop, "incidents", check="shop")),
        within=20,
        what="the hand to be held back",
    )
    (incident,) = asked(shop, "incidents", check="shop")
    assert any("deploy" in line for line in asked(shop, "why", check="shop")["lines"])
    assert [one["outcome"] for one in incident["actions"]] == ["refused"]
    assert incident["after_change"].startswith("bad ")
    assert {one["kind"] for one in incident["changes"]} == {"package", "config", "unit-file"}
    decisions = shop.read("/var/lib/opsagent/memory/decisions/ops-decisions.md")
    assert decisions.count("## Decision: ") == 3
    assert "+colour: blue" in decisions


def test_what_is_changed_while_nobody_looks_is_found_at_the_start(shop: Host) -> None:
    told(shop, "config", "/etc/shop/shop.conf")
    shop.run(["systemctl", "stop", "opsagent.service"])
    shop.write("/etc/shop/new.conf", "x: 1\n")
    install(shop, "1.2")
    shop.run(["logger", "-p", "auth.info", "-t", "sshd", "Accepted publickey for ann from 192.0.2.7 port 22 ssh2"])

    waiting = shop.run(["opsagent", "change", "shop 1.2", "--unit", "shop", "--kind", "deploy"], check=False)
    shop.reboot(clean=True)
    shop.run(["systemctl", "start", "opsagent.service"])
    package, login = told(shop, "package", "shop", "→ 1.2"), told(shop, "login", "ann")

    assert "waits in the spool" in waiting.stdout
    assert told(shop, "deploy", "shop 1.2")["units"] == ["shop.service"]
    assert (package["what"], package["unseen"]) == ("1.1 → 1.2", True)
    assert login["what"] == "from 192.0.2.7"
    assert told(shop, "reboot", "this host was started")["what"] == "after a clean shutdown"
    assert told(shop, "config", "/etc/shop/new.conf")["what"] == "created"


def test_signs_of_a_break_in_are_for_people_alone(shop: Host) -> None:
    def incident() -> dict[str, Any] | None:
        found = asked(shop, "incidents", check="login")
        return found[-1] if found else None

    line = "Failed password for root from 192.0.2.66 port 22 ssh2"
    tries = f"for n in 1 2 3 4 5 6 7 8 9 10; do logger -p auth.info -t sshd '{line}'; done"
    shop.run(["sh", "-c", tries])
    shop.run(["logger", "-p", "auth.info", "-t", "sshd", "Accepted password for root from 192.0.2.66 port 22 ssh2"])
    shop.wait_for(lambda: (incident() or {}).get("state") == "paged", within=20, what="an incident of who was let in")
    assert "root was let in from 192.0.2.66" in (incident() or {})["reason"]
    shop.run(["useradd", "--non-unique", "--uid", "0", "toor"])
    shop.wait_for(
        lambda: "toor" in json.dumps(asked(shop, "show", incident=str((incident() or {})["id"]))),
        within=20,
        what="the second sign in the same incident",
    )

    found = incident()
    assert found is not None
    assert (found["severity"], found["state"], found["security"], found["actions"]) == ("SEV1", "paged", True, [])
    assert "root was let in from 192.0.2.66" in json.dumps(asked(shop, "show", incident=found["id"]))
    assert found["resolved_at"] is None
    shop.run(["opsagent", "resolve", found["id"], "--because", "it was the test"])
    shop.wait_for(lambda: (incident() or {})["state"] == "resolved", within=10, what="its end by a person")
