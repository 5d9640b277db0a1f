# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What blocklists say of addresses and domains, decided from answers that somebody else fetched (RFC 5782).

A list is data (catalogue); what it answered is read once (verdict): listed with codes it documents, clean when a list that works
says that the name does not exist, unknown for everything else. A list or a resolver that cannot be trusted clears nobody and
lists nobody."""

from __future__ import annotations
