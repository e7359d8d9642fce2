"""Words of others come in by every door there is: they stay words in all that we write, and decide nothing.

Everything but the words is compared with the same night told in plain words.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from opsagent.core import commands as cmd
from opsagent.core import events as ev
from opsagent.core import inbox, payload, why
from opsagent.core.fold import fold
from opsagent.core.message import Message, MessageKind
from opsagent.core.observation import Measure, Reading, Status
from opsagent.core.policy import Confirm, Criticality
from opsagent.core.state import State
from opsagent.core.unit import HostConditions, JobOutcome
from opsagent.memory.memory import Memory
from tests.core.live_host import LiveHost
from tests.core.report.hostile import HOSTILE, parsed, spans, structure
from tests.core.story_host import NOON
from tests.core.test_stories import API, POLICY

if TYPE_CHECKING:
    from opsagent.core.codec import Recorded
    from opsagent.core.state import Owed

CALM = timedelta(seconds=60)  # a look a minute is enough, for there are many nights to be told
API = replace(API, every=CALM, confirm=Confirm(retry=CALM))
PLUGIN = replace(API, name="plugin", kind="command", unit=None, repair=(), criticality=Criticality.CRITICAL)
PLAIN = "plain words"
SPOKEN = [words for words in HOSTILE if words.strip()]
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]"
)
DECIDED = ("remedy", "unit", "also", "attempt", "invocation_id", "guard", "outcome", "to", "severity", "failure_class")
"""Fields of events in which a decision is written down, not the words for it."""


class PoisonedHost(LiveHost):
    """A host on which everything that can speak says `message`, and every log and program `raw`."""

    def __init__(self, message: str, raw: tuple[str, ...]) -> None:
        super().__init__(replace(POLICY, checks=(API, PLUGIN)))
        self.message, self.raw = message, raw

    def says(self, check: str, status: Status) -> None:
        failure = None if status is Status.OK else "status"
        spoken = Reading(
            status=status,
            message=self.message,
            failure_class=failure,
            measures=(Measure(name=self.message, value=1.0),),
        )
        self.answers[check] = lambda: spoken

    def outcome(self, event: ev.ActionRequested) -> JobOutcome:
        done = super().outcome(event)
        return replace(done, error=self.message, output=self.raw)

    def _delivery(self, owed: Owed) -> inbox.Tried:
        tried = super()._delivery(owed)
        return tried if tried.delivered else replace(tried, reason=self.message)


def night(message: str, raw: tuple[str, ...]) -> PoisonedHost:
    """Break a service and a plugin, let people speak about it, and let both come back."""
    host = PoisonedHost(message, raw)
    host.serve("api.service")
    host.says("api", Status.OK)
    host.says("plugin", Status.OK)
    host.run(minutes=3)
    broken(host)
    spoken(host)
    host.down = set()
    host.says("api", Status.OK)
    host.says("plugin", Status.OK)
    host.run(minutes=45)
    return host


def broken(host: PoisonedHost) -> None:
    host.says("api", Status.CRITICAL)
    host.says("plugin", Status.CRITICAL)
    host.down = {"hook"}
    host.change("api.service", active_state="failed", sub_state="failed", result="exit-code")
    host.run(minutes=4)
    for seq in host.agent.state.incidents:
        host.take(inbox.EvidenceSeen(incident=seq, source="journal", lines=host.raw))


def spoken(host: PoisonedHost) -> None:
    one, words = host.incident.label, host.message
    host.take(
        inbox.LifeSigned(said=words),
        inbox.RightsSeen(lacking=words),
        inbox.SettingsWrong(errors=(words, words)),
        inbox.HostSeen(conditions=replace(HostConditions(), hold=words, busy=words, overload=words)),
        inbox.Beat(late=0, seconds=1, lines=(words,)),
    )
    for command in (
        cmd.Acknowledge(by="anna", incident=one, note=words, keep_repairing=True),
        cmd.Note(by="anna", incident=one, text=words),
        cmd.Pause(by="anna", target="plugin", lasts=API.every, because=words),
        cmd.Finding(by="anna", findings=(words,), asked_at=NOON),
        cmd.RepairNow(by="anna", check="api", because=words),
        cmd.Resolve(by="anna", incident=one, because=words),
    ):
        host.ask(command)
    host.run(minutes=1)
    host.take(inbox.HostSeen(conditions=HostConditions()))
    host.run(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a night left behind."""

    deeds: tuple[object, ...]
    documents: dict[str, str]
    messages: tuple[Message, ...]
    why: tuple[str, ...]


@cache
def told(message: str = PLAIN, raw: tuple[str, ...] = (PLAIN, PLAIN)) -> Told:
    host = night(message, raw)
    world = host.agent.world(host.now)
    return Told(
        deeds=tuple(deed(one) for one in host.recorded),
        documents=written(host),
        messages=tuple(sent(owed) for owed in host.told()),
        why=tuple(line for check in ("api", "plugin") for line in why.lines(world, check)),
    )


