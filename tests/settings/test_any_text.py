"""Whatever stands in a settings file, it gives settings or problems with lines, never a traceback."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.compat import StringIO

from opsagent import remedies
from opsagent.settings import Account, Settings, SettingsError, load
from tests.settings.conftest import KINDS, NOTIFIERS

if TYPE_CHECKING:
    from pathlib import Path

WORDS = st.sampled_from(
    [
        *(
            "host",
            "memory",
            "layout",
            "zone",
            "state",
            "scope",
            "heartbeat",
            "fast_loop",
            "deadman",
            "checks",
            "repair",
        ),
        *(
            "notifiers",
            "escalation",
            "maintenance",
            "name",
            "kind",
            "every",
            "timeout",
            "confirm",
            "unit",
            "criticality",
        ),
        *("depends_on", "for", "from", "url", "expect", "json", "status", "path", "port", "levels", "notify", "after"),
        *("SEV1", "per_unit", "waits", "do", "command", "holds_data", "mode", "also", "user", "system", "auto"),
        *KINDS,
        *NOTIFIERS,
        *remedies.KINDS,
        *(
            "api",
            "redis",
            "nginx.service",
            "ssh.service",
            "postgresql.service",
            "5s",
            "1h30m",
            "64KiB",
            "UTC",
            "/bin/true",
        ),
        *("http://127.0.0.1:1/", "http://[", "02:00", "Sun 02:00", "\x00", "\ud800", "~", "/", "..", "🔥", "a" * 300),
    ]
)
LEAVES = WORDS | st.none() | st.booleans() | st.integers(-5, 10**19) | st.floats() | st.text(max_size=20)
VALUES: Any = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)
CHECKS = st.fixed_dictionaries(
    {"name": st.sampled_from(["api", "redis", "x y"]), "kind": st.sampled_from(sorted(KINDS))},
    optional=dict.fromkeys(("url", "unit", "repair", "depends_on", "confirm", "expect", "port", "path", "for"), VALUES),
)
DOCUMENTS = st.dictionaries(WORDS, VALUES, max_size=6) | st.fixed_dictionaries(
    {"checks": st.lists(CHECKS, max_size=4)},
    optional=dict.fromkeys(("repair", "notifiers", "escalation", "maintenance", "deadman", "zone", "host"), VALUES),
)
MANY = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(directory: Path, text: str) -> Settings | SettingsError:
    path = directory / "opsagent.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        return load(path, KINDS, remedies.KINDS, NOTIFIERS, Account(uid=1000, name="ada", home=directory))
    except SettingsError as error:
        return error


def assert_is_told_well(found: Settings | SettingsError, directory: Path) -> None:
    if isinstance(found, SettingsError):
        assert found.problems
        for line in str(found).splitlines():
            assert re.match(re.escape(str(directory)) + r"/opsagent\.yaml:[0-9]+: cannot ", line)
            assert line.isprintable()


@MANY
@given(text=st.text(max_size=300))
def test_any_text(tmp_path: Path, text: str) -> None:
    assert_is_told_well(outcome(tmp_path, text), tmp_path)


@MANY
@given(document=DOCUMENTS)
def test_any_document_of_known_words(tmp_path: Path, document: dict[str, Any]) -> None:
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(document, stream)

    assert_is_told_well(outcome(tmp_path, stream.getvalue()), tmp_path)


def test_the_generator_also_makes_settings_that_are_accepted(tmp_path: Path) -> None:
    found = outcome(tmp_path, "checks: [{name: api, kind: cpu}]")

    assert isinstance(found, Settings)
