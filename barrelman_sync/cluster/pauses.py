"""The time that kube-proxy gets between two writes of one Service, where the plan says that their order matters.

kube-proxy watches Services and slices apart, so the later one of two writes may come first. If kube-proxy looks between
the two, it refuses calls to a port that changes its name until it looks again, a second later.
"""

from barrelman_sync.cluster.client import ClusterClient
from barrelman_sync.cluster.copies import wait_for_copies
from barrelman_sync.planning.steps import Update, Write

PAUSE_SECONDS = 0.25
"""The time between two writes whose order kube-proxy has to see. It usually gets a write within milliseconds."""


def pause_before(client: ClusterClient, step: Write, owner: str | None) -> None:
    """Waits until kube-proxy has probably seen the writes before the step. Raises no ClusterError.

    `owner` is the uid of the Service's Endpoints, if this run has written them.
    """
    if isinstance(step, Update) and step.copied:
        wait_for_copies(client, step.copied, owner)
    if isinstance(step, Update) and step.pause_before:
        client.pause(PAUSE_SECONDS)


def pause_after(client: ClusterClient, step: Write) -> None:
    """Waits until kube-proxy has probably seen the step, if the next write must come later."""
    if isinstance(step, Update) and step.pause_after:
        client.pause(PAUSE_SECONDS)
