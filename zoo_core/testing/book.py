"""The book that a check of a plugin writes its findings into; whatever a rule's look raises becomes its finding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ..errors import DeviceError, Interrupted, NetworkError, PluginError, ZooError
from .report import Finding, State, clean
from .rules import RULES

EARLIER = "an earlier rule is broken"


class Broken(Exception):
    """A rule is broken.

    Args:
        found: what was seen.
        remedy: what to do about it, where the rule's own words are not enough.
    """

    def __init__(self, found: str, remedy: str = "") -> None:
        super().__init__(found)
        self.found, self.remedy = found, remedy


class Doubtful(Broken):
    """A rule is kept as far as can be seen, and its author should look."""


class NotReached(Broken):
    """A rule means nothing here, or could not be looked at."""


class Enough(BaseException):
    """A rule is broken, and nobody asks for the others; no `except Exception` on the way stops it."""


def require(condition: object, found: str, remedy: str = "") -> None:
    """Whether a rule is kept.

    Raises:
        Broken: it is not.
    """
    if not condition:
        raise Broken(found, remedy)


class Book:
    """Findings by rule.

    Args:
        name: of the plugin.
        whole: whether all rules are looked at, or none after the first that is broken.
    """

    def __init__(self, name: str, whole: bool = True) -> None:
        self.name, self.whole = name, whole
        self.resumable: bool | None = None
        self.cause: ZooError | None = None
        self._findings: dict[str, Finding] = {}

    @contextmanager
    def rule(self, rule: str) -> Iterator[None]:
        """Inside, a rule is looked at; it is kept if nothing is raised.

        What is raised is no more an error, so that all rules that can be looked at are. A Ctrl-C stays one.
        """
        try:
            yield
        except Interrupted:
            raise
        except (DeviceError, NetworkError) as error:
            self._elsewhere(rule, error)
        except (Exception, SystemExit) as error:  # whatever a stranger's code raises
            self.note(rule, error)
        else:
            self._write(rule, "passed")

    def note(self, rule: str, error: BaseException) -> None:
        """Write down what was raised while a rule was looked at."""
        if isinstance(error, Broken):
            state: State = "broken"
            if isinstance(error, Doubtful | NotReached):
                state = "doubtful" if isinstance(error, Doubtful) else "not reached"
            self._write(rule, state, error.found, error.remedy)
        elif isinstance(error, PluginError) and error.__cause__ and not isinstance(error.__cause__, ZooError):
            self._write(rule, "broken", error.message)
        elif isinstance(error, ZooError):
            self._write(rule, "broken", error.message, error.hint)
        else:
            self._write(rule, "broken", said(error))

    def has_broken(self, *rules: str) -> bool:
        """Whether one of these was looked at and not kept."""
        return any(self._findings[rule].state == "broken" for rule in rules if rule in self._findings)

    def has_passed(self, *rules: str) -> bool:
        """Whether all of these were looked at and kept."""
        kept = ("passed", "doubtful")
        return all(rule in self._findings and self._findings[rule].state in kept for rule in rules)

    def findings(self) -> tuple[Finding, ...]:
        """One for each rule, in their order."""
        why = next((f"{EARLIER}: {rule}" for rule in RULES if self.has_broken(rule)), "")
        why = self.cause.message if self.cause else why
        return tuple(self._findings.get(rule) or Finding(rule, "not reached", why) for rule in RULES)

    def _elsewhere(self, rule: str, error: ZooError) -> None:
        """What is missing on this machine is not the plugin's fault."""
        self.cause = error
        self._write(rule, "not reached", error.message, error.hint)

    def _write(self, rule: str, state: State, found: str = "", remedy: str = "") -> None:
        remedy = remedy or (RULES[rule].remedy if state in ("broken", "doubtful") else "")
        self._findings[rule] = Finding(rule, state, clean(found), clean(remedy))
        if state == "broken" and not self.whole:
            raise Enough


def said(error: BaseException) -> str:
    """An exception in a few words; of the zoo's own errors the message."""
    if isinstance(error, ZooError):
        return error.message
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # it is a foreign type, which may refuse even this
        return type(error).__name__
