"""Where a webhook may lead: to public addresses only, whatever its name is made to mean.

An owner gives the address, the supervisor connects to it from inside of the network: so the name is resolved here,
every address that it has must be a public one, and the connection goes to the one that was checked, not to the name.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from app.settings import Settings
from engine.errors import InvalidInput

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve: TypeAlias = Callable[..., Sequence[tuple[Any, ...]]]

PORTS = {"https": 443, "http": 80}
# Addresses that carry another one, which a router on the way may unpack: NAT64, 6to4, Teredo, IPv4-compatible.
_CARRIERS = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))


class Refused(Exception):
    """This target is never sent to."""


def check(url: str, settings: Settings) -> SplitResult | None:
    """The parts of a webhook's address; None where it names a service of the extra `alerts`.

    Raises InvalidInput for what cannot be a target. What a name means is asked when something is sent.
    """
    scheme = re.match(r"[a-z][a-z0-9+.-]*(?=://)", url.lower())
    name = scheme.group() if scheme else ""
    if name not in PORTS:
        if name and name in settings.apprise_schemes:
            return None
        raise _invalid("The address of a webhook begins with https://.", url, ["https", *settings.apprise_schemes])
    if not re.fullmatch(r"[\x21-\x7e]+", url) or "\\" in url:
        raise _invalid("The address has characters that an address cannot have.", url)
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError as error:
        raise _invalid("The address cannot be read.", url) from error
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment or port == 0:
        raise _invalid("The address is made of a host, perhaps a port, a path and a query, and of nothing else.", url)
    loopback = settings.webhook_loopback > 0
    literal = _literal(parts.hostname)
    if literal is not None and not _allowed(literal, loopback=loopback):
        raise _invalid("The address leads into a private network.", url)
    if name == "http" and not (loopback and literal is not None and literal.is_loopback):
        raise _invalid("The address of a webhook begins with https://.", url, ["https"])
    return parts


def resolve(parts: SplitResult, settings: Settings, *, ask: Resolve = socket.getaddrinfo) -> tuple[str, int]:
    """The address and port to connect to. Raises Refused where any address of the name is not a public one."""
    assert parts.hostname is not None  # noqa: S101 - `check` has seen it
    port = parts.port or PORTS[parts.scheme]
    try:
        found = [str(item[4][0]) for item in ask(parts.hostname, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise OSError(f"The name {parts.hostname} has no address.") from error
    for text in found:
        address = _literal(text)
        if address is None or not _allowed(address, loopback=settings.webhook_loopback > 0):
            raise Refused(f"{parts.hostname} leads into a private network.")
    if not found:
        raise OSError(f"The name {parts.hostname} has no address.")
    return found[0], port


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _allowed(address: Address, *, loopback: bool) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return _allowed(address.ipv4_mapped, loopback=loopback)
        if not address.is_loopback and any(address in network for network in _CARRIERS):
            return False
    if address.is_loopback:
        return loopback
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _invalid(message: str, url: str, allowed: list[str] | None = None) -> InvalidInput:
    return InvalidInput(message, code="invalid_webhook", pointer="/url", given=url[:200], allowed=allowed)
