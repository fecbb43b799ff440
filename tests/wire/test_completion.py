"""Shell completion, as shells ask for it: in a process of its own, by click's variables, and in a real bash."""

from __future__ import annotations

import os
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.needed import lacking
from tests.wire.commands import COMMAND, command

EKS = "arn:aws:eks:eu-west-1:123456789012:cluster/shop"
CONTEXTS = f"""
apiVersion: v1
kind: Config
contexts:
- {{name: {EKS}, context: {{cluster: a}}}}
- {{name: gke_p_europe-west1-c_shop, context: {{cluster: a}}}}
- {{name: kind-a}}
- {{name: 7}}
- {{}}
"""
OTHER = "contexts: [{name: other}, {name: kind-a}, {name: 'two words'}]"
BOMB = "a0: &a0 [{x: y}]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
"""A kilobyte of YAML that stands for gigabytes."""
BROKEN = {
    "missing": None,
    "not YAML": "contexts: [",
    "no kubeconfig": "- 1",
    "no list": "contexts: 5",
    "entries that are none": "contexts: [1, [], null]",
    "a list in place of a name": "contexts: [{name: [a]}]",
    "bytes": "\x00\xff",
    "nested too deeply": "[" * 100_000,
    "aliases of aliases": BOMB + "contexts: [{name: *a9}]",
    "merges of merges": BOMB.replace("[", "{<<: [").replace("]", "]}") + "contexts: [{name: x, <<: *a9}]",
    "a name that is a list": "contexts: [{name: [a]}]",
    "too large": "contexts:\n" + "- name: x\n" * 200_000,
    "control characters": 'contexts: [{name: "a\\x1b[2Jb"}, {name: "a\\nplain,b"}]',
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home with two kubeconfigs, of which KUBECONFIG names one."""
    (tmp_path / "config").write_text(CONTEXTS)
    (tmp_path / "other").write_text(OTHER)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    return tmp_path


def asked(shell: str, *words: str) -> list[str]:
    """Return what the command answers for the last of the words, in click's protocol. It must say nothing else."""
    typed = {"COMP_WORDS": " ".join(["barrelman-sync", *words]), "COMP_CWORD": str(len(words))}
    if shell == "fish":
        typed["COMP_CWORD"] = words[-1]
    done = command(environment={"_BARRELMAN_SYNC_COMPLETE": f"{shell}_complete", **typed})
    assert (done.returncode, done.stderr) == (0, "")
    return [line for line in done.stdout.splitlines() if line]


def line_of(shell: str, word: str) -> dict[str, str]:
    """Return the variables by which our script, or click's, tells what is typed."""
    if shell == "bash":
        return {"COMP_LINE": f"barrelman-sync {word}"}
    return {"COMP_WORDS": f"barrelman-sync {word}", "COMP_CWORD": "1" if shell == "zsh" else word}


def plain(*words: str) -> list[str]:
    found = [line.partition(",") for line in asked("bash", *words)]
    assert {kind for kind, _, _ in found} <= {"plain"}
    return [value for _, _, value in found]


def test_options() -> None:
    assert plain("--dr") == ["--dry-run"]
    assert plain("--dry-run", "--remote-k") == ["--remote-kubeconfig"]
    assert {"--local-kubeconfig", "--quiet", "--version", "--help"} <= {*plain("--")}
    assert plain("") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_choices(shell: str) -> None:
    answers = {"bash": ["plain,json"], "zsh": ["plain", "json", "_"], "fish": ["plain,json"]}
    assert asked(shell, "--output", "j") == answers[shell]


def test_a_choice_after_an_equals_sign() -> None:
    """bash replaces what is after the sign; the others replace the whole word."""
    assert asked("bash", "--output=j") == ["plain,json"]
    assert asked("zsh", "--output=j") == ["plain", "--output=json", "_"]
    assert asked("fish", "--output=j") == ["plain,--output=json"]


def test_choices_of_both_names_of_an_option() -> None:
    assert plain("-o", "") == plain("--output", "") == plain("--output", "=", "") == ["text", "json", "yaml"]
    assert plain("--output=y") == plain("--output", "=", "y") == ["yaml"]
    assert plain("--remote-endpoint", "p") == ["public", "private"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_no_choice_after_an_equals_sign_of_a_short_option(shell: str) -> None:
    """The command does not take `-o=json`; bash was offered what is left of each choice behind `-o=`."""
    done = command(environment={"_BARRELMAN_SYNC_COMPLETE": f"{shell}_complete", **line_of(shell, "-o=")})
    assert done.stdout.split() == []


@pytest.mark.parametrize("option", ["--local-kubeconfig", "--remote-kubeconfig", "--metrics-file"])
def test_files(option: str) -> None:
    assert asked("bash", option, "./x") == ["file,./x"]
    assert asked("zsh", option, "./x") == ["file", "./x", "_"]


ALL = ["7", EKS, "gke_p_europe-west1-c_shop", "kind-a"]


@pytest.mark.parametrize("option", ["--local-context", "--remote-context"])
@pytest.mark.usefixtures("folder")
def test_contexts_of_the_environment(option: str) -> None:
    assert plain(option, "") == ALL
    assert plain(option, "k") == plain("--dry-run", "-o", "json", option, "k") == ["kind-a"]


def test_contexts_of_several_files(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{folder}/config:{folder}/none:{folder}/other:")
    assert plain("--local-context", "") == sorted([*ALL, "other", "two words"])


def test_contexts_of_the_home_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBECONFIG")
    assert plain("--local-context", "") == []
    (folder / ".kube").mkdir()
    (folder / ".kube" / "config").write_text(OTHER)
    assert plain("--local-context", "o") == ["other"]


@pytest.mark.parametrize("given", ["{}/other", "~/other", "$HOME/other"])
def test_contexts_of_the_file_that_is_given(folder: Path, given: str) -> None:
    """The shell has not expanded it yet."""
    path = given.format(folder)
    expected = ["kind-a", "other", "two words"]
    assert plain("--local-kubeconfig", path, "--local-context", "") == expected
    assert plain(f"--remote-kubeconfig={path}", "--remote-context", "") == expected
    assert plain("--local-kubeconfig", path, "--remote-context", "") == ALL


def test_contexts_of_the_file_that_a_variable_gives(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BARRELMAN_SYNC_REMOTE_KUBECONFIG", f"{folder}/other")
    assert plain("--remote-context", "o") == ["other"]


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_kubeconfig_is_no_reason_to_say_anything(folder: Path, text: str | None) -> None:
    path = folder / "broken"
    if text is not None:
        path.write_text(text)
    assert plain("--local-kubeconfig", str(path), "--local-context", "") == []


def test_a_pipe_is_not_read(folder: Path) -> None:
    """Reading it would wait for somebody who writes."""
    os.mkfifo(folder / "pipe")
    assert plain("--local-kubeconfig", str(folder / "pipe"), "--local-context", "") == []
    assert plain("--local-kubeconfig", str(folder), "--local-context", "") == []


@pytest.mark.parametrize("words", [["--timeout", "soon", "--output", "j"], ["--no-such-option", "--output", "j"]])
def test_mistakes_on_the_line_are_not_told_yet(words: list[str]) -> None:
    assert set(plain(*words)) <= {"json"}


def test_what_is_no_instruction() -> None:
    for instruction in ("tcsh_source", "bash_nothing", "bash", "1"):
        done = command(environment={"_BARRELMAN_SYNC_COMPLETE": instruction})
        assert (done.returncode, done.stdout) == (1, "")
    done = command(environment={"_BARRELMAN_SYNC_COMPLETE": "bash_complete"})  # without the words
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


@pytest.mark.usefixtures("folder")
def test_lightkube_is_not_loaded() -> None:
    """It takes half a second, and the user waits."""
    script = (
        "import sys\nfrom barrelman_sync.command.cli import main\ntry:\n    main([])\n"
        "except SystemExit:\n    print({'lightkube', 'httpx2', 'msgspec'} & {*sys.modules}, file=sys.stderr)"
    )
    typed = {"COMP_WORDS": "barrelman-sync --local-context k", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "_BARRELMAN_SYNC_COMPLETE": "bash_complete", **typed},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("plain,kind-a\n", "set()\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_scripts_are_shell(shell: str, tmp_path: Path) -> None:
    """That of a shell that is missing is only looked at."""
    done = command(environment={"_BARRELMAN_SYNC_COMPLETE": f"{shell}_source"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "_BARRELMAN_SYNC_COMPLETE=" + f"{shell}_complete" in done.stdout
    assert "barrelman-sync" in done.stdout
    if shutil.which(shell):
        script = tmp_path / "script"
        script.write_text(done.stdout)
        subprocess.run([shell, "-n", script], check=True)


# --- bash -------------------------------------------------------------------------------------------------------


class Bash:
    """A real, interactive bash on a terminal, in which `barrelman-sync` shows its arguments."""

    def __init__(self, home: Path) -> None:
        self._terminal, theirs = os.openpty()
        path = f"{COMMAND.parent}:{os.environ['PATH']}"
        self._process = subprocess.Popen(
            [shutil.which("bash") or lacking("no bash"), "--norc", "--noprofile", "-i"],
            cwd=home,
            env={**os.environ, "PATH": path, "HOME": str(home), "PS1": "> ", "TERM": "dumb"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._read = ""
        self.line('eval "$(_BARRELMAN_SYNC_COMPLETE=bash_source barrelman-sync)"; echo rea""dy')
        self.until("ready")
        self.line("barrelman-sync() { printf '<%s>' \"$@\"; echo '!'; }")

    def line(self, text: str) -> None:
        os.write(self._terminal, f"{text}\n".encode())

    def until(self, text: str) -> str:
        """Wait for a text, and return what there was since the last one."""
        end = time.monotonic() + 20
        while text not in self._read:
            ready, _, _ = select.select([self._terminal], [], [], max(0.0, end - time.monotonic()))
            assert ready, self._read
            self._read += os.read(self._terminal, 4096).decode()
        found, _, self._read = self._read.partition(text)
        return found

    def completed(self, text: str) -> str:
        """Return the arguments after the user typed this, a tab and return."""
        self.line(f"barrelman-sync {text}\t")
        return "<" + self.until(">!").rpartition("\n")[2].partition("<")[2] + ">"

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._terminal)


TYPED = {
    "--dr": "<--dry-run>",
    "-o js": "<-o><json>",
    "--output=js": "<--output=json>",
    "--local-context ki": "<--local-context><kind-a>",
    "--local-context arn:aws:ek": f"<--local-context><{EKS}>",
    "--local-context=arn:aws:ek": f"<--local-context={EKS}>",
    "--local-kubeconfig ~/words --local-context tw": "<--local-kubeconfig><HOME/words><--local-context><two words>",
    "--local-kubeconfig a": "<--local-kubeconfig><a file.yaml>",
    "--local-kubeconfig=a": "<--local-kubeconfig=a file.yaml>",
    "--local-kubeconfig stars --local-context ": "<--local-kubeconfig><stars><--local-context><*>",
    "--local-kubeconfig nowhere --local-context x": "<--local-kubeconfig><nowhere><--local-context><x>",
}
"""What the user types before a tab and return, and the arguments that the command gets."""


def test_in_a_real_bash(folder: Path) -> None:
    """With its ways of taking words apart, and of quoting."""
    (folder / "a file.yaml").touch()
    (folder / "words").write_text(OTHER)
    (folder / "stars").write_text("contexts: [{name: '*'}]")
    bash = Bash(folder)
    try:
        for typed, arguments in TYPED.items():
            assert bash.completed(typed) == arguments.replace("HOME", str(folder))
    finally:
        bash.close()
