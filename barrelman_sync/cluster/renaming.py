"""The update of a Service, in step with kube-proxy: if a port changes its name, the order of the writes matters.

kube-proxy watches Services and slices apart, so the later one of two writes may come first. If kube-proxy looks between
the two, it refuses calls to the port until it looks again, a second later.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.copies import wait_for_copies
from barrelman_sync.planning.steps import Update

MOMENT_SECONDS = 0.25
"""The time between two writes whose order kube-proxy has to see. It usually gets a write within milliseconds."""


@contextmanager
def seen_in_order(client: ClusterClient, step: Update, owner: str | None) -> Iterator[None]:
    """Lets kube-proxy see the writes before the update, then the update, then the writes after it.

    `owner` is the uid of the Service's Endpoints, if this run has written them. Raises no ClusterError of its own.
    """
    if step.copied:
        wait_for_copies(client, step.copied, owner)
    if step.renames:
        client.pause(MOMENT_SECONDS)
    yield
    if step.renames:
        client.pause(MOMENT_SECONDS)
