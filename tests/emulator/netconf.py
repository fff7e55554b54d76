"""The NETCONF server of an emulated Junos: what it says to operations, in the words of its vendor.

Each rule names its source:

- DEV: Juniper, NETCONF XML Management Protocol Developer Guide ("Start a NETCONF Session", "Lock and Unlock the
  Candidate Configuration", "Upload Configuration Data", "Commit the Candidate Configuration Only After Confirmation",
  "Handle an Error or Warning", "Terminate a NETCONF Session", "Specify the Output Format").
- XML: Juniper, Junos XML Management Protocol Developer Guide (`get-configuration`, `commit-configuration`).
- HELLO: the greeting of a vRR, ansible#46804; the comments before it: what many show of `ssh -s netconf`.
- PYEZ: replies in Juniper/py-junos-eznc#712 (`statement not found` is a warning beside an `ok`) and #624 (an error
  among several `rpc-error`).
- PARTS: replies in the tests of public exporters (`multi-routing-engine-item` of a node, `cli`, `banner`): who answers.
- LOCKED: napalm#1445 and Juniper/py-junos-eznc#843 (who holds the configuration).

It frames messages as version 1.0 has it, which is the one that Junos offers (HELLO). Not here: sockets and logins
(`server`), statements (`grammar_junos`), and what a commit does to a device (`dialects`).
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

import paramiko

from tests.emulator.device import Device, Fault, copy
from tests.emulator.dialects import Junos
from tests.emulator.grammar import Editor
from tests.emulator.grammar_junos import SetEditor, words
from tests.emulator.language import Refused

BASE = "urn:ietf:params:xml:ns:netconf:base:1.0"
END = "]]>]]>"
CAPABILITIES = (
    "urn:ietf:params:netconf:base:1.0",
    "urn:ietf:params:netconf:capability:candidate:1.0",
    "urn:ietf:params:netconf:capability:confirmed-commit:1.0",
    "urn:ietf:params:netconf:capability:validate:1.0",
    "urn:ietf:params:netconf:capability:url:1.0?protocol=http,ftp,file",
    "http://xml.juniper.net/netconf/junos/1.0",
    "http://xml.juniper.net/dmi/system/1.0",
)


class Failed(Exception):
    """A fault happens now, instead of an answer."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.kind)
        self.fault = fault


