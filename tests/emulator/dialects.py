"""How the command lines of five vendors speak: modes, prompts, pages, and what they say to what they do not take.

The words are those of the vendors' command references. One object is the command line of one session; what a line does
to the configuration is `grammar`'s.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from tests.emulator.checked_out import wrong_in
from tests.emulator.device import Device, copy
from tests.emulator.grammar import Editor, Refused, Tree, grammar
from tests.emulator.rights import RIGHTS, Rights
from tests.emulator.state import state

Answered = Callable[["re.Match[str]"], str]


def says(expression: str) -> Callable[[Any], Any]:
    """Marks what a command line says, outside of its configuration mode, to a line that matches this."""

    def mark(method: Any) -> Any:
        method.matches = re.compile(expression).fullmatch
        return method

    return mark


class Cli(ABC):
    """A command line. `over` is true once the session is to end; `editor` is there in the configuration mode only."""

    pager = " --More-- "
    erase = "\b" * 9 + " " * 8 + "\b" * 9

    def __init__(self, device: Device, user: str = "") -> None:
        self.device, self.user = device, user
        self.editor: Editor | None = None
        self.paging = True
        self.over = False
        self._question: tuple[str, Callable[[bool], str]] | None = None
        self._commands = [m for _, m in inspect.getmembers(self, inspect.ismethod) if hasattr(m, "matches")]

    @property
    def rights(self) -> Rights:
        """What the account may do now; the console's people everything."""
        return RIGHTS[self.device.platform](self.device.running, self.user)

    @property
    def prompt(self) -> str:
        """What stands before what is typed."""
        return self._question[0] if self._question else self._prompt

    @property
    @abstractmethod
    def _prompt(self) -> str: ...

    def typed(self, line: str) -> str:
        """Carry a line out; what the device says to it."""
        if self._question:
            (_, answered), self._question = self._question, None
            return answered(line.strip().lower() in {"y", "yes", ""})
        if not line.strip():
            return ""
        if any(re.search(expression, line.strip()) for expression in self.device.refuses):
            return f"{self.unknown(line.strip())}\n"
        if not self.lets(line.strip()):
            return self.rights.refusal or f"{self.unknown(line.strip())}\n"
        try:
            return self.execute(line.strip()) if self.editor is None else self._configure(line, self.editor)
        except Refused as e:
            return f"{e}\n"

    def lets(self, line: str) -> bool:
        """Whether the account may type a line, where it stands."""
        return self.rights.may(line) if self.editor is None else self.rights.may_configure(self.editor.path, line)

    def _configure(self, line: str, editor: Editor) -> str:
        if any(re.search(expression, line) for expression in self.device.asks_before):
            return self.ask(self.device.question, lambda yes: self.configure(line, editor) if yes else "")
        remark = next((says for at, says in self.device.remarks if re.search(at, line)), "")
        return self.configure(line, editor) + remark

    def ask(self, question: str, answered: Callable[[bool], str]) -> str:
        """Ask back; the next line is the answer."""
        self._question = question, answered
        return ""

    def _restart(self, yes: bool) -> str:
        if yes:
            self.device.reboot()
        return ""

    def execute(self, line: str) -> str:
        """A line outside of the configuration mode."""
        for command in self._commands:
            if found := command.matches(line):
                return str(command(found))
        if line in self.device.shows:
            return self.device.shows[line]
        if (said := state(self.device, line)) is not None:
            return said
        raise Refused(self.unknown(line))

    @says("exit|quit|logout")
    def _exit(self, _: re.Match[str]) -> str:
        self.over = True
        return ""

    @abstractmethod
    def configure(self, line: str, editor: Editor) -> str:
        """A line in the configuration mode."""

    @abstractmethod
    def unknown(self, line: str) -> str:
        """What it says to a line that it does not know."""


