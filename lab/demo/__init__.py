"""Two clusters on this machine, and what barrelman-sync does to them: `make demo` and `make playground`."""
