# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PowerMTA configuration that somebody tuned for years, turned into the policy of a fleet, with an account of every line."""

from __future__ import annotations

from .convert import Import, import_config  # noqa: F401
from .read import Unread  # noqa: F401
