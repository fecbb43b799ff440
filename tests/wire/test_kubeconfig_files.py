"""Which kubeconfig counts, and how it may be written."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from barrelman_sync.access.kubeconfig import Access, read_access
from barrelman_sync.model.errors import ConfigurationError
from barrelman_sync.model.settings import Kubeconfig
from tests.wire.kubeconfigs import Section, document, write

GOOD: Section = {"server": "http://127.0.0.1:1", "insecure-skip-tls-verify": True}


def access(path: Path | None = None, context: str | None = None) -> Access:
    return read_access(Kubeconfig(str(path) if path else None, context), "remote")


def test_a_context_of_the_default_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """~/.kube/config, or what KUBECONFIG names."""
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", document("home", GOOD, {}))
    assert read_access(Kubeconfig(context="home"), "remote").name == "home"
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path / "other", document("other", GOOD, {}))))
    assert read_access(Kubeconfig(context="other"), "remote").name == "other"
    with pytest.raises(ConfigurationError, match=r"'--remote-context' in .*/other: has no context 'home'"):
        read_access(Kubeconfig(context="home"), "remote")


class Several:
    """Files that KUBECONFIG names."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._set = monkeypatch.setenv

    def names(self, *names: str, end: str = "") -> None:
        self._set("KUBECONFIG", os.pathsep.join(str(self.folder / name) if name else "" for name in names) + end)

    def write(self, name: str, content: object) -> None:
        write(self.folder / name, content)


