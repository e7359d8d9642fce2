from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.denied import denied, holds_data, malformed


@pytest.mark.parametrize(
    "unit",
    [
        "nginx.service",
        "getty@tty1.service",
        "app@blue-2.service",
        "dev-sda1.device",
        "systemd-fsck@dev-disk-by\\x2duuid.service",
        "backup.timer",
        "a:b_c.service",
        "x" * 247 + ".service",
    ],
)
def test_a_full_name_of_one_unit_is_accepted(unit: str) -> None:
    assert malformed(unit) == ""


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("nginx", "write the full name 'nginx.service'"),
        (
            "app@.service",
            "cannot use the template 'app@.service' as a unit, name one instance, as in 'app@one.service'",
        ),
        ("redis.conf", "write the full name 'redis.conf.service'"),
        ("*.service", "without wildcards"),
        ("nginx-?.service", "without wildcards"),
        ("[ab].service", "without wildcards"),
        ("a b;c.service", "allowed: letters, digits and"),
        ("../x.service", "allowed: letters, digits and"),
        ("nginx.service\nExecStart=", "allowed: letters, digits and"),
        ("nginx.service\n", "allowed: letters, digits and"),
        ("-H evil", "allowed: letters, digits and"),
        ("-H.service", "allowed: letters, digits and"),
        ("a@b@c.service", "allowed: letters, digits and"),
        ("näme.service", "allowed: letters, digits and"),
        ("$(reboot).service", "allowed: letters, digits and"),
        ("", "allowed: letters, digits and"),
        (".service", "write the full name"),
        ("@x.service", "allowed: letters, digits and"),
        ("x" * 300, "300 characters, allowed: up to 255"),
    ],
)
def test_a_name_that_is_no_unit_is_refused_in_words(unit: str, words: str) -> None:
    assert malformed(unit).startswith("cannot use ")
    assert words in malformed(unit)
    assert denied(unit) == malformed(unit)


@given(st.text(max_size=300))
def test_no_text_gets_through_that_a_shell_or_a_file_name_could_misread(text: str) -> None:
    if malformed(text) == "":
        assert re.fullmatch(r"[A-Za-z0-9:_.\\@-]{1,255}", text)
        assert not text.startswith("-")
        assert "/" not in text


@pytest.mark.parametrize(
    "unit",
    [
        "dbus.service",
        "dbus-broker.service",
        "systemd-journald.service",
        "systemd-logind.service",
        "ssh.service",
        "sshd.service",
        "ssh@10.0.0.1:22.service",
        "getty@tty1.service",
        "serial-getty@ttyS0.service",
        "user@1000.service",
        "polkit.service",
        "opsagent.service",
        "NetworkManager.service",
        "NetworkManager-dispatcher.service",
        "networking.service",
        "wpa_supplicant@wlan0.service",
        "docker.service",
        "containerd.service",
        "kubelet.service",
        "libvirtd.service",
        "nginx.socket",
        "home.mount",
        "multi-user.target",
        "backup.timer",
    ],
)
def test_what_keeps_the_host_reachable_and_alive_is_never_touched(unit: str) -> None:
    assert denied(unit).startswith("cannot act on ")


@pytest.mark.parametrize(
    "unit", ["nginx.service", "redis-server.service", "api.service", "app@one.service", "postgresql.service"]
)
def test_ordinary_services_may_be_touched(unit: str) -> None:
    assert denied(unit) == ""


@pytest.mark.parametrize(
    "unit",
    [
        "postgresql.service",
        "postgresql@15-main.service",
        "mysql.service",
        "mysqld.service",
        "mariadb.service",
        "mongod.service",
        "mongodb.service",
        "etcd.service",
        "kafka.service",
        "elasticsearch.service",
    ],
)
def test_a_data_store_is_known_by_its_name(unit: str) -> None:
    assert holds_data(unit)


@pytest.mark.parametrize("unit", ["redis-server.service", "nginx.service", "api.service"])
def test_other_services_hold_no_data(unit: str) -> None:
    assert not holds_data(unit)
