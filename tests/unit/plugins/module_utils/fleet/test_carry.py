# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders that left the inventory: unrouted first, gone when their queue is empty, never in somebody's way."""

from __future__ import annotations

import itertools

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.carry import applied, carry_over
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

TENANT = {"name": "sos", "routing": "by_sender"}


def sender(n, **changes):
    return {
        "name": f"mail{n}.sos.test",
        "hostname": f"mail{n}.sos.test",
        "domain": f"mail{n}.sos.test",
        "from_email": f"a@mail{n}.sos.test",
        "ip": f"198.19.0.{n}",
        "vmta": f"vmta-mail{n}",
        "tenant": "sos",
        "mta": "vps2",
        "status": "active",
        "declared": True,
        **changes,
    }


def fleet(*senders):
    return {"version": 1, "tenants": [TENANT], "senders": list(senders), "gone": []}


def settle(document, held, queued):
    return carry_over(document, {"vps2": {"senders": held, "queued": queued}})


def test_nothing_held_nothing_changes():
    assert settle(fleet(sender(1)), [sender(1)], {"vmta-mail1": 7}) == fleet(sender(1))


@pytest.mark.parametrize("queue", [0, 3])
def test_a_removed_sender_first_loses_its_routing(queue):
    result = settle(fleet(sender(1)), [sender(1), sender(2)], {"vmta-mail2": queue})
    kept = result["senders"][1]
    assert (kept["name"], kept["declared"], kept["status"]) == ("mail2.sos.test", False, "retiring")
    assert result["gone"] == []


def test_it_stays_while_mail_is_queued_and_goes_when_none_is():
    left = sender(2, declared=False, status="retiring")
    waiting = settle(fleet(sender(1)), [sender(1), left], {"vmta-mail2": 1})
    assert [s["name"] for s in waiting["senders"]] == ["mail1.sos.test", "mail2.sos.test"]
    empty = settle(fleet(sender(1)), [sender(1), left], {})
    assert [s["name"] for s in empty["senders"]] == ["mail1.sos.test"]
    assert [(s["name"], s["status"]) for s in empty["gone"]] == [("mail2.sos.test", "retired")]


@pytest.mark.parametrize("status", ["quarantine", "resting", "standby"])
def test_a_stopped_sender_stays_stopped(status):
    result = settle(fleet(sender(1)), [sender(2, status=status)], {"vmta-mail2": 5})
    assert result["senders"][1]["status"] == status


@pytest.mark.parametrize("key", ["ip", "hostname", "domain"])
def test_an_identity_does_not_change_under_queued_mail(key):
    new = sender(2, **{key: {"ip": "198.19.0.9", "hostname": "x.sos.test", "domain": "x.sos.test"}[key]})
    with pytest.raises(FleetError, match=f"its {key} would change"):
        settle(fleet(new), [sender(2)], {"vmta-mail2": 1})
    with pytest.raises(FleetError, match="unknown number"):
        settle(fleet(new), [sender(2)], {"vmta-mail2": -1})
    result = settle(fleet(new), [sender(2)], {})
    assert result["senders"] == [new] and [s[key] for s in result["gone"]] == [sender(2)[key]]


@pytest.mark.parametrize("queue", [0, 3, -1])
def test_a_sender_declared_retired_first_loses_its_routing(queue):
    retired = sender(2, status="retired", ip="198.19.0.9")
    result = settle(fleet(sender(1), retired, sender(3)), [sender(2)], {"vmta-mail2": queue})
    assert result["senders"] == [sender(1), sender(2, declared=False, status="retiring"), sender(3)]
    assert result["gone"] == []


def test_it_stays_while_mail_is_queued_and_its_declaration_remains_when_it_is_gone():
    retired, left = sender(2, status="retired"), sender(2, declared=False, status="retiring")
    for queue in (1, -1):
        assert settle(fleet(retired), [left], {"vmta-mail2": queue})["senders"] == [left]
    empty = settle(fleet(retired), [left], {})
    assert (empty["senders"], empty["gone"]) == ([retired], [sender(2, declared=False, status="retired")])
    assert settle(fleet(retired), [], {}) == fleet(retired)


