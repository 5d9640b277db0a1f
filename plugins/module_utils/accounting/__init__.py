# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerMTA's accounting files say: which rows count as what, and for whom. PowerMTA 5.0 User's Guide, accounting."""
