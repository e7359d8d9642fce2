"""Prints what is in the package beside opsagent, as CycloneDX JSON: `BUILT/bin/python3 write_sbom.py VERSION`.

Run by the environment that it tells of; what lies there is what is listed.
"""

import json
import os
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import Distribution, distributions
from typing import Any


def bill(version: str, made_at: datetime) -> dict[str, Any]:
    """Return the bill of materials of this environment."""
    found = sorted(distributions(), key=lambda one: one.name.lower())
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": made_at.isoformat(),
            "component": {
                "type": "application",
                "name": "opsagent",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": [component(one) for one in found],
    }


def component(one: Distribution) -> dict[str, Any]:
    """Return one package; its purl is how databases of vulnerabilities know it."""
    name = re.sub(r"[-_.]+", "-", one.name).lower()
    purl = f"pkg:pypi/{name}@{one.version}"
    licence = licence_of(one)
    named = {"licenses": [{"license": {"name": licence}}]} if licence else {}
    return {"type": "library", "bom-ref": purl, "name": one.name, "version": one.version, "purl": purl, **named}


def licence_of(one: Distribution) -> str:
    """Return what the package says of its licence: an expression, a name, or the last word of a classifier."""
    said: Any = one.metadata
    short = said.get("License-Expression") or said.get("License") or ""
    classified = [text.rpartition(" :: ")[2] for text in said.get_all("Classifier", []) if text.startswith("License")]
    return next((text for text in (short, *classified) if text and "\n" not in text), "")


def main() -> None:
    made_at = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), UTC)
    print(json.dumps(bill(sys.argv[1], made_at), indent=1))


if __name__ == "__main__":
    main()
