"""The laboratory: real control planes on this machine, the demo and the benchmark. Used by the tests, and by hand."""
