"""Options as the original and other Go programs take them: what is said of each, and what goes on working."""

from __future__ import annotations

import pytest

from barrelman_sync.command.dashes import mistaken_dashes
from barrelman_sync.command.options import OPTIONS
from tests.values.builders import cases

OF_THE_ORIGINAL = (
    *("-local-kubeconfig", "-local-context", "-remote-project", "-remote-zone", "-remote-cluster-name"),
    *("-ignore-namespace", "-nodeportsvc", "-resync-period", "-nec-workers", "-sc-workers", "-listen-address"),
    *("-logtostderr", "-alsologtostderr", "-stderrthreshold", "-log_dir", "-vmodule", "-v=2"),
)
LOG = "use -v or -vv to log more, and --log-format for JSON"


def said(line: str) -> list[str]:
    return [*mistaken_dashes(line.split(), OPTIONS)]


@pytest.mark.parametrize("option", OF_THE_ORIGINAL)
def test_every_option_of_the_original_is_answered_by_name(option: str) -> None:
    (found,) = said(option)
    assert found.startswith(f"{option}: ")


@pytest.mark.parametrize(
    "name", [name[1:] for option in OPTIONS for name in option.opts if name.startswith("--")], ids=str
)
def test_every_option_of_ours_with_one_dash(name: str) -> None:
    assert said(name) == [f"{name}: write two dashes: -{name}"]


@cases(
    "line, expected",
    {
        "a value": ("-local-kubeconfig X", ["-local-kubeconfig: write two dashes: --local-kubeconfig"]),
        "=": ("-remote-zone=europe-west1-c", ["-remote-zone: write two dashes: --remote-zone"]),
        "begins like -o": ("-output json", ["-output: write two dashes: --output"]),
        "begins like -v": ("-verbose", ["-verbose: write two dashes: --verbose"]),
        "a flag of Go that is on": ("-dry-run=true", ["-dry-run: write two dashes and no value: --dry-run"]),
        "a flag of Go that is off": ("-dry-run=F", ["-dry-run: leave the option out: --dry-run takes no value"]),
        "all at once": (
            "-dry-run --timeout 5s -resync-period 1m",
            [
                "-dry-run: write two dashes: --dry-run",
                "-resync-period: there is no such option; every run compares everything, on the CronJob's schedule",
            ],
        ),
        "two dashes, which Go takes too": (
            "--sc-workers=4",
            ["--sc-workers: there is no such option; use --concurrency, for all writes together"],
        ),
        "klog": ("-logtostderr -v=4", [f"-logtostderr: there is no such option; {LOG}", f"-v=4: {LOG}"]),
    },
)
def test_what_is_said(line: str, expected: list[str]) -> None:
    assert said(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        *("-o json", "-ojson", "-v", "-vv", "-vvo json", "-q", "-h", "-", "", "-x", "-nothing-like-it"),
        *("--dry-run", "--local-kubeconfig=-dry-run", "--no-such-option"),
        "--ignore-namespace -kube-system",
        "--ignore-namespace -dry-run",
        "-o -dry-run",
        "-- -dry-run",
    ],
)
def test_what_is_no_mistake_or_not_one_of_dashes(line: str) -> None:
    assert said(line) == []


def test_the_value_of_an_option_with_one_dash_is_no_option() -> None:
    assert said("-ignore-namespace -dry-run") == ["-ignore-namespace: write two dashes: --ignore-namespace"]
