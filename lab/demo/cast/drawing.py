"""Draws the cast as an SVG that moves by CSS alone, so that it plays inside an <img>, too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from lab.demo.cast.chapters import Screen
from lab.demo.cast.timeline import Row, timed
from lab.demo.terminal import WIDTH

CHARACTER, LINE, LEFT, TOP = 8.4, 18, 20, 62  # pixels
TITLE = "make demo"
DESCRIPTION = (
    "A recording of the demo. A call to web.shop in the local cluster fails, because there is no such name."
    " barrelman-sync prints its plan, then mirrors the services of the remote cluster. The same call is now answered"
    " by pods of the remote cluster. A remote node is lost and a service moves to another node port. The next run"
    " follows, and a table counts the calls: none failed before the change, and none after the run."
)
FONTS = "ui-monospace, SFMono-Regular, 'SF Mono', Menlo, Consolas, 'Liberation Mono', 'DejaVu Sans Mono', monospace"
BACKGROUND, BAR, BORDER = "#0d1117", "#161b22", "#3d444d"
CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "35": "magenta", "36": "cyan"}
LABELED = 'role="img" aria-labelledby="title description"'
STYLE = f"""
text {{ font: 14px {FONTS}; fill: #e6edf3; white-space: pre }}
.bold {{ font-weight: bold; fill: #ffffff }}
.dim {{ fill: #8b949e }}
.red {{ fill: #ff7b72 }}
.green {{ fill: #56d364 }}
.yellow {{ fill: #e3b341 }}
.magenta {{ fill: #d2a8ff }}
.cyan {{ fill: #56d4dd }}
"""


def drawn(screens: Sequence[Screen]) -> str:
    """Return the SVG. Without animation, or where the reader wants less motion, it shows the end of the last screen."""
    cast = timed(screens)
    rows = [row for screen in cast for row in screen]
    width = round(2 * LEFT + WIDTH * CHARACTER)
    height = TOP + LINE * max(row.number for row in rows) + 20
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {LABELED}>',
            f'<title id="title">{TITLE}</title>',
            f'<desc id="description">{DESCRIPTION}</desc>',
            f"<style>{STYLE}{_motion(rows, rows[-1].ends)}</style>",
            *_window(width, height),
            *_shown(cast),
            "</svg>\n",
        ]
    )


def _window(width: int, height: int) -> Iterator[str]:
    yield f'<clipPath id="inside"><rect x="1" y="37" width="{width - 2}" height="{height - 38}"/></clipPath>'
    yield f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="{BACKGROUND}"/>'
    yield f'<path d="M.5 36V8.5a8 8 0 0 1 8-8H{width - 8.5}a8 8 0 0 1 8 8V36z" fill="{BAR}"/>'
    for number, color in enumerate(("#ff5f57", "#febc2e", "#28c840")):
        yield f'<circle cx="{20 + 20 * number}" cy="18" r="6" fill="{color}"/>'
    yield f'<text x="{width / 2:g}" y="23" text-anchor="middle" class="dim">{TITLE}</text>'
    yield f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="8" fill="none" stroke="{BORDER}"/>'


def _shown(cast: Sequence[Sequence[Row]]) -> Iterator[str]:
    """Yield the rows of all screens; those before the last screen are hidden unless the picture moves."""
    number = 0
    for screen in cast:
        yield "<g>" if screen is cast[-1] else '<g visibility="hidden">'
        for row in screen:
            yield _text(row, number)
            if row.keys:
                yield _curtain(row, number)
            number += 1
        yield "</g>"


def _text(row: Row, number: int) -> str:
    """Return the text of a row, as wide as its characters, whatever the font is."""
    color = f' class="{CLASSES[row.color]}"' if row.color else ""
    size = f'x="{LEFT}" y="{_base(row)}" textLength="{len(row.text) * CHARACTER:g}" lengthAdjust="spacingAndGlyphs"'
    return f'<text id="r{number}" {size}{color} xml:space="preserve">{escape(row.text, quote=False)}</text>'


def _curtain(row: Row, number: int) -> str:
    """Return what hides the keys that are not typed yet, with the cursor at its left edge."""
    x, y = LEFT + (row.typed or 0) * CHARACTER, _base(row) - 14
    return (
        f'<g clip-path="url(#inside)"><g id="k{number}" visibility="hidden" pointer-events="none">'
        f'<rect x="{x:g}" y="{y}" width="{WIDTH * CHARACTER:g}" height="{LINE}" fill="{BACKGROUND}"/>'
        f'<rect x="{x:g}" y="{y}" width="{CHARACTER}" height="{LINE}" fill="#e6edf3"/></g></g>'
    )


def _base(row: Row) -> int:
    return TOP + LINE * row.number


def _motion(rows: Sequence[Row], end: float) -> str:
    rules = [rule for number, row in enumerate(rows) for rule in _rules(row, number, end)]
    return "\n".join(["@media (prefers-reduced-motion: no-preference) {", *rules, "}\n"])


def _rules(row: Row, number: int, end: float) -> Iterator[str]:
    begins, typed, ends = (f"{100 * time / end:.2f}%" for time in (row.begins, row.typing_ends, row.ends))
    timing = f"{end:.1f}s step-end infinite"
    yield f"#r{number} {{ animation: r{number} {timing} }}"
    yield (
        f"@keyframes r{number} {{ 0% {{ visibility: hidden }}"
        f" {begins} {{ visibility: visible }} {ends} {{ visibility: hidden }} }}"
    )
    if row.keys:
        yield f"#k{number} {{ animation: k{number} {timing} }}"
        yield (
            f"@keyframes k{number} {{ 0% {{ visibility: hidden; transform: translateX(0) }}"
            f" {begins} {{ visibility: visible; animation-timing-function: steps({row.keys}, end);"
            f" transform: translateX(0) }}"
            f" {typed} {{ visibility: hidden; transform: translateX({row.keys * CHARACTER:g}px) }} }}"
        )
