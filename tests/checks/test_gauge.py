"""The gauge check, against servers of our own and programs of the host."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from opsagent.checks import observe, remembering
from opsagent.checks.gauge import Check
from opsagent.checks.wire.number import Said
from opsagent.core.gauge import Memory, paced, recalled, text_of
from opsagent.core.growth import Growth
from opsagent.core.observation import Reading, Status
from opsagent.core.peak import Peak
from tests.checks.conftest import answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.checks.conftest import Server

FRIDAY = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
BROKER = {
    "queues": [{"name": "mail", "depth": 3}, {"name": "jobs", "depth": 40}],
    "up": True,
    "lag": "1.5",
    "none": None,
}
POOL = b"""# TYPE pool_used gauge
pool_used{pool="main"} 41
pool_used{pool="batch"} 2
pool_size{pool="main"} 50
pool_size{pool="batch"} 0
broken NaN
"""


class Gauge:
    """A gauge and what it keeps from one look to the next."""

    def __init__(self, **options: Any) -> None:
        self.kept = ""
        self.check = remembering(Check(**options), lambda: self.kept, self._keep)

    def _keep(self, text: str) -> None:
        self.kept = text

    def look(self) -> Reading:
        return observe(self.check)


def look(**options: Any) -> Reading:
    return Gauge(**options).look()


def verdict(reading: Reading) -> tuple[Status, str | None]:
    return reading.status, reading.failure_class


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


@pytest.fixture
def broker(serve: Callable[..., Server]) -> str:
    return serve(answer(json.dumps(BROKER).encode())).url + "/api"


@pytest.fixture
def exporter(serve: Callable[..., Server]) -> str:
    return serve(answer(POOL)).url + "/metrics"


def test_a_number_in_json_is_held_against_its_limits(broker: str) -> None:
    reading = look(url=broker, json="queues.1.depth", value_unit="jobs", warning=30, critical=100)

    assert verdict(reading) == (Status.WARNING, "high")
    assert reading.message == f"queues.1.depth of {broker.removeprefix('http://')} is 40 jobs, the limit is 30 jobs"
    assert [(m.name, m.value, m.unit, m.limit) for m in reading.measures] == [("value", 40, "jobs", 30)]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({"warning": 41}, (Status.OK, None)),
        ({"warning": 40}, (Status.WARNING, "high")),
        ({"critical": 40}, (Status.CRITICAL, "high")),
        ({"low_warning": 39}, (Status.OK, None)),
        ({"low_warning": 40}, (Status.WARNING, "low")),
        ({"low_critical": 40, "low_warning": 50}, (Status.CRITICAL, "low")),
        ({"low_warning": 10, "warning": 60, "critical": 70}, (Status.OK, None)),
    ],
)
def test_limits_stand_above_and_below(
    broker: str, limits: dict[str, float], expected: tuple[Status, str | None]
) -> None:
    assert verdict(look(url=broker, json="queues.1.depth", **limits)) == expected


@pytest.mark.parametrize(
    ("combine", "value"), [("first", 3), ("last", 40), ("sum", 43), ("max", 40), ("min", 3), ("mean", 21.5)]
)
def test_several_numbers_become_one_as_it_is_said(broker: str, combine: str, value: float) -> None:
    reading = look(url=broker, json="queues.*.depth", combine=combine, warning=100)

    assert [measure.value for measure in reading.measures] == [value]


def test_of_several_numbers_none_is_taken_without_a_word(broker: str) -> None:
    reading = look(url=broker, json="queues.*.depth", warning=100)

    assert verdict(reading) == (Status.UNKNOWN, "ambiguous")
    assert "are 2 numbers; say by combine what is meant" in reading.message


@pytest.mark.parametrize(
    ("path", "failure_class", "words"),
    [
        ("queues.7.depth", "missing", "is missing"),
        ("up", "body", "is true, which is not a number"),
        ("none", "body", "is null, which is not a number"),
        ("queues", "body", "which is not a number"),
    ],
)
def test_what_is_no_number_is_unknown(broker: str, path: str, failure_class: str, words: str) -> None:
    reading = look(url=broker, json=path, warning=1)

    assert verdict(reading) == (Status.UNKNOWN, failure_class)
    assert words in reading.message


def test_text_that_spells_a_number_is_one(broker: str) -> None:
    assert look(url=broker, json="lag", warning=1).status is Status.WARNING


def test_a_series_of_an_exporter_is_held_against_its_limits(exporter: str) -> None:
    reading = look(url=exporter, metric='pool_used{pool="main"}', warning=40)

    assert verdict(reading) == (Status.WARNING, "high")
    assert reading.message.startswith('pool_used{pool="main"} of 127.0.0.1:')


def test_a_pool_is_held_against_its_size(exporter: str) -> None:
    main = {"metric": 'pool_used{pool="main"}', "of": 'pool_size{pool="main"}'}

    reading = look(url=exporter, **main, warning=80)

    assert verdict(reading) == (Status.WARNING, "high")
    assert reading.message.endswith("is 82.0 %, the limit is 80.0 %")
    assert [(m.value, m.unit, m.limit) for m in reading.measures] == [(82, "%", 80)]
    assert look(url=exporter, metric='pool_used{pool="main"}', of=100, warning=80).status is Status.OK


@pytest.mark.parametrize(
    ("options", "failure_class"),
    [
        ({"metric": "broken"}, "missing"),
        ({"metric": "absent"}, "missing"),
        ({"metric": "pool_used"}, "ambiguous"),
        ({"metric": 'pool_used{pool="batch"}', "of": 'pool_size{pool="batch"}'}, "missing"),
        ({"json": "a"}, "body"),
    ],
)
def test_a_metric_that_cannot_be_had_is_unknown(exporter: str, options: dict[str, str], failure_class: str) -> None:
    assert verdict(look(url=exporter, **options, warning=1)) == (Status.UNKNOWN, failure_class)


def test_an_exporter_with_much_to_say_is_read_to_its_end(serve: Callable[..., Server]) -> None:
    much = b"".join(b'other{n="%d"} 1\n' % number for number in range(60_000))

    assert (
        look(url=serve(answer(much + POOL)).url, metric='pool_used{pool="main"}', warning=40).status is Status.WARNING
    )
    huge = answer(b"other 1\n" * 1_100_000 + POOL)
    assert verdict(look(url=serve(huge).url, metric="pool_used", warning=40)) == (Status.UNKNOWN, "body")


@pytest.mark.parametrize(
    ("said", "failure_class"),
    [(answer(b"5", "500 Oops"), "status"), (answer(b"5", "302 Found", "Location: /\r\n"), "status"), (b"", "reset")],
)
def test_an_endpoint_that_does_not_answer_well_says_nothing_of_the_number(
    serve: Callable[..., Server], said: bytes, failure_class: str
) -> None:
    assert verdict(look(url=serve(said).url, json="a", warning=1)) == (Status.UNKNOWN, failure_class)


def test_an_endpoint_that_drips_ends_at_the_deadline(drip: Callable[[bytes, bytes], Server]) -> None:
    began = time.monotonic()

    reading = look(url=drip(b"HTTP/1.1 200 OK\r\n\r\n", b"1").url, json="a", warning=1, timeout=timedelta(seconds=0.3))

    assert time.monotonic() - began < 2
    assert verdict(reading) == (Status.UNKNOWN, "timeout")


@pytest.mark.parametrize(
    ("script", "options", "value"),
    [
        ("echo 12", {}, 12),
        ("echo ' -1.5e3 '", {}, -1500),
        ("echo 'waiting: 7 jobs'", {}, 7),
        ("echo '7 of 9'", {"combine": "last"}, 9),
        ("echo v2 is not a number but 3 is", {}, 3),
        ("echo 'OK - 5 waiting | active=3 deferred=2'; exit 1", {"measure": "deferred"}, 2),
        ("echo 'OK | size=2KB'", {"measure": "size"}, 2048),
    ],
)
def test_a_program_prints_the_number(script: str, options: dict[str, Any], value: float) -> None:
    reading = look(command=shell(script), critical=1e9, **options)

    assert [measure.value for measure in reading.measures] == [value], reading.message


@pytest.mark.parametrize(
    ("script", "options", "failure_class"),
    [
        ("echo 5; exit 1", {}, "output"),
        ("echo 'UNKNOWN | a=1'; exit 3", {"measure": "a"}, "output"),
        ("echo none", {}, "missing"),
        ("echo nan", {}, "missing"),
        ("echo 1 2", {}, "ambiguous"),
        ("echo 'OK | a=U'", {"measure": "a"}, "missing"),
        ("kill -KILL $$", {}, "output"),
        ("sleep 30", {"timeout": timedelta(seconds=0.2)}, "timeout"),
    ],
)
def test_a_program_that_fails_says_nothing_of_the_number(
    script: str, options: dict[str, Any], failure_class: str
) -> None:
    assert verdict(look(command=shell(script), warning=1, **options)) == (Status.UNKNOWN, failure_class)


def test_a_long_run_of_digits_that_is_no_number_is_passed_over_at_once() -> None:
    assert Said("a program", "9" * 65_000 + "f 12 kB, 3.5").in_output("") == (12.0, 3.5)


@pytest.mark.parametrize(("hour", "expected"), [(12, Status.WARNING), (21, Status.OK)])
def test_in_peak_hours_other_limits_stand(hour: int, expected: Status) -> None:
    peak = Peak(begins="08:00", ends="20:00", warning=80)

    with time_machine.travel(FRIDAY.replace(hour=hour), tick=False):
        reading = look(command=shell("echo 81"), peak=peak, value_unit="%", zone="UTC")

    assert reading.status is expected
    assert ("the limit is 80 % from 08:00 to 20:00" in reading.message) is (expected is Status.WARNING)


def test_a_queue_that_grows_steadily_is_found_and_one_that_comes_and_goes_is_not(serve: Callable[..., Server]) -> None:
    depth = [0.0]
    server = serve(lambda client: client.sendall(answer(b'{"depth": %f}' % depth[0])))
    growth = Growth(over=timedelta(minutes=10), warning=50, above=100)

    def verdicts(depths: list[float]) -> list[Status]:
        gauge = Gauge(url=server.url, json="depth", growth=growth)
        found = []
        with time_machine.travel(FRIDAY, tick=False) as clock:
            for depth[0] in depths:
                found.append(gauge.look().status)
                clock.shift(60)
        return found

    rising = verdicts([100 + 20 * minute for minute in range(15)])
    sawtooth = verdicts([100 + 20 * (minute % 4) for minute in range(15)])
    shallow = verdicts([5 * minute for minute in range(15)])

    assert rising[:8] == [Status.OK] * 8
    assert rising[-1] is Status.WARNING
    assert set(sawtooth) == {Status.OK}
    assert set(shallow) == {Status.OK}


def test_a_counter_is_judged_by_its_pace_also_over_its_begin_anew() -> None:
    counts = iter([1000, 1030, 20, 20])
    minute = timedelta(minutes=1)
    memory, paces = Memory(), []
    for number, count in enumerate(counts):
        memory = recalled(text_of(paced(memory, 30.0 * number, count, minute)))
        paces.append(memory.pace)

    assert paces == [None, 60, 40, 0]


def test_two_looks_at_once_see_one_pace() -> None:
    minute = timedelta(minutes=1)
    memory = paced(paced(Memory(), 0.0, 10, minute), 60.0, 16, minute)

    assert paced(memory, 60.2, 16, minute) == memory
    assert paced(memory, 10.0, 20, minute).pace is None  # the clock was set back


def test_the_first_look_at_a_counter_cannot_say_how_fast_it_rises() -> None:
    gauge = Gauge(command=shell("date +%s"), per=timedelta(minutes=1), warning=50, value_unit="ticks")

    with time_machine.travel(FRIDAY, tick=False) as clock:
        first = gauge.look()
        clock.shift(-1)
        kept = json.loads(gauge.kept)
        gauge.kept = json.dumps({**kept, "at": kept["at"] - 60, "value": kept["value"] - 60})
        second = gauge.look()

    assert verdict(first) == (Status.UNKNOWN, "first")
    assert verdict(second) == (Status.WARNING, "high")
    assert "ticks per 1m, the limit is 50 ticks per 1m" in second.message


@pytest.mark.parametrize(
    "kept", ["", "nonsense", "[]", '{"at": 1}', '{"at": "x", "value": 1, "pace": null, "series": []}']
)
def test_what_was_kept_and_cannot_be_read_is_begun_anew(kept: str) -> None:
    assert recalled(kept) == Memory()


@given(
    st.floats(0, 4e9) | st.none(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.tuples(st.floats(0, 4e9), st.floats(-1e9, 1e9)), max_size=5),
)
def test_what_is_kept_is_read_back(at: float | None, value: float, series: list[tuple[float, float]]) -> None:
    memory = Memory(at=at, value=value, pace=value, series=tuple(series))

    assert recalled(text_of(memory)) == memory


URL = {"url": "http://127.0.0.1:1/", "warning": 1}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"warning": 1}, "exactly one of: command, url"),
        ({**URL, "command": ("/bin/true",), "json": "a"}, "exactly one of: command, url"),
        (URL, "exactly one of: json, metric"),
        ({**URL, "json": "a", "metric": "b"}, "exactly one of: json, metric"),
        ({**URL, "metric": "a{b=~'c'}"}, "cannot read metric"),
        ({**URL, "metric": "a", "of": "{"}, "cannot read metric"),
        ({**URL, "url": "ftp://x/", "json": "a"}, "cannot use url"),
        ({"command": ("true",), "warning": 1}, "full path"),
        ({"command": ("/bin/true",), "json": "a", "warning": 1}, "cannot use json or metric with command"),
        ({"command": ("/bin/true",)}, "cannot judge a number without"),
        ({"command": ("/bin/true",), "warning": 2, "critical": 1}, "cannot use warning 2 with critical 1"),
        ({"command": ("/bin/true",), "low_warning": 3, "warning": 2}, "cannot use low_warning 3 with warning 2"),
        ({"command": ("/bin/true",), "warning": 2, "of": 0}, "cannot use of 0"),
        ({"command": ("/bin/true",), "warning": 2, "of": 5, "per": timedelta(1)}, "per together with of"),
        ({"command": ("/bin/true",), "warning": 2, "zone": "Mars"}, "cannot find zone 'Mars'"),
    ],
)
def test_settings_that_could_never_be_judged_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Check(**options)
