"""Reads a kubeconfig. lightkube gets the fields that it understands; others are honored here or refused by name.

lightkube 1.0 silently ignores `proxy-url`, `tls-server-name` and `as`; without `as`, we would act with more permissions
than the user meant. No field may be ignored that changes where we connect, or as whom.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, assert_never

import msgspec
import yaml
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SERVICE_ACCOUNT, KubeConfig, SingleConfig
from lightkube.config.models import Cluster, User
from lightkube.core.exceptions import ConfigError

from barrelman_sync.access.advice import POD_ADVICE, kubeconfig_advice
from barrelman_sync.access.kubeconfig_checks import check_cluster, check_user
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.model.errors import Advice, ConfigurationError
from barrelman_sync.model.settings import InCluster, Kubeconfig

Section = Mapping[str, Any]

_REFUSED_USER_KEYS = {
    "as-user-extra": "extra fields of impersonation",
    "auth-provider": "removed from Kubernetes in 1.26; use exec",
}


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster, and as whom. `config` is the part that lightkube understands."""

    config: SingleConfig
    advice: Advice
    proxy: str | None = None
    server_name: str | None = None
    """The name that the server's certificate must have, if that is not the host of the URL."""
    headers: tuple[tuple[str, str], ...] = ()
    exec: Section | None = None
    cluster: Section = field(default_factory=dict)
    """The cluster section of the kubeconfig, for an exec command with `provideClusterInfo`."""
    where: str = ""
    """The option and the file that named the cluster, for messages."""
    renew: Callable[[], str] | None = None
    """Gives a new token when the server refuses the current token."""
    trust_env: bool = True
    """Whether HTTPS_PROXY and NO_PROXY count."""


def read_access(target: Kubeconfig | InCluster | TokenAccess, side: str) -> Access:
    """How to reach the cluster that the options name; `side` is local or remote. Raises ConfigurationError."""
    match target:
        case InCluster():
            return _service_account()
        case TokenAccess():
            return _by_token(target)
        case Kubeconfig():
            return _by_kubeconfig(target, side)
        case _:
            assert_never(target)


def _by_kubeconfig(target: Kubeconfig, side: str) -> Access:
    path = Path(target.path or _default_path(side)).expanduser()
    where = f"'--{side}-kubeconfig' {path}" if target.path else f"'--{side}-context' in {path}"
    try:
        access = _select(_load(path), path, target.context, side)
    except (ConfigError, OSError, ValueError, KeyError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        raise ConfigurationError(f"{where}: {_explain(error)}") from error
    return replace(access, where=where)


def _service_account() -> Access:
    # Never through a proxy: the API server is a neighbor of the pod, and HTTPS_PROXY is meant for the outside world.
    try:
        config = KubeConfig.from_service_account().get()
    except (ConfigError, OSError, KeyError) as error:
        message = f"The pod's service account in {SERVICE_ACCOUNT} cannot be used: {_explain(error)}"
        raise ConfigurationError(message) from error
    assert config is not None  # noqa: S101 - from_service_account always makes a context
    return Access(config, POD_ADVICE, trust_env=False)


def _by_token(target: TokenAccess) -> Access:
    config = KubeConfig.from_one(
        context_name=target.name,
        cluster=Cluster(server=target.server, certificate_auth_data=target.authority),
        user=User(token=target.token),
    ).get()
    assert config is not None  # noqa: S101 - from_one always makes a context
    return Access(config, target.advice, renew=target.renew)


def _default_path(side: str) -> str:
    paths = [path for path in os.environ.get("KUBECONFIG", "").split(os.pathsep) if path]
    if len(paths) > 1:
        message = f"KUBECONFIG names {len(paths)} files, which are not merged: choose one with '--{side}-kubeconfig'."
        raise ConfigurationError(message)
    return paths[0] if paths else DEFAULT_KUBECONFIG


def _load(path: Path) -> Section:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        message = f"is not YAML: {error}"
        raise ValueError(message) from error
    if not isinstance(document, Mapping):
        message = "is empty" if document is None else "is not a kubeconfig"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
    return document


def _select(document: Section, path: Path, context_name: str | None, side: str) -> Access:
    name = context_name or document.get("current-context")
    if not name:
        message = f"has no current-context: choose a context with '--{side}-context'"
        raise ValueError(message)
    context = _named(document, "contexts", "context", name)
    cluster = _named(document, "clusters", "cluster", context["cluster"])
    user = _named(document, "users", "user", context["user"]) if context.get("user") else {}
    for key, why in _REFUSED_USER_KEYS.items():
        if user.get(key):
            message = f"user {context['user']} asks for {key!r}, which is not supported ({why})"
            raise ValueError(message)
    check_cluster(cluster, path)
    check_user(user, path)
    config = KubeConfig.from_one(
        context_name=name,
        cluster=msgspec.convert(cluster, Cluster),
        user=_lightkube_user(user, path),
        fname=path,
    ).get()
    assert config is not None  # noqa: S101 - from_one always makes a context
    proxy = cluster.get("proxy-url") or None
    return Access(
        config,
        kubeconfig_advice(side, proxy),
        proxy=proxy,
        server_name=cluster.get("tls-server-name") or None,
        headers=_impersonation(user),
        exec=user.get("exec"),
        cluster=cluster,
    )


def _named(document: Section, section: str, key: str, name: str) -> Section:
    entries = document.get(section) or ()
    found = next((entry[key] for entry in entries if entry["name"] == name), None)
    if found is None:
        known = ", ".join(sorted(str(entry["name"]) for entry in entries)) or "none"
        message = f"has no {key} {name!r} (there are: {known})"
        raise ValueError(message)
    if not isinstance(found, Mapping):
        message = f"{key} {name!r} is empty"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
    return found


def _lightkube_user(user: Section, path: Path) -> User:
    """The user without `exec`, which we run ourselves. A relative tokenFile is relative to the kubeconfig."""
    plain = {key: value for key, value in user.items() if key != "exec"}
    if token_file := plain.get("tokenFile"):
        plain["tokenFile"] = str(path.parent / token_file)
    return msgspec.convert(plain, User)


def _impersonation(user: Section) -> tuple[tuple[str, str], ...]:
    """The headers of impersonation.

    See https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/.
    """
    if not user.get("as"):
        if user.get("as-groups") or user.get("as-uid"):
            message = "'as-groups' and 'as-uid' need 'as'"
            raise ValueError(message)
        return ()
    headers = [("Impersonate-User", str(user["as"]))]
    headers += [("Impersonate-Group", str(group)) for group in user.get("as-groups") or ()]
    headers += [("Impersonate-Uid", str(user["as-uid"]))] if user.get("as-uid") else []
    return tuple(headers)


def _explain(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} not found"
    if isinstance(error, UnicodeDecodeError):
        return "is not a text file"
    if isinstance(error, KeyError):
        return f"{error.args[0]!r} is missing"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror}"
    return str(error)
