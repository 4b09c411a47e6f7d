"""flask-smorest as Queuant uses it: strict parsing, problem+json, a scope for every route."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NoReturn, TypeAlias, cast

import flask_smorest
import marshmallow as ma
from flask import Flask, Request, current_app
from flask_smorest.utils import prepare_response
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.routing import Rule

from app.web import problems, strict_json
from app.web.access import PUBLIC, SELF
from app.web.errors import InvalidFields, UnsupportedMedia
from app.web.fields import allowed_by
from app.web.limiting import Kind
from app.web.schemas import ProblemSchema
from engine.errors import nearest
from engine.parameters import shown

MOST_PARTS = 16
View: TypeAlias = Callable[..., Any]
Shape: TypeAlias = "type[ma.Schema] | dict[str, Any]"
TAGS: Mapping[str, str] = {
    "Health": "Is the process alive, can a job be taken, and what does it measure?",
    "Backtest": "Start a backtest, read and compare results.",
    "Portfolio": "Several strategies on one account.",
    "Optimization": "Searches over parameters.",
    "Jobs": "The life of what was started, and what it left.",
    "Strategies": "The shelf of strategies and their parameters.",
    "Signals": "What strategies say now.",
    "Market Data": "Datasets with their origin and versions.",
    "Macro": "Economic series, point in time.",
    "Risk": "Value at risk, stress and limits.",
    "Reports": "Reports of days and of jobs.",
    "Alerts": "Rules and what they found.",
    "Monitoring": "Who keeps the platform going, what waits, whether jobs run; and who has a key.",
    "WebSocket": "Tickets for the live channels.",
}


class Parser(FlaskParser):
    """Reads arguments strictly and raises our own errors."""

    DEFAULT_UNKNOWN_BY_LOCATION = FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION | {
        "query": ma.RAISE,
        "json": ma.RAISE,
        "files": ma.RAISE,
    }

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        if getattr(schema, "optional", False) and not req.get_data(cache=True):
            return {}
        if not (req.mimetype == "application/json" or req.mimetype.endswith("+json")):
            raise UnsupportedMedia(
                "Send the body as application/json.", given=req.mimetype[:80] or None, allowed=["application/json"]
            )
        body = req.get_data(cache=True)
        if req.content_length is None and req.max_content_length and len(body) >= req.max_content_length:
            raise RequestEntityTooLarge  # a chunked body is cut off at the limit without a word
        return strict_json.parse(body)

    def load_files(self, req: Request, schema: ma.Schema) -> Any:  # noqa: ARG002 - webargs calls it so
        """The whole of a multipart body: its files and its other fields."""
        if req.mimetype != "multipart/form-data":
            raise UnsupportedMedia(
                "Send the file in a multipart form.", given=req.mimetype[:80] or None, allowed=["multipart/form-data"]
            )
        # Read from the connection only now: a large body is taken by routes that say so, from callers with a key.
        req.max_content_length = current_app.config["MAX_UPLOAD_LENGTH"]
        req.max_form_parts = MOST_PARTS
        found: dict[str, Any] = {}
        for name, value in (*req.form.items(multi=True), *req.files.items(multi=True)):
            if name in found:
                raise InvalidFields(
                    [{"pointer": strict_json.pointer_of([name]), "message": f"{name[:80]} stands twice."}]
                )
            found[name] = value
        if not found and req.content_length is None:
            raise RequestEntityTooLarge  # a chunked body is cut off at the limit without a word
        return found

    def handle_error(  # type: ignore[override]
        self, error: ma.ValidationError, _: Request, schema: ma.Schema, **__: Any
    ) -> NoReturn:
        (messages,) = error.messages_dict.values()  # webargs puts them under the one location that it read
        raise InvalidFields(list(_flat(messages, schema, error.data))) from error


class Blueprint(flask_smorest.Blueprint):  # type: ignore[misc]
    """A tag of the API. Its name is the tag; every route says which scope it needs, and some what they count as."""

    ARGUMENTS_PARSER = Parser()

    def route(self, rule: str, *, scope: str, counts_as: Kind | None = None, **options: Any) -> Callable[[View], View]:
        def decorator(view: View) -> View:
            view.scope = scope  # type: ignore[attr-defined]
            if counts_as:
                view.counts_as = counts_as  # type: ignore[attr-defined]
            # OpenAPI 3.1 names the roles that a key must have here. What asks by itself asks for `read`.
            security = [] if scope == PUBLIC else [{"bearer": ["read" if scope == SELF else scope]}]
            described = self.doc(operationId=view.__name__, security=security)(view)
            self.add_url_rule(rule, view.__name__, described, **options)
            return view

        return decorator

    # The same as the library's, with the types that it does not declare.

    def arguments(self, schema: type[ma.Schema], *, location: str = "json", **options: Any) -> Callable[[View], View]:
        required = not getattr(schema, "optional", False)
        described = super().arguments(schema, location=location, required=required, **options)
        return cast("Callable[[View], View]", described)

    def response(self, status_code: int, schema: Shape | None = None, **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().response(status_code, schema, **options))

    def alt_response(self, status_code: int, response: str | None = None, **options: Any) -> Callable[[View], View]:
        return cast("Callable[[View], View]", super().alt_response(status_code, response, **options))


class Api(flask_smorest.Api):  # type: ignore[misc]
    """The specification. Errors are handled by `problems` alone."""

    ERROR_SCHEMA = ProblemSchema

    def __init__(self, app: Flask, *, version: str) -> None:
        app.config |= {
            "API_TITLE": "Queuant",
            "API_VERSION": version,
            "OPENAPI_VERSION": "3.1.0",
            "API_SPEC_OPTIONS": {
                "info": {"description": "A self-hosted, job-queue backtest platform."},
                "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
                "components": {
                    "securitySchemes": {
                        "bearer": {"type": "http", "scheme": "bearer"},
                        "ticket": {"type": "apiKey", "in": "query", "name": "ticket"},
                    }
                },
            },
        }
        super().__init__(app)

    def describe_socket(self, rule: Rule) -> None:
        """Document a route that only a WebSocket handshake can use."""
        name = "_".join(re.findall("[a-z_]+", str(rule))[1:])
        self.spec.path(
            rule=rule,
            operations={
                "get": {
                    "operationId": f"listen_{name}",
                    "summary": "Listen to what happens, live",
                    "description": "Open it as a WebSocket; a browser sends a ticket. See the live channels' guide.",
                    "tags": ["WebSocket"],
                    "security": [{"bearer": ["read"]}, {"ticket": []}],
                    "parameters": [
                        _query("epoch", "What `hello` said before; with `seq` it brings what was missed.", "string"),
                        _query("seq", "The last sequence number that was seen.", "integer"),
                        *_FILTERS,
                    ],
                    "responses": {"101": {"description": "Switching protocols"}, "default": "DEFAULT_ERROR"},
                }
            },
        )

    def describe_stream(self, rule: Rule) -> None:
        """Document the live channels as Server-Sent Events."""
        self.spec.path(
            rule=rule,
            operations={
                "get": {
                    "operationId": "stream_events",
                    "summary": "Listen to what happens, as Server-Sent Events",
                    "description": "What the sockets carry, in `data` lines; an `id` resumes all channels.",
                    "tags": ["WebSocket"],
                    "security": [{"bearer": ["read"]}, {"ticket": []}],
                    "parameters": [
                        _query("channels", "With commas: jobs, jobs/{id}, signals, …", "string") | {"required": True},
                        _query("last_event_id", "The last `id`, for who cannot send `Last-Event-ID`.", "string"),
                        _query("Last-Event-ID", "The last `id`: what was missed since comes first.", "string")
                        | {"in": "header"},
                        *_FILTERS,
                    ],
                    "responses": {
                        "200": {
                            "description": "Events, for as long as both sides like",
                            "content": {"text/event-stream": {"schema": {"type": "string"}}},
                        },
                        "default": "DEFAULT_ERROR",
                    },
                }
            },
        )

    def _init_spec(self, **options: Any) -> None:
        super()._init_spec(**options)
        self.ma_plugin.converter.add_attribute_function(_document_schema)

    def _register_error_handlers(self) -> None:
        """`problems.init_app` has done it."""

    def _register_responses(self) -> None:
        for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY", "UNPROCESSABLE_CONTENT"):
            text = "A problem (RFC 9457)" if name == "DEFAULT_ERROR" else "The request cannot mean anything"
            response = {"description": text, "schema": self.ERROR_SCHEMA}
            prepare_response(response, self.spec, problems.MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)


def _query(name: str, text: str, kind: str) -> dict[str, Any]:
    return {"in": "query", "name": name, "description": text, "schema": {"type": kind}}


_FILTERS = (
    _query("strategy", "Only events of these strategies (with commas).", "string"),
    _query("symbol", "Only events of these symbols (with commas).", "string"),
    _query("severity", "Only alerts that are at least so severe: info, warning or critical.", "string"),
    _query("type", "Only events of these types (with commas).", "string"),
)


def _document_schema(_: Any, field: ma.fields.Field[Any], **__: Any) -> dict[str, Any]:
    return getattr(field, "json_schema", {})


def _flat(
    messages: Any, schema: ma.Schema | None, data: Any, path: tuple[object, ...] = ()
) -> Iterator[dict[str, Any]]:
    """One object for each message of marshmallow's nested report."""
    if isinstance(messages, Mapping):
        for name, inner in messages.items():
            deeper = path if name == "_schema" else (*path, name)
            yield from _flat(inner, schema, data, deeper)
        return
    for message in messages:
        yield _described(str(message), schema, data, path)


