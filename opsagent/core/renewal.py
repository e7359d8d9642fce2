"""`replace` for the large records: the fold makes one anew at each event, and a start may have 100,000 to fold.

`dataclasses.replace` reads and sets each of 50 fields through Python, 30 times as slow as copying a dict of them. So
`State`, `Incident` and `Day` have no slots. Whoever has some, or a `__post_init__`, is left to the standard library.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - with it mypy knows the fields
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """Return a record with some fields changed, as `dataclasses.replace` does. Raises TypeError for no field."""
        fields = getattr(value, "__dict__", None)
        if fields is None or hasattr(value, "__post_init__") or not changes.keys() <= fields.keys():
            return dataclasses.replace(value, **changes)
        fresh = object.__new__(type(value))
        fresh.__dict__.update(fields)
        fresh.__dict__.update(changes)
        return fresh
