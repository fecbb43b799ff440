"""From what was read to what is to be written, as values: the decisions of a run, all of them pure.

`desired` and `nodes` look at the remote, `plan` and `endpoints` compare the local cluster with what the remote asks
for, `guards` hold back what would take too much from callers, `order` sorts the writes. docs/design.md has a map.
"""
