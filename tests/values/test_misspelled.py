"""Environment variables that are nearly options: which are mistakes, and whose the others are."""

from __future__ import annotations

import pytest

from barrelman_sync.command.misspelled import misspelled, without_prefix
from barrelman_sync.command.options import OPTIONS
from tests.values.builders import cases

NAMES = [
    name[2:].replace("-", "_").upper() for option in OPTIONS for name in option.opts if name.startswith("--")
]  # fmt: skip


@cases(
    "name, meant",
    {
        "half of the prefix": ("BARRELMAN_DRY_RUN", "DRY_RUN"),
        "one word": ("BARRELMANSYNC_DRY_RUN", "DRY_RUN"),
        "three words": ("BARREL_MAN_SYNC_DRY_RUN", "DRY_RUN"),
        "three words without sync": ("BARREL_MAN_DRY_RUN", "DRY_RUN"),
        "no separator": ("BARRELMAN_SYNCDRY_RUN", "DRY_RUN"),
        "no separator at all": ("BARRELMANSYNCDRYRUN", "DRY_RUN"),
        "small letters": ("barrelman_sync_dry_run", "DRY_RUN"),
        "mixed letters": ("Barrelman_Sync_Dry_Run", "DRY_RUN"),
        "dashes": ("BARRELMAN-SYNC-DRY-RUN", "DRY_RUN"),
        "dots": ("barrelman.sync.dry.run", "DRY_RUN"),
        "a letter too few": ("BARELMAN_SYNC_DRY_RUN", "DRY_RUN"),
        "letters in the wrong order": ("BARRELMAN_SNYC_DRY_RUN", "DRY_RUN"),
        "an underscore too many": ("_BARRELMAN_SYNC_DRY_RUN", "DRY_RUN"),
        "the option is misspelled, too": ("BARRELMAN_MAX_DELETE", "MAX_DELETES"),
        "the second name of an option": ("BARRELMAN_REMOTE_ZONE", "REMOTE_ZONE"),
    },
)
def test_a_variable_without_our_prefix(name: str, meant: str) -> None:
    assert [*without_prefix({name})] == [
        f"environment variable '{name}' is ignored: did you mean 'BARRELMAN_SYNC_{meant}'?"
    ]
    assert [*without_prefix({name, f"BARRELMAN_SYNC_{meant}"})] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_option_without_our_prefix(name: str) -> None:
    (said,) = without_prefix({f"BARRELMAN_{name}"})
    assert said.endswith(f"'BARRELMAN_SYNC_{name}'?")
    assert [*without_prefix({f"BARRELMAN_SYNC_{name}"}), *misspelled({f"BARRELMAN_SYNC_{name}"})] == []


def of_kubernetes(service: str, *ports: str) -> list[str]:
    """Return the variables that a pod gets of a Service, see kubelet's pkg/kubelet/envvars."""
    name = service.upper().replace("-", "_")
    return [
        *(f"{name}_SERVICE_HOST", f"{name}_SERVICE_PORT", f"{name}_PORT", f"{name}_PORT_80_TCP"),
        *(f"{name}_PORT_80_TCP_{part}" for part in ("PROTO", "PORT", "ADDR")),
        *(f"{name}_SERVICE_PORT_{port.upper().replace('-', '_')}" for port in ports),
    ]


@pytest.mark.parametrize(
    "service", ["barrelman", "barrelman-sync", "barrelman-output", "barrelman-sync-timeou", "barrelman-sync-namespace"]
)
def test_variables_of_kubernetes_are_no_mistakes(service: str) -> None:
    variables = of_kubernetes(service, "http", "dry-run", "timeout")
    assert [*without_prefix(variables), *misspelled(variables)] == []


@pytest.mark.parametrize(
    "name",
    [
        *("BARRELMAN", "BARRELMAN_SYNC", "BARRELMAN_SYNC_", "BARRELMAN_VERSION", "BARRELMAN_IMAGE", "BARRELMAN_HOME"),
        *("BARRELMAN_LOG_LEVEL", "BARRELMAN_CONFIG", "BARRELMAN_DEBUG", "_BARRELMAN_SYNC_COMPLETE", "DRY_RUN"),
        *("SYNC_DRY_RUN", "BARREL_OF_OIL", "KUBECONFIG", "REMOTE_NAME", "", "_"),
    ],
)
def test_variables_of_others(name: str) -> None:
    assert [*without_prefix({name}), *misspelled({name})] == []


def test_our_prefix_and_small_letters() -> None:
    assert [*misspelled({"BARRELMAN_SYNC_dry_run"})] == [
        "Unknown environment variable 'BARRELMAN_SYNC_dry_run': did you mean 'BARRELMAN_SYNC_DRY_RUN'?"
    ]
