"""A long plan under headings, and a quiet one: exact lines."""

from __future__ import annotations

import pytest

from barrelman_sync.model.names import Key
from barrelman_sync.model.settings import Output
from barrelman_sync.planning.result import Report
from barrelman_sync.planning.steps import Action
from barrelman_sync.report import text
from barrelman_sync.report.grouping import SCREEN
from barrelman_sync.report.printer import printer_for
from barrelman_sync.report.text import plan_lines
from tests.values.builders import World, cases, endpoints, local, mirror, remote, service
from tests.values.test_report import lines, of_every_kind, report

NEW = [Key("depot", f"new{n:02}") for n in range(9)]
SAME = [Key("shop", f"same{n}") for n in range(6)]
CALM = [Key(namespace, name) for namespace in ("ads", "blog") for name in ("a", "b", "c")]
GONE, TAKEN, IGNORED = Key("shop", "gone"), Key("shop", "taken"), Key("depot", "ignored")


def long() -> World:
    """Return a world whose plan has 23 lines: new Services in depot, odd ones in shop, and 24 unchanged objects."""
    kept = [*SAME, *CALM, GONE]
    return World(
        local(*(made for key in kept for made in (mirror(key), endpoints(key))), service(TAKEN)),
        services=(*(remote(key) for key in (*NEW, *SAME, *CALM, TAKEN)), remote(IGNORED, ignored=True)),
    )


def shown(found: Report, *, quiet: bool = False) -> list[str]:
    """Return the first words of each line."""
    return [" ".join(line.split()[:3]) for line in plan_lines(found, quiet=quiet)]


def created(key: Key) -> list[str]:
    return [f"+ Service {key}", f"+ Endpoints {key}"]


DEPOT = ["+ Namespace depot", *(line for key in NEW for line in created(key))]


def test_a_long_plan_has_a_heading_for_each_namespace() -> None:
    """The Namespace stands with what is in it, and what is unchanged has a line for all namespaces without more."""
    assert shown(report(long())) == [
        "depot: 19 to",
        DEPOT[0],
        "! Service depot/ignored",
        *DEPOT[1:],
        "",
        "shop: 2 to",
        "- Service shop/gone",
        "- Endpoints shop/gone",
        "! Service shop/taken",
        "",
        "2 more namespaces:",
        "",
    ]


def headings(found: Report, *, quiet: bool = False) -> list[str]:
    return [line for line in plan_lines(found, quiet=quiet) if line and line[0] not in "+-~!"]


def test_headings_count() -> None:
    assert headings(report(long())) == [
        "depot: 19 to create, 1 skipped",
        "shop: 2 to delete, 1 left, 12 unchanged",
        "2 more namespaces: 12 unchanged",
    ]


def test_one_more_namespace() -> None:
    calm = [key for key in CALM if key.namespace == "ads"]
    world = World(
        local(*(made for key in calm for made in (mirror(key), endpoints(key)))),
        services=tuple(remote(key) for key in (*NEW, *SAME, *calm)),
    )
    assert headings(report(world)) == ["depot: 19 to create", "shop: 12 to create", "1 more namespace: 6 unchanged"]


def test_a_plan_that_fits_on_a_screen_has_no_headings() -> None:
    """Tools and people compare such lines: they stay as they are."""
    world = World(local(), services=tuple(remote(Key(namespace, "cart")) for namespace in "abcdef"))
    assert len(lines(report(world))) == 18 < SCREEN
    assert headings(report(world)) == []
    more = World(local(), services=tuple(remote(Key(namespace, "cart")) for namespace in "abcdefg"))
    assert len(headings(report(more))) == 7


def test_a_plan_of_one_namespace_has_no_headings() -> None:
    world = World(local(), services=tuple(remote(Key("depot", f"new{n}")) for n in range(SCREEN)))
    assert len(lines(report(world))) == 1 + 2 * SCREEN
    assert headings(report(world)) == []


def test_a_quiet_plan_has_no_heading_for_what_it_does_not_show() -> None:
    world = long()
    assert headings(report(world), quiet=True) == ["depot: 19 to create", "shop: 2 to delete"]
    assert shown(report(world), quiet=True) == [
        *("depot: 19 to", *DEPOT, ""),
        *("shop: 2 to", "- Service shop/gone", "- Endpoints shop/gone", ""),
    ]


def test_every_step_with_a_line_has_a_word_in_headings() -> None:
    assert text._PLANNED.keys() == set(Action) - {Action.UNCHANGED}


# --- quiet ------------------------------------------------------------------------------------------------------


def test_a_quiet_plan_is_what_changes() -> None:
    found = report(of_every_kind())
    assert [" ".join(line.split()) for line in plan_lines(found, quiet=True)] == [
        line for line in lines(found) if not line.startswith("!")
    ]


def test_a_quiet_plan_has_what_is_held_back() -> None:
    world = World(services=())
    found = report(world, world.guarded(0))
    assert [*plan_lines(found, quiet=True)] == [*plan_lines(found)] != []


@cases(
    "world, fails",
    {
        "no node is used": (World(nodes=()), True),
        "no node serves the Service": (World(services=(remote(local_traffic=True),)), False),
    },
)
def test_a_quiet_plan_has_the_kept_endpoints_that_make_the_run_fail(world: World, *, fails: bool) -> None:
    found = report(world)
    (kept,) = plan_lines(found)
    assert "kept: " in kept
    assert (found.failed, [*plan_lines(found, quiet=True)]) == (fails, [kept] if fails else [])


def test_a_quiet_run_with_nothing_to_do_is_its_summary(capsys: pytest.CaptureFixture[str]) -> None:
    printer = printer_for(Output.TEXT, color=False, quiet=True)
    printer.plan(report(World()))
    printer.outcome(report(World()))
    assert capsys.readouterr().out == "done: 0 created, 0 updated, 0 deleted, 2 unchanged; 2 of 2 nodes used\n"


def test_headings_in_color_are_bold(capsys: pytest.CaptureFixture[str]) -> None:
    printer_for(Output.TEXT, color=True).plan(report(long()))
    out = capsys.readouterr().out.splitlines()
    assert out[0] == "\x1b[1mdepot: 19 to create, 1 skipped\x1b[0m"
    assert [line for line in out if not line.startswith("\x1b")] == [""] * 3