@pytest.mark.parametrize("status", ["active", "warming", "retiring", "quarantine", "resting", "standby"])
@pytest.mark.parametrize("queue", [0, 2])
def test_converging_again_ends_with_the_declaration_alone(status, queue):
    """What a host holds after a run is what that run kept: two runs, and a third once the queue is empty."""
    document, held = fleet(sender(1), sender(2, status="retired")), [sender(1), sender(2, status=status)]
    for waiting in (queue, queue, 0):
        result = settle(document, held, {"vmta-mail2": waiting})
        held = [s for s in result["senders"] if s["status"] != "retired"]
    assert result["senders"] == document["senders"]
    assert settle(document, held, {}) == document


def test_a_sender_declared_retired_gives_nothing_away_under_queued_mail():
    document = fleet(sender(2, status="retired"), sender(9, ip="198.19.0.2"))
    with pytest.raises(FleetError, match="198.19.0.2 now belongs to mail9.sos.test"):
        settle(document, [sender(2)], {"vmta-mail2": 1})
    assert [s["vmta"] for s in settle(document, [sender(2)], {})["gone"]] == ["vmta-mail2"]


def test_a_virtual_mta_retired_elsewhere_is_named_once():
    result = settle(fleet(sender(2, status="retired", mta="vps4")), [sender(2)], {"vmta-mail2": 1})
    assert result["senders"] == [sender(2, declared=False, status="retiring")]


CLASHES = {
    "ip": sender(9, ip="198.19.0.2"),
    "domain": sender(9, domain="mail2.sos.test"),
    "from_email": sender(9, from_email="a@mail2.sos.test"),
    "renamed virtual MTA": sender(2, vmta="new-name"),
    "moved host": sender(2, mta="vps4"),
}


@pytest.mark.parametrize(("clash", "queue"), list(itertools.product(CLASHES, [0, 4])))
def test_what_is_still_in_use_is_not_given_away(clash, queue):
    if queue:
        with pytest.raises(FleetError) as caught:
            settle(fleet(CLASHES[clash]), [sender(2)], {"vmta-mail2": queue})
        assert "vmta-mail2" in str(caught.value) and "4 recipients" in str(caught.value)
    else:
        result = settle(fleet(CLASHES[clash]), [sender(2)], {})
        assert [s["vmta"] for s in result["gone"]] == ["vmta-mail2"]


def test_a_removed_tenant_with_queued_mail_is_refused():
    held = sender(2, tenant="old")
    with pytest.raises(FleetError, match="its tenant old left the inventory"):
        settle(fleet(sender(1)), [held], {"vmta-mail2": 1})
    assert [s["name"] for s in settle(fleet(sender(1)), [held], {})["gone"]] == ["mail2.sos.test"]


def test_hosts_without_powermta_hold_nothing():
    assert carry_over(fleet(sender(1)), {"vps2": {"senders": [], "queued": {}}}) == fleet(sender(1))


# --- An engine that remembers -----------------------------------------------------------------------------------------

LEFT = {"declared": False, "status": "retiring", "paused": False, "reasons": []}


def held(n, **changes):
    return sender(n, paused=False, reasons=[], **changes)


@pytest.mark.parametrize("queue", [0, 3])
def test_who_leaves_by_the_engines_word_first_loses_its_routing(queue):
    result = settle(fleet(sender(1), sender(2, **LEFT)), [sender(1), held(2)], {"vmta-mail2": queue})
    assert result["senders"] == [sender(1), sender(2, **LEFT)] and result["gone"] == []


def test_it_goes_when_its_queue_is_empty():
    document, old = fleet(sender(1), sender(2, **LEFT)), [sender(1), sender(2, **LEFT)]
    assert [one["name"] for one in settle(document, old, {"vmta-mail2": 1})["senders"]][1:] == ["mail2.sos.test"]
    result = settle(document, old, {})
    assert result["senders"] == [sender(1)] and result["gone"] == [sender(2, **{**LEFT, "status": "retired"})]


