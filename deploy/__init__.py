"""How we get there: a room for each part of the way from a fleet to a report (see docs/README.md).

Importing a room patches nothing: gevent's patches stand in the entry points (`cli/entry`, `tools/demo`, tests).
"""
