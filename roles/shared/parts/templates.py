"""How templates become text: Jinja2, strict, from `templates/<role>/`. No clock, no randomness, no network.

A template that writes what is not there, or a value that is None, is at fault: "interface vlan None" is no interface.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from inventory.errors import SamdriftError
from inventory.paths import TEMPLATES


class TemplateError(SamdriftError):
    """A template cannot be rendered: an undefined variable, a syntax error, or no such file."""


@cache
def _environment(root: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(root, encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  configuration files, not HTML; untrusted text goes through filters
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_written,
    )


def _written(value: object) -> object:
    if value is None:
        raise jinja2.UndefinedError("it writes a value that is None")
    return value


def render(template: str, *, root: Path = TEMPLATES, **values: object) -> str:
    """Render `template` (a path below `templates/`) with these values.

    Raises:
        TemplateError: naming the template's file and line.
    """
    try:
        return _environment(root).get_template(template).render(**values)
    except jinja2.TemplateSyntaxError as e:
        raise TemplateError(e.message or "syntax error", where=f"templates/{e.name}:{e.lineno}") from e
    except jinja2.TemplateNotFound as e:
        raise TemplateError("there is no such template", where=f"templates/{e.name}") from e
    except jinja2.UndefinedError as e:
        raise TemplateError(
            e.message or "undefined variable",
            where=f"templates/{template}:{_line_in(template, e)}",
            fix="name a field of the role's Settings",
        ) from e


def _line_in(template: str, error: BaseException) -> int:
    """Return the last line of the template that the traceback of a rendering passes."""
    line, tb = 0, error.__traceback__
    while tb is not None:
        if tb.tb_frame.f_code.co_filename.endswith(template):
            line = tb.tb_lineno
        tb = tb.tb_next
    return line
