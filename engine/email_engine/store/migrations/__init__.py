# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schema changes, by Alembic: `upgrade(url)` and `downgrade(url, to)`.

They run as the owner of the tables; the application's own role is granted what it needs and no more.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

HERE = Path(__file__).parent


def config(url: str, role: str) -> Config:
    """url: of the owner's connection, any SQLAlchemy URL. role: the application's database role, which must exist."""
    settings = Config()
    settings.set_main_option("script_location", str(HERE))
    settings.attributes["url"] = url
    settings.attributes["role"] = role
    return settings


def upgrade(url: str, role: str, to: str = "head") -> None:
    command.upgrade(config(url, role), to)


def downgrade(url: str, role: str, to: str = "base") -> None:
    command.downgrade(config(url, role), to)


def current(url: str) -> str | None:
    """Revision the schema is at; None for an empty database."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()
