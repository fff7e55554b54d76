"""Questions about a device's state, as data of its vendor: what is typed, and how the answer is read.

Not here: the reading itself (`answers`).
"""

from __future__ import annotations

from pydantic import Field

from inventory.frozen import Frozen


class Structure(Frozen):
    """Where an answer in JSON says what, by names of its elements.

    An element is found wherever it stands, so that what is wrapped around an answer does not matter. Of several names,
    each is what some release or model has.

    Attributes:
        forms: elements one of which every answer to this holds, be there nothing to tell.
        parts: an element that stands once for each part of a device that answers by itself: each must hold a form.
        items: elements that are a row each.
        fields: our words, and the elements below an item that say it: the first name that has a value counts.
        faults: elements below an item that name a fault by their value; the row has them as `why`.
        nothing: values, whole, that say that there is none.
    """

    forms: tuple[str, ...]
    parts: str = ""
    items: tuple[str, ...]
    fields: dict[str, tuple[str, ...]]
    faults: tuple[str, ...] = ()
    nothing: str = "|-"


class Question(Frozen):
    """A question about a device's state, and how its answer is read: by structure, by a template, or by lines.

    Attributes:
        structure: of an answer in JSON.
        template: platform and command, as ntc-templates has them, and `fields` says which of its fields our words are;
            or a template of TextFSM of our own, whose values have our words for names.
        pattern: found in each line that is a row, where there is neither; its groups have our words for names.
        known: found in every answer that is text, be there nothing to tell: without it, the answer is not understood.
            Its group `count` is how many rows there are.
        always: our words that each row has a value for: without one, the answer is not understood.
        every_port: whether each port that the device has is named.
        of_some: models that have no such thing refuse the command.
    """

    command: str
    structure: Structure | None = None
    template: tuple[str, str] | str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    pattern: str = ""
    known: str = ""
    always: tuple[str, ...] = ()
    every_port: bool = False
    of_some: bool = False
