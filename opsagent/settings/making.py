"""Typed values → one of a kind, with every reason why there can be none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_WORD = re.compile(r"\w+")


def made(cls: type, values: Mapping[str, Any], left_out: Collection[str] = ()) -> tuple[Any, list[str]]:
    """Return one of a kind, or None with what it refuses; keys in `left_out` were refused already.

    A kind names its first mistake only. So that key is left out and the rest judged, until what is said is about
    something that was left out: that is no news.
    """
    values, left_out, said = dict(values), set(left_out), list[str]()
    while True:
        try:
            one = cls(**values)
        except (ValueError, TypeError) as error:
            text = str(error)
            named = _WORD.findall(text)
            blamed = next((word for word in named if word in values), "")
            if left_out and (not blamed or left_out & set(named)):
                return None, said
            said.append(text if text.startswith("cannot ") else f"cannot use this: {text}")
            if not blamed:
                return None, said
            left_out.add(blamed)
            del values[blamed]
        else:
            return (None if left_out else one), said
