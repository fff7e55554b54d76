"""What we have: the Fleet, its sources, the rules of a sound fleet, and selection. Knows nothing of roles or deploy."""
