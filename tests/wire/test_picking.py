"""Nodes picked ahead in processes of their own: the same ones, also where such a process fails."""

from __future__ import annotations

import os
import shutil
import sys

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
    """As if these were many, on three cores."""
    monkeypatch.setattr(picking, "WORTH_IT", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2})


def test_the_same_are_picked() -> None:
    ahead = pick_ahead(CHOICE, SERVICES, LIMIT)
    for family, found in CHOICE.pools.items():
        assert ahead.pools[family].picks == {(service, LIMIT): found.pick(service, LIMIT) for service in SERVICES}


def test_they_are_what_a_service_gets_then() -> None:
    here = pick_ahead(CHOICE, SERVICES[:3], LIMIT).pools["IPv4"]
    assert here.pick(SERVICES[0], LIMIT) is here.picks[SERVICES[0], LIMIT]
    assert here.pick(SERVICES[0], LIMIT + 1) == CHOICE.pools["IPv4"].pick(SERVICES[0], LIMIT + 1)


@pytest.mark.parametrize("program", ["true", "false"])
def test_what_a_process_does_not_deliver_is_left_to_the_plan(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    monkeypatch.setattr(sys, "executable", shutil.which(program))
    picks = pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"].picks
    assert [service for service, _ in picks] == SERVICES[::3]


@pytest.mark.parametrize("limit", [0, 100])
def test_where_every_node_serves_there_is_nothing_to_pick(limit: int) -> None:
    assert not pick_ahead(CHOICE, SERVICES, limit).pools["IPv4"].picks


def test_few_are_not_worth_a_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picking, "WORTH_IT", 10_000)
    assert not pick_ahead(CHOICE, SERVICES, LIMIT).pools["IPv4"].picks
