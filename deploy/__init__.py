"""How we get there: CLI, planner, transports, apply, verify, drift, store, report, lab.

pyinfra runs every host in a greenlet of its own, so the blocking calls of the standard library are made
cooperative here, before anything in `deploy` imports paramiko or threading.
"""

from gevent import monkey

monkey.patch_all()
