"""The questions that base and firewall ask a host, asked of this machine: what they send is a shell's, what they read
is what came back."""

from __future__ import annotations

import subprocess
from pathlib import Path

from roles.shared.parts.accounts import SHELL, Account, AccountState, GroupIsThere
from roles.shared.parts.kernel import KernelValues, look_command, read_values
from roles.shared.parts.ruleset import LiveRuleset, WantedRuleset
from tests.unit.roles.judging import in_namespace, needs


def asked(command: str) -> list[str]:
    """What `sh` answers."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    said = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, env=environment)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


def test_a_key_is_answered_with_the_kernels_own_value() -> None:
    (value,) = read_values(asked(look_command(("kernel.ostype",))))
    assert (value.key, value.path, value.value) == ("kernel.ostype", "/proc/sys/kernel/ostype", "Linux")
    assert value.line == "kernel.ostype = Linux\n"


def test_a_star_is_answered_for_every_interface() -> None:
    key = "net.ipv4.conf.*.rp_filter"
    values = KernelValues().process(asked(KernelValues().command((key,))))
    interfaces = {Path(v.path).parent.name for v in values}
    assert {"all", "default", "lo"} <= interfaces
    assert all(v.key == key and v.value.isdigit() for v in values)


def test_a_key_that_the_kernel_does_not_know_is_left_out() -> None:
    assert read_values(asked(look_command(("kernel.no_such_key", "net.ipv4.conf.*.nor_this")))) == []


def test_values_of_several_words_are_one_value() -> None:
    (value,) = read_values(asked(look_command(("kernel.printk",))))
    assert len(value.value.split(" ")) == 4


def test_root_is_an_account_of_this_machine() -> None:
    root = AccountState().process(asked(AccountState().command("root")))
    assert root is not None
    assert root.full_name == "root"


def test_an_account_that_does_not_exist_is_none() -> None:
    assert AccountState().process(asked(AccountState().command("no-such-user"))) is None
    assert not GroupIsThere().process(asked(GroupIsThere().command("no-such-group")))
    assert GroupIsThere().process(asked(GroupIsThere().command("root")))


def read(lines: list[str]) -> Account:
    """An account as a host told it, whatever the digest of that is."""
    found = AccountState().process(lines)
    assert found is not None
    assert found.answer
    return found.model_copy(update={"answer": ""})


def test_the_order_of_groups_means_nothing_and_the_own_one_is_not_among_them() -> None:
    lines = ["anna:x:1001:1001:Anna Öström:/home/anna:/bin/bash", "anna", "anna sudo adm", ""]
    wanted = Account(full_name="Anna Öström", shell=SHELL, groups=("adm", "sudo"))
    assert read(lines) == wanted


def test_without_nft_there_is_no_ruleset_to_compare() -> None:
    assert LiveRuleset().process([]) is None
    assert WantedRuleset().process([]) is None


@needs("nft")
def test_the_wanted_ruleset_is_told_as_nft_tells_it_and_loaded_nowhere() -> None:
    rules = 'table inet samdrift_test { chain c { tcp dport { 443, 80 } accept comment "it\'s"; }; }'
    answer = in_namespace(f"{WantedRuleset().command(rules)} && echo && {LiveRuleset().command()}")
    assert answer.code == 0, answer.output
    wanted, live = answer.output.splitlines()
    assert 'tcp dport { 80, 443 } accept comment "it\'s"' in str(WantedRuleset().process([wanted]))
    assert "samdrift_test" not in str(LiveRuleset().process([live]))


def test_an_account_that_ends_or_whose_password_ages_says_so() -> None:
    lines = ["anna:x:1001:1001:Anna:/home/anna:/bin/bash", "anna", "anna sudo"]
    ends, ages = (read([*lines, shadow]) for shadow in ("99999:20700", "90:"))
    assert ends == Account(full_name="Anna", shell=SHELL, groups=("sudo",), expires="20700")
    assert ages == Account(full_name="Anna", shell=SHELL, groups=("sudo",), ages=True)
    assert ages.text.endswith("password: must be changed some day\n")
