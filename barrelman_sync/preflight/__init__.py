"""What `--preflight` tries before the first run: access, permissions, and the way to the node ports."""
