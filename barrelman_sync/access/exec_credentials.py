"""Credentials from the command that a kubeconfig names in its `exec` section.

lightkube supports only the beta versions of this protocol, without a time limit and without client certificates.
See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
"""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Any

from barrelman_sync.access.exec_output import folded, is_terminal, output_of
from barrelman_sync.access.files import nameless_file
from barrelman_sync.access.kubeconfig import Access
from barrelman_sync.access.kubeconfig_checks import Section, check_token
from barrelman_sync.access.tls import Pem
from barrelman_sync.deadline import Deadline, TimeOverError
from barrelman_sync.model.errors import ConfigurationError, RunError

_VERSIONS = frozenset(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))
_END_SECONDS = 1.0
"""How long a command that was killed may take to be gone. Only one that the kernel holds takes that long."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What the command printed."""

    token: str | None = field(repr=False)
    certificate: Pem | None
    key: Pem | None


class ExecCommand:
    """The command that gives the credentials of a user in a kubeconfig."""

    def __init__(self, access: Access, spec: Section, deadline: Deadline) -> None:
        self._spec = spec
        self._access = access
        self._deadline = deadline
        self._mode = spec.get("interactiveMode", "IfAvailable")
        if str(spec.get("apiVersion")) not in _VERSIONS:
            raise self._problem(f"has apiVersion {spec.get('apiVersion')!r}, not one of {', '.join(sorted(_VERSIONS))}")
        if self._mode == "Always" and not is_terminal(sys.stdin):
            raise self._problem("needs a terminal to read from (interactiveMode: Always)")

    def run(self) -> Credential:
        """A new credential. Raises ConfigurationError if the command fails, RunError if it does not finish in time."""
        with nameless_file() as printed, nameless_file() as said:
            code = self._wait(self._start(printed, said), said)
            if code and (why := self._deadline.stopped):
                raise RunError(self._told(f"did not finish, {why}"))  # Ctrl-C on a terminal ends the command, too
            if code:
                how = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
                text = folded(output_of(said))
                raise self._problem(f"{how}{': ' if text else ''}{text}")
            try:
                return _credential(output_of(printed))
            except ValueError as error:
                raise self._problem(f"returned no credential: {error}") from error

    @property
    def _interactive(self) -> bool:
        """Whether the command may ask the user: it gets our stdin only if somebody sits there."""
        return self._mode != "Never" and is_terminal(sys.stdin)

    def _start(self, printed: IO[bytes], said: IO[bytes]) -> subprocess.Popen[bytes]:
        """Starts the command. On a terminal, the user sees at once what it says, such as a code to enter somewhere.

        Its output goes to files, not to pipes: what it leaves running in the background cannot hold us up, and what it
        said can be read at any time. Only a command that asks nobody gets a process group of its own, which can be
        ended as a whole: a group in the background may not read from the terminal.
        """
        interactive = self._interactive
        try:
            process = subprocess.Popen(  # noqa: S603 - the kubeconfig's owner chose the command
                self._command(),
                env=self._environment(),
                stdin=None if interactive else subprocess.DEVNULL,
                stdout=printed,
                stderr=None if is_terminal(sys.stderr) else said,
                process_group=None if interactive else 0,
            )
        except FileNotFoundError as error:
            raise self._problem(f"not found. {folded(str(self._spec.get('installHint', '')))}".strip()) from error
        except OSError as error:
            raise self._problem(f"cannot be started: {error.strerror}") from error
        except ValueError as error:
            raise self._problem(f"cannot be started: {error}") from error
        _started.add(process)
        return process

    def _wait(self, process: subprocess.Popen[bytes], said: IO[bytes]) -> int:
        try:
            return self._deadline.bound(process.wait)
        except TimeOverError as error:
            text = folded(output_of(said))
            told = f"did not finish in time, {error}{f'; it said: {text}' if text else ''}"
            raise RunError(self._told(told)) from error
        finally:
            _end(process)

    def _problem(self, what: str) -> ConfigurationError:
        return ConfigurationError(self._told(what))

    def _told(self, what: str) -> str:
        return f"{self._access.where}: exec command {self._spec['command']!r} {what}"

    def _command(self) -> list[str]:
        """The command and its arguments.

        A command with a slash is relative to the kubeconfig; any other command is searched for in PATH.
        """
        command = str(self._spec["command"])
        if "/" in command:
            command = str(self._access.folder / command)
        return [command, *("" if argument is None else str(argument) for argument in self._list_of("args"))]

    def _list_of(self, key: str) -> list[Any]:
        value = self._spec.get(key, [])
        if not isinstance(value, list):
            message = f"{key} is not a list"
            raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
        return value

    def _cluster_info(self) -> dict[str, Any]:
        """The description of the cluster that `provideClusterInfo` asks for.

        See Cluster in client.authentication.k8s.io/v1.
        """
        cluster = self._access.cluster
        info = {key: cluster[key] for key in _CLUSTER_KEYS if key in cluster}
        if authority := self._access.tls.authority:
            info["certificate-authority-data"] = base64.b64encode(authority.content).decode()
        extensions = cluster.get("extensions")
        for entry in extensions if isinstance(extensions, list) else ():
            if isinstance(entry, Mapping) and entry.get("name") == "client.authentication.k8s.io/exec":
                info["config"] = entry.get("extension")
        return info

    def _environment(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": self._interactive}
        if self._spec.get("provideClusterInfo"):
            spec["cluster"] = self._cluster_info()
        info = {"apiVersion": self._spec["apiVersion"], "kind": "ExecCredential", "spec": spec}
        return {**os.environ, **self._extra(), "KUBERNETES_EXEC_INFO": json.dumps(info, default=str)}

    def _extra(self) -> dict[str, str]:
        entries = self._list_of("env")
        if not all(isinstance(entry, Mapping) and entry.get("name") for entry in entries):
            message = "an entry of env has no name"
            raise ValueError(message)
        return {str(entry["name"]): str(entry.get("value") or "") for entry in entries}


def end_commands() -> None:
    """Ends the commands that are still running. Call this at the end of a run, which may not wait for its threads."""
    for process in tuple(_started):
        _end(process)


_started: set[subprocess.Popen[bytes]] = set()
"""The commands that nobody has ended yet, or found ended."""

_CLUSTER_KEYS = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a command that is still running, with all that it started in its process group."""
    _started.discard(process)
    if process.poll() is not None:
        return
    with suppress(OSError):
        if os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_END_SECONDS)


def _credential(printed: bytes) -> Credential:
    """The credential that a command printed. Raises ValueError, whose text shows nothing of what was printed."""
    try:
        status = json.loads(printed)["status"]
    except (ValueError, RecursionError) as error:
        message = "it printed nothing" if not printed.strip() else "it did not print JSON"
        raise ValueError(message) from error
    except (KeyError, TypeError, IndexError) as error:
        message = "'status' is missing"
        raise ValueError(message) from error
    if not isinstance(status, Mapping):
        message = "'status' is empty"
        raise ValueError(message)  # noqa: TRY004 - the command's mistake, not a caller's
    return _checked(_text(status, "token"), _text(status, "clientCertificateData"), _text(status, "clientKeyData"))


def _text(status: Section, key: str) -> str:
    value = status.get(key) or ""
    if not isinstance(value, str):
        message = f"{key} is not a text"
        raise ValueError(message)  # noqa: TRY004 - the command's mistake, not a caller's
    return value.strip()


def _checked(token: str, certificate: str, key: str) -> Credential:
    if bool(certificate) != bool(key):
        message = "a certificate without a key, or a key without a certificate"
        raise ValueError(message)
    if not token and not certificate:
        message = "neither a token nor a certificate"
        raise ValueError(message)
    if token:
        check_token(token, "the token")
    return Credential(
        token or None,
        Pem("clientCertificateData", certificate.encode()) if certificate else None,
        Pem("clientKeyData", key.encode()) if key else None,
    )