class CiscoLike(Cli):
    """What those have in common that look like Cisco's: every line is in force as it is typed."""

    end_of_prompt = "#"
    entering = ""
    modes = {"interface": "-if", "vlan": "-vlan", "router": "-router", "line": "-line", "vrf": "-vrf"}  # noqa: RUF012

    @property
    def _prompt(self) -> str:
        if self.editor is None:
            return f"{self.device.hostname}{self.end_of_prompt}"
        if getattr(self.editor, "_until", ""):
            return ""  # a text of several lines is being typed
        section = self.editor.path[-1].split()[0] if self.editor.path else ""
        mode = self.modes.get(section, "-sub") if section else ""
        return f"{self.device.hostname}(config{mode}){self.end_of_prompt}"

    @says(r"terminal length (\d+)")
    def _length(self, said: re.Match[str]) -> str:
        self.paging = said[1] != "0"
        return ""

    @says(r"terminal width \d+|enable")
    def _nothing(self, _: re.Match[str]) -> str:
        return ""

    @says("configure terminal")
    def _enter(self, _: re.Match[str]) -> str:
        if self.device.held:
            return self.device.held
        self.editor = self.device.grammar.editor({})
        return self.device.modes.get("exclusive", "") + self.entering

    def configure(self, line: str, editor: Editor) -> str:
        with self.device.lock:
            editor.tree = copy(self.device.running)
            try:
                editor.type(line)
            except KeyError:  # the section that one was in has been taken away
                editor.path = []
                raise Refused(self.unknown(line.strip())) from None
            if editor.left:
                self.editor = None
            self.device.put_in_force(editor.tree)
        return ""


class CiscoIos(CiscoLike):
    """Cisco IOS XE."""

    entering = "Enter configuration commands, one per line.  End with CNTL/Z.\n"
    none_pending = "%No Rollback Confirmed Change pending\n"

    @says("show running-config(?: view full)?")
    def _running(self, said: re.Match[str]) -> str:
        text = self.device.text_of(self.rights.shown_by(said[0], self.device.running))
        return f"Building configuration...\n\nCurrent configuration : {len(text)} bytes\n!\n{text}!\nend\n\n"

    @says("show startup-config")
    def _startup(self, _: re.Match[str]) -> str:
        text = self.device.text_of(self.device.startup)
        return f"Using {len(text)} out of 2097152 bytes\n!\n{text}!\nend\n\n"

    @says("write memory|write|copy running-config startup-config")
    def _save(self, _: re.Match[str]) -> str:
        self.device.save()
        return "Building configuration...\n[OK]\n"

    @says(r"configure terminal revert timer ([1-9]\d?|1[01]\d|120)")
    def _arm(self, said: re.Match[str]) -> str:
        if self.device.timer:
            return "%Rollback Confirmed Change already pending\n"
        self.device.arm(int(said[1]), self.device.running)
        self.editor = self.device.grammar.editor({})
        locked = self.device.modes.get("exclusive", "")
        return (
            f"Rollback Confirmed Change: Backing up current running config to flash:backup-1\n\n{locked}{self.entering}"
        )

    @says("configure confirm")
    def _confirm(self, _: re.Match[str]) -> str:
        return "" if self.device.confirm() else self.none_pending

    @says("configure revert now")
    def _revert(self, _: re.Match[str]) -> str:
        if not self.device.restore():
            return self.none_pending
        return "Rollback Confirmed Change: rolling to:flash:backup-1\n\nTotal number of passes: 1\nRollback Done\n"

    @says("show archive config rollback timer")
    def _pending(self, _: re.Match[str]) -> str:
        if self.device.timer is None:
            return self.none_pending
        return (
            "Time configured(or reconfigured): 22:50:48 UTC Mon Mar 5 2007\n"
            f"Timer type: absolute timer\nTimer value: {self.device.timer.minutes} min\nUser: samdrift\n"
        )

    @says("reload")
    def _reload(self, _: re.Match[str]) -> str:
        return self.ask("Proceed with reload? [confirm]", self._restart)

    def unknown(self, line: str) -> str:
        return (
            f"{' ' * (len(self.prompt) + len(line.split(maxsplit=1)[0]))}^\n% Invalid input detected at '^' marker.\n"
        )


class ArubaCx(CiscoLike):
    """Aruba AOS-CX. Nothing that is documented tells whether its timer runs."""

    end_of_prompt = "# "
    pager = "-- MORE --, next page: Space, next line: Enter, quit: q"
    erase = "\r\x1b[K"

    @says("no page|page")
    def _page(self, said: re.Match[str]) -> str:
        self.paging = said[0] == "page"
        return ""

    @says("show running-config")
    def _running(self, _: re.Match[str]) -> str:
        version = f"!Version ArubaOS-CX {self.device.model or 'FL'}.10.13.1000"
        return f"Current configuration:\n!\n{version}\n{self.device.configuration}"

    @says("write memory")
    def _save(self, _: re.Match[str]) -> str:
        self.device.save()
        return "Copying configuration: [Success]\n"

    @says(r"checkpoint auto ([1-9]|[1-5]\d|60)")
    def _arm(self, said: re.Match[str]) -> str:
        self.device.arm(
            int(said[1]),
            self.device.running,
            warning='WARNING  Please "checkpoint auto confirm" within 2 minutes\n',
            farewell="WARNING: Restoring configuration. Do NOT add any new configuration.\nRestoration successful\n",
        )
        return f"Auto checkpoint mode expires in {said[1]} minute(s)\n"

    @says("checkpoint auto confirm")
    def _confirm(self, _: re.Match[str]) -> str:
        return "checkpoint AUTO20170801011154 created\n" if self.device.confirm() else "Error: no auto checkpoint\n"

    @says("show checkpoint")
    def _pending(self, _: re.Match[str]) -> str:
        return "NAME                TYPE        WRITER  DATE(UTC)\nstartup-config      startup     User    2017-08-01\n"

    def unknown(self, line: str) -> str:
        return f"Invalid input: {line.split(maxsplit=1)[0]}"


