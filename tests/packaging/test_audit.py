"""What is said of pip-audit's answers, as pip-audit 2.10 gave them: never that something was asked which was not."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

AUDIT = Path(__file__).parents[2] / "packaging" / "audit.py"
CLEAN = {"name": "click", "version": "8.5.1", "vulns": []}
KNOWN = {
    "name": "requests",
    "version": "2.34.2",
    "vulns": [{"id": "CVE-2026-0001", "fix_versions": ["99"], "aliases": [], "description": "x"}],
}
SKIPPED = {"name": "rich", "skip_reason": "Dependency not found on PyPI and could not be audited: rich (15.0.0)"}
REFUSED = "Traceback …\nrequests.exceptions.ConnectionError: Connection refused\n"


def verdict(*found: dict[str, Any]) -> tuple[int, str]:
    return module().verdict(json.dumps({"dependencies": found, "fixes": []}))


def module() -> Any:
    spec = importlib.util.spec_from_file_location("audit", AUDIT)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def test_what_was_asked_and_is_clean_is_said() -> None:
    assert verdict(CLEAN) == (0, "audited 1 of 1 dependencies, known vulnerabilities: 0")


def test_a_known_vulnerability_fails_and_is_named() -> None:
    code, said = verdict(CLEAN, KNOWN)

    assert code == 1
    assert said.startswith("known vulnerability: requests 2.34.2: CVE-2026-0001\n")


def test_what_the_database_does_not_know_is_not_counted_as_asked() -> None:
    assert verdict(CLEAN, SKIPPED) == (
        0,
        "not audited, the database does not know them: rich\naudited 1 of 2 dependencies, known vulnerabilities: 0",
    )
    assert verdict(SKIPPED) == (0, "not audited: the database of vulnerabilities knows none of the 1 dependencies")


def test_no_answer_is_no_audit() -> None:
    assert module().verdict("", REFUSED) == (
        0,
        "not audited: pip-audit could not ask: requests.exceptions.ConnectionError: Connection refused",
    )
    assert module().verdict("[]", "")[1] == "not audited: pip-audit could not ask: it said nothing"
