"""One GET request, with everything that may go wrong with it told as Again (worth another attempt) or Refused."""

from __future__ import annotations

import email.utils
import ipaddress
import ssl
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache

import httpx

from app.sources.http import Absent, Again, Refused

_REDIRECTS = 3
_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_TYPES = {
    "json": ("application/json", "text/json"),
    "csv": ("text/csv", "application/csv", "text/plain", "application/octet-stream", "binary/octet-stream"),
}


def read(url: str, secret: Mapping[str, str], answers: str, *, most_bytes: int, alive: Callable[[], None]) -> bytes:
    """The body of the answer; redirects are followed on the same host only.

    Args:
        url: without the secret.
        secret: what is added to the query where nobody sees it.
        answers: "json" or "csv": any other type of answer is a page that tells of an error.
        most_bytes: a longer body is not read to its end.
        alive: called for every piece of the body.
    """
    target = httpx.URL(url)
    try:
        with httpx.Client(transport=_transport(target, secret), timeout=_TIMEOUT, trust_env=False) as client:
            for _ in range(_REDIRECTS):
                with client.stream("GET", target, headers={"User-Agent": "queuant"}) as response:
                    if not response.is_redirect:
                        _check(response, _TYPES[answers])
                        return _body(response, most_bytes, alive)
                    target = _same_host(target, response)
    except httpx.TransportError as error:
        raise Again(f"did not answer ({type(error).__name__})") from error
    except httpx.DecodingError as error:
        raise Again("sent an answer that cannot be unpacked") from error
    raise Refused("redirects in a circle")


def _body(response: httpx.Response, most_bytes: int, alive: Callable[[], None]) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes(1 << 16):
        alive()
        body += piece
        if len(body) > most_bytes:
            raise Refused(f"answered with more than the {most_bytes} bytes that are read")
    if not body:
        raise Again("sent an empty answer")
    return bytes(body)


def _check(response: httpx.Response, types: tuple[str, ...]) -> None:
    _check_status(response)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in types:
        raise Again(f"answered with {kind[:60] or 'something'} instead of {types[0]}")


class _Keyed(httpx.BaseTransport):
    """Adds a key to a copy of each request: the request that httpx logs and puts into its errors has none."""

    def __init__(self, inner: httpx.BaseTransport, secret: Mapping[str, str]) -> None:
        self._inner = inner
        self._secret = secret

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_merge_params(dict(self._secret))
        return self._inner.handle_request(
            httpx.Request(request.method, url, headers=request.headers, extensions=request.extensions)
        )

    def close(self) -> None:
        self._inner.close()


def _transport(url: httpx.URL, secret: Mapping[str, str]) -> httpx.BaseTransport:
    inner: httpx.BaseTransport = httpx.HTTPTransport(verify=_authorities(), proxy=_proxy(url))
    return _Keyed(inner, secret) if secret else inner


@cache
def _authorities() -> ssl.SSLContext:
    """Who vouches for hosts; read once, it takes a tenth of a second."""
    return httpx.create_ssl_context()


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the machine's environment names; a loopback address is never behind one."""
    if is_loopback(url.host) or urllib.request.proxy_bypass(url.host):
        return None
    return urllib.request.getproxies().get(url.scheme)


def is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _same_host(url: httpx.URL, response: httpx.Response) -> httpx.URL:
    try:
        target = url.join(response.headers["Location"])
    except httpx.InvalidURL as error:
        raise Refused("redirects to something that is no address") from error
    if (target.scheme, target.host, target.port) != (url.scheme, url.host, url.port):
        raise Refused("redirects to another host, which is not followed")
    return target


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise Again("answered that it is asked too often (HTTP 429)", code="rate_limited", wait=_asked_wait(response))
    if status >= 500 or status == httpx.codes.REQUEST_TIMEOUT:
        raise Again(f"answered with an error of its own (HTTP {status})", wait=_asked_wait(response))
    if status == httpx.codes.NOT_FOUND:
        raise Absent("does not know it (HTTP 404)")
    raise Refused(f"refused the request (HTTP {status})")


def _asked_wait(response: httpx.Response) -> float | None:
    """Seconds of `Retry-After`, which may also be a date."""
    told = response.headers.get("Retry-After", "")
    if told.isdecimal():
        return float(told)
    with suppress(ValueError):
        return max(email.utils.parsedate_to_datetime(told).timestamp() - time.time(), 0.0)
    return None
