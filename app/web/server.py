"""How the API and the relay run: gunicorn with one process of threads, or one of greenlets.

The API holds few sockets and does blocking work, so it runs on threads (gthread). The relay holds thousands of sockets
and does nearly nothing for each, so it runs on gevent. The parent process only watches; everything that opens a
connection, a thread or a lock is imported and built in the child, which for the relay has been patched by then.
"""

from __future__ import annotations

import logging
import signal
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, Literal

from gunicorn import util
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger
from gunicorn.http.errors import ParseException
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import TConn, ThreadWorker

from app.errors import QueueUnavailable
from app.logs import configure_logging
from app.process import die_with_parent
from app.settings import Settings

log = logging.getLogger(__name__)

GRACE_SECONDS = 5
SILENT_SECONDS = 60
HTTP_CONNECTIONS = 200
HEAD_SECONDS = 5.0
BODY_SECONDS = 10.0
LINGER_SECONDS = 1.0


def run_api(settings: Settings) -> None:
    """Serve the HTTP API and a few sockets on `settings.port` until a signal ends it."""
    _run(settings, "api")


def run_relay(settings: Settings) -> None:
    """Serve the live channels on `settings.relay_port` until a signal ends it."""
    _run(settings, "relay")


def _run(settings: Settings, role: Literal["api", "relay"]) -> None:
    configure_logging(settings, role)
    WebProcess(settings, role).run()


class WebProcess(BaseApplication):  # type: ignore[misc]
    """A gunicorn server of our application in one role, configured by our settings and by nothing else."""

    def __init__(self, settings: Settings, role: Literal["api", "relay"]) -> None:
        self._settings = settings
        self.role = role
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        port = settings.port if self.role == "api" else settings.relay_port
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "workers": 1,
            "graceful_timeout": GRACE_SECONDS,
            "timeout": SILENT_SECONDS,
            "control_socket_disable": True,
            "logger_class": QuietLogger,
            "loglevel": settings.log_level.lower(),
            "post_fork": _after_fork,
            "worker_class": ApiWorker,
            "threads": settings.api_threads,
        }
        if self.role == "relay":
            options["worker_class"] = _relay_worker()
            options["threads"] = 1
            options["worker_connections"] = settings.relay_sockets + HTTP_CONNECTIONS
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application. Runs in the child: these modules must not be imported before gevent has patched."""
        from werkzeug.exceptions import BadRequest

        from app.leftovers import sweep_caches
        from app.web import problems
        from app.web.factory import create_app
        from app.wiring import build

        services = build(self._settings)
        if self.role == "api":
            services.catalog.preload()
            sweep_caches(self._settings)
            try:
                services.queue.warm()
            except QueueUnavailable as error:
                log.warning("the queue does not answer yet; jobs are taken and rung once it does: %s", error.__cause__)
        app = create_app(services, role=self.role)
        # Chunks are parsed while a view reads the body: that they are broken is found out as late as there.
        app.register_error_handler(ParseException, lambda _: problems.of_http(BadRequest()))
        return app


class Graceful:
    """What our workers share: they are seen as nodes, and any signal to stop says goodbye to the sockets first."""

    app: WebProcess
    wsgi: Any
    nr: int  # requests so far: gunicorn counts them

    def run(self) -> None:
        # Imported late because these import what gevent must patch first; by now the application has loaded them.
        from app.presence import new_node, presence
        from app.web.context import context_of

        store, role = context_of(self.wsgi).services.store, self.app.role
        with presence(store, new_node(role), lambda: self.nr, waits=role != "relay"):
            super().run()  # type: ignore[misc]

    def goodbye(self) -> None:
        # Imported late because it imports what gevent must patch first; by now the application has loaded it.
        from app.web.relay import EXTENSION

        app = getattr(self, "wsgi", None)
        if app is not None:
            app.extensions[EXTENSION].shut_down()


class ApiWorker(Graceful, ThreadWorker):  # type: ignore[misc]
    """The threaded worker, in which no client can keep the others waiting by being slow.

    gunicorn's threads wait without end for the rest of a request: here its head must be complete in time, which the
    main loop sees to, and its body, which only a caller with a key may send, must go on. And where gunicorn's main loop
    waits until a client has closed its side, here the thread does.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reading: dict[TConn, float] = {}  # whose head is read, and until when

    def handle(self, conn: TConn) -> Any:
        self._reading[conn] = time.monotonic() + HEAD_SECONDS
        try:
            kept = super().handle(conn)
        finally:
            self._reading.pop(conn, None)
        if not kept:
            with suppress(OSError):
                conn.sock.setblocking(True)
                util.close_graceful(conn.sock, timeout=LINGER_SECONDS)
        return kept

    def handle_request(self, req: Any, conn: TConn) -> Any:
        self._reading.pop(conn, None)
        if req.method != "GET":  # which has no body, and may become a socket that stays
            conn.sock.settimeout(BODY_SECONDS)
        return super().handle_request(req, conn)

    def finish_request(self, conn: TConn, future: Future[Any]) -> None:
        if future.cancelled() or future.exception() or future.result():
            super().finish_request(conn, future)
        else:
            self.nr_conns -= 1  # `handle` has closed it

    def murder_pending(self) -> None:
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._reading.items()):
            if until < now:
                with suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RD)  # to its thread, the client has ended

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        self.method_queue.defer(self.goodbye)  # the main loop runs it: a signal handler must not take locks

    handle_quit = handle_exit


def _relay_worker() -> type[Worker]:
    import gevent  # only the relay needs it
    from gunicorn.workers.ggevent import GeventWorker

    class RelayWorker(Graceful, GeventWorker):  # type: ignore[misc]
        """The worker of greenlets."""

        def handle_exit(self, sig: int, frame: Any) -> None:
            super().handle_exit(sig, frame)
            gevent.spawn(self.goodbye)  # a signal may arrive inside the event loop, which must not block

        handle_quit = handle_exit

    return RelayWorker


class QuietLogger(Logger):  # type: ignore[misc]
    """gunicorn's messages in our format, without query strings: a ticket may stand there."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True
        self.error_log.addFilter(_without_queries)


def _without_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            arg.partition("?")[0] if isinstance(arg, str) and arg.startswith("/") else arg for arg in record.args
        )
    return True


def _after_fork(_: Any, __: Worker) -> None:
    die_with_parent(signal.SIGTERM)
