# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strict stand-in of PowerMTA 5.0r8 for the lab: it makes wrong configurations fail and imitates what the reference documents."""

from __future__ import annotations

VERSION = "5.0r8"
VERSION_LINE = "PowerMTA v5.0r8 (2021-04-26 21:43:00, 64-bit; standin)."
