"""What every command has in common: the options that it takes, how a function becomes one, how it answers.

Not here: which hosts, records and secrets the options mean (`cli.subject`), and which commands there are (`main`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deploy.model.kinds import Exit

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


@dataclass(frozen=True)
class Common:
    """The options that every command takes, before or after its name."""

    limit: str | None = None
    source: str | None = None
    lab: bool | None = None
    state: str | None = None
    json: bool | None = None
    debug: bool | None = None
    user: str | None = None
    key: Path | None = None
    look_user: str | None = None
    look_key: Path | None = None
    through: str | None = None
    identity: Path | None = None
    netbox_url: str | None = None
    netbox_ca: Path | None = None

    def over(self, given: dict[str, Any]) -> Common:
        """Return these options, overridden by what `given` sets; take them out of `given`."""
        given_here = {f.name: given.pop(f.name) for f in fields(self)}
        return replace(self, **{name: value for name, value in given_here.items() if value is not None})

    @property
    def people(self) -> Console:
        """Return the console for people's output: stdout, unless `--json` keeps that for one document."""
        from deploy.views.parts import screen

        return screen(sys.stderr if self.json else sys.stdout)

    @property
    def aside(self) -> Console:
        """Return the console for progress and questions."""
        from deploy.views.parts import screen

        return screen(sys.stderr)


class _Words(click.ParamType[str]):
    """A text that says something: `--limit "$WHICH"` with WHICH not set must not mean every host."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not value:
            self.fail("it is empty", param, ctx)
        return str(value)


class _File(click.Path):
    """A path that says something: an empty one would mean the directory one happens to be in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        if not value:
            self.fail("it is empty", param, ctx)
        return Path(os.fsdecode(super().convert(value, param, ctx)))


WORDS = _Words()
FILE = _File()
READABLE = _File(exists=True, dir_okay=False, readable=True)


def common_options(prefix: str | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make a decorator that adds the common options; with a prefix, the environment may give them too."""

    def option(name: str, meaning: str, **more: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        variable = f"{prefix}_{name.upper().replace('-', '_')}" if prefix else None
        return click.option(f"--{name}", default=None, envvar=variable, help=meaning, **more)

    options = (
        option("limit", "Which hosts: heby, role=time, tie-*, combined with and, or, not.", metavar="EXPR", type=WORDS),
        option(
            "source",
            "The inventory: snapshot (the project's own), netbox, or a directory.",
            metavar="SOURCE",
            type=WORDS,
        ),
        option("lab", "The lab's hosts, and no others.", is_flag=True),
        option("state", "Where runs are recorded: a directory, or a PostgreSQL URL.", metavar="PLACE", type=WORDS),
        option("json", "One JSON document on stdout, everything else on stderr.", is_flag=True),
        option("debug", "Show where in the code an error comes from.", is_flag=True),
        option("user", "Log in to hosts as this user.", metavar="NAME", type=WORDS),
        option("key", "Log in with this private key.", metavar="FILE", type=READABLE),
        option("look-user", "Look at hosts as this user, who may change nothing.", metavar="NAME", type=WORDS),
        option("look-key", "Look at hosts with this private key.", metavar="FILE", type=READABLE),
        option("through", "Reach hosts through this one of the fleet, a bastion.", metavar="HOST", type=WORDS),
        option("identity", "Open secrets with this age identity.", metavar="FILE", type=FILE),
        option("netbox-url", "The NetBox that --source netbox means.", metavar="URL", type=WORDS),
        option("netbox-ca", "The authorities to trust for it.", metavar="FILE", type=READABLE),
    )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for add in reversed(options):
            function = add(function)
        return function

    return decorate


class InOrder(click.Group):
    """A group that lists its commands as a day's work goes, not as the alphabet does."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


class WithDefault(InOrder):
    """A group that is a command, too: what names none of its commands is its first one's, which stands in no list."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return super().list_commands(ctx)[1:]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = [name for name in list(self.commands)[1:] if name in args]
        first = own[0] if own else next(iter(self.commands))
        if not {"--help", "-h"} & set(args) or own:
            rest = list(args)
            if own:
                rest.remove(first)
            args = [first, *rest]
        return super().parse_args(ctx, args)


def command(name: str, *, of: click.Group | None = None) -> Callable[[Callable[..., int | None]], click.Command]:
    """Make a function a command, of a group if it belongs to one: it gets the common options first, its own by name."""

    def decorate(body: Callable[..., int | None]) -> click.Command:
        @wraps(body)
        def invoke(**given: Any) -> int:
            common = click.get_current_context().ensure_object(Common)
            return body(common.over(given), **given) or Exit.OK

        # click leaves a paragraph as it is that begins with a backspace; a docstring has it as the two letters \b
        invoke.__doc__ = (invoke.__doc__ or "").replace("\\b\n", "\b\n")
        made = click.command(name)(common_options(None)(invoke))
        if of is not None:
            of.add_command(made)
        return made

    return decorate


def answer(common: Common, document: object, parts: Iterable[RenderableType]) -> None:
    """Answer with one JSON document, or with what people read."""
    from deploy.model.text import as_json
    from deploy.views.parts import put

    if common.json:
        click.echo(as_json(document))
    else:
        put(common.people, parts)


def aside(common: Common, line: str) -> None:
    """Print a line that is worth knowing and is not the answer."""
    from rich.text import Text

    from deploy.model.text import inline
    from deploy.views.parts import put

    put(common.aside, [Text(inline(line))])
