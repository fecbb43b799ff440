"""Metrics in a file."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from barrelman_sync.metrics.textfile import write_file
from barrelman_sync.metrics.values import LAST_SUCCESS
from tests.metrics.reading import Samples, names, samples
from tests.metrics.reports import STARTED, report, run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "barrelman.prom"


def read(file: Path) -> Samples:
    return samples(file.read_text())


def test_a_success(file: Path) -> None:
    write_file(file, run(report()))
    assert read(file)[LAST_SUCCESS] == STARTED + 2
    assert "barrelman_service_update_total" in names(read(file))


def test_everybody_may_read_it_whatever_the_umask(file: Path) -> None:
    before = os.umask(0o077)
    try:
        write_file(file, run())
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


@pytest.mark.parametrize("exit_code", [1, 2, 3])
def test_a_failure_keeps_the_last_success(file: Path, exit_code: int) -> None:
    write_file(file, run(report()))
    for later in (60, 120):
        write_file(file, run(exit_code=exit_code, started=STARTED + later))
    assert read(file)[LAST_SUCCESS] == STARTED + 2
    assert read(file)["barrelman_last_run_timestamp_seconds"] == STARTED + 122
    assert "barrelman_current_nodes_count" not in read(file)


def test_a_failure_without_a_success_before(file: Path) -> None:
    write_file(file, run(exit_code=1))
    assert read(file)[LAST_SUCCESS] == 0


def test_the_success_of_another_source_is_not_ours(file: Path) -> None:
    write_file(file, run(source="another"))
    write_file(file, run(exit_code=1))
    assert read(file)[LAST_SUCCESS] == 0


@pytest.mark.parametrize("old", [b"barrelman_x{", b"\xff\xfe", LAST_SUCCESS.encode() + b" 5\n"], ids=repr)
def test_an_old_file_that_is_none_of_ours_is_replaced(file: Path, old: bytes) -> None:
    file.write_bytes(old)
    write_file(file, run(exit_code=1))
    assert read(file)[LAST_SUCCESS] == 0


def test_a_reader_sees_the_old_file_or_the_new_one(file: Path) -> None:
    write_file(file, run())
    with file.open() as reader:
        write_file(file, run(exit_code=1))
        assert samples(reader.read())["barrelman_exit_code"] == 0
    assert read(file)["barrelman_exit_code"] == 1


def test_nothing_stays_behind(file: Path) -> None:
    write_file(file, run())
    assert list(file.parent.iterdir()) == [file]


def test_nothing_stays_behind_of_a_file_that_cannot_be_replaced(file: Path) -> None:
    (file / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write_file(file, run())
    assert list(file.parent.iterdir()) == [file]
