"""Events to text and back: as they were, whatever they hold; and what cannot be read is kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from opsagent.core import codec
from opsagent.core import events as ev
from tests.core.events_of import any_event, event_of


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_event())
def test_every_event_comes_back_as_it_was(event: ev.Event) -> None:
    assert codec.decode(codec.kind_of(event), codec.encode(event)) == event


@pytest.mark.parametrize("kind", sorted(set(ev.EVENTS) - {"UnknownEvent"}))
def test_every_type_of_event_comes_back(kind: str) -> None:
    event = event_of(kind)

    assert codec.decode(kind, codec.encode(event)) == event


def test_an_event_of_a_later_version_is_kept_as_it_is() -> None:
    kept = codec.decode("MoonPhaseSeen", '{"phase":"full"}')

    assert kept == ev.UnknownEvent(type="MoonPhaseSeen", data='{"phase":"full"}')
    assert (codec.kind_of(kept), codec.encode(kept)) == ("MoonPhaseSeen", '{"phase":"full"}')


def test_a_field_of_a_later_version_is_passed_over() -> None:
    text = json.dumps({"by": 5.0, "moon": "full"})

    assert codec.decode("ClockJumped", text) == ev.ClockJumped(by=event_of("ClockJumped").by / 12)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(ev.EVENTS)), st.text(max_size=30) | st.just("[]") | st.just('{"to":3}') | st.just("null"))
def test_no_text_whatever_stops_the_reading(kind: str, text: str) -> None:
    assert isinstance(codec.decode(kind, text), ev.Event)


def test_an_event_about_a_file_whose_name_is_no_utf_8_can_be_written_and_comes_back() -> None:
    event = replace(event_of("ChangeSeen"), mark="/etc/app/b\udcff.conf:1")

    text = codec.encode(event)

    assert text.encode()
    assert codec.decode("ChangeSeen", text) == event
