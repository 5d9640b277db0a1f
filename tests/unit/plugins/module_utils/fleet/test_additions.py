# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One more sender for the inventory's explicit list."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.additions import add_sender
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

DOCUMENT = {
    "senders": [
        {"name": f"m{n}.a.test", "ip": f"198.19.0.{n}", "domain": f"m{n}.a.test", "tenant": "a"} for n in range(1, 4)
    ]
}
ONE = [{"name": "a"}]
TWO = [{"name": "a"}, {"name": "b", "senders": [{"ip": "x"}]}]
NEW = {"ip": "198.19.0.9", "domain": "m9.a.test"}


def test_prefixes_take_turns():
    added = add_sender(ONE, DOCUMENT, NEW, ["p0", "p1", "p2"])
    assert added["entry"] == {**NEW, "prefix": "p0"}
    assert added["tenants"] == [{"name": "a", "senders": [added["entry"]]}]


def test_a_given_address_is_kept():
    assert (
        add_sender(ONE, DOCUMENT, {**NEW, "from_email": "x@m9.a.test"}, ["p"])["entry"]["from_email"] == "x@m9.a.test"
    )


def test_the_tenant_is_needed_when_there_are_several():
    with pytest.raises(FleetError, match="add_ip_tenant: is missing"):
        add_sender(TWO, DOCUMENT, NEW, ["p"])
    added = add_sender(TWO, DOCUMENT, {**NEW, "tenant": "b"}, ["p"])
    assert added["tenants"][1]["senders"] == [{"ip": "x"}, added["entry"]]
    assert TWO[1]["senders"] == [{"ip": "x"}]


def test_a_second_run_adds_nothing():
    assert add_sender(ONE, DOCUMENT, {"ip": "198.19.0.1", "domain": "m1.a.test"}, ["p"])["added"] is False


@pytest.mark.parametrize("clash", [{"ip": "198.19.0.1"}, {"domain": "m1.a.test"}])
def test_an_owned_address_or_domain_is_refused(clash):
    with pytest.raises(FleetError, match=f"add_ip_{next(iter(clash))}: .* belongs to m1.a.test"):
        add_sender(ONE, DOCUMENT, {**NEW, **clash}, ["p"])
