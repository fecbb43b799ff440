"""The options of a run, as a user gives them; parsed by the command's own parser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from barrelman_sync.command.cli import main
from barrelman_sync.command.settings import settings_of
from barrelman_sync.model.settings import Settings

Choice = tuple[str, ...]
CHOICES: Mapping[str, tuple[Choice, ...]] = {
    "mode": ((), ("--endpoint-slices",), ("--endpoint-slices", "--prefer-same-zone")),
    "type": ((), ("--nodeportsvc",)),
    "namespaces": ((), ("--namespace", "shop"), ("--namespace", "shop", "--namespace", "new")),
    "ignored": ((), ("--ignore-namespace", "web"), ("--ignore-namespace", "-kube-system")),
    "services": ((), ("--service-selector", "team=shop"), ("--service-selector", "team!=shop")),
    "types": ((), ("--include-loadbalancers",)),
    "create": ((), ("--no-create-namespaces",)),
    "deletes": ((), ("--max-deletes", "0"), ("--max-deletes", "1"), ("--max-deletes", "50%"), ("--allow-mass-delete",)),
    "grace": ((), ("--delete-grace", "10m"), ("--delete-grace", "1h")),
    "endpoints": ((), ("--max-endpoints", "1"), ("--max-endpoints", "2"), ("--max-endpoints", "0")),
    "nodes": ((), ("--use-excluded-nodes",)),
    "name": (
        (),
        ("--remote-name", "next"),
        ("--remote-name", "stage"),
        ("--remote-name", "next", "--adopt-source", "prod"),
        ("--remote-name", "prod", "--adopt-source", "prod"),
        ("--adopt-source", "old"),
    ),
}
"""What a user may choose for each topic; the first is the default."""


@dataclass(frozen=True)
class Options:
    """What the user chose for each topic."""

    chosen: Mapping[str, Choice]

    @property
    def arguments(self) -> Choice:
        return tuple(argument for _, choice in sorted(self.chosen.items()) for argument in choice)

    def has(self, option: str) -> bool:
        return option in self.arguments

    def values(self, option: str) -> list[str]:
        arguments = self.arguments
        return [arguments[place + 1] for place, argument in enumerate(arguments) if argument == option]

    def value(self, option: str) -> str | None:
        return next(iter(self.values(option)), None)


def settings(options: Options, *more: str) -> Settings:
    return _settings(("--local-kubeconfig", "home", "--remote-kubeconfig", "away", *options.arguments, *more))


@lru_cache(maxsize=10_000)
def _settings(arguments: Choice) -> Settings:
    context = main.make_context("barrelman-sync", list(arguments))
    return settings_of(context, context.params)
