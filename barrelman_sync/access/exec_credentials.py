"""Credentials from the command that a kubeconfig names in its `exec` section.

lightkube supports only the beta versions of this protocol, without a time limit and without client certificates.
See https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins.
"""

import base64
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkube.config.models import User

from barrelman_sync.access.kubeconfig import Access, Section
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError

_VERSIONS = frozenset(f"client.authentication.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1"))


@dataclass(frozen=True, slots=True)
class Credential:
    """What the command printed."""

    token: str | None
    certificate: str | None
    key: str | None

    @property
    def user(self) -> User:
        """The credential in the form that lightkube wants: certificates in base64."""
        return User(token=self.token, client_cert_data=_base64(self.certificate), client_key_data=_base64(self.key))


class ExecCommand:
    """The command that gives the credentials of a user in a kubeconfig."""

    def __init__(self, access: Access, spec: Section, deadline: Deadline) -> None:
        self._spec = spec
        self._cluster = access.cluster
        self._config = access.config
        self._where = access.where
        self._deadline = deadline
        if spec.get("apiVersion") not in _VERSIONS:
            raise self._problem(f"has apiVersion {spec.get('apiVersion')!r}, not one of {', '.join(sorted(_VERSIONS))}")
        if spec.get("interactiveMode") == "Always":
            raise self._problem("needs a terminal (interactiveMode: Always)")

    def run(self) -> Credential:
        """A new credential. Raises ConfigurationError if the command fails, RunError if it does not finish in time."""
        try:
            done = subprocess.run(  # noqa: S603 - the kubeconfig's owner chose the command
                self._command(),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=self._deadline.remaining(),
                check=True,
            )
            status = json.loads(done.stdout)["status"]
            return _credential(status)
        except FileNotFoundError as error:
            raise self._problem(f"not found. {self._spec.get('installHint') or ''}".strip()) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip()[-500:]
            raise self._problem(f"exited with code {error.returncode}: {said}") from error
        except subprocess.TimeoutExpired as error:
            raise RunError(self._told("did not finish in time")) from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise self._problem(f"returned no credential: {error}") from error

    def _problem(self, what: str) -> ConfigurationError:
        return ConfigurationError(self._told(what))

    def _told(self, what: str) -> str:
        return f"{self._where}: exec command {self._spec['command']!r} {what}"

    def _command(self) -> list[str]:
        """The command and its arguments.

        A command with a slash is relative to the kubeconfig; any other command is searched for in PATH.
        """
        command = str(self._spec["command"])
        if "/" in command and self._config.fname:
            command = str(Path(self._config.fname).parent / command)
        return [command, *(str(argument) for argument in self._spec.get("args") or ())]

    def _cluster_info(self) -> dict[str, Any]:
        """The description of the cluster that `provideClusterInfo` asks for.

        See Cluster in client.authentication.k8s.io/v1.
        """
        info = {key: self._cluster[key] for key in _CLUSTER_KEYS if key in self._cluster}
        if authority := self._authority():
            info["certificate-authority-data"] = authority
        named = {entry["name"]: entry["extension"] for entry in self._cluster.get("extensions") or ()}
        if (config := named.get("client.authentication.k8s.io/exec")) is not None:
            info["config"] = config
        return info

    def _authority(self) -> str | None:
        data: str | None = self._cluster.get("certificate-authority-data")
        if file := self._cluster.get("certificate-authority"):
            return _base64(Path(self._config.abs_file(file)).read_text(encoding="utf-8"))
        return data

    def _environment(self) -> dict[str, str]:
        spec: dict[str, Any] = {"interactive": False}
        if self._spec.get("provideClusterInfo"):
            spec["cluster"] = self._cluster_info()
        info = {"apiVersion": self._spec["apiVersion"], "kind": "ExecCredential", "spec": spec}
        extra = {entry["name"]: entry["value"] for entry in self._spec.get("env") or ()}
        return {**os.environ, **extra, "KUBERNETES_EXEC_INFO": json.dumps(info)}


def _credential(status: dict[str, Any]) -> Credential:
    credential = Credential(status.get("token"), status.get("clientCertificateData"), status.get("clientKeyData"))
    if bool(credential.certificate) != bool(credential.key):
        message = "a certificate without a key, or a key without a certificate"
        raise ValueError(message)
    if not credential.token and not credential.certificate:
        message = "neither a token nor a certificate"
        raise ValueError(message)
    return credential


_CLUSTER_KEYS = ("server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url", "disable-compression")


def _base64(text: str | None) -> str | None:
    return base64.b64encode(text.encode()).decode() if text else None
