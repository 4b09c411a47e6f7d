"""What reads the words of strangers, each as one function of some bytes.

A target says in one word what came of its input: "taken", or the code of the refusal. Whatever it raises is a finding.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.csv
import pyarrow.parquet
from simple_websocket import Server
from wsproto.frame_protocol import FrameProtocol, Opcode

from app.depot import Folder
from app.library import Library
from app.store import Caller
from app.web import strict_json
from app.web.auth import Visitor
from app.web.feeds import Wanted
from app.web.relay import MAX_MESSAGE_BYTES, DaemonThread
from app.web.session import Relay
from app.web.sockets import Conversation
from app.web.wire import Wire
from bench.hostile import expressions, uploads
from engine import Bars
from engine.errors import InvalidExpression, InvalidInput, QueuantError
from engine.expression import strategy_of
from engine.expression.writer import RESERVED
from engine.lookahead import find_leak

MOST_SECONDS = 1.0
DATA = Path(__file__).resolve().parents[2] / "app" / "datasets"
Take = Callable[[bytes], str]


class Target(NamedTuple):
    """Something to send bytes to.

    Args:
        open: makes it ready, in an empty folder, for as long as it is in use.
        seeds: inputs to begin with.
        words: what inputs are made of.
        longest: so many bytes of an input.
    """

    open: Callable[[Path], AbstractContextManager[Take]]
    seeds: Callable[[], Iterator[bytes]]
    words: tuple[str, ...]
    longest: int


def timed(take: Take) -> Take:
    """The same, and longer than a second of this process is a finding."""

    def run(data: bytes) -> str:
        start = time.process_time()
        outcome = take(data)
        took = time.process_time() - start
        assert took < MOST_SECONDS, f"it took {took:.1f} s"
        return outcome

    return run


# Expressions: the form in the first byte, then the text. Documents: with an even first byte the rest is JSON as it is
# posted, else lines of a field and its value in turn, as few changes of a JSON text leave one


@contextmanager
def _expressions(_: Path) -> Iterator[Take]:
    bars = expressions.some_bars(120)
    expressions.load_kernels(bars)
    yield lambda data: _judged(expressions.document(data[1:].decode(errors="replace"), sum(data[:1])), bars)


@contextmanager
def _documents(_: Path) -> Iterator[Take]:
    bars = expressions.some_bars(120)
    expressions.load_kernels(bars)

    def take(data: bytes) -> str:
        try:
            document = strict_json.parse(data[1:]) if sum(data[:1]) % 2 == 0 else _document(data[1:])
        except InvalidInput as refusal:
            return _told(refusal)
        return _judged(document, bars)

    yield take


def _document(lines: bytes) -> dict[str, Any]:
    names, values = (lines.decode(errors="replace").split("\n")[part::2] for part in (0, 1))
    return {name: _value(value) for name, value in zip(names, values, strict=False)}


def _value(text: str) -> Any:
    try:
        return strict_json.parse(text.encode())
    except InvalidInput:
        return text


def _judged(document: Any, bars: Bars) -> str:
    """A strategy that can be read decides on bars, and decides the same when it knows less of the future."""
    try:
        bound = strategy_of(document).bind()
    except InvalidInput as refusal:
        return _told(refusal, document)
    try:
        leak = find_leak(bars, bound, cuts=2)
    except QueuantError as refusal:
        return _told(refusal, document)
    assert leak is None, leak.sentence
    return "taken"


def _told(refusal: QueuantError, document: Any = None) -> str:
    """A refusal can be told to its sender, and its position is one of the text."""
    json.dumps(refusal.detail(), allow_nan=False)
    assert refusal.message.endswith((".", "?")), refusal.message
    if isinstance(refusal, InvalidExpression):
        text = document[str(refusal.pointer).removeprefix("/")]
        assert 0 <= refusal.position <= len(text), refusal.position
    return refusal.code


def _texts() -> Iterator[bytes]:
    for at, text in enumerate(expressions.texts(400, seed=1)):
        yield bytes([at % 2]) + text[:1500].encode(errors="replace")


def _posted() -> Iterator[bytes]:
    window = {"n": {"type": "int", "min": 1, "max": 60, "default": 9, "doc": "Bars."}}
    short = {"params": window, "short_entry": "close < lag(close, n)", "short_exit": "true"}
    documents = [expressions.document(text, form) for text in expressions.FAIR for form in (0, 1)]
    documents += [document | short for document in documents[::2]]
    documents += [document | {"max_weight": 0.5} for document in documents[1:8:2]]
    for document in documents:
        yield b"\x00" + json.dumps(document).encode()
        lines = (
            f"{name}\n{value if isinstance(value, str) else json.dumps(value)}" for name, value in document.items()
        )
        yield b"\x01" + "\n".join(lines).encode()


# Files


@contextmanager
def _uploads(folder: Path) -> Iterator[Take]:
    library, path = Library(Folder(folder / "library")), folder / "upload"

    def take(data: bytes) -> str:
        path.write_bytes(data)
        outcome = uploads.outcome(library, path)
        return "taken" if outcome == "kept" else outcome

    yield take


def _files() -> Iterator[bytes]:
    """The first rows of what ships, as both kinds of files, and files that are broken by design."""
    for path in sorted(DATA.glob("*/*.parquet")):
        rows = pyarrow.parquet.read_table(path).slice(0, 20)
        for write in (pyarrow.csv.write_csv, pyarrow.parquet.write_table):
            sink = pyarrow.BufferOutputStream()
            write(rows, sink)
            yield sink.getvalue().to_pybytes()
    yield from (uploads.file(seed) for seed in range(200))


# Sockets: with an even first byte the rest is what comes over the wire, else each line is a message

_CALLER = {"HTTP_HOST": "localhost", "HTTP_UPGRADE": "websocket", "HTTP_CONNECTION": "Upgrade"}
_HANDSHAKE = _CALLER | {"HTTP_SEC_WEBSOCKET_KEY": "AAAAAAAAAAAAAAAAAAAAAA==", "HTTP_SEC_WEBSOCKET_VERSION": "13"}
_SAID = {"hello", "pong", "unsubscribed", "cursor", "error"}


class Mishaps(logging.Handler):
    """What went wrong in a thread, or was logged as an error: nothing of it comes to whoever sent the bytes."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[BaseException] = []

    def __enter__(self) -> Mishaps:
        self._hook, threading.excepthook = threading.excepthook, self._hear
        logging.getLogger("app").addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        logging.getLogger("app").removeHandler(self)
        threading.excepthook = self._hook

    def _hear(self, about: Any) -> None:
        self.seen.append(about.exc_value or RuntimeError("a thread ended"))

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.seen.append(error or RuntimeError(record.getMessage()))


