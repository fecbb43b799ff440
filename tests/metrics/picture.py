"""Draws docs/dashboard.svg: the panels of deploy/grafana-dashboard.json over an hour of made-up runs.

No Grafana is involved: this reads the dashboard's own panels and queries, and draws them in its manner.
`python -m tests.metrics.picture` makes the file; a test fails when it is out of date.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any

from tests.metrics.story import Minute, hour

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana-dashboard.json"
PICTURE = ROOT / "docs" / "dashboard.svg"

Panel = dict[str, Any]
Series = list[float | None]

COLUMN, ROW, GAP = 40, 22, 6
COLORS = ("#73bf69", "#f2cc0c", "#5794f2", "#ff9830", "#f2495c", "#b877d9")
STAT = {"green": COLORS[0], "orange": COLORS[3], "red": COLORS[4]}
QUERY = re.compile(r'(?P<age>time\(\) - )?(?P<name>\w+)\{source=~"\$source"\}(?P<positive> > 0)?')


def picture() -> str:
    """Return the whole dashboard as SVG."""
    panels: list[Panel] = json.loads(DASHBOARD.read_text())["panels"]
    minutes = hour()
    height = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels) * ROW
    parts = [_drawn(panel, minutes) for panel in panels]
    size = f'width="{24 * COLUMN}" height="{height}" viewBox="0 0 {24 * COLUMN} {height}"'
    name = 'role="img" aria-label="The panels of the dashboard over an hour of runs"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {name} font-family="sans-serif" font-size="11">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="#111217"/>', *parts, "</svg>"]) + "\n"


def evaluate(query: str, legend: str, minutes: list[Minute]) -> dict[str, Series]:
    """Return the series of one of the few kinds of queries that the dashboard has, by their legends."""
    match = QUERY.fullmatch(query)
    assert match, f"the picture does not know how to draw {query}"
    pattern = re.compile(rf"{match['name']}(\{{\w+=\"(?P<label>\w+)\"\}})?")
    found: dict[str, Series] = {}
    for number, minute in enumerate(minutes):
        for sample, value in minute.samples.items():
            if (hit := pattern.fullmatch(sample)) and not (match["positive"] and value <= 0):
                name = re.sub(r"\{\{\w+\}\}", hit["label"] or "prod", legend)
                series = found.setdefault(name, [None] * len(minutes))
                series[number] = minute.time - value if match["age"] else value
    return found


def _drawn(panel: Panel, minutes: list[Minute]) -> str:
    place = panel["gridPos"]
    width, height = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
    series: dict[str, Series] = {}
    for target in panel["targets"]:
        series |= evaluate(target["expr"], target["legendFormat"], minutes)
    draw = _stat if panel["type"] == "stat" else _lines
    return (
        f'<g transform="translate({place["x"] * COLUMN + GAP // 2} {place["y"] * ROW + GAP // 2})">'
        f'<rect width="{width}" height="{height}" rx="3" fill="#181b1f" stroke="#2c3235"/>'
        f'<text x="10" y="18" fill="#ccccdc" font-weight="bold">{escape(panel["title"])}</text>'
        f"{draw(panel, series, width, height)}</g>"
    )


def _stat(panel: Panel, series: dict[str, Series], width: int, height: int) -> str:
    ((_, values),) = series.items()
    last = next(value for value in reversed(values) if value is not None)
    steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [{"color": "green", "value": None}])
    color = [step["color"] for step in steps if step["value"] is None or last >= step["value"]][-1]
    return (
        f'<text x="{width // 2}" y="{height // 2 + 20}" font-size="30" text-anchor="middle"'
        f' fill="{STAT[color]}">{_number(last, panel)}</text>'
    )


def _lines(panel: Panel, series: dict[str, Series], width: int, height: int) -> str:
    left, top, right, bottom = 50, 32, width - 12, height - 42
    highest = max((value for values in series.values() for value in values if value is not None), default=0) or 1
    parts = [
        f'<path d="M{left} {y:g}H{right}" stroke="#2c3235"/>'
        f'<text x="{left - 6}" y="{y + 4:g}" fill="#8e8e9b" text-anchor="end">{_number(value, panel)}</text>'
        for value, y in ((0, bottom), (highest / 2, (top + bottom) / 2), (highest, top))
    ]
    x = left
    for number, (name, values) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        path = _steps(values, (right - left) / len(values), (bottom - top) / highest)
        parts.append(
            f'<path transform="translate({left} {bottom})" d="{path}" stroke="{color}" fill="none" stroke-width="1.5"/>'
        )
        parts.append(f'<rect x="{x}" y="{height - 20}" width="12" height="3" fill="{color}"/>')
        parts.append(f'<text x="{x + 16}" y="{height - 15}" fill="#ccccdc">{escape(name)}</text>')
        x += 40 + 6 * len(name)
    return "".join(parts)


def _steps(values: Series, wide: float, high: float) -> str:
    """Return a line that breaks where nothing is known."""
    path, drawing = "", False
    for number, value in enumerate(values):
        if value is not None:
            path += f"{'L' if drawing else 'M'}{number * wide:.1f} {-value * high:.1f}h{wide:.1f}"
        drawing = value is not None
    return path


def _number(value: float, panel: Panel) -> str:
    if panel["fieldConfig"]["defaults"]["unit"] != "s":
        return f"{value:g}"
    return f"{value / 60:.1f} min" if value >= 100 else f"{value:.3g} s"


if __name__ == "__main__":
    PICTURE.write_text(picture())
