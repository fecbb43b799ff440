"""The command with --metrics-file and --pushgateway."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import Result

from tests.metrics.gateway import Gateway
from tests.metrics.reading import Samples, samples
from tests.wire import answers
from tests.wire.commands import Sides, command, invoke

pytestmark = pytest.mark.usefixtures("in_process")

NOBODY = "127.0.0.1:1"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "metrics" / "barrelman.prom"


def run(sides: Sides, file: Path, *options: str) -> Result:
    file.parent.mkdir(exist_ok=True)
    return invoke(*sides.arguments, "--remote-name", "prod", "--metrics-file", str(file), *options)


def read(file: Path) -> Samples:
    return samples(file.read_text())


def test_a_run(sides: Sides, file: Path) -> None:
    assert run(sides, file).exit_code == 0
    found = read(file)
    assert found['barrelman_service_update_total{action="create"}'] == 1
    assert found["barrelman_current_nodes_count"] == 2
    assert found["barrelman_last_success_timestamp_seconds"] == found["barrelman_last_run_timestamp_seconds"] > 0


def test_a_run_that_cannot_read(sides: Sides, file: Path) -> None:
    run(sides, file)
    succeeded = read(file)["barrelman_last_success_timestamp_seconds"]
    sides.remote.rule_for_ever("GET", "/api/v1/services", answers.failure(403))
    assert run(sides, file).exit_code == 1
    found = read(file)
    assert (found["barrelman_exit_code"], found["barrelman_last_success_timestamp_seconds"]) == (1, succeeded)
    assert found["barrelman_last_run_timestamp_seconds"] > succeeded
    assert "barrelman_current_nodes_count" not in found


def test_a_run_that_cannot_start(sides: Sides, file: Path) -> None:
    assert run(sides, file, "--remote-context", "missing").exit_code == 2
    assert read(file)["barrelman_exit_code"] == 2


def test_a_dry_run_and_a_preflight_say_nothing(sides: Sides, file: Path) -> None:
    for option in ("--dry-run", "--preflight"):
        run(sides, file, option)
        assert not file.exists()


def test_a_file_that_cannot_be_written(sides: Sides, tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "barrelman.prom"
    done = invoke(*sides.arguments, "--metrics-file", str(missing))
    assert done.exit_code == 1
    assert sides.writes
    message = f"The metrics could not be written to {missing} (--metrics-file): No such file or directory"
    assert [line for line in done.stderr.splitlines() if message in line] == done.stderr.splitlines()[-1:]


def test_a_pushgateway_that_is_down(sides: Sides, file: Path) -> None:
    done = run(sides, file, "--pushgateway", NOBODY)
    assert done.exit_code == 0
    assert f"The metrics did not get to the Pushgateway at http://{NOBODY}" in done.stderr
    assert file.exists()


def test_both(sides: Sides, file: Path, gateway: Gateway) -> None:
    assert run(sides, file, "--pushgateway", gateway.url).exit_code == 0
    assert 'source="prod"' in gateway.text
    assert file.exists()


def test_what_the_pushgateway_hears_of_a_file_that_failed(sides: Sides, tmp_path: Path, gateway: Gateway) -> None:
    missing = tmp_path / "missing" / "barrelman.prom"
    done = invoke(*sides.arguments, "--metrics-file", str(missing), "--pushgateway", gateway.url)
    assert done.exit_code == 1
    assert {value for name, value in gateway.samples.items() if name.startswith("barrelman_exit_code")} == {1}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--metrics-file", " "),
        ("--metrics-file", "folder/"),
        ("--pushgateway", "ftp://gateway"),
        ("--pushgateway", "http://"),
        ("--pushgateway", "gateway:port"),
        ("--pushgateway", "gateway:99999"),
        ("--pushgateway", "http://user:secret@gateway"),
        ("--pushgateway", "http://gateway?job=x"),
        ("--pushgateway", "two words"),
    ],
)
def test_wrong_values(sides: Sides, option: str, value: str) -> None:
    done = invoke(*sides.arguments, option, value)
    assert done.exit_code == 2
    assert f"Invalid value for '{option}'" in done.stderr


def test_the_installed_command_without_the_options_does_not_load_the_library(sides: Sides) -> None:
    code = "import sys; from barrelman_sync.command.cli import main; main(standalone_mode=False)"
    code = f"try:\n {code}\nexcept SystemExit: pass\nsys.exit('prometheus_client' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, *sides.arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_command(sides: Sides, tmp_path: Path) -> None:
    file = tmp_path / "barrelman.prom"
    done = command(*sides.arguments, environment={"BARRELMAN_SYNC_METRICS_FILE": str(file)})
    assert (done.returncode, done.stderr) == (0, "")
    assert read(file)
