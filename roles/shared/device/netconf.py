"""How a vendor's devices are configured by NETCONF, as data: its operations, each as XML. Values only.

What stands here by default is RFC 6241's own: a candidate that is locked, and committed with a timer, which a
token confirms or cancels in any session (`:confirmed-commit:1.1`). A vendor says what it has instead, and how its own
lines get into the candidate. What is committed must outlive a restart. Not here: a session with a server
(`deploy.transport.netconf_connection`), and how messages are framed (`deploy.transport.netconf_messages`).
"""

from __future__ import annotations

from pydantic import Field

from inventory.frozen import Frozen

CANDIDATE = "urn:ietf:params:netconf:capability:candidate:1.0"
CONFIRMED_COMMIT = "urn:ietf:params:netconf:capability:confirmed-commit:"


class Netconf(Frozen):
    """The operations of a vendor's NETCONF server.

    In them stand `{text}` (lines of configuration, or a command; escaped), `{minutes}` and `{seconds}` (how long a
    change waits to be confirmed) and `{token}` (of the run that made it).
    """

    needs: tuple[str, ...] = Field(
        default=(CANDIDATE, f"{CONFIRMED_COMMIT}1.1"),
        description="what the server's capabilities must begin with; without one of them nothing is done",
    )
    to_have: str = Field(description="what makes a device listen, with all that is needed: for errors")
    ask: str = Field(description="asks a command that shows something")
    show: str = Field(description="asks for the whole configuration, as `Vendor.show` prints it")
    answers: tuple[str, ...] = Field(description="names of the elements whose text is an answer")
    parts: tuple[str, ...] = Field(
        default=(),
        description="names of the elements that say which part of a device answers, as stands before its prompt: by "
        "them are known `Vendor.refused_modes` that a prompt tells",
    )
    load: str = Field(description="puts lines of configuration into the candidate")
    commit: str = "<commit/>"
    remark: str = Field(
        default="",
        description="says why a change is made, with `{text}`: it fills `{remark}` in commits",
    )
    commit_confirmed: str = (
        "<commit><confirmed/><confirm-timeout>{seconds}</confirm-timeout><persist>{token}</persist></commit>"
    )
    confirm: str = "<commit><persist-id>{token}</persist-id></commit>"
    confirms_in_lock: bool = Field(
        default=False, description="whether the lock is taken to confirm: some give it to nobody while a change waits"
    )
    revert: str = Field(
        default="<cancel-commit><persist-id>{token}</persist-id></cancel-commit>",
        description="restores what was before, at once; empty: only waiting does",
    )
    pending_by_lock: bool = Field(
        default=True,
        description="whether the lock of what runs, which nobody gets while a change waits (RFC 6241, section 7.5), "
        "tells that one does; else `CommitConfirm.pending` is asked",
    )
    warnings: tuple[str, ...] = Field(
        default=(), description="what it may warn of while lines are loaded; any other warning is a refusal"
    )
    source: str
