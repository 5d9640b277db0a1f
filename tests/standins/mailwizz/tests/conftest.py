# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One MariaDB for all tests; instances of the application over it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from instance import STEPS, Browser, Database, Instance


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


@pytest.fixture(scope="module")
def bare_shared(database):
    """Not installed either, for tests that leave it so."""
    with Instance(database) as running:
        yield running


@pytest.fixture(scope="module")
def at_admin(database):
    """(browser, fields) of an installer whose next step is the first user."""
    with Instance(database) as running:
        browser = Browser(running.url)
        fields = running.wizard()
        for step in STEPS[: STEPS.index("admin")]:
            assert browser.post(f"/install/index.php?route={step}", {**fields[step], "next": "1"}).status == 302
        yield browser, fields


@pytest.fixture
def mailwizz_with_installer(database):
    """Installed, and nobody removed install/."""
    with Instance(database) as running:
        browser = Browser(running.url)
        for step, fields in running.wizard().items():
            assert browser.post(f"/install/index.php?route={step}", {**fields, "next": "1"}).status == 302
        yield running
