"""The output of a run: text for people, or a document for programs. Both go to stdout; the log goes to stderr."""
