"""From the settings of a cluster to a client for this cluster."""
