# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sender did on one day, UTC, as the accounting tells it. None is "no data", and never the same as 0."""

from __future__ import annotations

import typing as t
from datetime import date


class Provider(t.NamedTuple):
    """One mailbox provider's part of a day.

    bounced: permanent, remote, the recipient's fault. complaints, opens: None where nobody feeds that signal.
    """

    attempts: int = 0
    delivered: int = 0
    deferred: int = 0
    bounced: int = 0
    complaints: int | None = None
    opens: int | None = None


class Day(t.NamedTuple):
    """first: recipients attempted for the first time on that day. delivered: of those, within 24 hours. attempts: all attempts of the
    day, again and again ones too. cap: the quota of the day, None where it was not recorded."""

    day: date
    first: int = 0
    delivered: int = 0
    attempts: int = 0
    providers: t.Mapping[str, Provider] = {}
    cap: int | None = None
