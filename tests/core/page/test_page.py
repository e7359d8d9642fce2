"""The page of a host in a story: what it says, that it is sound HTML, that texts of others stay texts."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest

from opsagent.core import inbox
from opsagent.core.observation import Reading, Status
from opsagent.core.page import as_json, markup
from opsagent.core.page.days import DaySeen
from opsagent.core.page.model import Level, Links, OverShown, Page, page
from opsagent.core.policy import CheckPolicy, Criticality, Escalation, NotifierPolicy
from opsagent.core.policy import Level as Step
from tests.core.live_host import LiveHost
from tests.core.story_host import NOON, StoryHost
from tests.core.test_json_reference import example, shape
from tests.core.test_stories import API, POLICY

LINKS = Links(incidents="incidents", today="daily/2026-11-18.md", data="status.json")
PAST = (
    DaySeen(date=date(2026, 11, 16), unknown=86_400),
    DaySeen(date=date(2026, 11, 17), ok=86_400 - 720, critical=720),
    DaySeen(date=date(2026, 11, 18), ok=43_200),
)
TOLD = replace(POLICY, escalation=Escalation(levels=(Step(name="all", after=timedelta(), notify=("hook",)),)))
VOID = {"meta", "link", "br", "img", "input"}


class Structure(HTMLParser):
    """The elements of a document, opened and closed in order, and its visible words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def read(made: Page) -> Structure:
    structure = Structure()
    structure.feed(markup.document(made))
    structure.close()
    assert structure.open == []
    return structure


def shown(host: StoryHost, **more: object) -> Page:
    return page(host.agent.world(host.now), {"api": PAST}, LINKS, **more)  # type: ignore[arg-type]


def dead_host() -> LiveHost:
    host = LiveHost(TOLD)
    host.serve("api.service", can_start=False)
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=20)
    return host


def test_a_quiet_host_needs_nobody() -> None:
    host = StoryHost(POLICY)
    host.good("api")

    made = shown(host)
    words = read(made).words

    assert (made.level, made.verdict) == (Level.GOOD, "nothing needs you")
    assert "1 good" in words
    assert "✓ good" in words
    assert "Open" not in words.split()


def test_a_service_that_restarts_do_not_help_is_said_first_with_a_link_to_its_story() -> None:
    made = shown(dead_host())
    structure = read(made)

    assert (made.level, made.verdict) == (Level.BAD, "1 needs you: api is down")
    (one,) = made.open
    assert one.file == "incidents/2026/11/OPS-20261118-001.md"
    assert {"href": one.file} in structure.all("a")
    assert "Waiting for a person" in structure.words
    assert "<title>web-1: 1 needs you: api is down</title>" in markup.document(made)


def test_what_was_repaired_is_told_with_how_long_it_took_also_when_it_is_closed() -> None:
    host = LiveHost(POLICY)
    host.serve("api.service", start_takes=timedelta(seconds=3))
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=10)
    (resolved,) = shown(host).lately
    host.run(hours=1)
    (closed,) = shown(host).lately

    assert host.agent.state.incidents == {}
    assert closed == resolved
    assert closed.healed
    assert closed.file == "incidents/2026/11/OPS-20261118-001.md"
    assert re.search(r"repaired by opsagent in 3\.\d s", read(shown(host)).words)


def test_the_bars_are_told_in_words_and_the_share_counts_what_was_watched() -> None:
    host = StoryHost(POLICY)
    host.good("api")

    structure = read(shown(host))
    (bars,) = [attrs for attrs in structure.all("div") if attrs.get("role") == "img"]

    assert bars["aria-label"] == (
        "api, last 3 days: 99.44 % without failure; Tue 2026-11-17: critical for 12 min; not watched on 1 of 3 days"
    )
    looks = [attrs["class"] for attrs in structure.all("i") if attrs.get("title")]
    assert looks == ["u", "c h1", "g"]
    assert "1 day with trouble" in structure.words


@pytest.mark.parametrize(("available", "said"), [(1.0, "100 %"), (0.999999, "99.99 %"), (0.5, "50.00 %")])
def test_only_what_never_failed_is_100_percent(available: float, said: str) -> None:
    watched = DaySeen(date=date(2026, 11, 17), ok=1e6 * available, critical=1e6 * (1 - available))
    made = page(StoryHost(POLICY).agent.world(NOON), {"api": (watched,)}, LINKS)

    assert f"{said} without failure" in markup.document(made)


def test_a_check_whose_past_is_not_read_yet_says_so() -> None:
    made = page(StoryHost(POLICY).agent.world(NOON), {}, LINKS)

    assert "its past is not read yet" in read(made).words
    assert made.checks[0].available is None