def test_what_the_host_holds_represents_it():
    """Its mail was written for what the host has, whatever the engine was told since."""
    word = sender(2, **LEFT, ip="198.19.0.9", domain="new.sos.test")
    (kept,) = settle(fleet(word), [held(2)], {"vmta-mail2": 1})["senders"]
    assert (kept["ip"], kept["domain"]) == ("198.19.0.2", "mail2.sos.test")


@pytest.mark.parametrize(
    ("word", "stopped"),
    [
        ({"status": "quarantine", "reasons": ["listed"]}, {"status": "quarantine", "reasons": ["listed"]}),
        ({"paused": True, "reasons": ["by ops"]}, {"status": "retiring", "paused": True, "reasons": ["by ops"]}),
    ],
)
@pytest.mark.parametrize("host", ["active", "retiring"])
def test_the_engine_says_how_it_fares(word, stopped, host):
    document = fleet(sender(2, **{**LEFT, **word}))
    (kept,) = settle(document, [held(2, status=host, declared=host == "active")], {"vmta-mail2": 5})["senders"]
    assert {key: kept[key] for key in stopped} == stopped


def test_a_stop_that_the_engine_lifted_is_lifted():
    (kept,) = settle(fleet(sender(2, **LEFT)), [held(2, status="quarantine")], {"vmta-mail2": 5})["senders"]
    assert kept["status"] == "retiring"


@pytest.mark.parametrize(
    ("found", "stays"),
    [
        ({"senders": [], "queued": {}}, False),
        ({"senders": [], "queued": {"vmta-mail2": 4}}, True),
        ({"senders": [], "queued": {}, "queued_known": False}, True),
        (None, True),
    ],
)
def test_one_that_no_host_records_goes_unless_mail_may_wait(found, stays):
    document = fleet(sender(1), sender(2, **LEFT))
    result = carry_over(document, {"vps2": found} if found else {})
    assert [one["name"] for one in result["senders"]] == ["mail1.sos.test", "mail2.sos.test"][: 2 if stays else 1]
    assert [one["name"] for one in result["gone"]] == ([] if stays else ["mail2.sos.test"])


@pytest.mark.parametrize("queue", [0, 4])
def test_nothing_of_it_is_given_away_under_queued_mail(queue):
    document = fleet(sender(2, **LEFT), sender(9, domain="mail2.sos.test"))
    if queue:
        with pytest.raises(FleetError, match="mail2.sos.test now belongs to mail9.sos.test"):
            settle(document, [held(2)], {"vmta-mail2": queue})
    else:
        assert [one["name"] for one in settle(document, [held(2)], {})["gone"]] == ["mail2.sos.test"]


def test_what_was_applied_is_what_the_engine_wants_to_know():
    engine = fleet(sender(1), sender(2, **LEFT), sender(3, **LEFT), sender(4, mta="vps9"))
    hosts = {
        "vps2": {
            # The first has a new address, the fifth left before there was an engine.
            "senders": [sender(1, ip="198.19.0.99"), sender(2, **LEFT), sender(3, **LEFT), sender(5, **LEFT)],
            "queued": {"vmta-mail3": 7},
        }
    }
    document = carry_over(engine, hosts)
    assert len(document["gone"]) == 3
    key = {"domain": "mail1.sos.test", "selector": "s1", "path": "/k", "public": "p", "state": "kept"}
    told = applied(engine, document, hosts, [key, {**key, "domain": "mail5.sos.test"}])
    assert told["gone"] == ["mail2.sos.test"]
    assert told["waiting"] == {"mail1.sos.test": 0, "mail2.sos.test": 0, "mail3.sos.test": 7}
    assert told["keys"] == [{"domain": "mail1.sos.test", "selector": "s1", "path": "/k", "public": "p"}]
    # Its former virtual MTA is gone, the one it has now still holds mail.
    engine = fleet(sender(6, **LEFT, vmta="vmta-new6"))
    renamed = {"vps2": {"senders": [sender(6, **LEFT)], "queued": {"vmta-new6": 2}}}
    document = carry_over(engine, renamed)
    assert [one["vmta"] for one in document["gone"]] == ["vmta-mail6"]
    assert applied(engine, document, renamed, [])["gone"] == []
    hosts["vps2"]["queued_known"] = False
    assert applied(engine, document, hosts, [])["waiting"] == {}
