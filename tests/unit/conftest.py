"""What tests of deploy/ and of roles/ share: an authority that signs certificates, and a host that asks for one."""

from __future__ import annotations

from tests.unit.roles.shared.certificates import machine, ours

__all__ = ["machine", "ours"]
