"""The values that all packages share: names, objects as read, objects as wanted, settings and errors.

Pure: no client, no log, no clock, no environment.
"""
