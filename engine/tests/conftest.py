# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL of the tests' own, with an owner's role and the application's."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import hypothesis  # noqa: F401  its pytest plugin would import it last, too deep in the stack for the assertion rewriter
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

import samples
from email_engine.api.app import create_app
from email_engine.settings import Settings
from email_engine.store import migrations

ROLE = "email_engine"


def _binaries() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if not found:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
    return found[-1]


@pytest.fixture(scope="session")
def postgresql():
    """Socket directory of a running server; it listens nowhere else. PostgreSQL refuses to run as root."""
    binaries = _binaries()
    place = Path(tempfile.mkdtemp(prefix="engine-pg-"))
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(place, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run([*user, *command], check=True, cwd=place, capture_output=True, timeout=60)

    data = place / "data"
    run(str(binaries / "initdb"), "-D", str(data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses= -c unix_socket_directories={place} -c fsync=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(place / "log"), "start")
    yield place
    run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    shutil.rmtree(place)


@pytest.fixture
def database(postgresql):
    """Owner's and application's URL of an empty, migrated database."""
    owner = f"postgresql+psycopg://owner@/postgres?host={postgresql}"
    with create_engine(owner, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS engine WITH (FORCE)")
        connection.exec_driver_sql(f"DROP ROLE IF EXISTS {ROLE}")
        connection.exec_driver_sql(f"CREATE ROLE {ROLE} LOGIN")
        connection.exec_driver_sql("CREATE DATABASE engine")
    urls = {who: f"postgresql+psycopg://{who}@/engine?host={postgresql}" for who in ("owner", ROLE)}
    migrations.upgrade(urls["owner"], ROLE)
    return urls


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """A Redis of the tests' own: (its URL, stop, start)."""
    if shutil.which("redis-server") is None:
        pytest.fail("Redis is not installed: apt-get install redis-server")
    place = tmp_path_factory.mktemp("redis") / "socket"
    running = []

    def start():
        command = ["redis-server", "--port", "0", "--unixsocket", str(place), "--save", "", "--appendonly", "no"]
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=place.parent))
        for _ in range(100):
            try:
                with socket.socket(socket.AF_UNIX) as one:
                    one.connect(str(place))
                return
            except OSError:
                time.sleep(0.05)

    def stop():
        running[-1].kill()
        running[-1].wait()

    start()
    yield f"unix://{place}", stop, start
    stop()


@pytest.fixture
def app(database, redis):
    app = create_app(Settings(database=database[ROLE], redis=redis[0], key_pepper="pepper", database_connections=8))
    app.state.redis.flushall()
    yield app
    app.state.sessions.kw["bind"].dispose()


@pytest.fixture
def client(app):
    return TestClient(app)


@pytest.fixture
def admin(app):
    return samples.make_key(app, "admin")
