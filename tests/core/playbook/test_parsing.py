"""A playbook is people's Markdown: read as it was meant, however it was written, and never an error."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opsagent.core.playbook import parsing
from opsagent.core.playbook.section import Runbook, Section

USUAL = """\
# Debugging Playbook

## Blockchain Node Not Starting

1. Check that the virtual environment is active: `which python`
2. Check that the database file exists
   - `ls -la /srv/chain.db`
   - If missing, run `genesis generate`
3. Verify `.env` ports and keys
4. `curl http://localhost:8026/health`
5. tail -f /var/log/node.log
"""


def found(text: str) -> dict[str, list[str]]:
    return {one.title: [step.command for step in one.steps] for one in parsing.sections(text)}


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_usual_one_is_its_headings_and_their_numbered_checks(ends: str) -> None:
    (section,) = parsing.sections(USUAL.replace("\n", ends))

    assert section.title == "Blockchain Node Not Starting"
    assert [step.command for step in section.steps] == [
        "which python",
        "ls -la /srv/chain.db",
        ".env",
        "curl http://localhost:8026/health",
        "tail -f /var/log/node.log",
    ]
    assert section.steps[1].text == "Check that the database file exists"
    assert section.steps[1].notes == ("If missing, run `genesis generate`",)


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("## A\n- `df -h /`\n* uptime\n+ [ ] free -m\n", ["df -h /", "uptime", "free -m"]),
        ("## A\n```bash\n$ df -h /\n# a comment\n\nuptime\n```\n", ["df -h /", "uptime"]),
        ("## A\n1. Look\n   ```\n   df -h /\n   uptime\n   ```\n", ["df -h /", "uptime"]),
        ("## A\n1) Load: uptime\n2) Ask Ann\n", ["uptime", ""]),
        ("## A\n1. If it is full\n   `df -h /`\n", ["df -h /"]),
        ("## A\n1. Look\n   - if bad: `uptime`\n", [""]),
        ("A\n-\n1. no heading\n", None),
        ("A\n---\n1. uptime\n", ["uptime"]),
        ("## A\n<!--\n1. hidden\n-->\n1. uptime\n", ["uptime"]),
        ("## A\n~~~\nuptime\n```\n~~~\n1. free\n", ["uptime", "```", "free"]),
        ("## A ##\n1. uptime", ["uptime"]),
        ("## Empty\n\n## A\n1. uptime\n", ["uptime"]),
        ("1. before any heading\n   uptime\n", None),
        ("## A\njust words about `uptime`\n", None),
    ],
)
def test_odd_markdown_is_read_as_it_was_meant(text: str, commands: list[str] | None) -> None:
    assert found(text) == ({"A": commands} if commands is not None else {})


def test_a_heading_below_another_bears_its_parents_name() -> None:
    assert found("## Queue\n1. uptime\n### Full\n1. df -h\n## Other\n1. free\n") == {
        "Queue": ["uptime"],
        "Queue: Full": ["df -h"],
        "Other": ["free"],
    }


def test_below_the_books_own_title_a_deeper_heading_stands_alone() -> None:
    assert found("# Debugging Playbook\n### Queue full\n1. uptime\n") == {"Queue full": ["uptime"]}


def test_a_thousand_openings_of_a_comment_hide_nothing() -> None:
    assert found("<!--" * 10_000 + "\n## A\n1. `$ uptime`\n") == {"A": ["uptime"]}


def test_more_than_anybody_reads_is_cut() -> None:
    many = "".join(f"## {number}\n" + "1. uptime\n" * 40 for number in range(300))

    sections = parsing.sections(many)
    assert len(sections) == parsing.MOST_SECTIONS
    assert {len(one.steps) for one in sections} == {parsing.MOST_STEPS}


PIECES = st.sampled_from(
    ["# ", "## ", "### ", "1. ", "- ", "   - ", "```", "~~~", "`", "<!--", "-->", "---", "\n", "\r\n", "\t", "If "]
)


@given(st.one_of(st.text(max_size=200), st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=40).map("".join)))
def test_any_text_gives_sections_of_bounded_lines_and_no_error(text: str) -> None:
    for section in parsing.sections(text):
        assert isinstance(section, Section)
        assert section.steps
        for said in (
            section.title,
            *(line for step in section.steps for line in (step.text, step.command, *step.notes)),
        ):
            assert len(said) <= parsing.LONGEST_LINE
            assert "\n" not in said
    assert isinstance(parsing.runbook("a.md", text), Runbook)


def test_a_runbook_says_what_it_is_about_and_whether_somebody_has_read_it() -> None:
    drafted = (
        "# Runbook: api refused\n\n- **Status**: draft, correct it\n- **Fingerprint**: `api.service|http|refused`\n"
    )

    assert parsing.runbook("a.md", drafted) == Runbook(
        name="a.md", title="Runbook: api refused", fingerprint="api.service|http|refused", is_draft=True
    )
    assert not parsing.runbook("a.md", drafted.replace("draft", "reviewed")).is_draft
