"""A plan that was reviewed is the one that runs: who approves it by what key, what counts, and what is refused."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.model import clock
from deploy.model.approval import Approval, Approved, Lacking, lacking
from deploy.model.plan import HostPlan, Run, Step
from deploy.model.plan_file import PlanFile, plan_file
from deploy.runs.admission import NotApproved, StalePlan, admit, admit_made
from deploy.runs.approving import approve, signed, signer_for, signer_of, taken
from deploy.runs.commit import commit, commit_in
from deploy.runs.invocation import Invocation
from deploy.runs.signing import SigningError, keys_at_hand, public_key, sign, signed_by, verify
from inventory.errors import UsageError
from inventory.organisation import People
from inventory.rules.house_rules import Approvals
from roles.shared.intent import Intent
from tests.unit.deploy.lab_fleet import lab_fleet
from tests.unit.deploy.runs.test_runs import run_of
from tests.unit.roles.judging import needs

SERVERS = Approvals(needed={"device_role=server": 1})


@pytest.fixture
def run(people: People) -> Invocation:
    """A run of one who made no plan, in a house where every server needs one approval."""
    fleet = lab_fleet()
    hosts = tuple(h.model_copy(update={"tenant": "heby"}) if h.name.startswith("heb-") else h for h in fleet.hosts)
    roles = ({"slug": r, "name": r} for r in ("server", "management-station"))
    fleet = fleet.model_validate(fleet.model_dump() | {"hosts": hosts, "people": people, "device_roles": tuple(roles)})
    return dataclasses.replace(
        run_of(), command="apply", intent=Intent(fleet), hosts=fleet.hosts, approvals=SERVERS, who="cecilia@adm1"
    )


def of(run: Invocation, *names: str, by: str = "johan@adm1", **more: object) -> PlanFile:
    """The file of a plan that changes these hosts."""
    step = Step(role="time", name="s", intent="i", commands=(Run(text="true"),))
    owners = {h.name: h.tenant for h in run.hosts}
    made = run.plan(HostPlan(host=n, municipality=owners[n], steps=(step,)) for n in names)
    return plan_file(made.model_copy(update={"made_by": by, **more}))


def approved(run: Invocation, file: PlanFile, key: Path, comment: str = "") -> PlanFile:
    return approve(file, signer_of(file.plan, run.fleet, key, "nobody@x"), clock.now(), comment)


def test_a_plan_that_nobody_approved_is_refused_and_it_is_said_for_which_hosts(run: Invocation) -> None:
    with pytest.raises(NotApproved) as refused:
        admit(run, of(run, "tie-gw1", "heb-gw1", "tie-adm1"))
    assert "heb-gw1 of heby: needs 1 approval, has none; tie-gw1 of tierp: needs 1 approval, has none" in str(
        refused.value
    )
    assert "tie-adm1" not in str(refused.value)
    assert "samdrift approve FILE" in refused.value.fix


def test_one_approval_admits_it_and_is_told_with_name_key_and_comment(run: Invocation, keys: dict[str, Path]) -> None:
    file = approved(run, of(run, "tie-gw1", "heb-gw1"), keys["anna"], "läst\n  och förstådd")
    (one,) = admit(run, file).approved
    assert (one.by, one.full_name, one.municipalities) == ("anna", "Anna", ("heby", "tierp"))
    assert one.comment == "läst\n  och förstådd"
    assert one.key == public_key(keys["anna"])


def test_an_approval_counts_for_the_municipalities_of_who_gave_it_alone(run: Invocation, keys: dict[str, Path]) -> None:
    file = approved(run, of(run, "tie-gw1", "heb-gw1"), keys["elif"])
    with pytest.raises(NotApproved, match="tie-gw1 of tierp: needs 1 approval, has none") as refused:
        admit(run, file)
    assert "heb-gw1" not in str(refused.value)
    limited = dataclasses.replace(run, hosts=tuple(h for h in run.hosts if h.tenant == "heby"))
    assert [a.by for a in admit(limited, file).approved] == ["elif"]


def test_two_eyes_are_not_four_however_often_they_look(run: Invocation, keys: dict[str, Path]) -> None:
    two = dataclasses.replace(run, approvals=Approvals(needed={"device_role=server": 2, "tie-*": 1}))
    file = approved(two, of(two, "tie-gw1"), keys["anna"])
    again = approved(two, file, keys["anna"], "again")
    assert len(again.approvals) == 1
    doubled = again.model_copy(update={"approvals": (*file.approvals, *again.approvals)})
    with pytest.raises(NotApproved, match="needs 2 approvals, has that of anna"):
        admit(two, doubled)
    assert len(admit(two, approved(two, again, keys["bjorn"])).approved) == 2


@pytest.mark.parametrize(("made", "applies"), [("anna", "cecilia"), ("johan", "anna"), ("anna", "anna")])
def test_nobody_s_approval_of_their_own_work_counts(
    run: Invocation, keys: dict[str, Path], people: People, made: str, applies: str
) -> None:
    """Of whoever made the plan, and of whoever applies it, whatever the plan says of who made it."""
    file = of(run, "tie-gw1", by=f"{made}@adm1")
    signer = signer_for(["tierp"], run.fleet, keys["anna"])
    own = file.model_copy(update={"approvals": (signed("plan", file.digest, signer, clock.now(), ""),)})
    with pytest.raises(NotApproved, match="approves nothing of one's own"):
        admit(dataclasses.replace(run, who=f"{applies}@adm1"), own)
    if made == "anna":
        with pytest.raises(NotApproved, match="made the plan"):
            approved(run, file, keys["anna"])


def test_who_has_left_approves_nothing_any_more(run: Invocation, keys: dict[str, Path], people: People) -> None:
    still = people.model_copy(
        update={"everybody": tuple(p.model_copy(update={"employment": "now"}) for p in people.everybody)}
    )
    grants = {p.name: p.grants[0].model_copy(update={"employment": "now"}) for p in still.everybody}
    still = People(everybody=tuple(p.model_copy(update={"grants": (grants[p.name],)}) for p in still.everybody))
    then = dataclasses.replace(run, intent=Intent(run.fleet.model_copy(update={"people": still})))
    file = approved(then, of(run, "tie-gw1"), keys["gone"])
    with pytest.raises(NotApproved, match="gone is nobody of today"):
        admit(run, file)


def forged_for_another_plan(file: PlanFile, other: PlanFile, _: Callable[..., Approval]) -> Approval:
    return other.approvals[0]


def with_the_digest_put_right(file: PlanFile, other: PlanFile, _: Callable[..., Approval]) -> Approval:
    return other.approvals[0].model_copy(update={"digest": file.digest})


def for_more_than_was_signed(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("heby",)).model_copy(update={"municipalities": ("heby", "tierp")})


def in_another_name(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",)).model_copy(update={"by": "bjorn"})


def with_another_comment(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",)).model_copy(update={"comment": "jaja"})


def of_a_record(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",), "record").model_copy(update={"subject": "plan"})


def without_a_signature(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",)).model_copy(update={"signature": ""})


def before_the_plan_was_made(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",), at="2020-01-01T00:00:00.000Z")


def tomorrow(file: PlanFile, other: PlanFile, sign: Callable[..., Approval]) -> Approval:
    return sign(("tierp",), at=clock.later(clock.now(), 24))


@pytest.mark.long
@pytest.mark.parametrize(
    "forge",
    [
        forged_for_another_plan,
        with_the_digest_put_right,
        for_more_than_was_signed,
        in_another_name,
        with_another_comment,
        of_a_record,
        without_a_signature,
        before_the_plan_was_made,
        tomorrow,
    ],
)
def test_what_was_not_signed_as_it_stands_there_does_not_count(
    run: Invocation, keys: dict[str, Path], forge: Callable[..., Approval]
) -> None:
    file = of(run, "tie-gw1")
    other = approved(run, of(run, "tie-gw1", "heb-gw1"), keys["anna"])

    def sign(municipalities: tuple[str, ...], subject: str = "plan", at: str = "") -> Approval:
        signer = dataclasses.replace(signer_for(["tierp"], run.fleet, keys["anna"]), municipalities=municipalities)
        return signed(subject, file.digest, signer, at or clock.now(), "")  # type: ignore[arg-type]

    false = file.model_copy(update={"approvals": (forge(file, other, sign),)})
    with pytest.raises(NotApproved, match="does not count: ") as refused:
        admit(run, false)
    assert "needs 1 approval, has none" in str(refused.value)


def test_a_key_that_is_not_the_approver_s_any_more_signs_for_nobody(run: Invocation, keys: dict[str, Path]) -> None:
    file = approved(run, of(run, "tie-gw1"), keys["anna"])
    others = tuple(
        p.model_copy(update={"keys": (public_key(keys["gone"]),)}) if p.name == "anna" else p
        for p in run.fleet.people.everybody
    )
    fleet = run.fleet.model_copy(update={"people": People(everybody=others)})
    with pytest.raises(SigningError, match="a key that is not this person's"):
        verify(file.approvals[0], fleet.people.everybody[0])


@given(st.text(max_size=60))
@settings(max_examples=25)
def test_whatever_stands_for_a_signature_is_none(text: str) -> None:
    armour = "-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----"
    for signature in (text, armour.format(text), armour.format("U1NIU0lH" + text)):
        with pytest.raises(SigningError, match="it has no signature"):
            signed_by(signature)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"expires": "2020-01-01T00:00:00.000Z"}, "the plan expired at 2020-01-01"),
        ({"made_at": "2098-01-01T00:00:00.000Z", "expires": "2099-01-01T00:00:00.000Z"}, "made at 2098"),
        ({"expires": ""}, "does not say in times"),
        ({"expires": "2099-01-01"}, "does not say in times"),
        ({"made_at": "yesterday"}, "does not say in times"),
        ({"fleet_digest": "0"}, "the inventory has changed"),
        ({"code_digest": "0"}, "the roles have changed"),
    ],
)
def test_a_plan_of_another_time_is_stale_also_in_an_emergency(
    run: Invocation, changes: dict[str, str], why: str
) -> None:
    for at in (run, dataclasses.replace(run, emergency=True)):
        with pytest.raises(StalePlan, match=why) as refused:
            admit(at, of(run, "tie-adm1", **changes))
        assert refused.value.exit_code == 5


def test_a_plan_that_this_run_makes_needs_them_too_and_one_that_changes_nothing_does_not(run: Invocation) -> None:
    with pytest.raises(NotApproved, match="tie-gw1"):
        admit_made(run, of(run, "tie-gw1").plan)
    assert admit_made(run, of(run, "tie-adm1").plan).approved == ()
    assert admit_made(run, run.plan(())).lacking == ()
    assert admit_made(dataclasses.replace(run, approvals=None), of(run, "tie-gw1").plan).lacking == ()


def test_an_emergency_waits_for_none_and_keeps_what_was_lacking(run: Invocation) -> None:
    urgent = admit(dataclasses.replace(run, emergency=True), of(run, "tie-gw1", "heb-gw1"))
    assert [(one.municipality, one.hosts, one.needed) for one in urgent.lacking] == [
        ("heby", ("heb-gw1",), 1),
        ("tierp", ("tie-gw1",), 1),
    ]


def test_a_word_that_the_fleet_does_not_know_lets_nobody_through(run: Invocation) -> None:
    misspelled = dataclasses.replace(run, approvals=Approvals(needed={"device_role=sever": 1}))
    with pytest.raises(UsageError, match=r"rules\.yaml, approvals: 'device_role=sever': no device role is called"):
        admit(misspelled, of(run, "tie-gw1"))


def test_copies_that_were_approved_apart_are_put_together(run: Invocation, keys: dict[str, Path]) -> None:
    file = of(run, "tie-gw1")
    one, two = approved(run, file, keys["anna"]), approved(run, file, keys["bjorn"])
    both = taken(file, (one, two, one))
    assert [a.by for a in both.approvals] == ["anna", "bjorn"]
    assert len(admit(run, both).approved) == 2
    with pytest.raises(Exception, match="that is another plan"):
        taken(file, (approved(run, of(run, "tie-gw1", "heb-gw1"), keys["anna"]),))


def test_a_key_that_nobody_has_or_that_may_not_signs_nothing(
    run: Invocation, keys: dict[str, Path], tmp_path: Path
) -> None:
    file = of(run, "tie-gw1")
    with pytest.raises(NotApproved, match="elif may approve for none of: tierp"):
        approved(run, file, keys["elif"])
    strange = tmp_path / "strange"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(strange)], check=True)
    with pytest.raises(NotApproved, match="nobody of the inventory has this key"):
        approved(run, file, strange)
    with pytest.raises(NotApproved, match="elif would sign with the key of anna"):
        signer_of(file.plan, run.fleet, keys["anna"], "elif@adm1")
    with pytest.raises(UsageError, match="changes no host"):
        approved(run, of(run), keys["anna"])


def test_a_private_key_without_its_public_half_beside_it_signs(keys: dict[str, Path], tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.write_bytes(keys["anna"].read_bytes())
    alone.chmod(0o600)
    assert signed_by(sign("x", "plan", public_key(alone), alone)) == public_key(keys["anna"])


@needs("ssh-keygen")
def test_a_key_that_is_locked_or_missing_is_told_in_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a phrase", "-f", str(locked)], check=True)
    public = tmp_path / "alone.pub"
    public.write_text((tmp_path / "locked.pub").read_text())
    for held, why in ((locked, "incorrect passphrase"), (public, "the agent does not sign with ssh-ed25519 AAAA")):
        with pytest.raises(SigningError, match=why) as refused:
            sign("x", "plan", public_key(held), held)
        assert len(str(refused.value).splitlines()) == 1


def test_a_key_in_the_agent_signs_and_so_does_a_public_key_beside_its_private_one(
    keys: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, sock = public_key(keys["anna"]), str(tmp_path / "agent")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", sock)
    assert signed_by(sign("x", "plan", key, keys["anna"].with_suffix(".pub"))) == key
    assert list(keys_at_hand()) == []
    with subprocess.Popen(["ssh-agent", "-D", "-a", sock], stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()  # it listens
        subprocess.run(["ssh-add", "-q", str(keys["anna"])], check=True)
        assert list(keys_at_hand()) == [(key, None)]
        assert signed_by(sign("x", "plan", key, None)) == key
        with pytest.raises(SigningError, match="the agent does not sign with"):
            sign("x", "plan", public_key(keys["bjorn"]), None)
        agent.terminate()


def test_openssh_alone_can_verify_an_approval(run: Invocation, keys: dict[str, Path], tmp_path: Path) -> None:
    """As docs/approvals.md says: nobody needs samdrift to believe a signature."""
    (one,) = approved(run, of(run, "tie-gw1"), keys["anna"], "å").approvals
    written = json.loads(json.dumps(one.model_dump(mode="json")))
    signature = written.pop("signature")
    (tmp_path / "signature").write_text(signature)
    (tmp_path / "allowed").write_text(f'anna namespaces="samdrift-plan" {public_key(keys["anna"])}\n')
    statement = json.dumps(written, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    asked = ["-n", "samdrift-plan", "-f", str(tmp_path / "allowed"), "-I", "anna", "-s", str(tmp_path / "signature")]
    subprocess.run(["ssh-keygen", "-Y", "verify", *asked], input=statement.encode(), check=True, capture_output=True)


MUNICIPALITIES = st.sampled_from(["heby", "tierp", "knivsta"])
APPROVED = st.lists(
    st.builds(
        Approved,
        by=st.sampled_from("abc"),
        full_name=st.just("x"),
        municipalities=st.lists(MUNICIPALITIES, unique=True).map(tuple),
        at=st.just("t"),
    ),
    max_size=5,
)


@given(st.dictionaries(st.sampled_from(["h1", "h2", "h3"]), MUNICIPALITIES), APPROVED, st.integers(0, 3))
@settings(max_examples=25)
def test_a_host_is_lacking_exactly_if_too_few_people_approved_for_its_municipality(
    changing: dict[str, str], given_: list[Approved], number: int
) -> None:
    found: tuple[Lacking, ...] = lacking(changing, dict.fromkeys(changing, number), given_)
    named = {host for one in found for host in one.hosts}
    for host, municipality in changing.items():
        enough = len({a.by for a in given_ if municipality in a.municipalities}) >= number
        assert (host in named) is not enough


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("# branch.oid 0123abcd\n# branch.head core\n", "0123abcd"),
        ("# branch.oid 0123abcd\n1 .M N... f\n", "0123abcd with changes that are not committed"),
        ("# branch.oid 0123abcd\n? new.py\n", "0123abcd with changes that are not committed"),
        ("# branch.oid (initial)\n# branch.head core\n", "None"),
        ("", "None"),
    ],
)
def test_the_commit_is_what_git_says_and_whether_it_is_all(status: str, says: str) -> None:
    assert str(commit_in(status)) == says


@pytest.fixture
def asked_anew() -> Iterator[None]:
    commit.cache_clear()
    yield
    commit.cache_clear()


@pytest.mark.usefixtures("asked_anew")
def test_where_there_is_no_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("deploy.runs.commit.PROJECT", tmp_path)
    assert commit() is None
    commit.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit() is None
