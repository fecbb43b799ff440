"""Nodes picked ahead in processes of their own: the same ones, also where such a process fails."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from barrelman_sync import picking
from barrelman_sync.model import Key
from barrelman_sync.picking import pick_ahead
from barrelman_sync.planning.nodes import NodeChoice
from barrelman_sync.planning.subset import Member, pool

LIMIT = 7
SERVICES = [Key("shop", f"service-{number}") for number in range(20)]
CHOICE = NodeChoice(
    {
        "IPv4": pool(Member(f"n-{number}", f"10.0.0.{number}", "ab"[number % 2]) for number in range(100)),
        "IPv6": pool(Member(f"n-{number}", f"fd00::{number:x}", "ab"[number % 2]) for number in range(50)),
    }
)


@pytest.fixture(autouse=True)
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if these were many, on two cores."""
    monkeypatch.setattr(picking, "WORTH_IT", 1)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_the_same_are_picked() -> None:
    ahead = pick_ahead(CHOICE, SERVICES, LIMIT)
    for family, found in CHOICE.pools.items():
        assert ahead.pools[family].picks == {(service, LIMIT): found.pick(service, LIMIT) for service in SERVICES}


def test_they_are_what_a_service_gets_then() -> None:
    here = pick_ahead(CHOICE, SERVICES[:3], LIMIT).pools["IPv4"]
    assert here.pick(SERVICES[0], LIMIT) is here.picks[SERVICES[0], LIMIT]
    assert here.pick(SERVICES[0], LIMIT + 1) == CHOICE.pools["IPv4"].pick(SERVICES[0], LIMIT + 1)


@pytest.mark.parametrize("program", [shutil.which("true"), "/no/such/program"])
def test_a_process_that_fails_leaves_all_to_the_plan(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", program)
    here = pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"]
    assert not here.picks
    assert here.pick(SERVICES[1], LIMIT) == CHOICE.pools["IPv4"].pick(SERVICES[1], LIMIT)


def test_it_runs_nothing_that_lies_in_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "barrelman_sync").mkdir()
    (tmp_path / "barrelman_sync" / "picking.py").write_text("raise SystemExit(1)")
    monkeypatch.chdir(tmp_path)
    assert pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"].picks


def test_one_core_is_not_split(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    assert not pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"].picks


@pytest.mark.parametrize("limit", [0, 100])
def test_where_every_node_serves_there_is_nothing_to_pick(limit: int) -> None:
    assert not pick_ahead(CHOICE, SERVICES, limit).pools["IPv4"].picks


def test_few_are_not_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picking, "WORTH_IT", 10_000)
    assert not pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"].picks
