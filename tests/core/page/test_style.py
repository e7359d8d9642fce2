"""What is written can be read, and what is drawn be seen, in the light and in the dark: WCAG 2.2, level AA."""

from __future__ import annotations

import re

import pytest

from opsagent.core.page.style import STYLE

LIGHT, DARK = (
    dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})", block)) for block in re.findall(r":root\{(.*?)\}", STYLE, re.DOTALL)
)
TEXTS = [
    *((text, back) for text in ("text", "soft", "link") for back in ("bg", "card")),
    *((text, f"{look}back") for look in ("ok", "warn", "bad", "none") for text in ("text", "soft")),
    *((f"{look}text", f"{look}back") for look in ("ok", "warn", "bad")),
]
SHAPES = [(shape, "card") for shape in ("ok", "warn", "bad", "none")]


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[n : n + 2], 16) / 255 for n in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(colours: dict[str, str]) -> None:
    pale = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in TEXTS}

    assert {pair: round(found, 2) for pair, found in pale.items() if found < 4.5} == {}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_bar_stands_out_from_the_card(colours: dict[str, str]) -> None:
    pale = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in SHAPES}

    assert {pair: round(found, 2) for pair, found in pale.items() if found < 3} == {}


def test_a_colour_of_the_light_has_one_of_the_dark() -> None:
    assert LIGHT.keys() == DARK.keys() > {"bg", "card", "text", "soft", "link"}
