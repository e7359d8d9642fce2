"""Services that need one another: redis below the API, chains of BindsTo= and Requires=, nginx before it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.host.scenarios.stage import QUICK, did

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.host.scenarios.stage import Stage

REDIS = """
[Service]
ExecStart=/usr/bin/redis-server --bind 127.0.0.1 --port {port} --save "" --daemonize no
{more}
"""
SLEEP = "[Unit]\n{unit}\n[Service]\nExecStart=/bin/sleep inf\n[Install]\nWantedBy=multi-user.target\n"


def http(name: str, port: int, more: str = "repair: [restart]") -> str:
    url = f"http://127.0.0.1:{port}/health"
    return f"- {{name: {name}, kind: http, url: '{url}', unit: {name}.service, {QUICK}, {more}}}"


def kind_unit(name: str, more: str = "repair: [restart]") -> str:
    return f"- {{name: {name}, kind: unit, unit: {name}.service, {QUICK}, {more}}}"


def chain(stage: Stage, **bound: str) -> None:
    """Run units of which each is bound to another as given, and enable them."""
    for name, unit in bound.items():
        stage.service(f"{name}.service", SLEEP.format(unit=unit), start=False)
    stage.host.run(["systemctl", "enable", "-q", "--now", *(f"{name}.service" for name in bound)])


@pytest.fixture
def slow_redis(stage: Stage) -> Iterator[str]:
    """Run a real redis that takes two seconds to start, except for the first time."""
    more = "ExecStartPre=/bin/sh -c '[ ! -e /run/redis-ran ] || sleep 2; touch /run/redis-ran'"
    yield stage.service("cache.service", REDIS.format(port=16379, more=more))
    stage.host.run(["rm", "-f", "/run/redis-ran"])


def test_redis_is_repaired_and_the_api_above_it_neither_repaired_nor_told_of(stage: Stage, slow_redis: str) -> None:
    api = stage.api("shop", 18301, redis=16379)
    listen = f"- {{name: cache, kind: listen, port: 16379, unit: cache.service, {QUICK}, repair: [restart]}}"
    stage.begin(listen + "\n" + http("shop", 18301, "repair: [restart], depends_on: [cache]"))
    stage.good("cache", "shop")

    stage.signal(slow_redis)

    below = stage.healed("cache")
    above = stage.healed("shop")
    assert did(below) == [("restart", "verified")]
    assert above["parent"] == below["id"]
    assert [one for one in did(above) if one[1] != "refused"] == []
    assert stage.starts(api) == 1
    assert stage.told() == []


def test_a_living_root_is_restarted_with_what_needs_it_and_the_record_lists_them(stage: Stage) -> None:
    unit = stage.api("base", 18302)
    chain(stage, above="Requires=base.service", beside="PartOf=base.service", asleep="Requires=base.service")
    stage.host.run(["systemctl", "stop", "asleep.service"])
    stage.begin("\n".join([http("base", 18302), kind_unit("above"), kind_unit("beside")]))
    stage.good("base", "above", "beside")

    stage.behave("base", behave="500")

    healed = stage.healed("base")
    assert did(healed) == [("restart", "verified")]
    assert sorted(healed["actions"][0]["also"]) == ["above.service", "beside.service"]
    assert stage.starts("above.service") == 2
    assert stage.starts("asleep.service") == 1
    assert stage.starts(unit) == 2
    assert "1 of 3 used in 30m" in stage.why("above")
    assert [one["check"] for one in stage.incidents()] == ["base"]


def test_a_dependant_that_an_operator_stopped_stays_stopped(stage: Stage) -> None:
    unit = stage.api("ground", 18303)
    chain(stage, guest="Requires=ground.service\nAfter=ground.service")
    stage.begin("\n".join([http("ground", 18303), kind_unit("guest")]))
    stage.good("ground", "guest")

    stage.host.run(["systemctl", "stop", "guest.service"])
    stage.until(lambda: stage.status("guest")["suppressed_by"] == "operator_stop", what="the stop to be understood")
    stage.signal(unit)

    assert did(stage.healed("ground")) == [("restart", "verified")]
    assert stage.host.show("guest.service", "ActiveState") == "inactive"
    assert stage.incidents("guest") == []


def test_a_masked_dependant_is_not_taken_along(stage: Stage) -> None:
    unit = stage.api("below", 18305)
    chain(stage, masked="PartOf=below.service")
    stage.host.run(["systemctl", "mask", "-q", "--runtime", "masked.service"])
    stage.begin(http("below", 18305))
    stage.good("below")

    stage.behave("below", behave="500")

    healed = stage.healed("below")
    assert did(healed) == [("restart", "verified")]
    assert healed["actions"][0]["also"] == []
    assert [stage.starts(unit), stage.starts("masked.service")] == [2, 1]
    assert stage.host.show("masked.service", "ActiveState") == "active"


def test_a_chain_that_fell_with_its_root_is_brought_back_from_the_bottom_up(stage: Stage) -> None:
    chain(
        stage,
        root="",
        stem="BindsTo=root.service\nAfter=root.service",
        leaf="BindsTo=stem.service\nAfter=stem.service",
    )
    names = ("root", "stem", "leaf")
    stage.begin("\n".join(kind_unit(name) for name in names))
    stage.good(*names)

    stage.signal("root.service")

    healed = [stage.healed(name) for name in names]
    assert did(healed[0]) == [("restart", "verified")]
    for one in healed[1:]:
        assert [done for done in did(one) if done[1] != "refused"] == [("restart", "verified")]
        assert one["parent"] in {healed[0]["id"], healed[1]["id"]}
    ordered = [one["actions"][-1]["at"] for one in healed]
    assert ordered == sorted(ordered)
    assert [stage.host.show(f"{name}.service", "ActiveState") for name in names] == ["active"] * 3
    assert stage.told() == []


def test_nginx_with_a_bad_configuration_is_given_up_with_its_own_words(stage: Stage) -> None:
    config = (
        "pid /run/scenario-nginx.pid; events {{}} http {{ access_log off; server {{ listen 127.0.0.1:18304; {} }} }}\n"
    )
    stage.host.write("/srv/nginx.conf", config.format("location / { return 200 ok; }"))
    unit = stage.service(
        "proxy.service",
        "[Service]\nType=forking\nPIDFile=/run/scenario-nginx.pid\n"
        "ExecStartPre=/usr/sbin/nginx -t -q -c /srv/nginx.conf\nExecStart=/usr/sbin/nginx -c /srv/nginx.conf\n"
        "[Install]\nWantedBy=multi-user.target\n",
    )
    stage.begin(http("proxy", 18304))
    stage.good("proxy")

    stage.host.write("/srv/nginx.conf", config.format("lisen 80;"))
    stage.signal(unit)

    found = stage.incident("proxy", lambda one: one["repair"] == "exhausted" and stage.told(), what="to be given up")
    assert [one for one in did(found) if one[1] != "refused"] == [("restart", "failed")] * 3
    stage.until(lambda: 'unknown directive "lisen"' in stage.record(), what="nginx's own words in the record")
