"""The command line: what is asked for, by options and by environment variables, and what is said of mistakes."""

from __future__ import annotations

import ipaddress
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from barrelman_sync import __version__
from barrelman_sync.command import cli
from barrelman_sync.command.options import ENVIRONMENT_PREFIX, OPTIONS
from barrelman_sync.model.settings import DeleteLimit, InCluster, Kubeconfig, Output, Settings
from barrelman_sync.planning.result import ExitCode
from tests.wire.commands import command, invoke

SIDES = ("--local-context", "here", "--remote-context", "there")
WITHOUT_LIGHTKUBE = """
import sys
from barrelman_sync.command.cli import main
try:
    main({arguments})
except SystemExit:
    print({{"lightkube", "httpx2", "msgspec", "yaml", "tenacity"}} & {{*sys.modules}}, file=sys.stderr)
"""


def settings(monkeypatch: pytest.MonkeyPatch, *options: str, **environment: str) -> Settings:
    """What the command would go by."""
    found: list[Settings] = []

    def run(settings: Settings) -> ExitCode:
        found.append(settings)
        return ExitCode.CONVERGED

    monkeypatch.setattr(cli, "_run", run)
    result = invoke(*SIDES, *options, **environment)
    assert result.exit_code == 0, result.output
    return found[0]


def problems(*options: str, **environment: str) -> list[str]:
    """What is wrong with these options; nothing was tried with them."""
    result = invoke(*options, **environment)
    assert (result.exit_code, result.stdout) == (2, "")
    return result.stderr.splitlines()


def test_help_lists_every_option() -> None:
    result = invoke("--help")
    assert (result.exit_code, result.stderr) == (0, "")
    for option in OPTIONS:
        assert max(option.opts, key=len) in result.stdout
    assert "Exit codes:" in result.stdout
    assert invoke("-h").stdout == result.stdout


