# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One MariaDB for all tests; instances of the application over it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from instance import Database, Instance


@pytest.fixture(scope="session")
def database():
    with Database() as running:
        yield running


@pytest.fixture(scope="session")
def mailwizz(database):
    """Installed; shared by tests that do not mind each other's rows."""
    with Instance(database) as running:
        running.install()
        yield running


@pytest.fixture
def bare(database):
    """Unpacked and served, not installed."""
    with Instance(database) as running:
        yield running
