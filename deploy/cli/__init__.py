"""The commands: parse, load, call and show. What they do is in `runs`, `check`, `lab`; how it looks in `views`."""
