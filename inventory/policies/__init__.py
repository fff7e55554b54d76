"""The organisation's policies: what must hold of the hosts as they are to be, whatever code and data make them so.

A policy is a function over the result (`wanted.Wanted`) that yields what breaks it. Put a module of your own here, and
ask for its policies in `inventory/policies.yaml`. `samdrift review` asks them of both sides: what is broken now and was
not fails the review.
"""
