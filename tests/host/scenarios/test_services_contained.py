"""Containers of root's: seen by a daemon that may not touch their engine, and repaired by an act of root's."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.host.scenarios.stage import CONFIRM, QUICK, SETTINGS, did

if TYPE_CHECKING:
    from tests.host.harness import Host
    from tests.host.scenarios.stage import Stage

# Docker's API as far as it is asked: how a container is, as a file says. Nobody but root may ask.
ENGINE = """
import http.server, os, pathlib, socketserver
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        found = pathlib.Path("/srv/containers", self.path.split("/")[2])
        body = found.read_bytes() if found.exists() else b'{"message": "No such container"}'
        self.send_response(200 if found.exists() else 404)
        self.end_headers()
        self.wfile.write(body)
    def address_string(self):
        return "unix"
pathlib.Path("/run/docker.sock").unlink(missing_ok=True)
os.umask(0o117)
socketserver.ThreadingUnixStreamServer("/run/docker.sock", Handler).serve_forever()
"""
ACTS = """
acts:
  - {name: start-shop, command: [/bin/cp, /srv/running, /srv/containers/shop], writes: [/srv/containers]}
"""
LOOK = f"kind: container, every: 1s, confirm: {CONFIRM}"  # each look starts a program: half a second may be too short
SHOP = f"- {{name: shop, container: shop, {LOOK}, repair: [{{do: act, name: start-shop}}]}}"
READER = "/run/opsagent-containers.sock"
ASK = f"import socket; s = socket.socket(1); s.connect('{READER}'); print(s.recv(9999))"


def container(state: str, code: int = 0) -> str:
    about = {"Status": state, "ExitCode": code, "StartedAt": "2026-11-27T07:00:00.123456789Z"}
    inside = {"Image": "shop:1", "Env": ["TOKEN=secret"]}
    return json.dumps({"Name": "/shop", "RestartCount": 0, "Config": inside, "State": about})


def engine(stage: Stage) -> None:
    """Let an engine run that has one container."""
    stage.host.write("/opt/scenario/engine.py", ENGINE)
    stage.host.write("/srv/running", container("running"))
    stage.host.write("/srv/containers/shop", container("running"))
    stage.service("docker.service", "[Service]\nExecStart=/usr/bin/python3 /opt/scenario/engine.py\n")
    stage.host.wait_for(lambda: exists(stage.host, "/run/docker.sock"), within=10, what="the engine's socket")


def exists(host: Host, path: str) -> bool:
    return host.run(["test", "-e", path], check=False).returncode == 0


def asked(host: Host, user: str) -> Any:
    return host.run(["python3", "-c", ASK], user=user, check=False)


def test_a_container_that_ended_is_brought_back_by_an_act_without_any_right_on_its_engine(stage: Stage) -> None:
    engine(stage)
    host = stage.host
    stage.begin(f"{SHOP}\n- {{name: lost, container: nosuch, {LOOK}}}", ACTS)
    stage.good("shop")

    host.write("/srv/containers/shop", container("exited", 137))
    incident = stage.healed("shop")

    assert did(incident) == [("act", "verified")]
    ended = "container shop (docker, shop:1) ended with exit code 137 (signal 9)"
    stage.until(lambda: ended in stage.record(), what="the record of the incident")
    assert stage.status("lost")["message"] == "there is no container nosuch (docker)"

    # only opsagent is told, nothing that it need not know, and looking leaves no line in the journal
    assert '"state": "running"' in asked(host, "opsagent").stdout
    assert "secret" not in asked(host, "opsagent").stdout
    assert "PermissionError" in asked(host, "nobody").stderr
    assert host.run(["test", "-w", "/run/docker.sock"], user="opsagent", check=False).returncode != 0
    assert "opsagent-containers@" not in host.run(["journalctl", "-b", "-o", "short", "--no-pager"]).stdout
    units = [f"/etc/systemd/system/opsagent-containers{kind}" for kind in (".socket", "@.service")]
    assert host.run(["systemd-analyze", "verify", "--man=no", *units]).stderr == ""

    host.write(SETTINGS, "checks: [{name: cpu, kind: cpu}]")
    host.run(["opsagent", "install", "--refresh"])

    assert not exists(host, READER)
    assert host.show("opsagent-containers.socket", "LoadState") == "not-found"


RECLAIM = "reclaim: {directories: [{path: /srv/full/app, pattern: '*.log*', older_than: 7d}]}"
SAVER = f"- {{name: saver, kind: unit, unit: saver.service, {QUICK}, repair: [reclaim, restart]}}"
SAVES = "while head -c 1M /dev/zero >/srv/full/save; do rm /srv/full/save; sleep 0.2; done; exit 1"
FILL = """
mkdir -p /srv/full && mount -t tmpfs -o size=8M tmpfs /srv/full && mkdir -p /srv/full/app /srv/precious
head -c 5M /dev/zero >/srv/full/app/old.log.1
head -c 1M /dev/zero >/srv/full/app/new.log
echo alive >/srv/precious/a.log
ln -s /srv/precious/a.log /srv/full/app/trap.log
ln -s /srv/precious /srv/full/app/trap.logs
touch -h -d '-30 days' /srv/full/app/old.log.1 /srv/full/app/trap.log* /srv/precious/a.log
"""


def test_a_full_disk_is_reclaimed_within_the_list_and_then_the_service_is_healthy(stage: Stage) -> None:
    stage.host.run(["sh", "-ec", FILL])
    unit = stage.service("saver.service", f"[Service]\nExecStart=/bin/sh -c '{SAVES}'\n")
    stage.begin(SAVER, RECLAIM)
    stage.good("saver")

    fill = "head -c 8M /dev/zero >>/srv/full/filler; systemctl is-active -q saver"
    stage.until(lambda: stage.host.run(["sh", "-c", fill], check=False).returncode, what="a full disk")

    healed = stage.healed("saver")
    assert did(healed) == [("reclaim", "failed"), ("restart", "verified")]
    assert healed["actions"][0]["reason"].startswith("freed 5.0 MiB: 5.0 MiB of /srv/full/app (1 file); left alone: ")
    assert stage.host.show(unit, "ActiveState") == "active"
    left = stage.host.run(["ls", "/srv/full/app"]).stdout.split()
    assert left == ["new.log", "trap.log", "trap.logs"]
    assert stage.host.run(["cat", "/srv/precious/a.log"]).stdout == "alive\n"
    stage.host.run(["umount", "-l", "/srv/full"])


RESTORE = "{do: restore, files: [/etc/picky/picky.conf]}"
PICKY = f"- {{name: picky, kind: unit, unit: finicky.service, {QUICK}, repair: [{RESTORE}, restart]}}"
READS = """
if ! grep -qx "listen = 80" /etc/picky/picky.conf
then echo "picky: configuration file /etc/picky/picky.conf: syntax error in line 1"; exit 78; fi
exec sleep infinity
"""
KEEP = "opsagent-act-keep-picky.service"


def test_a_configuration_that_is_refused_after_an_edit_is_put_back_and_the_service_is_healthy(stage: Stage) -> None:
    host = stage.host
    host.write("/etc/picky/picky.conf", "listen = 80\n", 0o644)
    host.write("/etc/picky/other.conf", "mine\n", 0o600)
    host.write("/opt/scenario/picky.sh", READS)
    host.run(["ln", "-s", "picky.service", "/etc/systemd/system/finicky.service"])  # people may name an alias
    stage.service("picky.service", "[Service]\nExecStart=/bin/sh /opt/scenario/picky.sh /etc/picky/picky.conf\n")
    stage.begin(PICKY)
    stage.good("picky")
    host.run(["systemctl", "restart", KEEP], user="opsagent")
    before = host.run(["sha256sum", "/etc/picky/other.conf"]).stdout

    host.write("/etc/picky/picky.conf", "lisen = 80\n", 0o644)
    host.run(["systemctl", "restart", KEEP])  # what nobody has started with is not known to be any good
    host.run(["systemctl", "restart", "picky.service"])

    healed = stage.healed("picky")
    assert did(healed) == [("restore", "failed"), ("restart", "verified")]
    bad = host.run(["sh", "-c", "ls /etc/picky/picky.conf.opsagent-bad-*"]).stdout.strip()
    said = f"restored /etc/picky/picky.conf, what was refused is {bad}; prepared, and still bad: "
    assert healed["actions"][0]["reason"].startswith(said)
    assert host.run(["cat", "/etc/picky/picky.conf", bad]).stdout == "listen = 80\nlisen = 80\n"
    stage.until(lambda: "+lisen = 80" in stage.record(), what="the difference in the record")
    assert host.run(["sha256sum", "/etc/picky/other.conf"]).stdout == before
    assert host.run(["stat", "-c", "%a %U", "/var/lib/opsagent-kept"]).stdout == "700 root\n"
    assert host.run(["ls", "/etc/picky"]).stdout.split() == ["other.conf", "picky.conf", bad.rpartition("/")[2]]

    host.run(["sed", "-i", "s|/etc/picky/picky.conf|/etc/shadow|", f"/etc/systemd/system/{KEEP}"])
    said = host.run(["opsagent", "doctor", "--json"], check=False).stdout
    assert f"rights do not fit the settings: /etc/systemd/system/{KEEP}" in said
    host.run(["rm", "/etc/systemd/system/finicky.service"])
