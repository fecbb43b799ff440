"""What a run loads, and what it leaves behind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.wire.certificates import Certificates
from tests.wire.commands import Sides, command
from tests.wire.fakeapi import FakeApi
from tests.wire.kubeconfigs import kubeconfig

UNUSED = (
    "asyncio",
    "socksio.socks5",
    "anyio",
    "h2",
    "hpack",
    "hyperframe",
    "google",
    "prometheus_client",
    "concurrent.futures.process",
)
RUN = f"""
import sys
from barrelman_sync.command.cli import main
try:
    main(sys.argv[1:])
finally:
    print([name for name in {UNUSED} if name in sys.modules], "lightkube" in sys.modules)
"""
LOADED = """
from barrelman_sync.cluster.loading import load_lightkube
load_lightkube()
"""


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def succeeds(code: str) -> None:
    done = python(code)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("options", [(), ("--preflight",), ("--output", "yaml")])
def test_a_run_loads_neither_an_event_loop_nor_http2(sides: Sides, options: tuple[str, ...]) -> None:
    """Told on stdout: on stderr, Python may tell of sockets that are left for the end of the process to close."""
    assert python(RUN, *sides.arguments, *options).stdout.splitlines()[-1] == "[] True"


def test_what_is_not_loaded_is_there_for_who_wants_it() -> None:
    """From several threads at once, too: Python's own import lock is what makes them wait for each other."""
    code = f"""{LOADED}
import sys
from concurrent.futures import ThreadPoolExecutor
from lightkube.config import client_adapter
assert not {{*{UNUSED}}} & {{*sys.modules}}
with ThreadPoolExecutor(8) as pool:
    found = {{*pool.map(lambda _: client_adapter.asyncio.create_subprocess_exec, range(100))}}
import asyncio, asyncio.subprocess, anyio, h2.connection
assert found == {{asyncio.create_subprocess_exec}}
assert client_adapter.asyncio.subprocess.PIPE == asyncio.subprocess.PIPE
"""
    succeeds(code)


def test_what_was_loaded_before_stays() -> None:
    code = f"""
import asyncio, asyncio.subprocess, anyio, h2, sys
before = {{name: sys.modules[name] for name in ("asyncio", "asyncio.subprocess", "anyio", "h2")}}
{LOADED}
from lightkube.config import client_adapter
assert client_adapter.asyncio is asyncio
assert all(sys.modules[name] is module for name, module in before.items())
"""
    succeeds(code)


def test_a_library_that_wants_more_at_once_gets_it() -> None:
    """A later version may want at its top what this one wants in a coroutine."""
    code = """
import sys
from barrelman_sync.cluster.loading import _OnUse
stand_ins = {name: _OnUse(name) for name in ("asyncio", "asyncio.subprocess")}
sys.modules.update(stand_ins)
from asyncio import sleep
from asyncio.subprocess import PIPE
import asyncio
assert asyncio.sleep is sleep and PIPE == -1
assert not {*map(id, stand_ins.values())} & {*map(id, sys.modules.values())}
"""
    succeeds(code)


def test_a_run_leaves_no_certificates_behind(tmp_path: Path, certificates: Certificates) -> None:
    """No certificate reaches a file with a name."""
    user = {
        "client-certificate-data": certificates.data("client.crt"),
        "client-key-data": certificates.data("client.key"),
    }
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    with (
        FakeApi(certificates.server(ask_client=True)) as local,
        FakeApi(certificates.server(ask_client=True)) as remote,
    ):
        Sides(local, remote, tmp_path)
        arguments = [
            f"--{side}-kubeconfig={kubeconfig(tmp_path, side, api.url, user=user, **trusting(certificates))}"
            for side, api in (("local", local), ("remote", remote))
        ]
        done = command(*arguments, "--output=json", environment={"TMPDIR": str(temporary)})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["problems"] == []
    assert [*temporary.iterdir()] == []


def test_the_process_ends_without_cleaning_up(sides: Sides) -> None:
    """OpenSSL's clean-up crashes if a thread ends at the same moment, see docs/adr/010-the-end-of-the-process.md."""
    code = """
import atexit
from barrelman_sync.__main__ import start
atexit.register(print, "cleaning up")
start()
"""
    done = python(code, *sides.arguments, "--output=json")
    assert (done.returncode, json.loads(done.stdout)["problems"]) == (0, [])  # the document, and nothing after it


def trusting(certificates: Certificates) -> dict[str, str]:
    return {"certificate_authority_data": certificates.data("ca.crt")}
