# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stop made at run time reaches whoever feeds PowerMTA."""

from __future__ import annotations

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.held import hold

SENDERS = [
    {"name": "one", "vmta": "v", "mta": "a", "paused": False},
    {"name": "two", "vmta": "v", "mta": "b", "paused": False},
    {"name": "three", "vmta": "w", "mta": "b", "paused": True},
]


def paused(stops):
    return [
        sender["name"] for sender in hold({"tenants": [], "senders": SENDERS}, stops)["senders"] if sender["paused"]
    ]


def test_who_is_stopped_on_its_own_host_is_paused():
    assert paused({"b": ["v"]}) == ["two", "three"]
    assert paused({"c": ["v", "w"]}) == ["three"], "another host's virtual MTA of that name is somebody else's"


def test_the_document_itself_stays_as_it_was():
    assert hold({"senders": SENDERS, "tenants": [1]}, {"a": ["v"]})["tenants"] == [1]
    assert not SENDERS[0]["paused"]
