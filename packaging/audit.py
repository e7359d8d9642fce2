"""Asks whether a vulnerability is known in what the package holds: `python packaging/audit.py [PIP-AUDIT-OPTION]…`.

Exit status 1: one is known. What could not be asked, without a network for example, is said, and never taken for good.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
TOOLS = ROOT / ".cache" / "audit"
LOCK = ROOT / "packaging" / "requirements.lock"
QUICK = ("--retries", "1", "--timeout", "10")
"""Without a network pip would try for minutes."""


def verdict(report: str, trouble: str = "") -> tuple[int, str]:
    """Return the exit status and what is to be said of pip-audit's JSON; `trouble` is what else it said."""
    try:
        found: list[dict[str, Any]] = json.loads(report)["dependencies"]
    except (ValueError, LookupError, TypeError):
        last = (trouble.strip().splitlines() or ["it said nothing"])[-1]
        return 0, f"not audited: pip-audit could not ask: {last}"
    known = [f"{one['name']} {one['version']}: {flaw['id']}" for one in found for flaw in one.get("vulns", ())]
    skipped = sorted(one["name"] for one in found if "skip_reason" in one)
    asked = len(found) - len(skipped)
    if not asked:
        return 0, f"not audited: the database of vulnerabilities knows none of the {len(found)} dependencies"
    lines = [f"known vulnerability: {one}" for one in known]
    if skipped:
        lines.append(f"not audited, the database does not know them: {', '.join(skipped)}")
    lines.append(f"audited {asked} of {len(found)} dependencies, known vulnerabilities: {len(known)}")
    return int(bool(known)), "\n".join(lines)


def main() -> int:
    """Bring pip-audit if it is not here, let it look, and say what came of it."""
    program = TOOLS / "bin" / "pip-audit"
    if not program.exists():
        brought = subprocess.run(
            [sys.executable, ROOT / "scripts" / "environment.py", TOOLS, *QUICK, "pip-audit"],
            capture_output=True,
            text=True,
            check=False,
        )
        if brought.returncode:
            print("not audited: pip-audit is not here and cannot be fetched now")
            return 0
    argv: list[str | Path] = [
        program,
        "--requirement",
        LOCK,
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run([*argv, *sys.argv[1:]], capture_output=True, text=True, check=False)
    code, said = verdict(done.stdout, done.stderr)
    print(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