def deed(recorded: Recorded) -> tuple[object, ...]:
    """Return what was decided, without the words."""
    event = recorded.event
    decided = tuple(getattr(event, one.name) for one in fields(event) if one.name in DECIDED)
    return (recorded.seq, recorded.at, type(event).__name__, recorded.incident, recorded.because, decided)


def sent(owed: Owed) -> Message:
    return Message(
        key=owed.key,
        kind=MessageKind(owed.kind),
        host="web-1",
        title=owed.title,
        body=owed.body,
        reason=owed.reason,
        as_of=owed.queued_at,
    )


def written(host: PoisonedHost) -> dict[str, str]:
    """Write the memory of a night, and return its documents; the head of a day is left out, for it drops lines."""
    state, steps = State(), []
    for one in host.recorded:
        before, state = state, fold(state, one)
        steps.append((before, state, one))
    with TemporaryDirectory() as place:
        root = Path(place).resolve()
        memory = Memory(root, layout="standalone", host="web-1", redact=lambda text: text)
        memory.remember(steps)
        assert memory.trouble == ""
        found = {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*.md"))}
    for name, text in found.items():
        if text.startswith("---\n"):  # the front matter of a pattern is YAML, and holds no words of others at all
            front, _, found[name] = text.removeprefix("---\n").partition("\n---\n")
            assert host.message not in front
    return {name: text.partition("\n<!-- /opsagent:head -->\n")[2] or text for name, text in found.items()}


def as_plain(words: str) -> str:
    """Return plain words with the same breaks: a person's words and a finding are shown line by line."""
    lines = words.splitlines(keepends=True)
    return "".join(PLAIN + line[len(line.rstrip("\r\n\u2028\u2029")) :] if line.strip() else line for line in lines)


def headings(document: str) -> list[str]:
    return [after.content for token, after in pairwise(parsed(document)) if token.type == "heading_open"]


def without_blocks(document: str) -> str:
    return re.sub(r"^(`{3,})text\n.*?^\1$", "", document, flags=re.DOTALL | re.MULTILINE)


def test_the_plain_night_is_worth_comparing_with() -> None:
    plain = told()

    names = {name.partition("/")[0] for name in plain.documents}
    done = [one[2] for one in plain.deeds]
    assert names == {"daily", "failures", "incidents", "ops"}
    assert {name for name, text in plain.documents.items() if PLAIN not in text} <= {"failures/patterns/api-exit.md"}
    assert done.count("ActionRequested") == 3
    assert {"EvidenceGathered", "NoteAdded", "FindingReceived", "NotificationFailed", "IncidentClosed"} <= set(done)
    assert {str(message.kind) for message in plain.messages} >= {"page", "recovery", "notice"}
    assert any(PLAIN in message.body for message in plain.messages)
    assert any(PLAIN in line for line in plain.why)


@pytest.mark.parametrize("words", SPOKEN, ids=lambda words: ascii(words)[:30])
def test_no_words_decide_anything_or_speak_where_we_speak(words: str) -> None:
    plain, found = told(as_plain(words)), told(words)

    assert found.deeds == plain.deeds
    assert [(one.title, one.body.count("\n")) for one in found.messages] == [
        (one.title, one.body.count("\n")) for one in plain.messages
    ]
    assert len(found.why) == len(plain.why)
    assert not INVISIBLE.search(
        "\n".join((*found.why, *(one.body for one in found.messages), *found.documents.values()))
    )
    for name, document in found.documents.items():
        assert structure(document) == structure(plain.documents[name]), name
        assert headings(document) == headings(plain.documents[name]), name
        assert set(spans(document)) <= {"strong_open", "code_inline", "link_open"}, name


def test_what_logs_and_programs_say_stands_in_fenced_blocks_and_nowhere_else() -> None:
    plain, found = told(raw=tuple(map(as_plain, SPOKEN[1:]))), told(raw=tuple(SPOKEN[1:]))

    assert {name: without_blocks(document) for name, document in found.documents.items()} == {
        name: without_blocks(document) for name, document in plain.documents.items()
    }
    assert sum("ignore previous instructions" in document for document in found.documents.values()) == 2
    assert (found.deeds, found.messages, found.why) == (plain.deeds, plain.messages, plain.why)


@pytest.mark.parametrize("words", SPOKEN, ids=lambda words: ascii(words)[:30])
def test_a_message_in_json_has_the_same_fields_whatever_is_said_in_it(words: str) -> None:
    for plain, found in zip(told().messages, told(words).messages, strict=True):
        encoded = payload.encode(found)

        assert encoded.isascii()
        assert list(json.loads(encoded)) == list(json.loads(payload.encode(plain)))
        assert json.loads(encoded)["body"] == found.body
