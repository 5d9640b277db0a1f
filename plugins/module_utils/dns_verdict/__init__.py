# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DNS says about each sender, edge by edge; decided from answers that somebody else fetched.

A judge asks through ``look(name, rtype)``, which returns an Answer, or raises Wanted for one that is not there yet: whoever
calls fetches it and calls again. So every rule is a plain function of answers, and no judge waits for another."""

from __future__ import annotations
