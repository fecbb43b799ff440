"""The two sides of a run, connected as the settings say."""

from dataclasses import replace

from barrelman_sync.cluster.connection import Connection, connect
from barrelman_sync.cluster.deadline import Deadline
from barrelman_sync.config import ConfigurationError, Settings, parse_source
from barrelman_sync.desired import Scope


def connect_local(settings: Settings, deadline: Deadline) -> Connection:
    """A client for the cluster that is written to. Raises ConfigurationError."""
    return connect(settings.local, "local", deadline)


def connect_remote(settings: Settings, deadline: Deadline) -> Connection:
    """A client for the cluster that is mirrored. Raises ConfigurationError."""
    return connect(settings.remote, "remote", deadline)


def named_scope(settings: Settings, remote: Connection) -> Scope:
    """The scope, with the remote's name in it. Raises ConfigurationError if that cannot be a label."""
    if settings.remote_name:
        return settings.scope
    try:
        return replace(settings.scope, source=parse_source(remote.name))
    except ValueError as error:
        message = f"Missing option '--remote-name': the remote's own name does not serve, {error}."
        raise ConfigurationError(message) from error
