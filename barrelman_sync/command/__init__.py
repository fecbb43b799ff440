"""The command line: texts in, exit code out."""
