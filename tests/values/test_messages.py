"""Every reason has one word for programs and one sentence for people, and the published schema knows the words."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest
from hypothesis import given

from barrelman_sync.model.names import Kind
from barrelman_sync.planning.eligibility import ELIGIBILITY, SKIPPING
from barrelman_sync.planning.reasons import (
    FAILING,
    GUARDED,
    KEEPING,
    LEAVING,
    UNGUARDED,
    WARNING,
    Exclusion,
    NotServing,
    Reason,
    Rule,
    Skip,
)
from barrelman_sync.planning.steps import Action, Delete, Leave, Step
from barrelman_sync.planning.story import Role
from barrelman_sync.planning.warnings import warnings
from barrelman_sync.report.messages import EXCLUSIONS, NOT_SERVING, PASSED, REASONS, RULES, SKIPS, message
from tests.schema import EXPLAIN_SCHEMA, SCHEMA
from tests.values.builders import World
from tests.values.strategies import worlds

DEFINITIONS = json.loads(SCHEMA.read_text())["$defs"]


SENTENCES = [
    (Reason, REASONS),
    (Rule, RULES),
    (Skip, SKIPS),
    (Exclusion, EXCLUSIONS),
    (NotServing, NOT_SERVING),
]


@pytest.mark.parametrize(("reasons", "sentences"), SENTENCES)
def test_every_reason_has_a_sentence(reasons: type[StrEnum], sentences: dict[StrEnum, str]) -> None:
    assert set(reasons) == sentences.keys()
    assert all(sentence and not sentence.endswith(".") for sentence in sentences.values())


@pytest.mark.parametrize("reasons", [Reason, Rule, Skip, Exclusion, NotServing])
def test_the_words_are_of_one_form(reasons: type[StrEnum]) -> None:
    for reason in reasons:
        assert reason.value == reason.name.lower()


def test_the_schema_has_the_words() -> None:
    assert DEFINITIONS["reason"]["enum"] == [str(reason) for reason in Reason if reason not in WARNING]
    assert DEFINITIONS["skip"]["properties"]["reason"]["enum"] == [str(skip) for skip in Skip]
    assert DEFINITIONS["notEligible"]["properties"]["reason"]["enum"] == [str(rule) for rule in Rule]
    excluded = DEFINITIONS["nodes"]["properties"]["excluded"]["items"]["properties"]
    assert excluded["reason"]["enum"] == [str(exclusion) for exclusion in Exclusion]


def test_the_schema_of_stories_has_the_words() -> None:
    definitions = json.loads(EXPLAIN_SCHEMA.read_text())["$defs"]
    assert definitions["rule"]["properties"]["rule"]["enum"] == [str(rule) for rule in (*Rule, *Skip)]
    assert definitions["node"]["properties"]["reason"]["enum"] == [str(why) for why in (*Exclusion, *NotServing)]
    assert definitions["service"]["properties"]["role"]["enum"] == [str(role) for role in Role]


def test_every_rule_has_a_check_and_a_sentence_for_those_that_pass() -> None:
    assert [*ELIGIBILITY, *SKIPPING] == [*Rule, *Skip]
    assert PASSED.keys() == {*Rule, *Skip}


def test_the_sets_of_reasons_nest() -> None:
    assert FAILING - {Reason.OTHER_CLUSTER} < KEEPING < LEAVING
    assert FAILING < LEAVING
    assert not GUARDED & (KEEPING | UNGUARDED | WARNING)
    assert not LEAVING & (UNGUARDED | WARNING)


def test_the_schema_has_the_actions_and_the_kinds() -> None:
    properties = DEFINITIONS["step"]["properties"]
    held = [f"{Action.HOLD_BACK} {action}" for action in (Action.CREATE, Action.UPDATE, Action.DELETE)]
    assert properties["action"]["enum"] == [str(action) for action in Action if action != Action.HOLD_BACK] + held
    assert properties["kind"]["enum"] == [str(kind) for kind in Kind]


@given(worlds())
def test_every_step_of_any_plan_can_be_told(world: World) -> None:
    """A sentence that asks for a fact which the plan does not give would raise."""
    for limit in (0, 100):
        for step in world.guarded(limit).steps:
            assert "{" not in message(step.why)
            assert_fits(step)
    assert all("{" not in message(warning) for warning in warnings(world.situation))


def assert_fits(step: Step) -> None:
    """Check that the sets of reasons say the truth about the step's action."""
    if isinstance(step, Leave):
        assert step.why.reason in LEAVING
    if isinstance(step, Delete):
        assert step.why.reason in GUARDED | UNGUARDED
