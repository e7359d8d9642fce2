"""What is told of configuration that was put back, from the words of root's program."""

from __future__ import annotations

from opsagent.core.unit import JobOutcome
from opsagent.remedies.restore import told

ASKED = "opsagent-act-restore-app.service: systemd said done"
DIFF = ("--- when it was good", "+++ as it was found", "-listen = 80", "+restored lisen = 80")
SAID = "restored /etc/app/app.conf, what was refused is /etc/app/app.conf.opsagent-bad-20261127T120000Z"


def test_what_was_put_back_is_told_and_never_a_line_of_the_difference() -> None:
    whole = JobOutcome(result="done", error=ASKED, output=(*DIFF, SAID))
    late = JobOutcome(result="done", error=ASKED, output=DIFF)
    failed = JobOutcome(result="failed", error="restored nothing", output=("restored nothing",))

    assert (told(whole).error, told(late).error, told(failed)) == (SAID, ASKED, failed)