class NetconfServer:
    """One session with the NETCONF server of a Junos."""

    def __init__(self, device: Device, transport: paramiko.Transport, channel: paramiko.Channel) -> None:
        self.device, self._transport, self._channel = device, transport, channel
        self._cli = Junos(device, transport.get_username() or "")
        self._editor: Editor | None = None
        self._heard = ""
        self._silent = self._over = False

    def kill(self) -> None:
        self._silent = True
        self._transport.close()

    def say(self, text: str) -> None:
        """Say nothing: whoever is logged in by NETCONF has no terminal."""

    def run(self) -> None:
        """Until the session ends; what was not committed is gone then (DEV: "changes are automatically discarded")."""
        self.device.sessions.append(self)
        if not self.device.reachable:
            return
        try:
            self._send(_hello())
            self._next()
            while not self._over:
                self._answer(ET.fromstring(self._next()))  # noqa: S314  of the tests themselves
        finally:
            self._leave()
            if self in self.device.sessions:
                self.device.sessions.remove(self)

    def _answer(self, rpc: ET.Element) -> None:
        attributes = "".join(f' {name}="{escape(value)}"' for name, value in rpc.attrib.items())
        (operation,) = rpc
        try:
            fault = self._fault(_name(operation))
            said = self._carry_out(operation)
        except Failed as e:
            self._fail(e.fault)
            return
        except Refused as e:
            said = _error(str(e).removeprefix("error: "))
        if fault:
            self._fail(fault)
            return
        self._send(f'<rpc-reply xmlns="{BASE}" xmlns:junos="{_URL}"{attributes}>\n{said}</rpc-reply>\n')

    def _carry_out(self, operation: ET.Element) -> str:
        name = _name(operation)
        known = {
            "lock": self._lock,
            "unlock": self._unlock,
            "load-configuration": self._load,
            "commit-configuration": self._commit,
            "discard-changes": self._discard,
            "get-configuration": self._show,
            "command": self._command,
            "close-session": self._close,
        }
        if name not in known:
            raise Refused("syntax error")  # DEV: an `rpc-error`, the element in it
        if any(re.search(expression, name) for expression in self.device.refuses):
            raise Refused("configuration check-out failed")
        if name not in {"get-configuration", "command", "close-session"} and not self._cli.rights.may("configure"):
            raise Refused("permission denied")  # the login class needs `configure` (User Access Guide, "Login Classes")
        return known[name](operation)

    def _lock(self, _: ET.Element) -> str:
        """DEV: it fails if another user has locked it, or if it contains changes that have not yet been committed."""
        if self.device.changed_by_others:
            raise Refused(self.device.changed_by_others)
        if self.device.drafted_by not in {None, self}:
            raise Refused(
                "configuration database locked by:\n  somebody terminal p0 (pid 1234) on since now\n  exclusive"
            )
        self.device.drafted_by = self
        self._editor = self.device.grammar.editor(copy(self.device.running))
        return "<ok/>\n"

    def _unlock(self, _: ET.Element) -> str:
        """DEV: it fails if the configuration is not locked; what is not committed is discarded."""
        if self._editor is None:
            raise Refused("configuration database is not open")
        self._leave()
        return "<ok/>\n"

    def _load(self, operation: ET.Element) -> str:
        """DEV: a syntactic error is told of its line; nothing is in force until it is committed."""
        if operation.attrib != {"action": "set", "format": "text"}:
            raise Refused("syntax error")
        (statements,) = operation
        if _name(statements) != "configuration-set":
            raise Refused("syntax error")
        editor = self._draft
        said = [self._statement(editor, line.strip()) for line in (statements.text or "").splitlines() if line.strip()]
        errors = sum("<error-severity>error<" in each for each in said)
        end = f"<load-error-count>{errors}</load-error-count>" if errors else "<ok/>"
        return f"<load-configuration-results>\n{''.join(said)}{end}\n</load-configuration-results>\n"

    def _statement(self, editor: Editor, line: str) -> str:
        self.device.typed.append(line)
        fault = self._fault(line)
        verb, *path = words(line)
        if any(re.search(expression, line) for expression in self.device.refuses):
            return _error("syntax error", path="[edit]", of=path[0] if path else verb)
        said = ""
        if verb == "delete" and isinstance(editor, SetEditor) and not _has(editor, path):
            said = _error(f"statement not found: {path[-1]}", "warning", path="[edit]")  # PYEZ
        try:
            editor.type(line)
        except Refused as e:
            return _error(str(e).removeprefix("error: "), path="[edit]", of=path[-1] if path else verb)
        if fault:
            raise Failed(fault)
        remarks = (text for at, text in self.device.remarks if re.search(at, line))
        return said + "".join(_error(text.strip().removeprefix("warning: "), "warning") for text in remarks)

    def _commit(self, operation: ET.Element) -> str:
        """XML: minutes, ten if it does not say; a commit without `confirmed` confirms, from whatever session. DEV,
        "Configure RFC-Compliant NETCONF Sessions": without that, the results of each routing engine.
        """
        parts = {_name(e): e.text or "" for e in operation}
        minutes = (parts.get("confirm-timeout") or "10") if "confirmed" in parts else None
        self.device.remarks_of_commits.append(parts.get("log", ""))
        self._cli._commit(copy(self._draft.tree), minutes)
        if self._editor is not None:
            self._editor.tree = copy(self.device.running)
        return _results("commit-success")

    def _discard(self, _: ET.Element) -> str:
        """DEV: the candidate is what is committed again."""
        self._draft.tree = copy(self.device.running)
        return "<ok/>\n"

    def _show(self, operation: ET.Element) -> str:
        """XML: as `display set` has it, since 15.1."""
        if operation.get("format") != "set":
            return "<configuration/>\n"
        text = f"set version 21.4R3-S1.5\n{self.device.text_of(self._cli.rights.shown(self.device.running))}"
        return f"<configuration-set>\n{escape(text)}</configuration-set>\n"

    def _command(self, operation: ET.Element) -> str:
        """DEV: formatted text as on the command line, in an `output`; what it does not know is an `rpc-error`. PARTS:
        with the name of a node, or what stands before a prompt.
        """
        line = (operation.text or "").strip()
        self.device.typed.append(line)
        if not self._cli.rights.may(line):
            raise Refused("permission denied")
        said = f"<output>\n{escape(self._cli.execute(line))}</output>\n"
        role = self.device.modes.get("role", "")
        if ":node" in role:
            item = f"<re-name>{role.partition(':')[2]}</re-name>\n{said}"
            item = f"<multi-routing-engine-item>\n{item}</multi-routing-engine-item>\n"
            return f"<multi-routing-engine-results>\n{item}</multi-routing-engine-results>\n"
        return said + (f"<cli>\n<banner>{{{role}}}</banner>\n</cli>\n" if role else "")

    def _close(self, _: ET.Element) -> str:
        self._over = True
        return "<ok/>\n"

    @property
    def _draft(self) -> Editor:
        """The candidate of who holds its lock. (Without one, Junos has a candidate that all share.)"""
        if self._editor is None:
            raise Refused("configuration database is not open")
        return self._editor

    def _leave(self) -> None:
        self._editor = None
        if self.device.drafted_by is self:
            self.device.drafted_by = None

    def _fault(self, at: str) -> Fault | None:
        """The fault that happens here, if it does so after what was asked for is done."""
        fault = self.device.fault_at(at)
        if fault and fault.instead:
            raise Failed(fault)
        return fault

    def _fail(self, fault: Fault) -> None:
        if fault.kind == "stall":
            self._silent = True
        elif fault.kind == "drop":
            self.kill()
        else:
            self.device.reboot(0.3)

    def _send(self, text: str) -> None:
        if not self._silent:
            self._channel.sendall(f"{text}{END}\n".encode())

    def _next(self) -> str:
        while END not in self._heard:
            data = self._channel.recv(65536)
            if not data:
                raise EOFError
            self._heard += data.decode()
        message, _, self._heard = self._heard.partition(END)
        return message.strip()


