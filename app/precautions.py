"""What must hold before anybody but this machine reaches a process: it refuses to start with what only tests may have.

Each precaution has a line in the table of the guide to operations.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from app.errors import StartRefused
from app.settings import Settings

SHORTEST_PASSWORD = 8
# Of those that are long enough, the ones that stand in everybody's examples.
KNOWN_PASSWORDS = frozenset({"12345678", "changeme", "change-me", "changeit", "foobared", "password", "postgres"})


def check(settings: Settings, *, public: bool = True) -> None:
    """Raise StartRefused with everything that is unsafe, unless the process listens on loopback only.

    Args:
        settings: of the process; containers listen on all addresses, and so are always asked.
        public: whether clients come to this process, so that how they come matters too.
    """
    if is_loopback(settings.host):
        return
    found = [*_passwords(settings), *_webhooks(settings), *(_addresses(settings) if public else ())]
    if found:
        head = f"QUEUANT_HOST={settings.host} lets other machines in. That is refused until this is mended:"
        raise StartRefused("\n".join([head, *(f"- {text}" for text in found)]))


def is_loopback(host: str | None) -> bool:
    """Whether only this machine has that address; a socket file has none and counts too."""
    if not host or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _passwords(settings: Settings) -> Iterator[str]:
    """Stores on the network need a password that nobody guesses."""
    for variable, url in (("REDIS_URL", settings.redis_url), ("DATABASE_URL", settings.database_url)):
        parts = _parts(variable, url)
        if is_loopback(parts.hostname):
            continue
        password = parts.password or "".join(parse_qs(parts.query).get("password", []))
        # PostgreSQL's library may find a password elsewhere, or need none for a certificate.
        if not password and (variable == "REDIS_URL" or parts.password is not None):
            yield f"{variable} has no password for {parts.hostname}."
        elif password and _is_weak(unquote(password), parts.username):
            yield (
                f"{variable} has a password for {parts.hostname} that is easy to guess: it is the user's name, "
                f"shorter than {SHORTEST_PASSWORD} characters, or in everybody's examples."
            )


def _parts(variable: str, url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise StartRefused(f"{variable} is no address: {error}.") from error


def _is_weak(password: str, user: str | None) -> bool:
    return len(password) < SHORTEST_PASSWORD or password.lower() in KNOWN_PASSWORDS or password == user


def _webhooks(settings: Settings) -> Iterator[str]:
    if settings.webhook_loopback:
        yield "QUEUANT_WEBHOOK_LOOPBACK=1 is for tests: whoever has a key could reach this machine's own services."


def _addresses(settings: Settings) -> Iterator[str]:
    """Keys must not travel in plain text, except where somebody says that the network is trusted."""
    if settings.plain_http:
        return
    ways = "Put a proxy in front that ends TLS, or say QUEUANT_PLAIN_HTTP=1 where you trust the network."
    if not settings.public_url:
        yield f"QUEUANT_PUBLIC_URL does not say how clients reach the API (https://…). {ways}"
    for variable, url in (("QUEUANT_PUBLIC_URL", settings.public_url), ("QUEUANT_RELAY_URL", settings.relay_url)):
        parts = _parts(variable, url)
        if url and parts.scheme not in ("https", "wss") and not is_loopback(parts.hostname):
            yield f"{variable}={url} would carry keys in plain text. {ways}"
