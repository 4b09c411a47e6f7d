"""What a view reaches through the application that it runs in."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from flask import Flask, current_app

from app.web.limiting import Limiter
from app.web.telemetry import Telemetry
from app.wiring import Services

EXTENSION = "queuant"


@dataclass(frozen=True)
class Context:
    """The services of this process and what its requests share."""

    services: Services
    telemetry: Telemetry
    limiter: Limiter
    # Threads that may sleep for a client at once (`Prefer: wait`); the rest must stay free to answer.
    waiting: threading.BoundedSemaphore = field(repr=False)
    # Uploads that are read at once.
    uploading: threading.BoundedSemaphore = field(repr=False, default_factory=threading.BoundedSemaphore)


def init_app(app: Flask, services: Services) -> Context:
    places = max(1, services.settings.api_threads // 6)
    limiter = Limiter(services.settings)
    context = Context(services, Telemetry(services), limiter, threading.BoundedSemaphore(places))
    app.extensions[EXTENSION] = context
    return context


def context() -> Context:
    return context_of(current_app)


def context_of(app: Flask) -> Context:
    found = app.extensions[EXTENSION]
    assert isinstance(found, Context)  # noqa: S101 - the factory has put it there
    return found


def services() -> Services:
    return context().services
