"""JSON as the standard has it, and no more: what other parsers would read differently is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from flask import Flask
from flask.json.provider import JSONProvider

from engine.errors import InvalidInput

MAX_DEPTH = 32
MAX_DIGITS = 400
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_SUSPICIOUS = re.compile(rb"\\u(0000|[dD][89a-fA-F])")


class MalformedJson(InvalidInput):
    """The body is not JSON."""

    code = "malformed_json"


def parse(body: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        MalformedJson: not UTF-8, not JSON, a key twice in one object, NaN or infinity, or nested too deeply.
        InvalidInput: a text that no database can hold (NUL, half of a surrogate pair); `pointer` says where.
    """
    if not body:
        raise MalformedJson("The body is empty; send a JSON object.")
    try:
        value = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_int,
        )
    except UnicodeDecodeError as error:
        raise MalformedJson(f"The body is not UTF-8: byte {error.start} fits no character.") from error
    except json.JSONDecodeError as error:
        raise MalformedJson(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    _inspect(value, texts=_SUSPICIOUS.search(body) is not None)
    return value


def check_text(text: str, *, pointer: str) -> None:
    """Raise InvalidInput for a text that no database can hold."""
    if _UNSTORABLE.search(text):
        raise InvalidInput("A text must not contain NUL or half of a surrogate pair.", pointer=pointer)


def pointer_of(path: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901)."""
    parts = (str(part)[:80].replace("~", "~0").replace("/", "~1") for part in path)
    return "".join(f"/{part}" for part in parts)


def harmless(value: Any) -> Any:
    """The same document, to be shown to the one who sent it: texts that others refuse are spelt out."""
    if isinstance(value, str):
        return _UNSTORABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
    if isinstance(value, Mapping):
        return {harmless(key): harmless(item) for key, item in value.items()}
    return [harmless(item) for item in value] if isinstance(value, list | tuple) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedJson(f"The key '{twice[:80]}' stands twice in one object.", code="duplicate_key")
    return found


def _constant(name: str) -> Any:
    raise MalformedJson(f"{name} is not JSON; leave the field out or send null.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedJson(f"{text[:40]} is beyond the range of a number.")
    return value


def _int(text: str) -> int:
    if len(text) > MAX_DIGITS:
        raise MalformedJson(f"An integer of {len(text)} digits is beyond the range of a number.")
    return int(text)


def _too_deep() -> MalformedJson:
    return MalformedJson(f"The body is nested too deeply; {MAX_DEPTH} levels are allowed.", code="nested_too_deeply")


def _inspect(value: Any, *, texts: bool) -> None:
    """Refuse deep nesting and, where the bytes looked like it, texts that cannot be stored."""
    waiting: list[tuple[Any, tuple[object, ...]]] = [(value, ())]
    while waiting:
        item, path = waiting.pop()
        if isinstance(item, str):
            check_text(item, pointer=pointer_of(path))
        elif isinstance(item, dict | list):
            if len(path) >= MAX_DEPTH:
                raise _too_deep()
            if texts and isinstance(item, dict):
                for key in item:
                    check_text(key, pointer=pointer_of(path))
            inside = item.items() if isinstance(item, dict) else enumerate(item)
            waiting.extend(
                (child, (*path, key))
                for key, child in inside
                if isinstance(child, (dict, list, str) if texts else (dict, list))
            )


class StrictJson(JSONProvider):
    """What Flask uses to read and write JSON: never NaN, never silently wrong."""

    def dumps(self, obj: Any, **_: Any) -> str:
        return json.dumps(obj, allow_nan=False, separators=(",", ":"))

    def loads(self, s: str | bytes, **_: Any) -> Any:
        return parse(s.encode("utf-8", "surrogatepass") if isinstance(s, str) else s)


def init_app(app: Flask) -> None:
    app.json = StrictJson(app)
