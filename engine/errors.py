"""Every error that Queuant raises on purpose, in one tree. A class says what the handler must do.

QueuantError
├── InvalidInput            the caller must change the request
│   ├── InvalidParameter    a strategy parameter
│   ├── InvalidConfig       a field of the simulation's configuration
│   ├── InvalidExpression   a text of an expression strategy; says the position
│   └── UnknownName         a name that is not in a registry; says the nearest one
├── BadData                 the bars cannot carry a run; names symbol and time
└── RunFailed               the run itself went wrong (a strategy raised, returned nonsense, looked ahead)

The application adds its own branches in `app/errors.py`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class QueuantError(Exception):
    """An error with a stable code for machines and a sentence for people.

    Args:
        message: what was wrong, as a sentence.
        code: overrides the class's code.
        pointer: where in the request, as a JSON pointer ("/params/fast").
        given: the offending value.
        allowed: what would have been accepted, as a value that JSON can carry.
        nearest: the allowed value that looks most like the given one.
    """

    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        pointer: str | None = None,
        given: object = None,
        allowed: object = None,
        nearest: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.pointer = pointer
        self.given = given
        self.allowed = allowed
        self.nearest = nearest

    def detail(self) -> dict[str, object]:
        """What a client may see: code, message, and the fields that were set."""
        fields = {
            "pointer": self.pointer,
            "given": self.given,
            "allowed": self.allowed,
            "nearest": self.nearest,
        }
        return {"code": self.code, "message": self.message} | {
            name: value for name, value in fields.items() if value is not None
        }


class InvalidInput(QueuantError):
    """The caller must change the request."""

    code = "invalid_request"


class InvalidParameter(InvalidInput):
    """A strategy parameter is unknown, mistyped, out of bounds, or breaks a rule between parameters."""

    code = "invalid_parameter"


class InvalidConfig(InvalidInput):
    """A field of the simulation's configuration is unknown, of the wrong type or out of bounds."""

    code = "invalid_config"


class InvalidExpression(InvalidInput):
    """A text of an expression strategy that cannot be read or means nothing.

    Args:
        text: the whole text.
        position: how many characters stand before the offending one.
    """

    code = "invalid_expression"

    def __init__(self, message: str, *, text: str, position: int, **fields: Any) -> None:
        super().__init__(message, **fields)
        self.position = position
        self.caret = _caret(text, position)

    def __str__(self) -> str:
        return f"{self.message}\n{self.caret}"

    def detail(self) -> dict[str, object]:
        return super().detail() | {"position": self.position, "caret": self.caret}


class UnknownName(InvalidInput):
    """A name that a registry does not hold."""

    code = "unknown_name"

    @classmethod
    def of(cls, kind: str, name: str, options: Iterable[str], *, pointer: str | None = None) -> UnknownName:
        """Say that there is no `kind` called `name`, which ones there are, and which one was likely meant."""
        names = sorted(options)
        near = nearest(name, names)
        hint = f" Did you mean '{near}'?" if near else ""
        return cls(
            f"There is no {kind} '{name[:80]}'.{hint}",
            code=f"unknown_{kind}",
            pointer=pointer,
            given=name[:80],
            allowed=names,
            nearest=near,
        )


class BadData(QueuantError):
    """The bars cannot carry a run. The message names symbol and time."""

    code = "bad_data"


class RunFailed(QueuantError):
    """The run itself went wrong: the strategy raised or returned nonsense."""

    code = "run_failed"


def _caret(text: str, position: int) -> str:
    """The line of the position, or the part of it around there, with a caret below."""
    start = max(text.rfind("\n", 0, position) + 1, position - 60)
    line = text[start : position + 60].split("\n")[0]
    shown = "".join(character if character.isprintable() else " " for character in line)
    return f"{shown}\n{' ' * (position - start)}^"


def nearest(name: str, options: Iterable[str]) -> str | None:
    """The option that looks most like `name`, or None when none does."""
    by_folded = {option.lower(): option for option in options}
    cutoff = 0.6 if len(name) > 3 else 0.5  # one wrong letter of two is half of them
    matches = difflib.get_close_matches(name.lower()[:80], list(by_folded), n=1, cutoff=cutoff)
    return by_folded[matches[0]] if matches else None
