# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL of the tests' own, with an owner's role and the application's."""

from __future__ import annotations

import hypothesis  # noqa: F401  its pytest plugin would import it last, too deep in the stack for the assertion rewriter
import pytest
from fastapi.testclient import TestClient

import samples
import servers
from email_engine.api.app import create_app
from email_engine.settings import Settings
from servers import ROLE


@pytest.fixture(scope="session")
def postgresql():
    """Socket directory of a running server."""
    server = servers.PostgreSQL()
    yield server.place
    server.close()


@pytest.fixture
def database(postgresql):
    """Owner's and application's URL of an empty, migrated database."""
    return servers.empty_database(postgresql)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """A Redis of the tests' own: (its URL, stop, start)."""
    server = servers.Redis(tmp_path_factory.mktemp("redis"))
    yield server.url, server.kill, server.start
    server.kill()


@pytest.fixture
def app(database, redis):
    secrets = {"key_pepper": "pepper", "session_secret": "session"}
    app = create_app(Settings(database=database[ROLE], redis=redis[0], database_connections=8, **secrets))
    app.state.redis.flushall()
    yield app
    app.state.sessions.kw["bind"].dispose()


@pytest.fixture
def client(app):
    return TestClient(app)


@pytest.fixture
def admin(app):
    return samples.make_key(app, "admin")
