"""`python -m barrelman_sync` is the same as the command `barrelman-sync`."""

from barrelman_sync.cli import main

main()
