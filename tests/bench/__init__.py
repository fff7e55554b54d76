"""Measurements, as ratios in one run (`make bench`). The patches of gevent come first, as in the real command."""

from gevent import monkey

monkey.patch_all()
