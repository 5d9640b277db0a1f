# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MailWizz has to be told of the fleet: which tenant lives where, which delivery servers it has, how it is set up."""

from __future__ import annotations
