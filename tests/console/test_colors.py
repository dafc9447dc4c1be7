"""Contrast of the console's colors: https://www.w3.org/TR/WCAG22/#contrast-minimum"""

import re
from itertools import product

import pytest

from local.console.site import FILES

FILLS = ("page", "panel")
DECISIONS = ("accept", "step-up", "reject", "inconclusive")
PAIRS = [
    *product(("text", "quiet", "link", "warn", "good"), FILLS),
    *product(("text",), DECISIONS),
    # Buttons and the current view.
    ("panel", "link"),
]


def luminance(color: str) -> float:
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def themes() -> list[dict[str, str]]:
    blocks = re.findall(r":root \{([^}]*)\}", (FILES / "style.css").read_text())
    return [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in blocks]


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_stands_out(theme: int) -> None:
    colors = themes()[theme]
    for above, below in PAIRS:
        light, dark = sorted((luminance(colors[above]), luminance(colors[below])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, f"{above} on {below}"
