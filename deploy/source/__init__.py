"""Where a fleet comes from and is told to: the snapshot, NetBox, and what NetBox is told of a run."""
