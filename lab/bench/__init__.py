"""How long a run takes, and what it costs: `make bench`, explained in docs/benchmarks.md."""
