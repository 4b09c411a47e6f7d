"""Logging of a process: one line an event, to standard error, with the role in front."""

from __future__ import annotations

import logging
import sys

from app.settings import Settings


def configure_logging(settings: Settings, role: str) -> None:
    """Send every logger's lines to standard error as `time level role logger: message`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        logging.Formatter(f"%(asctime)s %(levelname)s {role}[%(process)d] %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    )
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    for noisy in ("kombu", "amqp", "numba", "alembic", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
