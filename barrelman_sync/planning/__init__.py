"""From what was read to what is to be written, as values: the decisions of a run, all of them pure.

`desired` and `nodes` look at the remote, `plan` and `endpoints` hold the local cluster against that, `guards` hold back
what would take too much from callers, `order` says what goes out when.
"""
