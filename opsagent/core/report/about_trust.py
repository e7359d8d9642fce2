"""Entries about how far a remedy may go: earned, given, taken back, lowered."""

from __future__ import annotations

from opsagent.core import events as ev
from opsagent.core.report.about_host import host_story
from opsagent.core.report.entry import Scene, told
from opsagent.core.report.markdown import code, inline


def _of(event: ev.TrustEarned | ev.TrustGiven | ev.TrustRevoked | ev.TrustForgotten | ev.RemedyLowered) -> str:
    return f"{inline(event.remedy, 40)} of {inline(event.key, 80)}"


@host_story.register(ev.TrustEarned)
def _(event: ev.TrustEarned, scene: Scene) -> str:
    said = f"**Next** {code(f'opsagent trust {event.check} {event.remedy}')} to allow it without a question"
    return told(f"{scene.now()} {_of(event)} worked {event.worked} of {event.worked}", said)


@host_story.register(ev.TrustGiven)
def _(event: ev.TrustGiven, scene: Scene) -> str:
    because = f"**Because** {code(event.because)}" if event.because else ""
    return told(f"{scene.now()} {_of(event)} is trusted by {inline(event.by, 40)} · nobody is asked before it", because)


@host_story.register(ev.TrustRevoked)
def _(event: ev.TrustRevoked, scene: Scene) -> str:
    because = f"**Because** {code(event.because)}" if event.because else ""
    return told(f"{scene.now()} {inline(event.by, 40)} wants to be asked before {_of(event)}", because)


@host_story.register(ev.TrustForgotten)
def _(event: ev.TrustForgotten, scene: Scene) -> str:
    return told(f"{scene.now()} the trust in {_of(event)} is forgotten", f"**Because** {inline(event.reason)}")


@host_story.register(ev.RemedyLowered)
def _(event: ev.RemedyLowered, scene: Scene) -> str:
    return told(
        f"{scene.now()} {_of(event)} **made things worse** · a person is asked before it from now on",
        f"**Saw** {inline(event.reason)}",
        f"**Next** {code(f'opsagent trust {event.check} {event.remedy}')} lifts that",
    )
