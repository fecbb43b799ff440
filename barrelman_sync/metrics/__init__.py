"""What a run leaves behind for Prometheus, in a file or at a Pushgateway; loaded only by the runs that are asked to."""

from barrelman_sync.metrics.publish import publish
from barrelman_sync.metrics.values import Run

__all__ = ["Run", "publish"]