def test_the_installed_command() -> None:
    done = command("--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"barrelman-sync, version {__version__}\n"


def test_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "barrelman_sync", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.endswith(f"version {__version__}\n")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--max-deletes=x"], ["--unknown"]])
def test_without_lightkube(arguments: list[str]) -> None:
    """It takes half a second to load, so only a run that needs it loads it."""
    script = WITHOUT_LIGHTKUBE.format(arguments=arguments)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "set()"


def test_an_unknown_option() -> None:
    *_, last = problems(*SIDES, "--max-delete", "3")
    assert last.startswith("Error: No such option '--max-delete'.")
    assert "'--max-deletes'" in last


def test_an_argument() -> None:
    assert "Got unexpected extra argument (now). See 'barrelman-sync --help'." in problems(*SIDES, "now")[-1]


def test_all_problems_at_once() -> None:
    """One line each, which names the option; those of all options together come last."""
    wrong = {
        "--max-deletes": "many",
        "--timeout": "soon",
        "--service-selector": "a==b,",
        "--node-selector": "a b",
        "--output": "xml",
        "--allowed-node-cidr": "10.0.0.1/8",
        "--ignore-namespace": "A_B",
        "--remote-name": "-",
        "--concurrency": "0",
        "--log-format": "xml",
    }
    found = problems(
        *(word for option in wrong.items() for word in option), "--detailed-exitcode", "--prefer-same-zone"
    )
    for option, line in zip(wrong, found, strict=False):
        assert re.match(rf"Error: Invalid value for '(-o' / ')?{option}': \S", line)
    *_, remote, local, dry_run, slices = found
    assert len(found) == len(wrong) + 4
    assert remote.startswith("Error: Missing remote cluster: ")
    assert local.startswith("Error: Missing local cluster: ")
    assert dry_run == "Error: '--detailed-exitcode' requires '--dry-run'."
    assert slices == "Error: '--prefer-same-zone' requires '--endpoint-slices'."


def test_problems_of_the_environment_name_the_option() -> None:
    environment = {"BARRELMAN_SYNC_TIMEOUT": "soon", "BARRELMAN_SYNC_DRY_RUN": "perhaps"}
    first, second = problems(*SIDES, **environment)
    assert first.startswith("Error: Invalid value for '--dry-run'")
    assert second.startswith("Error: Invalid value for '--timeout'")


@pytest.mark.parametrize("option", ["--local-kubeconfig", "--local-context", "--remote-kubeconfig", "--remote-context"])
def test_an_empty_value_is_not_the_default(option: str) -> None:
    """Mostly a variable that the shell does not know: the pod's own cluster is not what was meant."""
    said = problems(*SIDES, option, "", KUBERNETES_SERVICE_HOST="10.0.0.1")
    assert said == [
        f"Error: Invalid value for '{option}': the value is empty; leave the option out to use its default."
    ]


def test_a_wrong_value_is_not_a_missing_one() -> None:
    """What is wrong is told once: not as missing, and not as a conflict, as well."""
    wrong = {"BARRELMAN_SYNC_DRY_RUN": "perhaps", "BARRELMAN_SYNC_REMOTE_PROJECT": "a/b"}
    others = ("--local-context", "here", "--remote-location", "a", "--remote-cluster-name", "b", "--detailed-exitcode")
    first, second = problems(*others, **wrong)
    assert first.startswith("Error: Invalid value for '--remote-project'")
    assert second.startswith("Error: Invalid value for '--dry-run'")


def test_a_version_in_the_environment_is_not_ours() -> None:
    assert invoke("--version", BARRELMAN_SYNC_VERSION="1.2.3").exit_code == 0
    assert "BARRELMAN" not in "".join(problems(BARRELMAN_SYNC_VERSION="1.2.3", BARRELMAN_SYNC_HELP="1.2.3"))


@pytest.mark.parametrize(
    ("name", "meant"),
    [("DRYRUN", "DRY_RUN"), ("MAX_DELETE", "MAX_DELETES"), ("IGNORE_NAMESPACES", "IGNORE_NAMESPACE")],
)
def test_a_misspelled_variable_is_not_ignored(name: str, meant: str) -> None:
    """A dry run that is none would write."""
    (said,) = problems(*SIDES, **{f"BARRELMAN_SYNC_{name}": "1"})
    assert (
        said == f"Error: Unknown environment variable 'BARRELMAN_SYNC_{name}': did you mean 'BARRELMAN_SYNC_{meant}'?"
    )


@pytest.mark.parametrize("name", ["VERSION", "IMAGE", "SERVICE_HOST", "PORT_80_TCP", "REMOTE_ZONE", "HELP"])
def test_variables_that_are_like_no_option_are_somebody_elses(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Those of Kubernetes for a Service barrelman-sync among them."""
    assert settings(monkeypatch, **{f"BARRELMAN_SYNC_{name}": ""}) == settings(monkeypatch)


WARNING = "environment variable 'BARRELMAN_DRY_RUN' is ignored: did you mean 'BARRELMAN_SYNC_DRY_RUN'?"


def test_a_variable_without_our_prefix_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be somebody else's, so the run goes on; and with the right name set as well, there is no mistake."""
    monkeypatch.setattr(cli, "_run", lambda settings: print(settings.run.dry_run))
    result = invoke(*SIDES, BARRELMAN_DRY_RUN="true")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "False\n", f"WARNING: {WARNING}\n")
    assert invoke(*SIDES, BARRELMAN_DRY_RUN="true", BARRELMAN_SYNC_DRY_RUN="true").stderr == ""


def test_a_variable_without_our_prefix_is_a_warning_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "_run", lambda _: None)
    line = json.loads(invoke(*SIDES, "--log-format", "json", BARRELMAN_DRY_RUN="true").stderr)
    assert (line["severity"], line["message"]) == ("WARNING", WARNING)


def test_options_of_the_original_are_answered_by_name() -> None:
    """All of them at once, and before what click makes of them."""
    assert problems("-local-kubeconfig", "X", "-remote-zone=a", "-resync-period", "1m", "-dry-run") == [
        "Error: -local-kubeconfig: write two dashes: --local-kubeconfig",
        "Error: -remote-zone: write two dashes: --remote-zone",
        "Error: -resync-period: there is no such option; every run compares everything, on the CronJob's schedule",
        "Error: -dry-run: write two dashes: --dry-run",
    ]
    assert problems("-help") == ["Error: -help: write two dashes: --help"]


def test_options_of_the_original_as_a_document() -> None:
    result = invoke("-dry-run", "-ojson")
    assert (result.exit_code, json.loads(result.stdout)["problems"]) == (2, ["-dry-run: write two dashes: --dry-run"])


def test_short_options(monkeypatch: pytest.MonkeyPatch) -> None:
    for words in (["-o", "json"], ["-ojson"], ["-vvo", "json"]):
        assert settings(monkeypatch, *words).run.output is Output.JSON
    assert settings(monkeypatch, "-q").run.quiet
    assert settings(monkeypatch, "--ignore-namespace", "-kube-system").scope.ignored_namespaces == set()


@pytest.mark.parametrize("words", [["-qv"], ["-q", "--verbose"], ["-vvq"]])
def test_quiet_is_about_the_output_and_verbose_about_the_log(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, *words).run.quiet


