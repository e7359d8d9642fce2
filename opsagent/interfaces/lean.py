"""What our libraries load where they find it and the daemon never uses: left out, for it would carry it for months.

structlog takes rich along for tracebacks in colour, requests a detector of character sets: 6 MiB together, a tenth of
what the daemon may have. To be imported before anything that imports them; afterwards both can be had as ever.
"""

from __future__ import annotations

import importlib
import sys
import warnings

UNUSED = ("rich", "charset_normalizer", "chardet")
TAKERS = ("structlog", "requests")


def _load() -> None:
    left_out = [name for name in UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(left_out))  # type: ignore[arg-type]  # None is how Python is told "not here"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # requests misses the detector
        for name in TAKERS:
            importlib.import_module(name)
    for name in left_out:
        del sys.modules[name]


_load()