def _described(message: str, schema: ma.Schema | None, data: Any, path: tuple[object, ...]) -> dict[str, Any]:
    pointer = strict_json.pointer_of(path)
    known, depth = _fields(schema, path)
    name = str(path[depth]) if path else ""
    if path and name not in known:
        near = nearest(name, known)
        hint = f" Did you mean '{near}'?" if near else ""
        fields: dict[str, object] = {"given": pointer[1:], "allowed": sorted(known), "nearest": near}
        return _set({"pointer": pointer, "message": f"There is no field '{pointer[1:]}'.{hint}", **fields})
    if not path:
        text = "The body must be a JSON object." if message == "Invalid input type." else message
        return {"pointer": "", "message": text}
    given = _at(data, path)
    if message == "Invalid input type.":
        message = "must be an object."
    allowed = allowed_by(known[name]) if len(path) == depth + 1 else None
    near = nearest(given, allowed) if isinstance(given, str) and isinstance(allowed, list) else None
    hint = f" Did you mean '{near}'?" if near else ""
    told = {"given": shown(given), "allowed": allowed, "nearest": near}
    return _set({"pointer": pointer, "message": f"{pointer[1:]} {message}{hint}", **told})


def _fields(schema: ma.Schema | None, path: tuple[object, ...]) -> tuple[dict[str, ma.fields.Field[Any]], int]:
    """The fields of the innermost document on the path, and at what depth it names one of them."""
    known = {field.data_key or name: field for name, field in schema.fields.items()} if schema else {}
    inner = known.get(str(path[0])) if path else None
    listed = isinstance(inner, ma.fields.List)
    document = inner.inner if isinstance(inner, ma.fields.List) else inner
    deeper = 2 if listed else 1
    if not isinstance(document, ma.fields.Nested) or len(path) <= deeper:
        return known, 0
    found, depth = _fields(document.schema, path[deeper:])
    return found, deeper + depth


def _set(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _at(data: Any, path: tuple[object, ...]) -> Any:
    for part in path:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data
