"""Whatever our pages and manifests let a reader type with kubectl, Helm or kustomize, some test types it too."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from lab.clients import version
from tests.docs.readme import ROOT
from tests.docs.typed import CLIENT, FENCE, commands, commands_in, script

TESTS = ROOT / "tests"
# The modules that give a page's blocks their names.
PAGES = {"install": "tests.deploy.page", "migration": "tests.migration.page", "operations": "tests.operations.page"}

NEEDS_KUBELET = "a log comes from a kubelet"
WORDS = "the text names the command; its whole form is elsewhere"
NOT_TYPED = {
    "kubectl --namespace barrelman-sync logs job/try": NEEDS_KUBELET,
    "kubectl -n {{ $labels.namespace }} logs job/NAME": NEEDS_KUBELET,
    "kubectl -n {{ $labels.namespace }} logs deployment/{{ $labels.deployment }}": NEEDS_KUBELET,
    "kubectl apply --server-side": WORDS,
    "kubectl create job --from": WORDS,
    "kubectl create job --from=cronjob/barrelman-sync": WORDS,
    "kubectl delete -k": WORDS,
    "kubectl describe pod": WORDS,
    "kubectl get deployment": WORDS,
}


@cache
def trees() -> list[ast.AST]:
    texts = [file.read_text() for file in TESTS.rglob("*.py") if file != Path(__file__)]
    return [ast.parse(text) for text in texts if "typed" in text or ".page import" in text]


def calls(name: str) -> Iterator[str]:
    """Yield the text in each call of this function in the tests."""
    for node in (node for tree in trees() for node in ast.walk(tree)):
        match node:
            case ast.Call(func=ast.Name(id=found), args=[ast.Constant(value=str(text))]) if found == name:
                yield text


def imported(module: str) -> set[str]:
    """Return the names that tests import from a module."""
    nodes = [node for tree in trees() for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes if node.module == module for alias in node.names}


def is_name(command: str) -> bool:
    """Say whether the text only names a command, such as `kubectl apply`."""
    return len(command.split()) == 2


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("To look: `kubectl get\nnodes`, or\nkubectl as usual.", ["kubectl get nodes"]),
        ("```sh\nkubectl get nodes\n```\n", []),
        ("1. Do:\n\n   ```\n   helm list  # all\n   ```\n", ["helm list"]),
        ("# So:\n#   kubectl apply -k deploy/gke\nkind: Kustomization # kubectl\n", ["kubectl apply -k deploy/gke"]),
        ("action: Run `kubectl get jobs`.\n", ["kubectl get jobs"]),
    ],
)
def test_a_command_is_found(text: str, found: list[str]) -> None:
    assert commands_in(text) == found


def test_every_command_is_typed_by_a_test() -> None:
    typed = {*calls("typed")} | {line for file in calls("script") for line in script(file).splitlines()}
    untyped = {command for command in commands() if not is_name(command)} - typed
    assert untyped == NOT_TYPED.keys(), "a command that no test types, or that needs no exception"


@pytest.mark.parametrize("page", ["migration", "operations"])
def test_a_page_names_the_versions_that_are_used(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text().partition("\n## ")[0]
    told = set(re.findall(r"\b(kubectl|Helm) (\d+\.\d+)\b", text))
    names = {name for name, _ in told}
    clients = (("kubectl", "kubectl"), ("Helm", "helm"), ("Helm", "helm3"))
    assert told == {(name, version(client).rpartition(".")[0]) for name, client in clients if name in names}


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))], ids=lambda page: page.name)
def test_every_block_for_a_shell_is_typed_by_a_test(page: Path) -> None:
    found = [block for _, language, block in FENCE.findall(page.read_text()) if language == "sh"]
    if any(re.search(rf"\b{CLIENT}\b", block) for block in found):
        module = PAGES[page.stem]
        names = {name for name, text in vars(import_module(module)).items() if name.isupper() and isinstance(text, str)}
        assert names - imported(module) == set(), f"blocks of {page.name} that no test types"
