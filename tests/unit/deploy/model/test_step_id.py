"""A step is known by its role and name, in code and, as one text, in files."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.model.record import AppliedStep, HostResult
from deploy.model.step_id import StepId

TEXT = st.text(alphabet=st.sampled_from("a: ö\n"), max_size=6) | st.text(max_size=20)
IDS = st.builds(StepId, TEXT.filter(lambda role: ": " not in role), TEXT)


@given(IDS)
def test_an_id_is_read_as_it_was_written(one: StepId) -> None:
    for same in (StepId.read(f"{one}"), copy.deepcopy(one)):
        assert (type(same), same, same.role, same.name) == (StepId, one, one.role, one.name)


@given(IDS, IDS)
def test_ids_are_equal_exactly_if_role_and_name_are(one: StepId, other: StepId) -> None:
    assert (one == other) == ((one.role, one.name) == (other.role, other.name))


def test_a_role_s_name_with_the_separator_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="'time: file' is no name of a role"):
        StepId("time: file", "f")


@given(st.dictionaries(IDS.filter(str.isprintable), st.builds(AppliedStep, intent=st.just("i"))))
def test_a_host_s_result_is_read_with_the_roles_and_names_of_its_steps(steps: dict[StepId, AppliedStep]) -> None:
    result = HostResult(host="h", municipality="m", outcome="changed", changed=tuple(steps), steps=steps)
    stored = result.model_dump_json()
    assert (list(json.loads(stored)["steps"]), json.loads(stored)["changed"]) == ([*map(str, steps)],) * 2
    read = HostResult.model_validate_json(stored)
    assert read == result == HostResult.model_validate(result.model_dump())
    assert [(s.role, s.name) for s in read.changed] == [(s.role, s.name) for s in read.steps]
    assert [(s.role, s.name) for s in read.steps] == [(s.role, s.name) for s in steps]


def test_a_result_that_was_stored_before_ids_were_a_type_is_read() -> None:
    stored = {
        "host": "tie-dns1",
        "municipality": "tierp",
        "outcome": "changed",
        "changed": ["dns_resolver: file /etc/unbound/unbound.conf", "time: accounts: ops"],
        "steps": {"time: accounts: ops": {"intent": "i", "after": ""}},
    }
    read = HostResult.model_validate_json(json.dumps(stored))
    assert [(s.role, s.name) for s in read.changed] == [
        ("dns_resolver", "file /etc/unbound/unbound.conf"),
        ("time", "accounts: ops"),
    ]
    assert read.steps[StepId("time", "accounts: ops")].intent == "i"


def test_a_text_that_names_no_role_is_no_step() -> None:
    with pytest.raises(ValidationError, match="'chrony' is no step: it should say `role: name`"):
        HostResult.model_validate({"host": "h", "municipality": "m", "outcome": "changed", "changed": ["chrony"]})
