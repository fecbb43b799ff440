"""The values that the whole program speaks in: names, what was read, what is wanted, and what the user asked for.

Pure: no client, no log, no clock, no environment.
"""
