# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A product root in a temporary directory, a daemon on loopback, and a remote server that says what a test wants."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import world  # noqa: E402


@pytest.fixture(scope="session")
def rsa_key(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return world.new_key()


@pytest.fixture
def root(tmp_path: Path, rsa_key: bytes) -> world.Root:
    return world.Root(tmp_path, rsa_key)


@pytest.fixture
def sink() -> world.Sink:
    server = world.Sink()
    yield server
    server.stop()


@pytest.fixture
def daemon(root: world.Root) -> world.Daemon:
    """Not started: a test writes its configuration first."""
    one = world.Daemon(root)
    yield one
    one.kill()
