"""From the settings of a side to a client for its cluster."""
