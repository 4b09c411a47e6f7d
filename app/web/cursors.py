"""Where the next page of a list begins, as a text that clients hand back and need not read."""

from __future__ import annotations

import base64
import binascii
import math

from engine.errors import InvalidInput


def after(at: float, id: str) -> str:
    """Where the page after this job or alert begins: its time, and its id."""
    return encoded(f"{at!r} {id}")


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def of_last(text: str | None) -> tuple[float, str] | None:
    """The time and id of the last one seen. Raises InvalidInput."""
    if text is None:
        return None
    at, _, id = decoded(text).partition(" ")
    try:
        seconds = float(at)
    except ValueError as error:
        raise bad_cursor() from error
    if not math.isfinite(seconds) or len(id) != 32 or not id.isalnum():
        raise bad_cursor()
    return seconds, id


def of_rows(text: str | None) -> int:
    """How many rows were seen. Raises InvalidInput."""
    if text is None:
        return 0
    digits = decoded(text)
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12:
        raise bad_cursor()
    return int(digits)


def decoded(text: str) -> str:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise bad_cursor() from error


def bad_cursor() -> InvalidInput:
    return InvalidInput(
        "This cursor is not one of ours; start without a cursor.", code="invalid_cursor", pointer="/cursor"
    )
