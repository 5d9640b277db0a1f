# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rates and which of two is stricter."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.caps import per_day, stricter
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


@pytest.mark.parametrize(
    ("rate", "messages"),
    [
        ("50/d", 50),
        ("100/h", 2400),
        ("83/10m", 11952),
        ("1/20m", 72),
        ("1/s", 86400),
        ("2/2day", 1),
        ("unlimited", None),
    ],
)
def test_messages_a_day(rate, messages):
    assert per_day(rate) == messages


@pytest.mark.parametrize("rate", ["", "50", "50/", "/d", "5/0h", "5/w", "5 / h", "-5/h"])
def test_what_is_no_rate(rate):
    with pytest.raises(FleetError):
        per_day(rate)


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("100/h", "50/d", "50/d"),
        ("10/h", "5000/d", "10/h"),
        (None, "50/d", "50/d"),
        ("unlimited", "50/d", "50/d"),
        ("unlimited", None, "unlimited"),
        (None, None, None),
    ],
)
def test_the_stricter(first, second, result):
    assert {stricter(*pair) for pair in ((first, second), (second, first))} == {result}
