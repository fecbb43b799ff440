"""Draw docs/scaling.svg from the table in docs/scaling.md: `python -m lab.bench.scale_plot`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).parents[2] / "docs"
HEAD = "| nodes | services | cap | wall s | CPU s | peak MB |"
WIDTH, HEIGHT, GAP, TOP, LEFT = 190, 150, 90, 50, 60
CPU_COLOR, MEMORY_COLOR = "#0b62a4", "#c25b00"


class Row(NamedTuple):
    """A line of the table."""

    nodes: int
    services: int
    cap: int
    wall: float
    cpu: float
    peak: float


class Panel(NamedTuple):
    """A diagram of one size that grows (`axis`), from the rows in which the other sizes are fixed (`belongs`)."""

    title: str
    axis: Callable[[Row], int]
    belongs: Callable[[Row], bool]


PANELS = (
    Panel("nodes (1,000 services, cap 250)", lambda row: row.nodes, lambda row: (row.services, row.cap) == (1000, 250)),
    Panel(
        "services (15,000 nodes, cap 250)", lambda row: row.services, lambda row: (row.nodes, row.cap) == (15000, 250)
    ),
    Panel("cap (15,000 nodes, 5,000 services)", lambda row: row.cap, lambda row: row[:2] == (15000, 5000)),
)


def rows(markdown: str) -> Iterator[Row]:
    """Return the lines of the table under HEAD."""
    _, _, rest = markdown.partition(HEAD)
    for line in rest.splitlines()[2:]:
        if not line.startswith("|"):
            return
        numbers = [float(cell.replace(",", "")) for cell in line.strip("|").split("|")[:6]]
        yield Row(*map(int, numbers[:3]), *numbers[3:])


def drawn(table: Sequence[Row]) -> str:
    """Return the SVG: CPU time and memory over each of the three sizes."""
    most = {"cpu": max(row.cpu for row in table) * 1.1, "peak": max(row.peak for row in table) * 1.1}
    parts = [_panel(panel, number, table, most) for number, panel in enumerate(PANELS)]
    width, height = len(PANELS) * (WIDTH + GAP) + LEFT, HEIGHT + TOP + 50
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
                ' font-size="11" role="img" aria-label="CPU time and peak memory of a run with nothing to do">'
            ),
            f'<rect width="{width}" height="{height}" fill="white"/>',
            f'<text x="{LEFT}" y="20" fill="{CPU_COLOR}">CPU, seconds (left)</text>',
            f'<text x="{LEFT + 130}" y="20" fill="{MEMORY_COLOR}">peak memory, MB (right)</text>',
            *parts,
            "</svg>\n",
        ]
    )


def _panel(panel: Panel, number: int, table: Sequence[Row], most: dict[str, float]) -> str:
    chosen = sorted((row for row in table if panel.belongs(row)), key=panel.axis)
    left, bottom = LEFT + number * (WIDTH + GAP), TOP + HEIGHT
    far = max(panel.axis(row) for row in chosen)

    def line(values: Sequence[float], highest: float, color: str) -> str:
        points = [
            (left + WIDTH * panel.axis(row) / far, bottom - HEIGHT * value / highest)
            for row, value in zip(chosen, values, strict=True)
        ]
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points)
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>{dots}'

    return "\n".join(
        [
            f'<path d="M{left},{TOP} V{bottom} H{left + WIDTH} V{TOP}" fill="none" stroke="#888"/>',
            f'<text x="{left + WIDTH / 2}" y="{bottom + 32}" text-anchor="middle">{panel.title}</text>',
            *(_tick(left + WIDTH * panel.axis(row) / far, bottom + 14, f"{panel.axis(row):,}") for row in chosen),
            *(_tick(left - 18, bottom - HEIGHT * part + 4, f"{most['cpu'] * part:.3g}") for part in (0, 0.5, 1)),
            *(
                _tick(left + WIDTH + 16, bottom - HEIGHT * part + 4, f"{most['peak'] * part:.0f}")
                for part in (0, 0.5, 1)
            ),
            line([row.cpu for row in chosen], most["cpu"], CPU_COLOR),
            line([row.peak for row in chosen], most["peak"], MEMORY_COLOR),
        ]
    )


def _tick(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="9" fill="#555">{text}</text>'


def main() -> None:
    """Draw docs/scaling.svg."""
    (DOCS / "scaling.svg").write_text(drawn(list(rows((DOCS / "scaling.md").read_text()))))


if __name__ == "__main__":
    main()
