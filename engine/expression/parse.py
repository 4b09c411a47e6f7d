"""The grammar. It knows what may stand where; `writer` knows what that means.

    expression  = operand { operator operand }
    operand     = ("-" | "+" | "not") expression | atom { "." field }
    atom        = number | name | price "[" text "]" | function "(" [argument { "," argument }] ")" | "(" expression ")"
    argument    = [name "="] expression

Operators from weak to strong: or, and, not, comparisons, + and -, * and /, signs.
"""

from __future__ import annotations

from engine.errors import InvalidExpression
from engine.expression.tokens import Source, Token
from engine.expression.writer import Given, Part, Writer

MAX_DEPTH = 40
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN = range(1, 8)
_STRENGTH = {
    "or": _OR,
    "and": _AND,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), _COMPARISON),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/", _PRODUCT),
}
_PREFIX = {"not": _NOT, "-": _SIGN, "+": _SIGN}


def parse(source: Source, writer: Writer) -> Part:
    """Write an expression down and give what the whole of it is. Raises InvalidExpression."""
    return _Parser(source, writer).whole()


class _Parser:
    def __init__(self, source: Source, writer: Writer) -> None:
        self._source = source
        self._writer = writer
        self._tokens = source.tokens()
        self._at = 0
        self._depth = 0

    @property
    def _now(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._now
        self._at += token.kind != "end"
        return token

    def _is(self, text: str) -> bool:
        return self._now.text == text and self._now.kind == "sign"

    def _require(self, text: str, after: str) -> None:
        if not self._is(text):
            raise self._unexpected(f"'{text}' {after}", [text])
        self._take()

    def _unexpected(self, expected: str, allowed: list[str]) -> InvalidExpression:
        """The error for what stands here, with the operator that may have been meant."""
        lower = self._now.text.lower()
        near = "==" if self._is("=") else lower if lower in ("and", "or", "not") else None
        hint = f" Write {near}{' to compare' if near == '==' else ''}." if near else ""
        message = f"Expected {expected}, found {self._now}.{hint}"
        return self._source.refusal(self._now.position, message, allowed=allowed, nearest=near)

    def whole(self) -> Part:
        found = self._expression(_OR)
        if self._now.kind != "end":
            raise self._unexpected("an operator or the end", sorted(_STRENGTH))
        return found

    def _expression(self, weakest: int) -> Part:
        """An operand, and all that follows as long as it binds at least so strongly."""
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"The expression is nested too deeply; {MAX_DEPTH} levels are allowed."
            raise self._source.refusal(self._now.position, message, code="expression_too_large", allowed=MAX_DEPTH)
        left = self._operand()
        while self._strength() >= weakest:
            sign = self._take()
            right = self._expression(_STRENGTH[sign.text] + 1)
            left = self._writer.apply(sign, [left, right])
        self._depth -= 1
        return left

    def _strength(self) -> int:
        return _STRENGTH.get(self._now.text, 0) if self._now.kind in ("sign", "name") else 0

    def _operand(self) -> Part:
        token = self._take()
        if token.kind in ("sign", "name") and token.text in _PREFIX:
            inner = self._expression(_PREFIX[token.text])
            return inner if token.text == "+" else self._writer.apply(token, [inner])
        found = self._atom(token)
        while self._is("."):
            self._take()
            found = self._writer.field(found, self._take())
        return found

    def _atom(self, token: Token) -> Part:
        if token.kind == "number":
            return self._writer.constant(token)
        if token.kind == "name" and self._is("("):
            function = self._writer.function(token)  # an unknown one is refused before what is inside it
            return self._writer.call(function, token, self._arguments())
        if token.kind == "name" and self._is("["):
            return self._column(token)
        if token.kind == "name":
            return self._writer.name(token)
        if token.text == "(" and token.kind == "sign":
            found = self._expression(_OR)
            self._require(")", "to close the bracket")
            return found
        raise self._source.refusal(token.position, f"Expected a value, found {token}.")

    def _column(self, price: Token) -> Part:
        self._take()
        symbol = self._take()
        if symbol.kind != "text":
            message = f'Expected a symbol in quotation marks, as in close["SP500"], found {symbol}.'
            raise self._source.refusal(symbol.position, message)
        self._require("]", "after the symbol")
        return self._writer.column(price, symbol)

    def _arguments(self) -> list[Given]:
        self._take()
        found: list[Given] = []
        while not self._is(")"):
            if found:
                self._require(",", "or ')' after an argument")
            name, after = self._now, self._tokens[min(self._at + 1, len(self._tokens) - 1)]
            named = name.kind == "name" and after.kind == "sign" and after.text == "="
            if named:
                self._at += 2
            found.append(Given(self._expression(_OR), name if named else None))
        self._take()
        return found
