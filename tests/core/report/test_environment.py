"""The environment as people read it, in a file that is theirs too."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from opsagent.core import events as ev
from opsagent.core.environment import CertificateKnown, MountKnown, Page, Timer, UnitKnown
from opsagent.core.report.environment import BEGIN, END, environment_block, with_block
from opsagent.core.unit import UnitSnapshot
from tests.core.environment.hosts import END as ENDS
from tests.core.environment.hosts import host, listener, program
from tests.core.report.telling import Telling

WEB = host(
    replace(listener(6379), watched_by=("redis",)),
    program(8081, "a|b`c", "0.0.0.0"),
    units=(UnitKnown(name="redis-server.service", package="redis-server", version="7.0", variables=("DIR", "PORT")),),
    pages=(Page(check="api", url="http://127.0.0.1:8000/health"),),
    mounts=(MountKnown(path="/", source="/dev/sda1", fs_type="ext4", read_only=True),),
    timers=(Timer(name="dump.timer", starts="dump.service", when=("*-*-* 02:00:00",)),),
    certificates=(CertificateKnown(where="/etc/w3.pem", subject="example.org", ends=ENDS),),
    unread=("timers: no answer",),
)


def told(environment=WEB) -> Telling:
    night = Telling()
    night.take(
        ev.UnitObserved(snapshot=UnitSnapshot(name="redis-server.service", read_at=night.at, active_state="active"))
    )
    night.take(ev.EnvironmentLearned(environment=environment))
    return night


def test_every_part_has_its_table_and_what_nobody_watches_its_command() -> None:
    assert (
        environment_block(told().state, "web-1")
        == f"""{BEGIN}
**web-1** · Debian 12 · kernel 6.1.0-1 · as it has been since 2026-11-18 02:14 Europe/Berlin

## Units

| unit | state | ports | version | variables (names only) |
| --- | --- | --- | --- | --- |
| redis-server | active | tcp 6379 | redis-server 7.0 | `DIR`, `PORT` |

## Listeners

| where | who | open to | watched by |
| --- | --- | --- | --- |
| tcp 6379 at 127.0.0.1 | redis-server | this host | redis |
| tcp 8081 at 0.0.0.0 | a\\|b\\`c | the network | **nothing** |

## URLs

| check | url |
| --- | --- |
| api | `http://127.0.0.1:8000/health` |

## Mounts

| path | type | source | access |
| --- | --- | --- | --- |
| / | ext4 | /dev/sda1 | read-only |

## Timers

| timer | starts | when |
| --- | --- | --- |
| dump.timer | dump | \\*-\\*-\\* 02:00:00 |

## Certificates

| where | subject | valid until |
| --- | --- | --- |
| /etc/w3.pem | example.org | 2027-02-01 |

## Not watched, and listening

- a|b\\`c, tcp port 8081: `opsagent init --add port-8081`

## Could not be read

- `timers: no answer`
{END}"""
    )


def test_a_cell_names_a_few_and_counts_the_rest() -> None:
    names = tuple(f"n{number}" for number in range(86))
    busy = replace(listener(6379), watched_by=names, addresses=tuple(f"10.0.0.{n}" for n in range(200)))
    ports = tuple(listener(number) for number in range(7000, 7100))
    units = (UnitKnown(name="redis-server.service", package="", version="", variables=names),)

    block = environment_block(told(host(busy, *ports, units=units)).state, "h")

    assert "| n0, n1, n2, n3, n4 and 81 more |" in block
    assert "10.0.0.4 and 195 more" in block
    assert "tcp 7003 and 96 more" in block
    assert max(map(len, block.splitlines())) < 500


def test_before_the_first_look_there_is_nothing_to_say() -> None:
    assert environment_block(Telling().state, "web-1") == ""
    assert with_block("# mine\n", "") == "# mine\n"


def test_a_drift_of_one_line_is_a_heading_and_one_of_more_a_list() -> None:
    night = told()
    drift = "redis-server: port 6379 → 6380"

    assert night.take(ev.EnvironmentDrifted(lines=(drift,), environment=WEB)) == f"## 02:14 changed: {drift}"
    assert night.take(ev.EnvironmentDrifted(lines=(drift, "kernel: 1 → 2"), environment=WEB)) == (
        f"## 02:14 2 things changed\n- **Changed** {drift}\n- **Changed** kernel: 1 → 2"
    )


def test_what_is_the_same_is_no_entry() -> None:
    night = told()

    assert night.take(ev.EnvironmentLearned(environment=WEB)) == ""


@given(st.text(), st.text())
def test_words_of_people_around_our_block_stay_as_they_are(above: str, below: str) -> None:
    text = f"{above}\n{BEGIN}\nold\n{END}\n{below}"
    if BEGIN in above or END in above or BEGIN in below:
        return

    assert with_block(text, f"{BEGIN}\nnew\n{END}") == f"{above}\n{BEGIN}\nnew\n{END}\n{below}"


@given(st.text().filter(lambda text: "opsagent:" not in text))
def test_a_file_without_our_block_gets_it_at_its_end_once(words: str) -> None:
    once = with_block(words, f"{BEGIN}\none\n{END}")

    assert words in once
    assert with_block(once, f"{BEGIN}\ntwo\n{END}") == once.replace("one\n" + END, "two\n" + END)


@given(st.text(max_size=200), st.text(max_size=200))
def test_no_name_on_a_host_can_end_our_block(process: str, source: str) -> None:
    hostile = host(
        program(1, process, "0.0.0.0"),
        mounts=(MountKnown(path=f"/{source}", source=source, fs_type=process),),
        pages=(Page(check="c", url=f"{source}\n{END}\n"),),
        unread=(f"{process}\n{END}\n",),
    )

    block = environment_block(told(hostile).state, "web-1")

    assert block.splitlines().count(END) == 1
