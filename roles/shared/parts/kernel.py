"""`kernel_settings`: values that the running kernel must have, and that a host may forbid us to set.

A key may hold one `*` (`net.ipv4.conf.*.rp_filter` is every interface's). In a container some keys belong to the
outer machine and cannot be written: those are left alone here, and the state checks of role `base` say so.
"""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterable, Mapping

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation
from pyinfra.api.operation import OperationMeta

from inventory.frozen import Frozen
from roles.shared.change import Change, digest
from roles.shared.guard import kept_text
from roles.shared.parts.expected import Expected, expecting
from roles.shared.parts.explain import explain
from roles.shared.parts.registration import current


class KernelValue(Frozen):
    """A value of the running kernel: its key, its place, and whether it can be set."""

    key: str
    path: str
    writable: bool
    value: str

    @property
    def line(self) -> str:
        """Return the line that `sysctl` would print."""
        return f"{self.path.removeprefix('/proc/sys/').replace('/', '.')} = {self.value}\n"


def look_command(keys: tuple[str, ...]) -> str:
    """Return the shell command that prints every value of these keys; `read_values` reads its output.

    What the host itself may write is told by its own mounts and each file's mode: whoever may only look may write none.
    """
    tell = 'tell() { key=$1; shift; for f in "$@"; do if [ -e "$f" ]; then echo "$key $f"; fi; done; }'
    places = " ".join(map(_place, keys))
    first = "; ".join([tell, *(f"tell {shlex.quote(k)} {_place(k)}" for k in keys)])
    # One process reads all values: a process for each would be most of the time that a look at a host takes.
    return (
        f"{first}; {{ sed -n '\\, /proc[ /],p' /proc/1/mounts; stat -c '%a %n' {places}; grep -Hs '' {places}; }} "
        "2>/dev/null || true"
    )


def read_values(output: list[str]) -> list[KernelValue]:
    """Parse the output of `look_command`: each key's places, what is mounted there, each place's mode and value."""
    values = dict(line.split(":", 1) for line in output if line.startswith("/proc/sys/"))
    rest = [line.split() for line in output if line and not line.startswith("/proc/sys/")]
    mounts = [(words[1], words[3].split(",")) for words in rest if len(words) > 2]
    pairs = [(words[0], words[1]) for words in rest if len(words) == 2]
    modes = {path: int(mode, 8) for mode, path in pairs if mode.isdecimal()}
    return [
        KernelValue(
            key=key,
            path=path,
            writable=bool(modes.get(path, 0) & 0o200) and not _read_only(path, mounts),
            value=" ".join(values.get(path, "").split()),
        )
        for key, path in pairs
        if not key.isdecimal()
    ]


def _read_only(path: str, mounts: Iterable[tuple[str, list[str]]]) -> bool:
    """Tell whether the last of the innermost mounts that a path lies in is read-only; its options say so."""
    above = [(len(place), "ro" in options) for place, options in mounts if f"{path}/".startswith(f"{place}/")]
    return max(reversed(above), key=lambda m: m[0], default=(0, False))[1]


def _place(key: str) -> str:
    """Return a key's path in /proc/sys, for the shell: quoted except for its star."""
    return "/proc/sys/" + "*".join(shlex.quote(part) for part in key.replace(".", "/").split("*"))


class KernelValues(FactBase[list[KernelValue]]):
    """The running kernel's values of some keys; keys that it does not know are left out."""

    default = list

    def command(self, keys: tuple[str, ...]) -> str:
        return look_command(keys)

    def process(self, output: list[str]) -> list[KernelValue]:
        return read_values(output)


VALUES = "cat {} | tr -s '\\t ' ' '"
"""Prints values as they are compared, each on a line."""

PUT_BACK = (
    "failed=0; while IFS=: read -r place value; do [ ! -w $place ] || echo $value > $place || failed=1; done; "
    "[ $failed = 0 ]"
)
"""What is not there any more (of an interface that is gone), or not to be written here, is left alone."""


def kernel_settings(theme: str, wanted: Mapping[str, str], *, guarded: bool = False) -> OperationMeta:
    """Declare the running kernel's values of these keys, wherever it lets them be set.

    Args:
        guarded: they can cut the way to the host, which then puts them back by itself.
    """
    name = f"kernel settings in force: {theme}"
    if guarded:
        places = " ".join(map(_place, sorted(wanted)))
        current().guards[name] = kept_text(
            name, tell=f"{{ grep -Hs '' {places} || true; }}", put_back=f"{{ {PUT_BACK}; }}"
        )
    return tell_kernel(name=name, wanted=dict(wanted))


@operation()
def tell_kernel(wanted: dict[str, str]) -> Generator[StringCommand]:
    """Set each writable value that differs."""
    values = host.get_fact(KernelValues, keys=tuple(wanted))
    wrong = [v for v in values if v.writable and v.value != wanted[v.key]]
    if not wrong:
        host.noop("the kernel's settings are as wanted")
        return
    commands = [f"echo {shlex.quote(wanted[v.key])} > {shlex.quote(v.path)}" for v in wrong]
    after = [v.model_copy(update={"value": wanted[v.key]}).line for v in wrong]
    change = Change(what="running kernel", before="".join(v.line for v in wrong), after="".join(after))
    paths = " ".join(shlex.quote(v.path) for v in wrong)
    seen = digest("".join(f"{v.value}\n" for v in wrong))
    # An interface that another step makes has values of its own, and may change those of all.
    expected = Expected(what="running kernel", question=VALUES.format(paths), answers=(seen,), loose=True)
    yield expecting(explain(StringCommand(" && ".join(commands)), change), expected)