class Frr(CiscoLike):
    """FRR's vtysh."""

    end_of_prompt = "# "

    @says("show running-config")
    def _running(self, _: re.Match[str]) -> str:
        head = "Building configuration...\n\nCurrent configuration:\n!\nfrr version 8.4.4\n"
        return f"{head}{self.device.configuration}end\n"

    @says("write memory")
    def _save(self, _: re.Match[str]) -> str:
        self.device.save()
        return "Building Configuration...\nIntegrated configuration saved to /etc/frr/frr.conf\n[OK]\n"

    def unknown(self, line: str) -> str:
        return f"% Unknown command: {line}"


class Junos(Cli):
    """Juniper Junos: what is typed is a draft until it is committed."""

    pager = "---(more)---"
    erase = "\r" + " " * 40 + "\r"

    @property
    def _prompt(self) -> str:
        """After the role of a member of a virtual chassis, or of a node: Virtual Chassis and Chassis Cluster Guides."""
        name, role = f"samdrift@{self.device.hostname}", self.device.modes.get("role", "master:0")
        return f"\n{{{role}}}\n{name}> " if self.editor is None else f"\n{{{role}}}[edit]\n{name}# "

    @says(r"set cli screen-(width|length) (\d+)")
    def _screen(self, said: re.Match[str]) -> str:
        self.paging = said[2] != "0" if said[1] == "length" else self.paging
        return f"Screen {said[1]} set to {said[2]}\n"

    @says("set cli complete-on-space off")
    def _complete(self, _: re.Match[str]) -> str:
        return "Disabling complete-on-space\n"

    @says(r"configure(?: exclusive)?")
    def _enter(self, _: re.Match[str]) -> str:
        if said := self.device.changed_by_others:
            if not said.startswith("error: "):
                self.editor = self.device.grammar.editor({**self.device.running, "chassis": {"alarm": {}}})
            return f"{said}\n"
        if self.device.drafted_by not in {None, self}:
            return "error: configuration database locked by:\n  somebody terminal p0 (pid 1234)\n"
        self.device.drafted_by = self
        self.editor = self.device.grammar.editor(copy(self.device.running))
        return "warning: uncommitted changes will be discarded on exit\nEntering configuration mode\n"

    @says(r"show configuration \| display set")
    def _running(self, _: re.Match[str]) -> str:
        return f"set version 21.4R3-S1.5\n{self.device.text_of(self.rights.shown(self.device.running))}"

    @says("show system commit")
    def _pending(self, _: re.Match[str]) -> str:
        timer, line = self.device.timer, "2026-11-27 06:00:00 UTC by samdrift via cli"
        newest = f" commit confirmed, rollback in {timer.minutes}mins\nrollback pending" if timer else ""
        older = "".join(f"{number}   {line}\n" for number, _ in enumerate(self.device.history, 1))
        return f"0   {line}{newest}\n{older}"

    def configure(self, line: str, editor: Editor) -> str:
        device, said = self.device, line.strip()
        if said in {"exit", "exit configuration-mode", "quit"}:
            if editor.tree == device.running:
                return self._leave()
            question = (
                "The configuration has been changed but not committed\nExit with uncommitted changes? [yes,no] (yes) "
            )
            return self.ask(question, lambda yes: self._leave() if yes else "")
        if commit := re.fullmatch(r'commit(?: confirmed (\d+))?(?: comment "([^"?]+)")?(?: and-quit)?', said):
            device.remarks_of_commits.append(commit[2] or "")
            return self._commit(editor.tree, commit[1]) + (self._leave() if said.endswith("and-quit") else "")
        if back := re.fullmatch(r"rollback (\d+)", said):
            trees = [device.running, *reversed(device.history)]
            if int(back[1]) >= len(trees):
                return f"error: problem checking file: /config/juniper.conf.{back[1]}.gz\n"
            editor.tree = copy(trees[int(back[1])])
            return "load complete\n"
        editor.type(line)
        return ""

    def unknown(self, line: str) -> str:
        if line.startswith("commit"):
            return "error: configuration check-out failed"
        return f"{' ' * 20}^\n{'unknown command' if self.editor is None else 'syntax error'}."

    def _commit(self, draft: Tree, minutes: str | None) -> str:
        device = self.device
        if wrong := wrong_in(draft):
            return f"{wrong}\nerror: configuration check-out failed\n"
        with device.lock:
            before = device.running
            device.history.append(before)
            device.confirm()
            if minutes:
                farewell = "\nBroadcast Message from root@sw\nCommit was not confirmed; automatic rollback complete.\n"
                device.arm(int(minutes), before, farewell=farewell, saves=True)
            device.put_in_force(copy(draft))
            device.save()
        waits = f"commit confirmed will be automatically rolled back in {minutes} minutes unless confirmed\n"
        return f"{waits if minutes else ''}commit complete\n"

    def _leave(self) -> str:
        self.editor = self.device.drafted_by = None
        return "Exiting configuration mode\n"


