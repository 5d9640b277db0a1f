# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person's wish comes to, by the status alone."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.wishes import judge

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "goes", "done", "target", "refused"),
    [
        # On its way out: it is called off, and the sender is what it is.
        ("active", True, False, "active", False),
        ("warming", True, False, "warming", False),
        # It stays already.
        ("warming", False, True, "warming", False),
        ("active", False, False, "active", True),
        ("retiring", False, False, "warming", False),
        ("retired", False, False, "retired", True),
    ],
)
def test_stay(status, goes, done, target, refused):
    wish = judge({"status": status, "phase": None}, "stay", NOW, goes)
    assert (wish.done, wish.target, bool(wish.reasons)) == (done, target, refused)
