"""Messages: what findings say and what they advise, as an id with parameters. Every message is defined here, once.

How a message reads in English and in Swedish stands in the catalogues (`locales`), and is put together by `words`.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from inventory.frozen import Frozen

LIMITED_BY_ROLE = frozenset({"plan", "apply"})
"""Commands that take `--role`."""


class Command(Frozen):
    """A samdrift command for somebody to type, with the options of the run that advises it."""

    args: tuple[str, ...]
    options: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the command line, quoted for a shell."""
        return shlex.join(("samdrift", *self.options, *self.args))

    def of_run(self, options: Iterable[str], only_roles: Iterable[str]) -> Command:
        """Return the command with the options of a run; what can be limited to roles is, as the run was."""
        limits = [word for role in only_roles for word in ("--role", role)] if self.args[0] in LIMITED_BY_ROLE else []
        return Command(args=(*self.args, *limits), options=tuple(options))


def samdrift(*args: str) -> Command:
    """Make a samdrift command of its arguments; the run adds its own options (`Message.with_options`)."""
    return Command(args=args)


class MessageId(StrEnum):
    """Every message: its id, which records keep, and the names of its parameters. Call one to make a `Message`.

    An id keeps its meaning and its parameters, since records refer to it: for another meaning, add an id.
    """

    parameters: tuple[str, ...]

    def __new__(cls, value: str, *parameters: str) -> Self:
        """Make a member whose value is the id alone."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.parameters = parameters
        return member

    def __call__(self, **parameters: str | int | Command) -> Message:
        """Make a message with these parameters.

        Raises:
            ValueError: a parameter is missing, or this message has no parameter of that name.
        """
        written = {name: value if isinstance(value, Command) else str(value) for name, value in parameters.items()}
        return Message(id=self, parameters=written)

    AS_WRITTEN = "as-written", "text"  # of records that are older than message ids, and of texts that a rule made

    # What plan, drift and verify find.
    STEP_CHANGED_ON_HOST = "step-changed-on-host", "step"
    STEP_GONE = "step-gone", "step"
    STEP_NOT_APPLIED = "step-not-applied", "step"
    STEP_CHANGED_TWICE = "step-changed-twice", "step"
    STEP_WOULD_CHANGE = "step-would-change", "step"
    HANDLER_OWED = "handler-owed", "step"
    FILE_UNDECLARED = "file-undeclared", "path", "role"
    LINE_UNDECLARED = "line-undeclared", "line", "role"
    LOGIN_UNDECLARED = "login-undeclared", "name"
    PASSWORD_UNDECLARED = "password-undeclared", "name"
    UID_UNDECLARED = "uid-undeclared", "name", "state"
    MEMBER_UNDECLARED = "member-undeclared", "name"
    SUDO_UNDECLARED = "sudo-undeclared", "name"
    KEY_UNDECLARED = "key-undeclared", "name"
    STARTUP_UNDECLARED = "startup-undeclared", "name"
    STRAY_UNDECLARED = "stray-undeclared", "name"
    GENERATED_UNDECLARED = "generated-undeclared", "name"
    SETUID_UNDECLARED = "setuid-undeclared", "name", "state"
    CAPABILITY_UNDECLARED = "capability-undeclared", "name", "state"
    PACKAGE_UNDECLARED = "package-undeclared", "name"
    FOREIGN_PACKAGE_UNDECLARED = "foreign-package-undeclared", "name"
    PACKAGE_FILE_UNDECLARED = "package-file-undeclared", "name"
    UNIT_UNDECLARED = "unit-undeclared", "name"
    PORT_UNDECLARED = "port-undeclared", "name"
    TABLE_UNDECLARED = "table-undeclared", "name"
    MODULE_UNDECLARED = "module-undeclared", "name"
    TRANSIENT_UNIT_UNDECLARED = "transient-unit-undeclared", "name"
    THING_UNDECLARED = "thing-undeclared", "kind", "name"
    SEVERAL_UNDECLARED = "several-undeclared", "kind", "count", "names"
    SEARCH_UNREAD = "search-unread", "kind", "why"
    CHECK_FAILED = "check-failed", "check"
    STRANGERS_HEARD = "strangers-heard", "ports"
    RESTARTS_DUE = "restarts-due", "what"
    NOT_LOOKED_AT = "not-looked-at"
    LAST_APPLIED_DAMAGED = "last-applied-damaged"
    UNCONFIRMED = "unconfirmed"
    CHANGED_MEANWHILE = "changed-meanwhile", "holder"
    WAY_IN_LOST = "way-in-lost", "lines"
    CAVEAT = "caveat", "what"
    MODEL_UNKNOWN = "model-unknown", "model", "vendor"
    WAIVER_EXPIRED = "waiver-expired", "waiver", "owner", "until"
    WAIVER_OF_NO_HOST = "waiver-of-no-host", "waiver"
    WAIVER_OF_NO_OWNER = "waiver-of-no-owner", "waiver", "owner"
    WAIVER_TOO_LONG = "waiver-too-long", "waiver", "until", "days"
    WAIVER_UNUSED = "waiver-unused", "waiver"
    WAIVER_ENDS_SOON = "waiver-ends-soon", "waiver", "owner", "until"

    # What apply finds.
    APPLY_BROKEN_OFF = "apply-broken-off", "why"
    STOPPED_BEFORE = "stopped-before", "step", "done", "steps"
    ENDED_WITHOUT_WORD = "ended-without-word", "command", "last"
    RUN_ENDED = "run-ended", "command", "why"
    HOST_MOVED = "host-moved"
    STEP_MOVED = "step-moved", "step", "done", "steps"
    BEING_CHANGED = "being-changed", "holder"
    COMMAND_STILL_RUNS = "command-still-runs", "holder"
    MODEL_NOT_NAMED = "model-not-named", "model", "vendor"
    STEP_BROKE_OFF = "step-broke-off", "step", "done", "steps"
    STEP_STILL_CHANGES = "step-still-changes"
    LOST_AFTER_CHANGE = "lost-after-change"
    LOST_WHILE_CHECKED = "lost-while-checked"
    LOST_WHILE_GUARDED = "lost-while-guarded"
    NOT_SAVED = "not-saved"
    STAYED = "stayed"
    STOPPED = "stopped", "hosts"
    STILL_RESTORING = "still-restoring"
    ROLLED_BACK = "rolled-back"
    ROLLED_BACK_GUARDED = "rolled-back-guarded"
    ROLLED_BACK_NOT_ALL = "rolled-back-not-all", "steps"

    # What check finds.
    RULE_BROKEN = "rule-broken", "where", "what", "rule"
    CODE_AT_FAULT = "code-at-fault", "what"
    CODE_AT_FAULT_IN = "code-at-fault-in", "where", "what"
    FILE_REFUSED = "file-refused", "path"
    FILE_REFUSED_ON_MORE = "file-refused-on-more", "path", "others"
    LINE_REFUSED = "line-refused", "line"
    LINES_REFUSED = "lines-refused", "line", "others"
    FAMILY_UNSERVED = "family-unserved", "what"
    LEFT_AS_IT_IS = "left-as-it-is", "what"

    # What inventory diff finds.
    ONLY_IN_NETBOX = "only-in-netbox", "object"
    ONLY_IN_SNAPSHOT = "only-in-snapshot", "object"
    NETBOX_DIFFERS = "netbox-differs", "object"

    # What secrets check finds.
    SECRETS_NOT_OPENED = "secrets-not-opened", "what"
    SECRETS_DAMAGED = "secrets-damaged", "where", "what"
    SECRET_WITHOUT_FILE = "secret-without-file", "needed_by", "name", "municipality"
    SECRET_MISSING = "secret-missing", "needed_by", "name"
    SECRET_UNNEEDED = "secret-unneeded", "name"
    RECIPIENTS_LEFT = "recipients-left", "names"
    RECIPIENTS_LACKING = "recipients-lacking", "names"
    RECIPIENTS_DIFFER = "recipients-differ", "left", "lacking"
    RECIPIENTS_UNCLEAR = "recipients-unclear", "keys", "stanzas"

    # What evidence says in words.
    NOT_IN_PLAN = "not-in-plan"
    ANOTHER_RUN = "another-run", "guard"
    BROKE_OFF_AT = "broke-off-at", "step", "error"
    STILL_TO_CHANGE = "still-to-change", "steps"
    HELD_BEFORE = "held-before", "check"
    CUT_OFF = "cut-off", "hosts"
    DONE = "done", "hosts"
    LEFT_ALONE = "left-alone", "hosts"
    EARLIER_FAILED = "earlier-failed", "hosts"
    STANDS_IN_FOR = "stands-in-for", "hosts"
    CONFIRMED_TOO_LATE = "told-too-late"
    IF_CHANGE_STAYS = "if-change-stays", "host", "by_hand"
    STEPS_MOVED = "steps-moved", "steps"
    A_STEP_MOVED = "a-step-moved"
    PLANNED_IN_PART = "planned-in-part", "lines"
    LOCK_LASTS = "lock-lasts", "seconds"
    HALF_CHANGED = "half-changed", "hosts"
    NONE_HALF_CHANGED = "none-half-changed"
    ABOUT_TO_UNDO = "about-to-undo", "hosts"
    LOSES_ACCOUNT = "loses-account", "line"
    LOSES_PRIVILEGE = "loses-privilege", "line"
    LOSES_KEY = "loses-key", "line"
    LOSES_LOGIN = "loses-login", "line"
    LOSES_ADDRESS = "loses-address", "line"
    LOSES_INTERFACE = "loses-interface", "line"
    LOSES_ROUTE = "loses-route", "line"
    LOSES_SERVICE = "loses-service", "line"
    LOSES_ACCESS = "loses-access", "line"
    STANDS_INSTEAD = "stands-instead", "line"
    HEARD_AT = "heard-at", "port", "name"
    ACCEPTED_OTHERWISE = "accepted-otherwise", "waiver", "owner", "until"
    ACCEPTED_UNTIL = "accepted-until", "waiver", "owner", "until"
    CHECK_OF_THE_ROLE_FAILED = "check-of-the-role-failed", "check"

    # What to do about it.
    PUT_BACK = "put-back", "apply"
    PUT_BACK_OR_DECLARE = "put-back-or-declare", "apply"
    APPLY = "apply", "apply"
    ASK_BEFORE_APPLY = "ask-before-apply", "apply"
    PLAN = "plan", "plan"
    PLAN_OR_BY_HAND = "plan-or-by-hand", "plan", "by_hand"
    READ_NEW_PLAN = "read-new-plan", "plan"
    MAKE_REACHABLE = "make-reachable", "drift"
    WAIT_THEN_PLAN = "wait-then-plan", "plan"
    WAIT_OR_TAKE_OVER = "wait-or-take-over", "apply"
    WAIT_FOR_THE_RUN = "wait-for-the-run"
    SEE_WHY_THEN_VERIFY = "see-why-then-verify", "verify"
    DRAW_THE_CABLE = "draw-the-cable"
    RESTART_WHEN_IT_SUITS = "restart-when-it-suits"
    SEE_HOW_IT_STANDS = "see-how-it-stands", "verify"
    SEE_HOW_OR_BY_HAND = "see-how-or-by-hand", "verify", "by_hand"
    DECLARE_OR_REMOVE = "declare-or-remove", "role", "host"
    DECLARE_OR_NAME = "declare-or-name", "role", "host", "plan"
    DECLARE_OR_REMOVE_WITH = "declare-or-remove-with", "role", "host", "command"
    EXPECT_OR_REMOVE = "expect-or-remove", "kind", "host", "propose"
    EXPECT_OR_REMOVE_WITH = "expect-or-remove-with", "kind", "host", "command", "propose"
    SEE_WHY_THEN_DRIFT = "see-why-then-drift", "drift"
    MEND_THEN_APPLY = "mend-then-apply", "apply"
    MEND_THE_ROLE = "mend-the-role"
    SEE_WHAT_CUT_IT_OFF = "see-what-cut-it-off", "plan"
    SEE_GUARD = "see-guard", "show"
    KEEP_WAY_IN = "keep-way-in", "plan"
    ADD_SERIES = "add-series", "probe", "apply"
    NAME_THE_HOST = "name-the-host", "plan", "apply"
    SEE_WHAT_IS_LEFT = "see-what-is-left", "plan"
    SAVE_BY_HAND = "save-by-hand", "host"
    MEND_THE_FILE = "mend-the-file", "role", "show"
    PULL_OR_SEED = "pull-or-seed", "pull", "seed"
    GIVE_A_VALUE = "give-a-value", "edit"
    REMOVE_SECRET = "remove-secret", "edit"
    ENCRYPT_ANEW = "encrypt-anew", "rotate"
    RENEW_OR_REMOVE = "renew-or-remove", "waiver"
    REMOVE_WAIVER = "remove-waiver", "waiver"
    ACCEPT_OR_REMOVE = "accept-or-remove", "waiver", "propose"


class Message(Frozen):
    """One message, in no language yet."""

    id: MessageId
    parameters: dict[str, str | Command] = Field(default_factory=dict)

    def __hash__(self) -> int:
        """Hash by value: findings are compared as sets."""
        return hash((self.id, *sorted(self.parameters)))

    @model_validator(mode="after")
    def _parameters_are_those_of_the_id(self) -> Self:
        if (given := sorted(self.parameters)) != (wanted := sorted(self.id.parameters)):
            raise ValueError(f"message {self.id} has the parameters {wanted}, and not {given}")
        return self

    def with_options(self, options: Iterable[str], only_roles: Iterable[str] = ()) -> Message:
        """Give the commands in this message the options of a run, and the roles that it was limited to."""
        options, only_roles = tuple(options), tuple(only_roles)
        return Message(
            id=self.id,
            parameters={
                name: value.of_run(options, only_roles) if isinstance(value, Command) else value
                for name, value in self.parameters.items()
            },
        )


def as_written(text: str) -> Message:
    """Make a message of a text that has no id of its own: a rule's, an error's, or one of an old record."""
    return MessageId.AS_WRITTEN(text=text)