class FortiOs(Cli):
    """Fortinet FortiOS: a block is in force, and saved, when it ends."""

    pager = "--More-- "
    erase = "\r" + " " * 9 + "\r"

    @property
    def _prompt(self) -> str:
        if getattr(self.editor, "_until", ""):
            return "> "  # a quoted text is not closed
        inside = f"({self.editor.path[-1].split()[-1].strip(chr(34))}) " if self.editor else ""
        return f"{self.device.hostname} {inside}{'#' if self.rights.is_everybody else '$'} "

    @says("show")
    def _running(self, _: re.Match[str]) -> str:
        model = self.device.model or "FGT60F"
        version = f"#config-version={model}-7.2.8-FW-build1639-240313:opmode=0:vdom=0:user=admin\n"
        return f"{version}{self.device.text_of(self.rights.shown(self.device.running))}"

    @says(r"get system status(?: \| grep (\w+))?")
    def _status(self, said: re.Match[str]) -> str:
        """The form of the published FortiGate-91G and 501E of the oxidized project (7.4)."""
        lines = {
            "Version": "FortiGate-60F v7.2.8,build1639,240313 (GA.M)",
            "Hostname": self.device.hostname,
            "Operation Mode": "NAT",
            "Current virtual domain": "root",
            "Virtual domains status": "1 in NAT mode, 0 in TP mode",
            "Virtual domain configuration": "disable",
            "Current HA mode": "standalone",
            **self.device.modes,
        }
        return "".join(f"{name}: {text}\n" for name, text in lines.items() if (said[1] or "") in name)

    @says("get system console")
    def _console(self, _: re.Match[str]) -> str:
        return "baudrate            : 9600\nfortiexplorer       : enable\noutput              : more\n"

    @says("execute reboot")
    def _reboot(self, _: re.Match[str]) -> str:
        question = "This operation will reboot the system !\nDo you want to continue? (y/n)"
        return self.ask(question, self._restart)

    @says("config .*")
    def _open(self, said: re.Match[str]) -> str:
        editor = self.device.grammar.editor(copy(self.device.running))
        editor.type(said[0])
        self.editor = editor
        return ""

    def configure(self, line: str, editor: Editor) -> str:
        if line.strip() == "abort":
            self.editor = None
            return ""
        in_text = getattr(editor, "_until", "")
        editor.type(line)
        if line.strip() in {"next", "end"} and not in_text:
            self.device.put_in_force(copy(editor.tree))
            self.device.save()
        self.editor = editor if editor.path else None
        return str(getattr(editor, "said", ""))

    def unknown(self, line: str) -> str:
        return f"\ncommand parse error before '{line.rsplit(maxsplit=1)[-1]}'\nCommand fail. Return code -61\n"


DIALECTS: dict[str, type[Cli]] = {
    "arubaos-cx": ArubaCx,
    "cisco-ios": CiscoIos,
    "fortios": FortiOs,
    "frr": Frr,
    "junos": Junos,
}
"""Every vendor's command line, by the slug of its platform."""


def device(platform: str, name: str, configuration: str, **settings: Any) -> Device:
    """A device of this platform, which was restarted with this configuration."""
    language = grammar(platform)
    tree = language.load(configuration)
    return Device(name, language, tree, copy(tree), **settings)


def command_line(of: Device, user: str = "") -> Cli:
    """A new command line of a device, for an account or for who sits at the console."""
    return DIALECTS[of.platform](of, user)
