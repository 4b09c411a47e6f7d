"""A webhook leads to public addresses only, whatever its text or its name is made to mean."""

from __future__ import annotations

import socket

import pytest

from app.alerts.targets import Refused, check, resolve
from app.settings import Settings
from engine.errors import InvalidInput

PLAIN = Settings()
LOOPBACK = Settings(webhook_loopback=1)


def names(*addresses):
    """A resolver that gives these, whoever asks."""
    return lambda *_, **__: [(0, 0, 0, "", (address, 0)) for address in addresses]


EVIL = [
    "",
    "https://",
    "https:///path",
    "http://hooks.example.com/",
    "HTTP://127.0.0.1/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "javascript:alert(1)",
    "//example.com/",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://example.com#@127.0.0.1/",
    "https://example.com\\@127.0.0.1/",
    "https://example.com /",
    "https://example.com/\r\nHost: evil",
    "https://exämple.com/",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:x/",
    "https://[::1/",
    "https://127.0.0.1/",
    "https://127.0.0.1:8443/hook?x=1",
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://192.168.1.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://100.64.0.1/",
    "https://0.0.0.0/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::1]/",
    "https://[fe80::1]/",
    "https://[fe80::1%25eth0]/",
    "https://[fc00::1]/",
    "https://[ff02::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::a9fe:a9fe]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[::7f00:1]/",
]


@pytest.mark.parametrize("url", EVIL)
def test_an_address_that_can_be_no_target_is_refused_at_once(url):
    with pytest.raises(InvalidInput) as refused:
        check(url, PLAIN)
    assert (refused.value.code, refused.value.pointer) == ("invalid_webhook", "/url")


@pytest.mark.parametrize("host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "localhost", "0"])
def test_other_ways_to_write_this_machine_are_refused_when_they_are_resolved(host):
    parts = check(f"https://{host}/", PLAIN)
    with pytest.raises(Refused, match="private network"):
        resolve(parts, PLAIN)


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("169.254.169.254",),
        ("::ffff:192.168.0.1",),
        ("fe80::1%2",),
        ("93.184.215.14", "10.0.0.5"),
        ("2606:2800:21f:cb07::1", "::1"),
        ("nonsense",),
    ],
)
def test_a_name_is_refused_when_any_of_its_addresses_is_private(addresses):
    parts = check("https://hooks.example.com/", PLAIN)
    with pytest.raises(Refused):
        resolve(parts, PLAIN, ask=names(*addresses))


def test_a_name_is_resolved_once_and_the_address_that_was_checked_is_the_one_that_is_connected_to():
    asked = []

    def rebinding(host, port, **_):
        asked.append(host)
        address = "93.184.215.14" if len(asked) == 1 else "127.0.0.1"
        return names(address)()

    parts = check("https://hooks.example.com:8443/x?y=1", PLAIN)
    assert resolve(parts, PLAIN, ask=rebinding) == ("93.184.215.14", 8443)
    assert asked == ["hooks.example.com"]


def test_public_addresses_are_taken():
    assert resolve(check("https://93.184.215.14/", PLAIN), PLAIN, ask=socket.getaddrinfo) == ("93.184.215.14", 443)
    assert check("HTTPS://Hooks.Example.com/a", PLAIN).hostname == "hooks.example.com"
    assert check("https://[2606:2800:21f:cb07::1]/", PLAIN).hostname == "2606:2800:21f:cb07::1"


def test_a_name_without_an_address_may_have_one_later():
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    parts = check("https://hooks.example.com/", PLAIN)
    with pytest.raises(OSError, match="has no address"):
        resolve(parts, PLAIN, ask=unknown)
    with pytest.raises(OSError, match="has no address"):
        resolve(parts, PLAIN, ask=names())


def test_this_machine_is_a_target_only_where_a_setting_says_so_and_then_alone():
    parts = check("http://127.0.0.1:9999/hook", LOOPBACK)
    assert resolve(parts, LOOPBACK) == ("127.0.0.1", 9999)
    for url in ("http://example.com/", "http://localhost/", "http://10.0.0.1/", "https://10.0.0.1/"):
        with pytest.raises(InvalidInput):
            check(url, LOOPBACK)


def test_services_of_apprise_are_targets_where_the_operator_lets_them():
    with pytest.raises(InvalidInput) as refused:
        check("tgram://token/chat", PLAIN)
    assert refused.value.allowed == ["https"]
    assert check("tgram://token/chat", Settings(apprise_schemes=("tgram",))) is None
    with pytest.raises(InvalidInput):
        check("json://10.0.0.1/", Settings(apprise_schemes=("tgram",)))
