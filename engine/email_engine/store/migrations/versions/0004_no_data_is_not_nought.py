# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days of the warm-up: signals that nobody feeds are null."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
_SIGNALS = ("complaints", "opens", "clicks")


def upgrade() -> None:
    for name in _SIGNALS:
        op.alter_column("warmup_daily_stats", name, existing_type=sa.BigInteger(), nullable=True, server_default=None)


def downgrade() -> None:
    for name in _SIGNALS:
        op.execute(f"UPDATE warmup_daily_stats SET {name} = 0 WHERE {name} IS NULL")
        op.alter_column(
            "warmup_daily_stats", name, existing_type=sa.BigInteger(), nullable=False, server_default=sa.text("0")
        )
