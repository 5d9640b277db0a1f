# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alembic's entry point: one transaction for all steps, so that a failing step leaves the schema as it was."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine

from email_engine.store import mail_models  # noqa: F401  its tables
from email_engine.store.models import Base

settings = context.config.attributes

engine = create_engine(settings["url"])
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata, compare_server_default=True)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
