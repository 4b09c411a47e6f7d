"""How an upload is refused: what is wrong, in which row and column of the file, and what would be right."""

from __future__ import annotations

from engine.errors import InvalidInput

FILE = "/file"


def refusal(message: str, code: str, *, allowed: object = None, nearest: str | None = None) -> InvalidInput:
    """The file as a whole is wrong."""
    return InvalidInput(message, code=code, pointer=FILE, allowed=allowed, nearest=nearest)


def cell(what: str, code: str, row: int, column: str, value: object = None) -> InvalidInput:
    """One cell is wrong. Rows count from 1, the header is one of them."""
    given: dict[str, object] = {"row": row, "column": column[:80]}
    shown = "" if value is None else f" is {str(value)[:40]!a}"
    if value is not None:
        given["value"] = ascii(str(value)[:40])[1:-1]
    return InvalidInput(f"Row {row}, column '{column[:80]}'{shown}: {what}", code=code, pointer=FILE, given=given)
