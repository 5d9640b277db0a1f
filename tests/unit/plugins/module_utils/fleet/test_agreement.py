# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory and engine: who owns what, and which declarations are refused."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import (
    API,
    INVENTORY,
    LIFECYCLE,
    Declared,
    Known,
    adoption_lines,
    agree,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)


def sender(n, **changes):
    return {
        "name": f"m{n}.sos.test",
        "hostname": f"m{n}.sos.test",
        "domain": f"m{n}.sos.test",
        "from_email": f"a@m{n}.sos.test",
        "from_name": None,
        "tenant": "sos",
        "ip": f"198.19.0.{n}",
        "vmta": f"vmta-m{n}.sos.test",
        "mta": "vps2",
        "purposes": [],
        "status": "warming",
        "weight": 100,
        "phase": "week_1",
        "daily_quota": 50,
        "paused": False,
        "reasons": [],
        "selector": None,
        "key": None,
        "public": None,
        "declared": True,
        **changes,
    }


def declared(senders, **age):
    return Declared(NOW - timedelta(**age), "control", senders)


def known(senders, owner=INVENTORY):
    return [Known(one, owner) for one in senders]


def test_the_first_declaration_brings_its_senders():
    found = agree([], declared([sender(1), sender(2)]), None)
    assert [one["name"] for one in found.new] == ["m1.sos.test", "m2.sos.test"]
    assert not (found.changed or found.adopted or found.leaving or found.strangers)


def test_the_same_again_changes_nothing():
    both = [sender(1), sender(2)]
    assert agree(known(both), declared(both), (NOW, "control")) == ((), (), (), (), ())


def test_the_inventory_says_what_the_engine_how():
    before = sender(
        1, status="quarantine", phase="week_4", daily_quota=500, paused=True, reasons=["listed"], selector="s1"
    )
    found = agree(known([before]), declared([sender(1, from_name="SOS", status="active", weight=3)]), None)
    ((was, after),) = found.changed
    assert was is before and after["from_name"] == "SOS"
    assert {key: after[key] for key in LIFECYCLE} == {key: before[key] for key in LIFECYCLE}


def test_what_the_api_added_stays_and_can_be_adopted():
    added = sender(9, purposes=["newsletter"])
    found = agree([*known([sender(1)]), *known([added], API)], declared([sender(1)]), None)
    assert found.strangers == (added,) and not found.leaving
    assert adoption_lines(added) == {
        "ip": "198.19.0.9",
        "domain": "m9.sos.test",
        "from_email": "a@m9.sos.test",
        "mta": "vps2",
        "purposes": ["newsletter"],
    }
    found = agree([*known([sender(1)]), *known([added], API)], declared([sender(1), sender(9)]), None)
    assert [one["name"] for one in found.adopted] == ["m9.sos.test"] and not found.strangers


def test_who_left_out_leaves_once():
    five = [sender(n) for n in range(1, 6)]
    found = agree(known(five), declared(five[:4]), None)
    assert found.leaving == ({**five[4], "declared": False},)
    left = [*five[:4], found.leaving[0]]
    assert agree(known(left), declared(five[:4]), None) == ((), (), (), (), ())


@pytest.mark.parametrize(
    ("have", "want", "age", "word"),
    [
        (5, 0, 0, "is empty"),
        (5, 3, 0, "leaves out 2"),
        (5, 5, 60, "is older"),
        (100, 69, 0, "leaves out 31"),
    ],
)
def test_refused(have, want, age, word):
    all_of_them = [sender(n) for n in range(have)]
    with pytest.raises(FleetError, match=word):
        agree(known(all_of_them), declared(all_of_them[:want], seconds=age), (NOW, "control"))


@pytest.mark.parametrize(("have", "want"), [(5, 4), (100, 70), (1, 1), (0, 0)])
def test_not_refused(have, want):
    all_of_them = [sender(n) for n in range(have)]
    assert len(agree(known(all_of_them), declared(all_of_them[:want]), None).leaving) == have - want


def test_confirmed_removal_is_not_refused_but_age_still_is():
    five = [sender(n) for n in range(5)]
    assert len(agree(known(five), declared([]), None, confirmed=True).leaving) == 5
    with pytest.raises(FleetError, match="is older"):
        agree(known(five), declared([], seconds=1), (NOW, "control"), confirmed=True)


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"ip": "198.19.0.1"}, "its ip 198.19.0.1 is still held by m1.sos.test"),
        ({"vmta": "vmta-m1.sos.test"}, "its vmta"),
        ({"hostname": "m1.sos.test"}, "its hostname"),
    ],
)
def test_what_a_leaving_sender_holds_is_not_given_away(other, word):
    with pytest.raises(FleetError, match=word):
        agree(known([sender(1), sender(3)]), declared([sender(2, **other), sender(3)]), None)


def test_the_same_virtual_mta_on_another_host_is_another():
    found = agree(known([sender(1)]), declared([sender(2, vmta="vmta-m1.sos.test", mta="vps9"), sender(1)]), None)
    assert len(found.new) == 1


def test_a_sender_keeps_its_tenant():
    with pytest.raises(FleetError, match="belongs to tenant sos"):
        agree(known([sender(1)]), declared([sender(1, tenant="other")]), None)


@given(
    st.sets(st.integers(1, 12)),
    st.sets(st.integers(1, 12)),
    st.sets(st.integers(1, 12)),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_every_sender_is_accounted_for(ours, theirs, wanted, share):
    """Whatever is known and declared: nobody is lost, and the API's senders never leave by a declaration."""
    theirs -= ours
    memory = [*known([sender(n) for n in ours]), *known([sender(n) for n in theirs], API)]
    try:
        found = agree(memory, declared([sender(n) for n in wanted]), None, share)
    except FleetError:
        assert ours - wanted
        return
    names = {
        "new": wanted - ours - theirs,
        "adopted": wanted & theirs,
        "leaving": ours - wanted,
        "strangers": theirs - wanted,
    }
    for field, numbers in names.items():
        assert {one["name"] for one in getattr(found, field)} == {f"m{n}.sos.test" for n in numbers}
    assert len(found.leaving) <= max(1, share * len(ours))