_URL = "http://xml.juniper.net/junos/21.4R3/junos"


def _hello() -> str:
    names = "".join(f"    <capability>{name}</capability>\n" for name in CAPABILITIES)
    comments = "<!-- No zombies were killed during the creation of this user interface -->\n<!-- user samdrift -->\n"
    return (
        f'{comments}<hello xmlns="{BASE}">\n  <capabilities>\n{names}  </capabilities>\n'
        "  <session-id>4711</session-id>\n</hello>\n"
    )


def _results(done: str) -> str:
    return (
        '<commit-results>\n<routing-engine junos:style="normal">\n<name>re0</name>\n'
        f"<{done}/>\n</routing-engine>\n</commit-results>\n"
    )


def _error(message: str, severity: str = "error", *, path: str = "", of: str = "") -> str:
    where = f"<error-path>{escape(path)}</error-path>\n" if path else ""
    what = f"<error-info>\n<bad-element>{escape(of)}</bad-element>\n</error-info>\n" if of else ""
    return (
        f"<rpc-error>\n<error-type>protocol</error-type>\n<error-tag>operation-failed</error-tag>\n"
        f"<error-severity>{severity}</error-severity>\n{where}"
        f"<error-message>\n{escape(message)}\n</error-message>\n{what}</rpc-error>\n"
    )


def _has(editor: SetEditor, path: list[str]) -> bool:
    try:
        editor._at(path)
    except Refused:
        return False
    return True


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
