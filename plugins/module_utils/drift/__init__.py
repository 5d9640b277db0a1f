# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs, what is on disk and what is recorded, against what the fleet document wants. Finds and names; changes nothing."""

from __future__ import annotations

from .difference import Difference, Unknown, verdict  # noqa: F401
