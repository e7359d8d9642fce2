"""`python -m bench [NAME …] [--write] [--seconds N] [--times N]`: measure, print tables; `--write` renews the page."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime

from bench import archive, detect, footprint, monit, replaying, report, sweep
from tests.host.harness import TREE, missing

PAGE = TREE / "docs" / "performance.md"


def main() -> int:
    """Run the benches that were named, or all."""
    given = _arguments()
    lack = missing()
    benches = {
        "sweep": sweep.run,
        "footprint": lambda: footprint.run(given.seconds),
        "archive": archive.run,
        "replay": replaying.run,
        "detect": lambda: detect.run(given.times),
    }
    if lack and set(given.names) - {"sweep", "replay"}:
        print(f"{lack}: only sweep and replay can be measured", file=sys.stderr)
        return 1
    results = []
    for name in given.names or benches:
        results.append(benches[name]())
        report.clear()
        print(report.section(results[-1]), flush=True)
    print(report.promises(results))
    if given.write:
        old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
        PAGE.write_text(report.document(results, datetime.now(UTC), monit.version(), old), encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the promises.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="sweep, footprint, archive, replay, detect, or all")
    parser.add_argument("--write", action="store_true", help="renew docs/performance.md, or what was named of it")
    parser.add_argument("--seconds", type=int, default=300, help="how long footprint looks on (default: 300)")
    parser.add_argument("--times", type=int, default=20, help="how often detect breaks a service (default: 20)")
    given = parser.parse_args()
    known = {"sweep", "footprint", "archive", "replay", "detect"}
    if wrong := set(given.names) - known:
        parser.error(f"no bench {', '.join(sorted(wrong))}; allowed: {', '.join(sorted(known))}")
    return given


if __name__ == "__main__":
    sys.exit(main())
