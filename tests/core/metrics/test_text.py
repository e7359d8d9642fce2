"""The text is Prometheus' own: its library reads it back as it was, and its tool finds nothing to complain about."""

from __future__ import annotations

import math
import subprocess

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from opsagent.core.metrics import Family, Kind, Sample
from opsagent.core.metrics.family import counter, gauge, states
from opsagent.core.metrics.text import text
from tests.core.metrics.telling import figures
from tests.core.metrics.test_figures import repaired_host

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=30)


def test_promtool_accepts_all_that_is_told_of_a_host() -> None:
    told = text(figures(repaired_host()))

    checked = subprocess.run(["promtool", "check", "metrics"], input=told, capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    assert "opsagent_repairs_total" in told


def test_promtool_would_complain() -> None:
    wrong = text([gauge("opsagent_things_total", "", 1)])

    checked = subprocess.run(["promtool", "check", "metrics"], input=wrong, capture_output=True, text=True, check=False)

    assert checked.returncode != 0


@given(WORDS, WORDS, st.floats(allow_nan=False))
def test_whatever_stands_in_it_is_read_back_as_it_was(help_: str, label: str, value: float) -> None:
    family = Family(
        name="opsagent_x", kind=Kind.GAUGE, help=help_, samples=(Sample(value=value, labels=(("check", label),)),)
    )

    (found,) = text_string_to_metric_families(text([family]))

    assert [(one.name, one.labels, one.value) for one in found.samples] == [("opsagent_x", {"check": label}, value)]
    assert found.type == "gauge"


def test_numbers_are_written_as_go_reads_them() -> None:
    values = (0, 1, 2.5, -3, 1e16, 1e300, math.inf, -math.inf, math.nan, 0.1 + 0.2, 1795752477.961526)

    written = [text([gauge("x", "", value)]).split()[-1] for value in values]

    assert written[:9] == ["0", "1", "2.5", "-3", "1e+16", "1e+300", "+Inf", "-Inf", "NaN"]
    assert [float(one) for one in written[9:]] == [0.1 + 0.2, 1795752477.961526]


def test_a_family_without_samples_is_left_out() -> None:
    assert text([counter("x_total", "help", ("a",), {})]) == ""


def test_a_state_is_one_sample_for_each_word() -> None:
    assert text([states("mode", "Now.", "mode", ("auto", "observe"), "auto")]) == (
        '# HELP mode Now.\n# TYPE mode gauge\nmode{mode="auto"} 1\nmode{mode="observe"} 0\n'
    )
