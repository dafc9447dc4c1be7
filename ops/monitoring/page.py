"""A report page: paragraphs, tables and pictures in one file of HTML that needs no other file."""

import base64
from collections.abc import Iterable, Sequence
from html import escape
from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #24292f; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin-top: 2rem; border-bottom: 1px solid #e3e6ea; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid #e3e6ea; text-align: right; }
th:first-child, td:first-child, td.text { text-align: left; }
tr.marked td { background: #fdecea; }
img { display: block; max-width: 100%; margin: 1rem 0; }
"""


class MonitoringPage:
    """Collects the parts of a page in their order."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._parts = [f"<h1>{escape(title)}</h1>"]

    def heading(self, text: str) -> None:
        """Adds a heading."""
        self._parts.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        """Adds a paragraph."""
        self._parts.append(f"<p>{escape(text)}</p>")

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]], marked: Sequence[str] = ()) -> None:
        """Adds a table; rows whose first cell is in `marked` stand out."""
        lines = [_row(head, "th"), *(_row(row, "td", row[0] in marked) for row in rows)]
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


def _row(cells: Sequence[str], tag: str, marked: bool = False) -> str:
    inner = "".join(f"<{tag}{_kind(cell)}>{escape(cell)}</{tag}>" for cell in cells)
    return f"<tr{' class=marked' if marked else ''}>{inner}</tr>"


def _kind(cell: str) -> str:
    return "" if cell[:1].isdigit() or cell[:1] in {"-", "+", ""} else ' class="text"'