@contextmanager
def _frames(folder: Path) -> Iterator[Take]:
    services = expressions.own_services(folder)
    caller = services.store.access.caller(services.store.access.create_key("stranger"))
    assert caller is not None
    relay = Relay(services, max_sockets=4, recheck_seconds=5.0)

    with Mishaps() as mishaps:

        def take(data: bytes) -> str:
            answers = _conversed(relay, caller, data[1:] if sum(data[:1]) % 2 == 0 else _framed(data[1:]))
            if mishaps.seen:
                raise mishaps.seen.pop()
            return _checked(answers)

        yield take
    relay.hub.stop(patience=5.0)
    services.close()


class Patient(Wire):
    """A wire at whose far end somebody hangs up when everything was answered."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.at_end = False
        self.answered = threading.Event()

    def recv(self, size: int) -> bytes:
        data = super().recv(size)
        if not data:
            self.at_end = True
            self.on_close()
            self.answered.wait(1)
        return data


class Answering(Conversation):
    """A conversation that says when it has answered everything."""

    def hear(self) -> None:
        at_end = self._wire.at_end
        super().hear()
        if at_end:
            self._wire.answered.set()

    def say_goodbye(self, code: int, reason: str) -> None:
        self._wire.answered.set()
        super().say_goodbye(code, reason)


class Held(DaemonThread):
    """A reader that begins when it is told to, not before there is a conversation."""

    begin = DaemonThread.start

    def start(self) -> None:
        pass


def _conversed(relay: Relay, caller: Caller, said: bytes) -> bytes:
    """All that a client hears which says this and hangs up."""
    near, far = socket.socketpair()
    with near, far:
        far.sendall(said)
        far.shutdown(socket.SHUT_WR)
        environ = {"werkzeug.socket": Patient(near), **_HANDSHAKE}
        server = Server(environ, max_message_size=MAX_MESSAGE_BYTES, thread_class=Held)
        conversation = Answering(relay, server, Visitor(caller, lambda: caller))
        server.thread.begin()
        conversation.run([Wanted("signals")])
        near.close()
        heard = b""
        with suppress(ConnectionResetError):  # it was told enough and did not listen to the rest
            while part := far.recv(65_536):
                heard += part
        return heard


def _framed(lines: bytes) -> bytes:
    """Lines as messages of a client, whose frames are masked (with zeros here)."""
    found = b""
    for line in lines.split(b"\n"):
        size = bytes([0x80 | len(line)]) if len(line) < 126 else b"\xfe" + len(line).to_bytes(2, "big")
        found += b"\x81" + size + bytes(4) + line
    return found


def _checked(answers: bytes) -> str:
    """What the server said is a handshake and whole frames, each of a kind that the protocol knows."""
    head, end, rest = answers.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head[:200]
    assert end, head[:200]
    heard = FrameProtocol(client=True, extensions=[])
    heard.receive_bytes(rest)
    outcome = "taken"
    for frame in heard.received_frames():
        if frame.opcode is Opcode.TEXT:
            outcome = _understood(json.loads(frame.payload))
        elif frame.opcode is Opcode.CLOSE:
            outcome = f"closed with {frame.payload[0]}"
    return outcome


def _understood(message: Mapping[str, Any]) -> str:
    assert message["type"] in _SAID, message
    if message["type"] != "error":
        return "taken"
    assert message["message"].endswith((".", "?")), message
    return str(message["code"])


def _spoken() -> Iterator[bytes]:
    wanted: tuple[dict[str, Any], ...] = (
        {"type": "ping"},
        {"type": "subscribe", "channel": "jobs", "epoch": "x", "seq": 3},
        {"type": "subscribe", "channel": "signals", "filter": {"symbol": ["EURUSD", "A"], "type": "signal_flip"}},
        {"type": "subscribe", "channel": "alerts", "filter": {"severity": "warning", "strategy": "sma_cross"}},
        {"type": "subscribe", "channel": "jobs/0123456789", "filter": {}},
        {"type": "unsubscribe", "channel": "signals"},
        {"type": "unsubscribe", "channel": "jobs"},
    )
    lines = [json.dumps(message).encode() for message in wanted]
    for line in (*lines, b"\n".join(lines), b"[" * 3000, b'{"type": ' * 400, b"\xff", b""):
        yield b"\x01" + line
        yield b"\x00" + _framed(line)
    for opening in (0x01, 0x02, 0x80, 0x82, 0x88, 0x89, 0x8A, 0xC1, 0x83):
        yield bytes([0, opening, 0x84]) + bytes(4) + b"\x03\xe8ab"
    yield (
        b"\x00"
        + bytes([0x01, 0x81, 0, 0, 0, 0])
        + b"["
        + bytes([0x89, 0x80, 0, 0, 0, 0, 0x80, 0x81, 0, 0, 0, 0])
        + b"]"
    )
    yield b"\x00\x81\xff" + (1 << 62).to_bytes(8, "big") + bytes(4) + b"{" * 5000


_LANGUAGE = (*dict.fromkeys((*expressions.WORDS, *sorted(RESERVED))),)
_KEYS = ("type", "channel", "filter", "epoch", "seq", "ping", "subscribe", "unsubscribe", "signals", "alerts", "jobs/")
_FIELDS = ("name", "params", "entry", "exit", "short_entry", "short_exit", "weight", "max_weight", "min", "max", "doc")

TARGETS: Mapping[str, Target] = {
    "expressions": Target(_expressions, _texts, _LANGUAGE, 2_100),
    "documents": Target(_documents, _posted, (*_LANGUAGE, *(f'"{name}":' for name in _FIELDS)), 4_000),
    "uploads": Target(_uploads, _files, (*uploads.WORDS, *uploads.NAMES), 16_384),
    "frames": Target(_frames, _spoken, (*(f'"{name}"' for name in _KEYS), "portfolio", "severity", "symbol"), 6_000),
}
