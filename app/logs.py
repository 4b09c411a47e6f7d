"""Logging of a process: one line an event, to standard error, as text with the role in front or as JSON."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from app.settings import Settings

TEXT = "%(asctime)s %(levelname)s {role}[%(process)d] %(name)s: %(message)s"
_NOTHING: Mapping[str, str] = {}
_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=_NOTHING)


def configure_logging(settings: Settings, role: str, *, node: str | None = None) -> None:
    """Send every logger's lines to standard error in the format of QUEUANT_LOG_FORMAT.

    In JSON a warning of Python and the error that ends a thread or the process are lines too, not text between them.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(TEXT.format(role=role), "%Y-%m-%dT%H:%M:%S"))
    if settings.log_format == "json":
        handler.setFormatter(JsonFormatter(role, node))
        logging.captureWarnings(True)
        _log_what_nobody_caught()
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for noisy in ("kombu", "amqp", "numba", "alembic", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def about(**ids: str) -> Iterator[None]:
    """Lines of this thread in JSON carry these fields for the length of a `with` block."""
    before = _about.set({**_about.get(), **ids})
    try:
        yield
    finally:
        _about.reset(before)


def say_about(**ids: str) -> None:
    """The same until the next call, where there is no block: fields that an earlier call named are gone."""
    _about.set(ids)


class JsonFormatter(logging.Formatter):
    """One object a line: time (UTC), level, role, pid, logger, message, and what is known of node, request and job."""

    def __init__(self, role: str, node: str | None = None) -> None:
        super().__init__()
        self._role = role
        self._node = {"node": node} if node else {}

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": at.replace("+00:00", "Z"),
            "level": record.levelname,
            "role": self._role,
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
            **self._node,
            **_about.get(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        return json.dumps(line, ensure_ascii=False)


def _log_what_nobody_caught() -> None:
    log = logging.getLogger("queuant")

    def of_process(_kind: type[BaseException], error: BaseException, _: object) -> None:
        log.critical("the process ends by an error", exc_info=error)

    def of_thread(ended: threading.ExceptHookArgs) -> None:
        name = ended.thread.name if ended.thread else "?"
        log.critical("thread %s ends by an error", name, exc_info=ended.exc_value)

    sys.excepthook, threading.excepthook = of_process, of_thread
