"""What `--preflight` checks before the first run: access, permissions, and whether node ports can be reached."""
