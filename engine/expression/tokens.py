"""From a text to its words."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from engine.errors import InvalidExpression

MAX_TEXT = 2000
MAX_TOKENS = 600
MAX_WORD = 64
_WORDS = re.compile(
    r"""
    [ \t\r\n]+
    | (?P<number> (?: [0-9]+ (?:\.[0-9]*)? | \.[0-9]+ ) (?: [eE][+-]?[0-9]+ )? )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<text> "[^"\n]*" | '[^'\n]*' )
    | (?P<sign> [<>=!]= | [<>=+\-*/()\[\],.] )
    """,
    re.VERBOSE | re.ASCII,
)
# What other languages write, and what it is called here.
_OTHERWISE = {
    "&": "and",
    "|": "or",
    "!": "not",
    "~": "not",
    "^": "*",
    "×": "*",
    "÷": "/",
    "−": "-",
    "≤": "<=",
    "≥": ">=",
}


class Token(NamedTuple):
    """A word: `kind` is "number", "name", "text" (in quotation marks), "sign" or "end"."""

    kind: str
    text: str
    position: int

    def __str__(self) -> str:
        if self.kind == "end":
            return "the end"
        return self.text[:MAX_WORD] if self.kind == "text" else f"'{self.text[:MAX_WORD]}'"


class Source(NamedTuple):
    """An expression as it was written, and where in the request."""

    text: str
    pointer: str

    def refusal(self, position: int, message: str, **fields: Any) -> InvalidExpression:
        """The error for what stands at a position."""
        return InvalidExpression(message, text=self.text, position=position, pointer=self.pointer, **fields)

    def tokens(self) -> list[Token]:
        """The words, and the end.

        Raises:
            InvalidExpression: for a text that is too long, and for a character that no word begins with.
        """
        if len(self.text) > MAX_TEXT:
            message = f"The expression has {len(self.text):,} characters; at most {MAX_TEXT:,} are read."
            raise self.refusal(MAX_TEXT, message, code="expression_too_large", allowed={"characters": MAX_TEXT})
        found: list[Token] = []
        position = 0
        while position < len(self.text):
            match = _WORDS.match(self.text, position)
            if match is None:
                raise self._strange(position)
            if match.lastgroup:
                found.append(Token(match.lastgroup, match[0], position))
            position = match.end()
        if len(found) > MAX_TOKENS:
            message = f"The expression has {len(found)} words; at most {MAX_TOKENS} are read."
            at = found[MAX_TOKENS].position
            raise self.refusal(at, message, code="expression_too_large", allowed={"words": MAX_TOKENS})
        return [*found, Token("end", "", len(self.text))]

    def _strange(self, position: int) -> InvalidExpression:
        character = self.text[position]
        if character in "\"'":
            return self.refusal(position, "The quotation mark is not closed on its line.")
        near = _OTHERWISE.get(character)
        hint = f" Did you mean '{near}'?" if near else ""
        shown = character if character.isprintable() else f"U+{ord(character):04X}"
        return self.refusal(position, f"'{shown}' means nothing here.{hint}", given=shown, nearest=near)
