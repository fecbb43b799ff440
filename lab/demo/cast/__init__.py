"""The cast of the demo: docs/demo.svg, a moving picture of what `make demo` prints."""
