"""A server of objects that speaks S3, on this machine and for one test process."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow.fs

from app.embedded.ports import any_free

# The server takes any key; a client must have one.
KEYS = {"AWS_ACCESS_KEY_ID": "a-key-of-tests", "AWS_SECRET_ACCESS_KEY": "a-secret-of-tests"}


class ObjectServer:
    """A process of moto's server with one bucket, and how to reach it."""

    def __init__(self, folder: Path) -> None:
        self.port = any_free()
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with open(folder / "moto.log", "wb") as output:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        self._log = folder / "moto.log"

    def url(self, prefix: str, bucket: str = "bucket") -> str:
        return f"s3://{bucket}/{prefix}?endpoint_override=127.0.0.1:{self.port}&scheme=http&region=us-east-1"

    @property
    def files(self) -> Any:
        """Another client than ours: to see and to spoil."""
        access_key, secret_key = KEYS.values()
        return pyarrow.fs.S3FileSystem(
            access_key=access_key,
            secret_key=secret_key,
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        )

    def names(self, prefix: str) -> list[str]:
        """The objects below a prefix."""
        selector = pyarrow.fs.FileSelector(f"bucket/{prefix}", recursive=True, allow_not_found=True)
        found = [info.path for info in self.files.get_file_info(selector) if info.is_file]
        return sorted(path.removeprefix(f"bucket/{prefix}/") for path in found)

    def write(self, path: str, data: bytes) -> None:
        with self.files.open_output_stream(f"bucket/{path}") as sink:
            sink.write(data)

    def remove(self, path: str) -> None:
        self.files.delete_file(f"bucket/{path}")

    def asked(self) -> list[str]:
        """The requests that it has answered."""
        lines = self._log.read_text().splitlines()
        return [line.split('"')[1].split(" HTTP/")[0] for line in lines if " HTTP/1.1" in line]

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def wait(self) -> None:
        """Until it answers, with its bucket."""
        deadline = time.monotonic() + 30
        while True:
            with contextlib.suppress(httpx.TransportError):
                httpx.get(f"http://127.0.0.1:{self.port}/moto-api/", timeout=5, trust_env=False)
                self.files.create_dir("bucket")
                return
            assert self.process.poll() is None, self._log.read_text()
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextlib.contextmanager
def object_server(folder: Path) -> Iterator[ObjectServer]:
    server = ObjectServer(folder)
    try:
        server.wait()
        yield server
    finally:
        server.kill()
