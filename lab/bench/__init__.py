"""How long runs take, and how much CPU and memory they use: `make bench`, explained in docs/benchmarks.md."""