def test_problems_as_json() -> None:
    (line,) = problems("--local-context", "here", "--log-format", "json")
    assert json.loads(line)["message"].startswith("Missing remote cluster: ")


def test_no_time_is_no_run() -> None:
    assert problems(*SIDES, "--timeout", "0") == ["Error: Invalid value for '--timeout': '0' leaves no time for a run."]


def test_a_repeated_option_takes_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, "--timeout", "1m", "--timeout", "1m30s").run.timeout == 90


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(monkeypatch)
    assert (given.local, given.remote) == (Kubeconfig(None, "here"), Kubeconfig(None, "there"))
    assert given.scope.source == ""
    assert (given.run.timeout, given.run.concurrency, given.run.output) == (45, 8, Output.TEXT)
    assert (given.run.dry_run, given.safety.allow_mass_delete) == (False, False)
    assert given.safety.limit == DeleteLimit(10, 30)
    assert given.scope.ignored_namespaces == {"kube-system"}
    assert given.scope.create_namespaces


ENVIRONMENT: dict[str, tuple[str, Any, str]] = {
    "REMOTE_NAME": ("prod", "prod", "scope.source"),
    "ADOPT_SOURCE": ("old", "old", "scope.adopted_source"),
    "IGNORE_NAMESPACE": ("a  b -kube-system", {"a", "b"}, "scope.ignored_namespaces"),
    "INCLUDE_LOADBALANCERS": ("true", True, "scope.include_loadbalancers"),
    "NODEPORTSVC": ("1", True, "scope.nodeports"),
    "NO_CREATE_NAMESPACES": ("yes", False, "scope.create_namespaces"),
    "ALLOWED_NODE_CIDR": (
        "10.0.0.0/8 fd00::/8",
        (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")),
        "nodes.allowed",
    ),
    "MAX_DELETES": ("15%", DeleteLimit(None, 15), "safety.limit"),
    "ALLOW_MASS_DELETE": ("on", True, "safety.allow_mass_delete"),
    "DRY_RUN": ("TRUE", True, "run.dry_run"),
    "OUTPUT": ("yaml", Output.YAML, "run.output"),
    "TIMEOUT": ("2m", 120, "run.timeout"),
    "CONCURRENCY": ("3", 3, "run.concurrency"),
    "REMOTE_KUBECONFIG": ("/a b", "/a b", "remote.path"),
    "LOCAL_KUBECONFIG": ("/a", "/a", "local.path"),
}


@pytest.mark.parametrize(("name", "expected"), ENVIRONMENT.items(), ids=ENVIRONMENT)
def test_environment(monkeypatch: pytest.MonkeyPatch, name: str, expected: tuple[str, Any, str]) -> None:
    """Repeatable options are separated by spaces, others may hold some."""
    text, value, place = expected
    found: Any = settings(monkeypatch, **{f"{ENVIRONMENT_PREFIX}_{name}": text})
    for part in place.split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize("text", ["false", "0", "no", "off", ""])
def test_a_flag_that_is_off(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Also by an empty variable, as manifests made from templates have them."""
    assert not settings(monkeypatch, BARRELMAN_SYNC_DRY_RUN=text).run.dry_run


@pytest.mark.parametrize(
    "name", ["TIMEOUT", "MAX_DELETES", "REMOTE_NAME", "NODE_SELECTOR", "IGNORE_NAMESPACE", "VERBOSE"]
)
def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert settings(monkeypatch, **{f"{ENVIRONMENT_PREFIX}_{name}": ""}) == settings(monkeypatch)


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch, "--timeout", "1s", BARRELMAN_SYNC_TIMEOUT="2s").run.timeout == 1
    given = settings(monkeypatch, "--ignore-namespace", "a", BARRELMAN_SYNC_IGNORE_NAMESPACE="b")
    assert given.scope.ignored_namespaces == {"kube-system", "a"}


def test_in_a_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """The local cluster is that of the pod, unless an option says otherwise."""
    monkeypatch.setattr(cli, "_run", lambda settings: print(settings.local))
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert invoke("--remote-context", "there", **pod).stdout == f"{InCluster()}\n"
    assert invoke(*SIDES, **pod).stdout == f"{Kubeconfig(None, 'here')}\n"


def test_help_has_groups() -> None:
    headings = re.findall(r"^(\S.*):$", invoke("--help").stdout, re.MULTILINE)
    assert headings[0] == "Local cluster"
    assert len({*headings}) == len(headings)
