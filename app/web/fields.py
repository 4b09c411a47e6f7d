"""Fields that read a request strictly: "12" is not a number, true is not an integer, a text has an end."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeAlias

from marshmallow import ValidationError, fields, validate
from werkzeug.datastructures import FileStorage

from app.web.strict_json import check_text
from engine.errors import InvalidInput

Messages: TypeAlias = "dict[str, str | list[Any] | dict[Any, Any]]"


def _says(invalid: str) -> Messages:
    return {"invalid": invalid, "required": "is missing.", "null": "must not be null."}


class Text(fields.String):
    """A text of bounded length that a database can hold."""

    default_error_messages = _says("must be a text.")

    def __init__(self, *, most: int, least: int = 1, pattern: str | None = None, **kwargs: Any) -> None:
        checks: list[Any] = [
            validate.Length(min=least, max=most, error=f"must have between {least} and {most} characters.")
        ]
        if pattern:
            told = pattern.replace("{", "{{").replace("}", "}}")  # the library formats the sentence once more
            checks.append(validate.Regexp(pattern, error=f"must match {told}."))
        super().__init__(validate=checks, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise self.make_error("invalid")
        try:
            check_text(value, pointer="")
        except InvalidInput as error:
            raise ValidationError("must not contain NUL or half of a surrogate pair.") from error
        return value


class Choice(Text):
    """One of a few texts."""

    def __init__(self, *options: str, **kwargs: Any) -> None:
        super().__init__(most=64, **kwargs)
        self.validators = [validate.OneOf(options, error=f"must be one of {', '.join(options)}.")]


class Whole(fields.Integer):
    """A whole number between two bounds; in a body it is a JSON number, in a query its digits."""

    default_error_messages = _says("must be a whole number.")

    def __init__(self, *, low: int, high: int, query: bool = False, **kwargs: Any) -> None:
        bounds = validate.Range(min=low, max=high, error=f"must lie between {low} and {high}.")
        super().__init__(validate=bounds, **kwargs)
        self._query = query

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if self._query:
            if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,15}", value):
                return int(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            return value
        elif isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            return int(value)  # JSON has one kind of number: 1.0 is 1
        raise self.make_error("invalid")


class Amount(fields.Float):
    """A finite number."""

    default_error_messages = _says("must be a number.")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.make_error("invalid")
        if abs(value) > 1e300:
            raise ValidationError("is beyond the range of a number.")
        return value


class Flag(fields.Boolean):
    """true or false in a query."""

    default_error_messages = _says("must be true or false.")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value not in ("true", "false", "1", "0"):
            raise self.make_error("invalid")
        return value in ("true", "1")


class Truth(fields.Boolean):
    """true or false in a body."""

    default_error_messages = _says("must be true or false.")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class Day(fields.Date):
    """A calendar date, YYYY-MM-DD, kept as text."""

    default_error_messages = _says("must be a date like 2024-01-31.")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise self.make_error("invalid")
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError as error:
            raise self.make_error("invalid") from error


class Instant(Text):
    """A calendar date, or a moment in UTC, kept as text."""

    default_error_messages = _says("must be a date like 2024-01-31 or a moment like 2024-01-31T20:00:00Z.")

    def __init__(self, **kwargs: Any) -> None:
        moment = (
            r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z)?$"  # as replies have it, too
        )
        super().__init__(most=27, least=10, pattern=moment, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        text = super()._deserialize(value)
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise self.make_error("invalid") from error
        return text


class Listing(fields.List[Any]):
    """A list of bounded length."""

    default_error_messages = _says("must be a list.")

    def __init__(self, inner: fields.Field[Any], *, most: int, least: int = 0, **kwargs: Any) -> None:
        inner.error_messages["null"] = "must not be null."
        length = validate.Length(min=least, max=most, error=f"must have between {least} and {most} entries.")
        super().__init__(inner, validate=length, **kwargs)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return super()._deserialize(value, *_, **__)


class Names(fields.Field[list[str]]):
    """A query's comma-separated names."""

    default_error_messages = _says("must be names with commas between them.")

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        names = list(dict.fromkeys(part.strip() for part in str(value).split(",") if part.strip()))
        if not names:
            raise self.make_error("invalid")
        if len(names) > self.most:
            raise ValidationError(f"must have at most {self.most} names.")
        return [Text(most=64).deserialize(name) for name in names]


class Part(fields.Field[FileStorage]):
    """A file of a multipart body."""

    default_error_messages = _says("must be a file.")

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> FileStorage:
        if not isinstance(value, FileStorage):
            raise self.make_error("invalid")
        return value


class Document(fields.Dict):
    """A JSON object whose own JSON Schema says what is inside; its meaning is checked elsewhere."""

    default_error_messages = _says("must be an object.")

    def __init__(self, json_schema: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.json_schema = dict(json_schema or {"type": "object"})


class OneOrMore(fields.Field["str | list[str]"]):
    """A name, or a list of some names."""

    default_error_messages = _says("must be a name or a list of names.")

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.names = Listing(Text(most=64), most=most, least=1)
        name = {"type": "string", "minLength": 1, "maxLength": 64}
        listed = {"type": "array", "items": name, "minItems": 1, "maxItems": most}
        self.json_schema = {"anyOf": [name, listed]}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | list[str]:
        if isinstance(value, str):
            return str(Text(most=64).deserialize(value))
        if not isinstance(value, list):
            raise self.make_error("invalid")
        return [str(name) for name in self.names.deserialize(value)]


def allowed_by(field: fields.Field[Any]) -> object:
    """What a field accepts, for an error to show."""
    for check in field.validators:
        if isinstance(check, validate.OneOf):
            return list(check.choices)
        if isinstance(check, validate.Range):
            return {"minimum": check.min, "maximum": check.max}
        if isinstance(check, validate.Length):
            return {"minimum_length": check.min, "maximum_length": check.max}
    return None