def test_words_of_others_stay_words() -> None:
    hostile = '"><script>alert(1)</script><img src=//evil.example onerror=x>&amp;\u202e\x1b[31m'
    host = StoryHost(replace(POLICY, checks=(replace(API, unit=None, repair=(), criticality=Criticality.CRITICAL),)))
    for _ in range(4):
        host.pass_(seconds=5)
        host.look("api", Reading(status=Status.CRITICAL, message=hostile, failure_class="status"))
    host.take(inbox.SettingsWrong(errors=(hostile,)))

    made = shown(host, troubles=[hostile])
    structure = read(made)

    tags = {tag for tag, _ in structure.tags}
    assert tags.isdisjoint({"script", "img", "iframe", "object", "form"})
    assert not [name for _, attrs in structure.tags for name in attrs if name.startswith("on")]
    assert structure.words.count("<script>alert(1)</script>") >= 2


def test_nothing_is_fetched_from_anywhere_and_only_our_own_style_is_allowed() -> None:
    structure = read(shown(dead_host()))

    policy = next(str(attrs["content"]) for attrs in structure.all("meta") if "http-equiv" in attrs)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    addresses = [attrs.get("href") or attrs.get("src") or "" for _, attrs in structure.tags]
    assert [one for one in addresses if one and ":" in one and not one.startswith("data:image/svg+xml,")] == []
    assert not [attrs for _, attrs in structure.tags if "style" in attrs]


def test_the_style_keeps_its_hash() -> None:
    document = markup.document(shown(StoryHost(POLICY)))
    style = document.partition("<style>")[2].partition("</style>")[0]

    assert style == markup.STYLE
    assert f"'sha256-{markup.STYLE_HASH}'" in document
    assert "prefers-color-scheme:dark" in style


def test_secrets_are_taken_out_of_every_text_of_others() -> None:
    host = StoryHost(POLICY)
    host.look("api", Reading(status=Status.OK, message="token=geheim"))

    made = shown(host, troubles=["geheim"], clean=lambda text: text.replace("geheim", "[redacted]"))

    assert "geheim" not in markup.document(made) + as_json.text(made)


def test_a_stopped_daemon_is_the_worst_there_is() -> None:
    host = StoryHost(POLICY)
    host.good("api")
    host.take(inbox.Stopping(reason="asked to stop"))

    made = shown(host)

    assert (made.level, made.verdict) == (Level.DOWN, "opsagent is stopped: nobody looks")
    assert json.loads(as_json.text(made))["daemon"]["running"] is False


def test_what_fails_stands_before_what_is_well() -> None:
    checks = tuple(CheckPolicy(name=name, kind="tcp") for name in ("well", "broken", "new"))
    host = StoryHost(replace(POLICY, checks=checks))
    host.good("well")
    host.look("broken", Reading(status=Status.CRITICAL, message="refused", conclusive=True))

    assert [one.name for one in shown(host).checks] == ["broken", "new", "well"]


def test_a_notifier_that_cannot_deliver_is_named_with_the_reason() -> None:
    host = LiveHost(replace(TOLD, notifiers=(*TOLD.notifiers, NotifierPolicy(name="mail", kind="apprise"))))
    host.serve("api.service", can_start=False)
    host.down.add("hook")
    host.run(seconds=60)
    host.kill("api.service")
    host.run(minutes=20)

    hook, mail = shown(host).notifiers

    assert hook.waiting == 2
    assert hook.last_error
    assert (mail.waiting, mail.proven_at) == (0, None)
    assert "2 not delivered yet" in read(shown(host)).words


def test_the_example_in_the_reference_has_the_keys_of_the_page() -> None:
    text = ("one",)
    over = OverShown(label="OPS-20261117-001", check="api", at=NOON, healed=True, seconds=3.1, file=None)
    made = replace(shown(dead_host()), lately=(over,), notes=text, coming=text, troubles=())

    assert shape(example("verdict")) == shape(as_json.as_dict(made))


def test_the_page_for_programs_says_the_same() -> None:
    made = shown(dead_host())
    told = json.loads(as_json.text(made))

    assert (told["v"], told["host"], told["level"], told["verdict"]) == (1, "web-1", "bad", "1 needs you: api is down")
    assert told["open_incidents"][0]["file"] == "incidents/2026/11/OPS-20261118-001.md"
    assert told["checks"][0]["days"][1] == {
        "date": "2026-11-17",
        "ok": 85_680.0,
        "warning": 0.0,
        "critical": 720.0,
        "unknown": 0.0,
    }
    assert told["checks"][0]["available"] == round(1 - 720 / (86_400 + 43_200), 6)
    assert told["budget"] == {"left": 3, "of": 6}
