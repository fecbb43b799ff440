"""Makes the clients for the local and the remote cluster, as the settings say."""

import os
import warnings
from dataclasses import replace

from barrelman_sync.access.environment import prepare_for_google
from barrelman_sync.access.http import connect
from barrelman_sync.access.token import TokenAccess
from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.deadline import Deadline
from barrelman_sync.model.errors import ConfigurationError, RunError
from barrelman_sync.model.selector import label_value
from barrelman_sync.model.settings import GkeCluster, Kubeconfig, Settings


def connect_local(settings: Settings, deadline: Deadline) -> ClusterClient:
    """A client for the local cluster. Raises ConfigurationError."""
    return connect(settings.local, "local", deadline)


def connect_remote(settings: Settings, deadline: Deadline) -> ClusterClient:
    """A client for the remote cluster. Raises ConfigurationError, and RunError if a GKE cluster cannot be found."""
    return connect(locate_remote(settings, deadline), "remote", deadline)


def locate_remote(settings: Settings, deadline: Deadline) -> Kubeconfig | TokenAccess:
    """Where the remote cluster is, for `connect`. Raises ConfigurationError, and RunError if it cannot be found."""
    return _located(settings.remote, deadline) if isinstance(settings.remote, GkeCluster) else settings.remote


def _located(cluster: GkeCluster, deadline: Deadline) -> TokenAccess:
    prepare_for_google(os.environ)
    with warnings.catch_warnings(action="ignore"):  # the warnings of Google's libraries are for programmers
        from barrelman_sync.access.gke.locating import locate  # loads Google's libraries, which takes half a second

        return locate(cluster, deadline)


def connect_both(settings: Settings, deadline: Deadline) -> tuple[ClusterClient, ClusterClient]:
    """Clients for both clusters, local first. Raises ConfigurationError with the problems of both, or RunError."""
    try:
        local = connect_local(settings, deadline)
    except ConfigurationError as error:
        problems = (*error.problems, *_remote_problems(settings, deadline))
        raise ConfigurationError(*dict.fromkeys(problems)) from error  # what is wrong with both is told once
    return local, connect_remote(settings, deadline)


def _remote_problems(settings: Settings, deadline: Deadline) -> tuple[str, ...]:
    try:
        connect_remote(settings, deadline)
    except ConfigurationError as error:
        return error.problems
    except RunError:
        pass  # that a cluster cannot be found now is not a mistake in the options
    return ()


def with_remote_name(settings: Settings, remote: ClusterClient) -> Settings:
    """The settings, with the remote's name as the source. Raises ConfigurationError if the name cannot be a label."""
    try:
        source = label_value(settings.remote_name(remote.name))
    except ValueError as error:
        message = (
            f"Missing option '--remote-name': the default, the name of the remote cluster, does not work: {error}."
        )
        raise ConfigurationError(message) from error
    default_name = None if settings.scope.source else settings.remote_context(remote.name)
    return replace(settings, scope=replace(settings.scope, source=source, default_name=default_name))
