# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers as processes of their own, that can be killed, frozen and started again: PostgreSQL, Redis, the API."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2 as httpx
from sqlalchemy import create_engine

from email_engine.store import migrations

ROLE = "email_engine"
HERE = Path(__file__).parent
SECRET = ("database", "redis", "key_pepper", "session_secret")


def children(process: int) -> list[int]:
    """Of *process*, with theirs."""
    try:
        found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [one for child in map(int, found) for one in (child, *children(child))]


def tell(process: int, what: signal.Signals) -> None:
    """The process and all its children. The parent first: it then makes no more of them."""
    try:
        if what == signal.SIGKILL:
            os.kill(process, signal.SIGSTOP)
        everybody = (process, *children(process))
    except ProcessLookupError:
        return
    for one in everybody:
        try:
            os.kill(one, what)
        except ProcessLookupError:
            continue
    while what == signal.SIGKILL and any(_lives(one) for one in everybody):
        time.sleep(0.01)


def _lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def answers(path: Path, seconds: float = 10) -> None:
    """Wait until somebody listens on the Unix socket."""
    end = time.monotonic() + seconds
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as one:
                one.connect(str(path))
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)


class PostgreSQL:
    """A server with a directory of its own, which listens on a Unix socket in it and nowhere else."""

    def __init__(self) -> None:
        found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        if not found:
            raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
        self._binaries = found[-1]
        self.place = Path(tempfile.mkdtemp(prefix="engine-pg-"))
        # It refuses to run as root.
        self._user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        if self._user:
            shutil.chown(self.place, "postgres", "postgres")
        more = ["-D", str(self.place / "data"), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run([*self._command("initdb"), *more], check=True, cwd=self.place, capture_output=True, timeout=60)
        self.start()

    def _command(self, name: str) -> list[str]:
        return [*self._user, str(self._binaries / name)]

    def start(self) -> None:
        settings = {"listen_addresses": "", "unix_socket_directories": self.place, "fsync": "off"}
        more = ["-D", str(self.place / "data"), *(f"--{name}={value}" for name, value in settings.items())]
        with (self.place / "log").open("a") as log:
            # Not by pg_ctl: a child of ours is gone once it is waited for, and only then another one may start.
            self._process = subprocess.Popen([*self._command("postgres"), *more], cwd=self.place, stderr=log)
        ready = [str(self._binaries / "pg_isready"), "-q", "-h", str(self.place)]
        end = time.monotonic() + 60
        while subprocess.run(ready).returncode:
            if time.monotonic() > end or self._process.poll() is not None:
                raise AssertionError((self.place / "log").read_text())
            time.sleep(0.02)

    @property
    def process(self) -> int:
        return self._process.pid

    def kill(self) -> None:
        """As a power cut would: all its processes at once."""
        tell(self.process, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once
        self._process.wait()
        shutil.rmtree(self.place)


def empty_database(place: Path) -> dict[str, str]:
    """Owner's and application's URL of an empty, migrated database at the server whose socket is in *place*."""

    def url(who: str, database: str) -> str:
        return f"postgresql+psycopg://{who}@/{database}?host={place}"

    owner = create_engine(url("owner", "postgres"), isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        # Migrated once, and copied from then on.
        if not connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = 'migrated'").first():
            connection.exec_driver_sql(f"CREATE ROLE {ROLE} LOGIN")
            connection.exec_driver_sql("CREATE DATABASE migrated")
            migrations.upgrade(url("owner", "migrated"), ROLE)
        connection.exec_driver_sql("DROP DATABASE IF EXISTS engine WITH (FORCE)")
        connection.exec_driver_sql("CREATE DATABASE engine TEMPLATE migrated")
    owner.dispose()
    return {who: url(who, "engine") for who in ("owner", ROLE)}


class Redis:
    """Keeps nothing: started again, it is empty."""

    def __init__(self, place: Path) -> None:
        if shutil.which("redis-server") is None:
            raise FileNotFoundError("Redis is not installed: apt-get install redis-server")
        self.socket = place / "redis"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self.socket.parent)
        answers(self.socket)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def tell(self, what: signal.Signals) -> None:
        self._process.send_signal(what)


def client(path: Path, **more: object) -> httpx.Client:
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://engine", **more)


class Api:
    """The application as it is served, with its worker processes. Settings are passed in the environment, secrets as systemd's
    credentials are; output: all it wrote."""

    def __init__(
        self,
        place: Path,
        workers: int = 1,
        program: Sequence[str] = ("-m", "email_engine.api.serve"),
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> None:
        self.socket = place / "api"
        self._output = place / "api.log"
        self._command = [sys.executable, *program, str(self.socket), str(workers)]
        credentials = place / "credentials"
        credentials.mkdir(exist_ok=True)
        more = {"CREDENTIALS_DIRECTORY": str(credentials), **(environment or {})}
        for name, value in settings.items():
            if name in SECRET:
                (credentials / f"email_engine_{name}").write_text(str(value))
            else:
                more[f"EMAIL_ENGINE_{name.upper()}"] = str(value)
        self._environment = {**os.environ, "PYTHONPATH": str(HERE.parent), **more}
        self.start()

    def start(self) -> None:
        with self._output.open("a") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=subprocess.STDOUT, cwd=HERE.parent
            )
        end = time.monotonic() + 120
        while True:
            try:
                with self.client() as client:
                    if client.get("/health").status_code == 200:
                        return
            except httpx.TransportError:
                if time.monotonic() > end or self._process.poll() is not None:
                    self.kill()
                    raise AssertionError(f"the API does not start: {self.output}") from None
                time.sleep(0.05)

    @property
    def process(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return self._output.read_text()

    def client(self, **more: object) -> httpx.Client:
        return client(self.socket, **more)

    def kill(self) -> None:
        tell(self.process, signal.SIGKILL)
        self._process.wait()

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(30)
