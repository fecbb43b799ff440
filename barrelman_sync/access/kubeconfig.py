"""From the options of a cluster to how to reach it, and as whom. lightkube reads none of a kubeconfig.

lightkube 1.0 silently ignores `proxy-url`, `tls-server-name` and `as`; without `as`, we would act with more permissions
than the user meant. No field may be ignored that changes where we connect, or as whom.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never
from urllib.parse import urlsplit

from lightkube.config.kubeconfig import SERVICE_ACCOUNT, KubeConfig
from lightkube.core.exceptions import ConfigError

from barrelman_sync.access.advice import POD_ADVICE, kubeconfig_advice
from barrelman_sync.access.files import read_file
from barrelman_sync.access.kubeconfig_checks import Section, check_cluster, check_token, check_user, pem_of
from barrelman_sync.access.kubeconfig_files import Chosen, choose, explain
from barrelman_sync.access.proxies import Proxy, checked_proxy, proxy_of_environment
from barrelman_sync.access.tls import Pem, Tls
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.model.errors import Advice, ConfigurationError
from barrelman_sync.model.escape import one_line
from barrelman_sync.model.settings import InCluster, Kubeconfig
from barrelman_sync.redaction import keep_secret

_REFUSED_USER_KEYS = {
    "as-user-extra": "extra fields of impersonation",
    "auth-provider": "removed from Kubernetes in 1.26; use exec",
}


_SECRETS = ("token", "password", "client-key-data")


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster, and as whom."""

    name: str
    """The name of the kubeconfig context or GKE cluster."""
    server: str
    advice: Advice
    where: str
    """The option and the file that named the cluster, for messages."""
    tls: Tls
    proxy: Proxy | None = None
    server_name: str | None = None
    """The name that the server's certificate must have, if that is not the host of the URL."""
    headers: tuple[tuple[str, str], ...] = ()
    exec: Section | None = None
    cluster: Section = field(default_factory=dict)
    """The cluster section of the kubeconfig, for an exec command with `provideClusterInfo`."""
    folder: Path = Path()
    """The folder of the kubeconfig, which its paths are relative to."""
    token: str | None = field(default=None, repr=False)
    renew: Callable[[], str] | None = None
    """Gives a new token when the server refuses the current token."""
    password: tuple[str, str] | None = field(default=None, repr=False)
    """A name and a password."""


def read_access(target: Kubeconfig | InCluster | TokenAccess, side: str) -> Access:
    """How to reach the cluster that the options name; `side` is local or remote. Raises ConfigurationError."""
    match target:
        case InCluster():
            return _service_account()
        case TokenAccess():
            return _by_token(target)
        case Kubeconfig():
            return _by_kubeconfig(choose(target, side), side)
        case _:
            assert_never(target)


def _read_token(path: Path) -> str:
    """The token in a file. Raises ValueError that names the file."""
    token = read_file("tokenFile", path).decode("ascii", errors="replace").strip()
    check_token(token, f"the token in {one_line(str(path))}")
    return token


def _reading(path: Path) -> Callable[[], str]:
    """A function that reads the token again: somebody may have replaced the file. It raises ConfigurationError."""

    def read_again() -> str:
        try:
            return _read_token(path)
        except ValueError as error:
            raise ConfigurationError(f"the credentials cannot be read: {error}.") from error

    return read_again


def _service_account() -> Access:
    # Never through a proxy: the API server is a neighbor of the pod, and HTTPS_PROXY is meant for the outside world.
    where = f"The pod's service account in {SERVICE_ACCOUNT}"
    try:
        config = KubeConfig.from_service_account().get()
        assert config is not None  # noqa: S101 - from_service_account always makes a context
        authority = config.cluster.certificate_auth or ""
        tls = Tls(Pem("ca.crt", read_file("ca.crt", Path(authority))))
        token_file = Path(config.user.token_file or "" if config.user else "")
        token = _read_token(token_file)
    except (ConfigError, OSError, KeyError, ValueError) as error:
        raise ConfigurationError(f"{where} cannot be used: {explain(error)}") from error
    return Access(
        config.context_name,
        config.cluster.server,
        POD_ADVICE,
        where,
        tls,
        token=token,
        renew=_reading(token_file),
    )


