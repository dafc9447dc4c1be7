"""A report page: paragraphs, tables and pictures in one file of HTML that needs no other file."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #24292f; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #e3e6ea; }
p { max-width: 52rem; } p.result { font-size: 1.2rem; font-weight: 600; }
table { border-collapse: collapse; font-size: 0.85rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid #e3e6ea; text-align: right; }
th:first-child, td:first-child, .text { text-align: left; }
td { white-space: nowrap; } td.long { white-space: normal; } td.marked { background: #fdecea; }
img { display: block; max-width: 100%; margin: 1rem 0; }
"""
GRID = "#e3e6ea"
# Characters of a cell from which on it may be broken into lines.
LONG = 40


class Marked(str):
    """A cell that stands out."""

    __slots__ = ()


class MonitoringPage:
    """Collects the parts of a page in their order."""

    def __init__(self, title: str, result: str) -> None:
        """Begins with the title, and with the sentence that a reader in a hurry takes away."""
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>", f'<p class="result">{escape(result)}</p>']

    def heading(self, text: str) -> None:
        """Adds a heading."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Adds a paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Adds a table. Columns of words are aligned to the left, columns of numbers to the right."""
        cells = list(rows)
        words = [any(row[place][:1].isalpha() for row in cells) for place in range(len(head))]
        lines = [_row(head, "th", words), *(_row(row, "td", words) for row in cells)]
        self._parts.append(f"<table>{''.join(lines)}</table>")

    def picture(self, figure: Figure, text: str) -> None:
        """Adds a picture, with a text for those who cannot see it."""
        content = BytesIO()
        figure.savefig(content, format="png", dpi=110)
        data = base64.b64encode(content.getvalue()).decode()
        self._parts.append(f'<img alt="{escape(text)}" src="data:image/png;base64,{data}">')

    def write(self, path: Path) -> Path:
        """Writes the page; returns its path."""
        path.parent.mkdir(parents=True, exist_ok=True)
        head = f'<meta charset="utf-8"><title>{escape(self._title)}</title><style>{STYLE}</style>'
        path.write_text(f'<!doctype html><html lang="en">{head}{"".join(self._parts)}</html>\n')
        return path


def percent(share: float, places: int = 1) -> str:
    """Returns a share as text."""
    return f"{100 * share:.{places}f} %"


def plain(axes: Axes, title: str, x: str = "", y: str = "") -> None:
    """Labels axes, and leaves out of them what says nothing."""
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.grid(axis="y", color=GRID)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _row(cells: Sequence[str], tag: str, words: Sequence[bool]) -> str:
    return f"<tr>{''.join(_cell(cell, tag, word) for cell, word in zip(cells, words, strict=True))}</tr>"


def _cell(cell: str, tag: str, word: bool) -> str:
    told = {"text": word, "marked": isinstance(cell, Marked), "long": len(cell) > LONG}
    kinds = " ".join(name for name, wanted in told.items() if wanted)
    return f'<{tag} class="{kinds}">{escape(cell)}</{tag}>'
