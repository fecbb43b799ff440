"""What a run tells: text for people, documents for programs. Both go to stdout; the log goes to stderr."""