def _by_token(target: TokenAccess) -> Access:
    where = f"GKE cluster {target.name}"
    try:
        authority = pem_of({"certificate-authority-data": target.authority}, "certificate-authority", Path())
    except ValueError as error:
        raise ConfigurationError(f"{where}: {error}") from error
    return Access(
        target.name,
        target.server,
        target.advice,
        where,
        Tls(authority),
        proxy=_of_environment(target.server),
        token=target.token,
        renew=target.renew,
    )


def _by_kubeconfig(chosen: Chosen, side: str) -> Access:
    try:
        return _of_sections(chosen, side)
    except ValueError as error:
        raise ConfigurationError(f"{chosen.where}: {error}") from error


def _of_sections(chosen: Chosen, side: str) -> Access:
    name, cluster, user, user_name, path, where = chosen
    keep_secret(*(user.get(key) for key in _SECRETS))
    for key, why in _REFUSED_USER_KEYS.items():
        if user.get(key):
            message = f"user {one_line(str(user_name))} asks for {key!r}, which is not supported ({why})"
            raise ValueError(message)
    check_cluster(cluster)
    check_user(user)
    proxy = _proxy(cluster)
    token, renew = _token(user, path.parent)
    return Access(
        name,
        cluster["server"],
        kubeconfig_advice(side, proxy),
        where,
        _tls(cluster, user, path.parent),
        proxy=proxy,
        server_name=cluster.get("tls-server-name"),
        headers=_impersonation(user),
        exec=user.get("exec"),
        cluster=cluster,
        folder=path.parent,
        token=token,
        renew=renew,
        password=(user["username"], user.get("password") or "") if user.get("username") else None,
    )


def _tls(cluster: Section, user: Section, folder: Path) -> Tls:
    plain = urlsplit(cluster["server"]).scheme == "http"  # a check that nobody needs would read all authorities
    return Tls(
        pem_of(cluster, "certificate-authority", folder),
        plain or cluster.get("insecure-skip-tls-verify", False),
        pem_of(user, "client-certificate", folder),
        pem_of(user, "client-key", folder),
    )


def _proxy(cluster: Section) -> Proxy | None:
    if url := cluster.get("proxy-url"):
        return checked_proxy("proxy-url", url)
    return _of_environment(cluster["server"])


def _of_environment(server: str) -> Proxy | None:
    """The proxy that a variable names. A wrong one is no mistake of this cluster: both sides report it alike."""
    try:
        return proxy_of_environment(server, os.environ)
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _token(user: Section, folder: Path) -> tuple[str | None, Callable[[], str] | None]:
    """The token, and how to read it again if there is a file. A file wins over a token, as in client-go."""
    if file := user.get("tokenFile"):
        path = folder / file
        return _read_token(path), _reading(path)
    return user.get("token"), None


def _impersonation(user: Section) -> tuple[tuple[str, str], ...]:
    """The headers of impersonation.

    See https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/.
    """
    if not user.get("as"):
        if user.get("as-groups") or user.get("as-uid"):
            message = "'as-groups' and 'as-uid' need 'as'"
            raise ValueError(message)
        return ()
    groups = user.get("as-groups", [])
    if not isinstance(groups, list):
        message = "'as-groups' is not a list"
        raise ValueError(message)  # noqa: TRY004 - the user's mistake, not a caller's
    headers = [("Impersonate-User", user["as"]), *(("Impersonate-Group", str(group)) for group in groups)]
    headers += [("Impersonate-Uid", user["as-uid"])] if user.get("as-uid") else []
    for name, value in headers:
        check_token(value, f"the value of {name} ('as', 'as-groups', 'as-uid')")
    return tuple(headers)
