"""All settings, in one frozen object, read from the environment in one place."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.errors import StartRefused

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")


def _setting(
    default: Any, env: str, doc: str, *, least: float = 1, most: float = math.inf, secret: bool = False
) -> Any:
    return field(default=default, repr=not secret, metadata={"env": env, "doc": doc, "least": least, "most": most})


_HOME = Path("~/.queuant")


@dataclass(frozen=True)
class Settings:
    """One field per setting; its metadata carry the variable's name and meaning (see `.env.example`)."""

    home: Path = _setting(_HOME, "QUEUANT_HOME", "Folder of the embedded database, queue server, key and caches")
    strategy_dirs: tuple[str, ...] = _setting(
        (),
        "QUEUANT_STRATEGY_DIRS",
        "Comma-separated folders with strategies of your own; empty: strategies in the home folder",
    )
    database_url: str = _setting(
        "", "DATABASE_URL", "postgresql://… or sqlite:///…; empty: SQLite inside the home folder"
    )
    redis_url: str = _setting(
        "", "REDIS_URL", "redis:// or rediss:// of the queue; empty: `serve` starts a private server"
    )
    host: str = _setting("127.0.0.1", "QUEUANT_HOST", "Address that the API and the relay listen on")
    port: int = _setting(8000, "QUEUANT_PORT", "Port of the API", most=65535)
    relay_port: int = _setting(8001, "QUEUANT_RELAY_PORT", "Port of the relay", most=65535)
    public_url: str = _setting("", "QUEUANT_PUBLIC_URL", "How clients reach the API, when not by host and port")
    relay_url: str = _setting(
        "",
        "QUEUANT_RELAY_URL",
        "How clients reach the relay (ws:// or wss://); empty: the API serves /ws itself",
    )
    plain_http: int = _setting(
        0, "QUEUANT_PLAIN_HTTP", "1: clients may come from other machines without TLS, over a trusted network", least=0
    )
    allowed_origins: tuple[str, ...] = _setting(
        (), "QUEUANT_ALLOWED_ORIGINS", "Comma-separated browser origins that may use the API and the sockets"
    )
    dataset_roots: tuple[str, ...] = _setting(
        (), "QUEUANT_DATASET_ROOTS", "Comma-separated further folders with datasets"
    )
    dataset_dir: str = _setting(
        "",
        "QUEUANT_DATASET_DIR",
        "Folder of the datasets that are uploaded or fetched, or s3://bucket/prefix; empty: in the home folder",
    )
    max_upload_mib: int = _setting(512, "QUEUANT_MAX_UPLOAD_MIB", "Largest file that is taken as a dataset, in MiB")
    upload_memory_mib: int = _setting(
        3072, "QUEUANT_UPLOAD_MEMORY_MIB", "Memory of the process that reads an upload, in MiB"
    )
    upload_seconds: int = _setting(120, "QUEUANT_UPLOAD_SECONDS", "Longest time that reading an upload may take")
    api_threads: int = _setting(48, "QUEUANT_API_THREADS", "Threads of the API process")
    api_sockets: int = _setting(24, "QUEUANT_API_SOCKETS", "Live clients that the API process takes at most")
    relay_sockets: int = _setting(5000, "QUEUANT_RELAY_SOCKETS", "Live clients that one relay takes at most")
    owner_sockets: int = _setting(
        1000, "QUEUANT_OWNER_SOCKETS", "Live clients of one owner that a process takes at most"
    )
    max_body_bytes: int = _setting(1_048_576, "QUEUANT_MAX_BODY_BYTES", "Largest request body that is read")
    rate_reads: int = _setting(
        12_000, "QUEUANT_RATE_READS", "Reading requests a minute that a key may make; 0: any number", least=0
    )
    rate_writes: int = _setting(
        6000, "QUEUANT_RATE_WRITES", "Other requests a minute that a key may make; 0: any number", least=0
    )
    rate_uploads: int = _setting(
        120, "QUEUANT_RATE_UPLOADS", "Uploads a minute that a key may make; 0: any number", least=0
    )
    rate_failures: int = _setting(
        600,
        "QUEUANT_RATE_FAILURES",
        "Requests a minute without a good key that an address may make before it is answered 429; 0: any number",
        least=0,
    )
    max_queued: int = _setting(100_000, "QUEUANT_MAX_QUEUED", "Queued jobs per owner before the API answers 429")
    max_daily: int = _setting(
        0, "QUEUANT_MAX_DAILY", "Jobs a day (UTC) per owner before the API answers 429; 0: any number", least=0
    )
    max_attempts: int = _setting(3, "QUEUANT_MAX_ATTEMPTS", "How often a job may lose its worker before it fails")
    lease_seconds: float = _setting(
        15.0, "QUEUANT_LEASE_SECONDS", "A worker that is silent for so long loses its job", least=0.5
    )
    job_seconds: int = _setting(3600, "QUEUANT_JOB_SECONDS", "Longest run of one job; killed 30 s later")
    grace_seconds: int = _setting(20, "QUEUANT_GRACE_SECONDS", "How long a stopping worker lets its running job go on")
    child_memory_mib: int = _setting(
        4096, "QUEUANT_CHILD_MEMORY_MIB", "A worker process larger than this is replaced after its job"
    )
    signals_seconds: float = _setting(
        30.0, "QUEUANT_SIGNALS_SECONDS", "How often a supervisor looks for signals that are due; 0: never", least=0
    )
    alerts_seconds: float = _setting(
        5.0, "QUEUANT_ALERTS_SECONDS", "How often a supervisor looks for what should raise an alert; 0: never", least=0
    )
    alerts_days: float = _setting(
        90.0, "QUEUANT_ALERTS_DAYS", "How long resolved alerts are kept, with their deliveries; 0: for ever", least=0
    )
    jobs_days: float = _setting(
        0.0, "QUEUANT_JOBS_DAYS", "How long ended jobs are kept, with their results; 0: for ever", least=0
    )
    events_days: float = _setting(
        30.0, "QUEUANT_EVENTS_DAYS", "How far back live channels can be read again; 0: for ever", least=0
    )
    reports_days: float = _setting(
        0.0, "QUEUANT_REPORTS_DAYS", "How long reports of days are kept; 0: for ever", least=0
    )
    report_at: str = _setting(
        "22:00", "QUEUANT_REPORT_AT", "When the report of a day is made, HH:MM in UTC; never: none is made"
    )
    webhook_loopback: int = _setting(
        0, "QUEUANT_WEBHOOK_LOOPBACK", "1: webhooks may go to this machine itself, by http, for tests", least=0
    )
    apprise_schemes: tuple[str, ...] = _setting(
        (),
        "QUEUANT_APPRISE_SCHEMES",
        "Comma-separated services of the extra `alerts` that webhooks may name, such as tgram; whoever has a key may "
        "then reach what these reach",
    )
    cache_dir: str = _setting(
        "",
        "QUEUANT_CACHE_DIR",
        "Folder for compiled kernels, bars that processes map and what comes from a bucket of datasets; empty: kernels "
        "beside the engine's source, so that homes share them, and the rest in the home folder",
    )
    source_urls: tuple[str, ...] = _setting(
        (), "QUEUANT_SOURCE_URLS", "Comma-separated NAME=URL: other addresses of data sources, such as a mirror's"
    )
    source_cache_seconds: int = _setting(
        3600, "QUEUANT_SOURCE_CACHE_SECONDS", "How long the answer of a data source is used again"
    )
    fred_api_key: str = _setting(
        "", "FRED_API_KEY", "Key of the FRED API; with one, revised series come in all vintages", secret=True
    )
    log_level: str = _setting("INFO", "QUEUANT_LOG_LEVEL", "DEBUG, INFO, WARNING or ERROR")
    log_format: str = _setting("text", "QUEUANT_LOG_FORMAT", "text, or json: one object a line")
    client_url: str = _setting(
        "", "QUEUANT_URL", "Server that the Python client and the CLI talk to; empty: the one in the home folder"
    )
    client_key: str = _setting(
        "", "QUEUANT_API_KEY", "API key of the Python client and the CLI; empty: the one in the home folder"
    )

    def __post_init__(self) -> None:
        for item in fields(self):
            value, least, most = getattr(self, item.name), item.metadata["least"], item.metadata["most"]
            if isinstance(value, int | float) and not (math.isfinite(value) and least <= value <= most):
                bounds = f"at least {least:g}" if most == math.inf else f"between {least:g} and {most:g}"
                raise _refused(f"{item.metadata['env']}={value} must be {bounds}.")
        if not re.fullmatch(r"never|([01][0-9]|2[0-3]):[0-5][0-9]", self.report_at):
            raise _refused(f"QUEUANT_REPORT_AT={self.report_at!r} is neither HH:MM nor 'never'.")
        if self.log_level not in LOG_LEVELS:
            raise _refused(f"QUEUANT_LOG_LEVEL={self.log_level!r} is none of {', '.join(LOG_LEVELS)}.")
        if self.log_format not in LOG_FORMATS:
            raise _refused(f"QUEUANT_LOG_FORMAT={self.log_format!r} is none of {', '.join(LOG_FORMATS)}.")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
        """Read every field from its variable; `overrides` win. Raises StartRefused naming a bad variable."""
        source = os.environ if environ is None else environ
        values = {
            item.name: _read(source, item.metadata["env"], item.default)
            for item in fields(cls)
            if source.get(item.metadata["env"], "") != ""
        }
        given = {name: value for name, value in overrides.items() if value is not None}
        return cls(**(values | given)).resolved()

    def resolved(self) -> Settings:
        """The same with an absolute home and a database URL that names its driver."""
        try:
            home = Path(self.home).expanduser().absolute()
        except RuntimeError as error:
            raise _refused(f"QUEUANT_HOME={self.home} begins with a home folder that nobody has.") from error
        url = self.database_url or f"sqlite:///{home / 'queuant.db'}"
        url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg://", url)
        return self.replace(home=home, database_url=url)

    def replace(self, **changes: Any) -> Settings:
        return type(self)(**({item.name: getattr(self, item.name) for item in fields(self)} | changes))

    def environment(self) -> dict[str, str]:
        """The environment of a child process that is to have these settings."""
        own = {item.metadata["env"]: _written(getattr(self, item.name)) for item in fields(self)}
        return {**os.environ, **own}

    @property
    def report_seconds(self) -> int | None:
        """How long after midnight, UTC, the day of a report ends; None where no reports are made."""
        if self.report_at == "never":
            return None
        hours, _, minutes = self.report_at.partition(":")
        return 3600 * int(hours) + 60 * int(minutes)

    @property
    def _cache(self) -> Path:
        return Path(self.cache_dir).expanduser() if self.cache_dir else self.home / "cache"

    @property
    def bars_dir(self) -> Path:
        """Where datasets lie as files that processes map."""
        return self._cache / "bars"

    @property
    def mirror_dir(self) -> Path:
        """Where files are put that come from a bucket of datasets."""
        return self._cache / "datasets"

    @property
    def sources_dir(self) -> Path:
        """Where answers of data sources are kept for a while."""
        return self._cache / "sources"

    @property
    def source_addresses(self) -> dict[str, str]:
        """The overridden addresses of data sources by name. Raises StartRefused."""
        pairs = [entry.partition("=") for entry in self.source_urls]
        for name, equals, url in pairs:
            if not (name and equals and re.match(r"https?://[^/?#@]+", url)):
                raise _refused(f"QUEUANT_SOURCE_URLS has {name + equals + url!r}, which is not NAME=URL.")
        return {name: url for name, _, url in pairs}

    @property
    def api_url(self) -> str:
        return self.public_url.rstrip("/") or self.loopback_url

    @property
    def loopback_url(self) -> str:
        """The API as this machine reaches it, whatever name it has for clients."""
        return f"http://{_dialable(self.host)}:{self.port}"

    @property
    def relay_address(self) -> str:
        """The relay as this machine reaches it."""
        return f"ws://{_dialable(self.host)}:{self.relay_port}"

    @property
    def live_url(self) -> str:
        """Where a client opens its WebSocket: the relay if one is named, else the API's own port."""
        return (self.relay_url or re.sub(r"^http", "ws", self.api_url)).rstrip("/")

    @property
    def strategy_folders(self) -> tuple[Path, ...]:
        """Where strategies of the user's own lie."""
        named = tuple(Path(name).expanduser() for name in self.strategy_dirs)
        return named or (self.home / "strategies",)

    @property
    def origins(self) -> frozenset[str]:
        return frozenset({self.api_url, *self.allowed_origins})


def _refused(message: str) -> StartRefused:
    from app.errors import StartRefused  # it brings the engine, which a client need not load to ask a server

    return StartRefused(message)


def _dialable(host: str) -> str:
    if ":" in host:
        return "[::1]" if host == "::" else f"[{host}]"
    return "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104


def _read(source: Mapping[str, str], name: str, default: Any) -> Any:
    text = source[name]
    if isinstance(default, tuple):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        return type(default)(text)
    except ValueError as error:
        raise _refused(f"{name}={text!r} is not a {type(default).__name__}") from error


def _written(value: Any) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)


def is_asked_for(variable: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment sets this variable: a default may be adapted, what somebody asked for may not."""
    return (os.environ if environ is None else environ).get(variable, "") != ""


def env_example() -> str:
    """The text of `.env.example`: every variable with its meaning and default."""
    return "\n".join(
        f"# {item.metadata['doc']}\n# {item.metadata['env']}={_written(item.default)}\n" for item in fields(Settings)
    )