@pytest.fixture
def several(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Several:
    return Several(tmp_path, monkeypatch)


def of(server: str, name: str = "prod", **user: str) -> Section:
    return document(name, {**GOOD, "server": f"http://{server}"}, user)


def test_the_first_file_that_has_the_context(several: Several) -> None:
    several.write("a", of("of-a", "test"))
    several.write("b", of("of-b"))
    several.write("c", of("of-c"))
    several.names("missing", "", "a", "b", "c", "b", end="\n")
    assert access(context="prod").server == "http://of-b"
    assert access(context="prod").where == f"'--remote-context' in {several.folder / 'b'}"
    assert access(context="test").server == "http://of-a"


@pytest.mark.parametrize("section", ["clusters", "users"])
def test_with_its_cluster_and_user(several: Several, section: str) -> None:
    """A file that has only the context is passed over."""
    several.write("a", {**of("of-a"), section: []})
    several.write("b", of("of-b"))
    several.names("a", "b")
    assert access(context="prod").server == "http://of-b"


def test_no_file_has_it(several: Several) -> None:
    several.write("a", of("of-a", "test"))
    several.write("b", {**of("of-b"), "users": None})
    several.names("a", "b", "missing")
    with pytest.raises(ConfigurationError) as caught:
        access(context="prod")
    (problem,) = caught.value.problems
    assert problem == (
        "'--remote-context' prod: no file in KUBECONFIG has this context with its cluster and user:"
        f" {several.folder}/a has no context 'prod' (there are: test);"
        f" {several.folder}/b has no user 'prod-user' (there are: none)."
    )


def test_an_empty_file_has_no_context(several: Several) -> None:
    several.write("a", of("of-a"))
    several.names("/dev/null", "a")
    assert access(context="prod").server == "http://of-a"


def test_no_file_is_there(several: Several) -> None:
    several.names("a", "b")
    with pytest.raises(ConfigurationError, match=r"prod: no file in KUBECONFIG .*: none of them exists\."):
        access(context="prod")


@pytest.mark.parametrize("broken", ["a: [", "[]", "folder"])
def test_a_file_that_cannot_be_read(several: Several, broken: str) -> None:
    """As with kubectl, an error, although a later file has the context."""
    if broken == "folder":
        (several.folder / "a").mkdir()
    else:
        several.write("a", broken)
    several.write("b", of("of-b"))
    several.names("a", "b")
    with pytest.raises(
        ConfigurationError, match=r"'--remote-context' in .*/a: (is not YAML|is not a kubeconfig|cannot be)"
    ):
        access(context="prod")


def test_without_a_name(several: Several) -> None:
    several.write("a", of("of-a"))
    several.names("a", "b")
    message = "KUBECONFIG names 2 files: choose a context with '--remote-context', or a file with '--remote-kubeconfig'"
    with pytest.raises(ConfigurationError, match=message):
        access()


def test_one_file_named_twice_is_one(several: Several) -> None:
    several.write("a", of("of-a"))
    several.names("a", "a", end="\n")
    assert access().server == "http://of-a"


def test_paths_are_relative_to_their_file(several: Several) -> None:
    (several.folder / "sub").mkdir()
    several.write("a", of("of-a", "test"))
    several.write("sub/b", of("of-b", tokenFile="token"))
    (several.folder / "token").write_text("of another")
    (several.folder / "sub" / "token").write_text("right")
    several.names("a", "sub/b")
    assert access(context="prod").token == "right"


def test_a_home_that_is_not_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As for the many users of containers that no file lists."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=r"'--remote-kubeconfig' ~nobody-at-all/config: .* not found"):
        access(Path("~nobody-at-all/config"))


TEXT = yaml.safe_dump(of("of-a", token="t"))
AS_JSON = json.dumps(of("of-a", token="t"), indent="\t")

WRITTEN: dict[str, bytes] = {
    "with a byte order mark": b"\xef\xbb\xbf" + TEXT.encode(),
    "in UTF-16, as PowerShell writes": TEXT.encode("utf-16"),
    "with the line ends of Windows": TEXT.replace("\n", "\r\n").encode(),
    "as JSON, by tabs": AS_JSON.encode(),
    "as JSON, with a byte order mark": b"\xef\xbb\xbf" + AS_JSON.encode(),
    "before other documents": TEXT.encode() + b"---\nother: [",
    "with anchors": TEXT.replace("user: prod-user", "user: &who prod-user")
    .replace("name: prod-user", "name: *who")
    .encode(),
    "with a key twice": b"current-context: other\n" + TEXT.encode(),
}


@pytest.mark.parametrize("content", WRITTEN.values(), ids=WRITTEN)
def test_how_it_may_be_written(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "config").write_bytes(content)
    found = access(tmp_path / "config")
    assert (found.server, found.token) == ("http://of-a", "t")


NAMES = ["1", "2026-11-26", " prod ", "gke_project_zone_name", "arn:aws:eks:eu:1:cluster/prod", "\u00e9"]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_yaml_reads_as_something_else(tmp_path: Path, name: str) -> None:
    """An entry of that name, and a reference to it."""
    path = write(tmp_path / "config", TEXT.replace("prod-user", name).replace("prod-cluster", name))
    assert access(path).server == "http://of-a"
    path = write(tmp_path / "config", TEXT.replace(": prod\n", f": {name}\n"))
    assert access(path).name == access(path, name).name == name.strip()


BROKEN: dict[str, tuple[bytes, str]] = {
    "a mistake beside a token": (
        b"users:\n- user:\n    token: my-secret: no\n",
        r"is not YAML: mapping values .*line 3",
    ),
    "a tab": (b"users:\n\t- my-secret", r"is not YAML: found character '\\t' .*line 2, column 1"),
    "not text": (b"\xff\x00\x80my-secret", "is not YAML: "),
    "Latin 1": ("a: \u00e9 my-secret".encode("latin1"), "is not YAML: "),
    "a NUL": (b"a: my-secret\0", "is not YAML: "),
    "deep": (b"[" * 100_000, "is nested too deeply"),
    "deep JSON": (b'{"a":' * 100_000, "is nested too deeply"),
    "a tag that does not fit": (b"a: !!timestamp my-secret", "is not YAML: a value does not fit its tag"),
    "a tag of Python": (b"a: !!python/object/apply:os.getcwd []", "is not YAML: could not determine a constructor"),
    "an alias that is none": (b"a: *my-secret", r"is not YAML: found undefined alias '\.\.\.' \(line 1"),
    "an anchor twice": (b"a: [&my-secret b, &my-secret c]", "is not YAML: second occurrence "),
    "a tag": (b"a: !my-secret b", r"is not YAML: could not determine a constructor for the tag '\.\.\.' \(line 1"),
    "a tag with a quote": (b"a: !it's-my-secret b", r"is not YAML: .* for the tag '\.\.\.' \(line 1"),
    "a tag with both quotes": (b"a: !it's-%22my-secret b", r"is not YAML: .* for the tag '\.\.\.' \(line 1"),
    "a tag like a word of the parser": (b"a: !<%3Cmy-secret-1> b", r"is not YAML: .* for the tag '\.\.\.' \(line 1"),
    "a handle of a tag": (b"a: !my-secret!b c", r"is not YAML: found undefined tag handle '\.\.\.' \(line 1"),
    "a list that goes on wrongly": (
        b"a: [b, c: d: my-secret",
        r"is not YAML: expected ',' or '\]', but got ':' \(line 1",
    ),
    "a word of the parser": (
        b"a: [{b: c} my-secret]",
        r"is not YAML: expected ',' or '\]', but got '<scalar>' \(line 1",
    ),
    "no such date": (b"a: 2026-13-45", "month must be in"),
    "only a text": (b"my-secret", "is not a kubeconfig"),
    "an empty document first": (b"---\n---\na: b", "is empty"),
}


@pytest.mark.parametrize(("content", "said"), BROKEN.values(), ids=BROKEN)
def test_what_cannot_be_read_is_one_line_without_its_content(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "config").write_bytes(content)
    with pytest.raises(ConfigurationError, match=rf"^'--remote-kubeconfig' {tmp_path}/config: {said}") as caught:
        access(tmp_path / "config")
    assert "my-secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
