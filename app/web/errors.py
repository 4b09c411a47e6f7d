"""What can be wrong with a request before anybody asks what it means.

InvalidInput
├── MalformedJson      (strict_json) the body is not JSON
├── InvalidFields      some fields are unknown, missing or of the wrong type; `errors` names each
└── UnsupportedMedia   the body is of a type that nobody reads here

Overloaded
├── TooManySockets     this process serves as many sockets as it may
└── RateLimited        this caller asks more often than it may
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.errors import Overloaded, Unknown
from engine.errors import InvalidInput


class InvalidFields(InvalidInput):
    """Some fields are unknown, missing or of the wrong type. `errors` holds one object for each."""

    code = "invalid_request"

    def __init__(self, errors: Sequence[dict[str, Any]]) -> None:
        first = errors[0]
        super().__init__(first["message"], pointer=first["pointer"])
        self.errors = list(errors)

    def detail(self) -> dict[str, object]:
        return self.errors[0] | {"code": self.code, "errors": self.errors}


class UnsupportedMedia(InvalidInput):
    """The body is of a type that nobody reads here."""

    code = "unsupported_media_type"


class TooManySockets(Overloaded):
    """This process serves as many sockets as it may, or is going away; another one or a later try may serve."""

    code = "too_many_sockets"

    def __init__(self, message: str) -> None:
        super().__init__(message, retry_after=5)


class RateLimited(Overloaded):
    """This caller has asked as often as it may in a minute."""

    code = "rate_limited"


@contextmanager
def in_the_path() -> Iterator[None]:
    """Let a name or version that no registry holds mean "not found": it stood in the address, not in a body."""
    try:
        yield
    except InvalidInput as error:
        raise Unknown(
            error.message,
            code=error.code,
            given=error.given,
            allowed=error.allowed,
            nearest=error.nearest,
        ) from error
