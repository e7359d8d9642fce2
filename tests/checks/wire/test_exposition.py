"""Prometheus' text format, beside the format's own words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.checks.wire.exposition import selector, series

# The example of the format's own documentation, and what exporters make of it.
TEXT = r"""
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{method="post",code="400"}    3 1395066363000

# Escaping in label values:
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\" }"} 1.458255915e9

# Minimalistic line:
metric_without_timestamp_and_labels 12.47
metric_without_timestamp_and_labels_too 1
something_weird{problem="division by zero"} +Inf -3982045
no_number NaN
  spaced { a = "b" , c = "d" , }	7
http_request_duration_seconds_bucket{le="+Inf"} 144320 # {trace_id="x"} 0.5
http_request_duration_seconds_sum 53423
"""


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("http_requests_total", [1027, 3]),
        ('http_requests_total{code="400"}', [3]),
        ('http_requests_total{code!="400"}', [1027]),
        ('http_requests_total{code!="400",method="get"}', []),
        ('http_requests_total{host=""}', [1027, 3]),
        ("metric_without_timestamp_and_labels", [12.47]),
        ("something_weird", [math.inf]),
        ('spaced{a="b"}', [7]),
        ('http_request_duration_seconds_bucket{le="+Inf"}', [144320]),
        ("http_request", []),
        ("HELP", []),
        (r'msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT"}', [1.458255915e9]),
        (r'msdos_file_access_time_seconds{error="Cannot find file:\n\"FILE.TXT\" }"}', [1.458255915e9]),
    ],
)
def test_the_series_that_are_meant_are_found(metric: str, expected: list[float]) -> None:
    assert list(series(TEXT, selector(metric))) == expected


def test_what_is_not_a_number_is_said_so() -> None:
    (found,) = series(TEXT, selector("no_number"))

    assert math.isnan(found)


@pytest.mark.parametrize("line", ["up", "up{", 'up{a="b"', 'up{a="b"}', "up one", "up 1_0", "up{a=b} 1", "up{} "])
def test_a_line_that_makes_no_sense_is_no_series(line: str) -> None:
    assert list(series(line, selector("up"))) == []


@pytest.mark.parametrize(
    "metric", ["", "1up", "up{", "up}", 'up{a=~"b"}', "up{a=b}", 'up{a="b"} 1', "a b", 'up{a="b" c="d"}']
)
def test_a_selector_that_cannot_be_read_is_refused(metric: str) -> None:
    with pytest.raises(ValueError, match="cannot read metric"):
        selector(metric)


LABELS = st.dictionaries(
    st.from_regex(r"[a-z_]{1,5}", fullmatch=True),
    st.text(max_size=8),
    max_size=3,
)


@given(LABELS, st.floats(allow_nan=False))
def test_what_is_written_as_the_format_says_is_read_back(labels: dict[str, str], value: float) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    written = "queue{" + ",".join(f"{name}={quoted(text)}" for name, text in labels.items()) + "}"

    assert list(series(f"{written} {value!r}", selector(written))) == [value]


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text: str) -> None:
    found = [*series(text, selector("a")), *series("a" + text, selector("a"))]

    assert all(isinstance(value, float) for value in found)
