"""The metrics that a run leaves for Prometheus, in a file or at a Pushgateway. Loaded only by runs that need them."""

from barrelman_sync.metrics.publish import publish
from barrelman_sync.metrics.values import Run

__all__ = ["Run", "publish"]
