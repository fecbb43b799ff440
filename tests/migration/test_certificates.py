"""Which certificates kubectl trusts: the same table as for our own connections in `tests/wire/test_verdicts.py`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.clients import client
from tests.needed import needed
from tests.wire import answers
from tests.wire.certificates import Certificates, make_certificates
from tests.wire.kubeconfigs import kubeconfig
from tests.wire.verdicts import CASES, OLD_TLS, STRICTER, issue_all, serving


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return issue_all(make_certificates(tmp_path_factory.mktemp("issued")))


@pytest.fixture(scope="module")
def kubectl(request: pytest.FixtureRequest) -> Path:
    with needed("no kubectl", request.config):
        return client("kubectl")


@OLD_TLS
@pytest.mark.parametrize("kind", [*CASES, *STRICTER])
def test_the_verdict_of_kubectl(kubectl: Path, issued: Certificates, kind: str, tmp_path: Path) -> None:
    case = {**CASES, **STRICTER}[kind]
    authority = issued.file(f"{case.authority}.crt")
    with serving(issued, case) as api:
        api.rule_for_ever("GET", "/version", answers.plain(200))
        path = kubeconfig(tmp_path, "remote", api.url, user={"token": "a"}, certificate_authority=str(authority))
        command: list[str | Path] = [kubectl, "--kubeconfig", path, "get", "--raw", "/version"]
        done = subprocess.run(command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == (case.trusted or kind in STRICTER), done.stderr
        assert bool(api.requests) == (done.returncode == 0)
