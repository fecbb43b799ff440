"""What is in the image, and what is not."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest

from barrelman_sync import __version__
from lab.release.image import PREFIX, python_version
from tests.image.build import COMMIT, SOURCE, Image, base_name
from tests.image.container import Container
from tests.scenarios.command import ROOT

HOME = "opt/barrelman-sync"
MOST_BYTES = 75_000_000  # what is added to the base; Google's descriptions of its APIs alone are 100 MB
UNCHECKED = 1  # in the header of compiled code: by hash, and never compared with its source


def added_bytes(image: Image) -> int:
    return sum(path.lstat().st_size for path in (image.root / HOME).rglob("*") if not path.is_symlink())


def installed(container: Container) -> dict[str, str]:
    code = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    found: dict[str, str] = json.loads(container.python(code).stdout)
    return {re.sub("[-_.]+", "-", name).lower(): version for name, version in found.items()}


def test_version(container: Container) -> None:
    done = container.run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"barrelman-sync, version {__version__}\n", "")


def test_help(container: Container) -> None:
    done = container.run("--help")
    assert (done.returncode, "--remote-cluster-name" in done.stdout) == (0, True)


def test_what_it_says_of_itself(image: Image) -> None:
    labels = {name.removeprefix(f"{PREFIX}."): value for name, value in image.config["Labels"].items()}
    assert (labels["title"], labels["licenses"]) == ("barrelman-sync", "Apache-2.0")
    assert (labels["version"], labels["revision"]) == (__version__, COMMIT.revision)
    assert (labels["created"], labels["source"]) == ("2023-11-14T22:13:20Z", SOURCE)
    assert labels["base.name"] == base_name()
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", labels["base.digest"])
    assert (image.config["User"], image.config["Entrypoint"]) == ("65532:65532", ["barrelman-sync"])


def test_the_lock_is_what_is_installed(container: Container) -> None:
    locked = dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE))
    assert installed(container) == {**locked, "barrelman-sync": __version__}


def test_it_runs_as_a_user_who_can_write_nothing(container: Container) -> None:
    shell = ["/bin/sh", "-c"]
    assert container.run("id -u; id -g", entry_point=shell).stdout == "65532\n65532\n"
    for folder in ("tmp", "opt"):
        assert "Read-only file system" in container.run(f"touch /{folder}/here", entry_point=shell).stderr


def test_its_user_owns_nothing(image: Image) -> None:
    """So nothing can be changed where the root is not read-only either."""
    there = {path: path.lstat() for path in image.root.rglob("*") if not path.is_symlink()}
    assert not [path for path, about in there.items() if 65532 in (about.st_uid, about.st_gid)]
    writable = {path.relative_to(image.root).parts[0] for path, about in there.items() if about.st_mode & stat.S_IWOTH}
    assert writable <= {"dev", "proc", "run", "tmp", "var"}


@pytest.mark.parametrize("program", ["pip", "pip3", "gcc", "cc", "make", "git"])
def test_nothing_to_build_with(container: Container, program: str) -> None:
    assert container.run(f"command -v {program}", entry_point=["/bin/sh", "-c"]).returncode != 0


@pytest.mark.parametrize("module", ["pip", "ensurepip", "setuptools"])
def test_nothing_to_install_with(container: Container, module: str) -> None:
    for python in ("python", "/usr/bin/env python3", "/usr/bin/python3"):
        done = container.run(f"{python} -m {module}", entry_point=["/bin/sh", "-c"])
        assert f"No module named {module}" in done.stderr


def test_nothing_of_the_builder_stays(image: Image) -> None:
    assert not [
        path for path in ("src", "build", "wheels", "etc/pip.conf", "run/ca.crt") if (image.root / path).exists()
    ]
    assert not [*(image.root / HOME).rglob("*.c"), *(image.root / HOME).rglob("direct_url.json")]
    assert "cert =" not in image.history


def test_of_google_s_apis_the_one_that_we_ask_is_there(image: Image, container: Container) -> None:
    documents = [path for path in (image.root / HOME).rglob("discovery_cache/documents/*") if path.is_file()]
    assert [path.name for path in documents] == ["container.v1.json"]
    build = "from googleapiclient.discovery import build; print(build('{}', 'v1', http=object()).{}())"
    done = container.python(build.format("container", "projects().locations().clusters"))
    assert "Resource object" in done.stdout, done.stderr
    assert "UnknownApiNameOrVersion" in container.python(build.format("storage", "buckets")).stderr


def test_public_authorities_are_known(container: Container) -> None:
    """The DNS name of a GKE cluster has a certificate of one of them."""
    done = container.python("import ssl; print(ssl.create_default_context().cert_store_stats()['x509_ca'])")
    assert int(done.stdout) > 100


def test_all_is_compiled(image: Image, container: Container) -> None:
    """It cannot be later, on a root that is read-only."""
    sources = [path for path in (image.root / HOME / "lib").rglob("*.py") if path.stat().st_size]
    assert len(sources) > 500
    assert not [path for path in sources if not cached(path).exists()]
    assert {cached(path).read_bytes()[4] for path in sources} == {UNCHECKED}
    done = container.run("-v", "-c", "import barrelman_sync.reconcile", entry_point=[f"/{HOME}/bin/python"])
    origins = re.findall(r"code object from '(.*)'", done.stderr)
    assert len(origins) > 200
    assert not [path for path in origins if not path.endswith(".pyc")]


def cached(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.cpython-{python_version(base_name()).replace('.', '')}.pyc"


def test_size(image: Image) -> None:
    assert added_bytes(image) < MOST_BYTES
