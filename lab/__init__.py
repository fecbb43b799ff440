"""The laboratory: real control planes on this machine, the demo and the benchmarks. For tests, and for use by hand."""
