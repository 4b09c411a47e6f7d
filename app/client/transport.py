"""HTTP with manners: what may be repeated is repeated a few times, and a refusal becomes an ApiError."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import httpx

from app.client.errors import ApiError, ClientError, Unreachable

PREFIX = "/api/v1"
_PAUSES = (0.2, 0.6, 1.5)
_LONGEST_PAUSE = 30.0
_HOPELESS_PAUSE = 300.0
# How long the server may read a file before it answers.
_UPLOAD_SECONDS = 600.0
_TRANSIENT = frozenset({429, 502, 503, 504})
_REPEATABLE = frozenset({"GET", "PUT", "DELETE"})


class Transport:
    """One server, one key, one pool of connections."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not key.isascii():
            raise ClientError("The API key has characters that no key has.")
        self.url = url.rstrip("/")
        self.key = key
        self._sleep = sleep
        self._reached = False
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(30.0, connect=3.0),
            # A proxy of the environment does not know this machine's loopback.
            trust_env=not is_loopback(self.url),
            # To read all authorities takes longer than a call, and nobody here is asked for a certificate.
            verify=not (is_loopback(self.url) and self.url.startswith("http:")),
            transport=transport,
        )

    def close(self) -> None:
        self._http.close()

    def json(self, method: str, path: str, **given: Any) -> Any:
        """What `send` gets, decoded. Raises ApiError and Unreachable."""
        return _document(self.url, self.send(method, path, **given))

    def upload(
        self, path: str, file: BinaryIO, fields: Mapping[str, str], tell: Callable[[int, int], None] | None
    ) -> Any:
        """A multipart form with one file, which is never whole in memory. Not repeated: the file is read once."""
        try:
            # A file name is of no use there; without one it would be no file.
            response = self._http.post(
                PREFIX + path,
                data=dict(fields),
                files={"file": ("file", cast("BinaryIO", Sent(file, tell)), "application/octet-stream")},
                timeout=httpx.Timeout(_UPLOAD_SECONDS, connect=3.0),
            )
        except httpx.TransportError as error:
            raise Unreachable(f"The server at {self.url} did not take the file ({_reason(error)}).") from error
        if not response.is_success:
            raise _refusal(self.url, response)
        return _document(self.url, response)

    def send(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
    ) -> httpx.Response:
        """The answer, when it is a success; repeated only where a repetition does nothing twice."""
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        given = {name: _plain(value) for name, value in (query or {}).items() if value is not None}
        content = None if body is None else _encoded(body)
        if content is not None:
            headers["Content-Type"] = "application/json"
        repeatable = method in _REPEATABLE or idempotency_key is not None
        for pause in (*_PAUSES, None):
            try:
                response = self._http.request(method, PREFIX + path, content=content, params=given, headers=headers)
            except httpx.TransportError as error:
                # Who has never answered is not there; who has may be restarting.
                if pause is None or not repeatable or not self._reached:
                    raise Unreachable(f"No server answers at {self.url} ({_reason(error)}).") from error
                self._sleep(pause)
                continue
            self._reached = True
            if response.is_success:
                return response
            if pause is None or not repeatable or response.status_code not in _TRANSIENT:
                raise _refusal(self.url, response)
            asked = _asked_pause(response, pause)
            if asked > _HOPELESS_PAUSE:  # a quota, say, that is used up until tomorrow
                raise _refusal(self.url, response)
            self._sleep(min(asked, _LONGEST_PAUSE))
        raise AssertionError("the last round returns or raises")


class Sent:
    """A file that tells how much of it has been read."""

    def __init__(self, file: BinaryIO, tell: Callable[[int, int], None] | None) -> None:
        self._file = file
        self._tell = tell
        self._total = os.fstat(file.fileno()).st_size

    def fileno(self) -> int:
        """httpx asks it for the length."""
        return self._file.fileno()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        if self._tell is not None:
            self._tell(self._file.tell(), self._total)
        return data


def is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _plain(value: Any) -> Any:
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def _encoded(body: Any) -> bytes:
    """A body as JSON, in which days, ranges and what numpy and pandas count with may stand. Raises ClientError."""
    try:
        return json.dumps(body, allow_nan=False, separators=(",", ":"), default=_simple).encode()
    except (TypeError, ValueError) as error:
        raise ClientError(f"The request cannot be told in JSON: {error}.") from error


def _simple(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, range):
        return list(value)
    if hasattr(value, "tolist"):  # scalars and arrays of numpy, columns of pandas
        return value.tolist()
    raise TypeError(f"{value!r} is no text, number, list or mapping")


def _asked_pause(response: httpx.Response, otherwise: float) -> float:
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return otherwise


def _document(url: str, response: httpx.Response) -> Any:
    if response.status_code == httpx.codes.NO_CONTENT:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise _stranger(url, response) from error


def _refusal(url: str, response: httpx.Response) -> ApiError:
    try:
        problem = response.json()
    except ValueError:
        return _stranger(url, response)
    return ApiError(response.status_code, problem) if isinstance(problem, dict) else _stranger(url, response)


def _stranger(url: str, response: httpx.Response) -> ApiError:
    detail = f"What answers at {url} does not speak like a Queuant server (HTTP {response.status_code})."
    return ApiError(response.status_code, {"code": "not_queuant", "detail": detail})


def _reason(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__
