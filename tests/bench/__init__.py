"""Measurements, as ratios in one run (`make bench`). The patches of gevent come first, as in the real command."""

import deploy  # noqa: F401  it patches when it is imported
