# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From observed to wanted: others' values stay, applying a plan reaches what was wanted, and a second plan is empty."""

from __future__ import annotations

import dns.zone
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_plan, dns_trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ZONE = "example.com"


def record(name: str, rtype: str, *values: str, match: str = "", ttl: int = 300, **more) -> dict:
    return {"name": name, "type": rtype, "values": list(values), "match": match, "ttl": ttl, "optional": False, **more}


def plan(wanted=(), absent=(), observed=None, **options) -> dns_plan.Plan:
    wanted, absent = dns_plan.check_records(wanted, "records"), dns_plan.check_records(absent, "absent")
    zone_of = {entry["name"]: ZONE for entry in (*wanted, *absent)}
    return dns_plan.make_plan(wanted, absent, zone_of, observed or {}, **options)


def seen(*values: str, ttl: int = 300) -> dict:
    return {"ttl": ttl, "values": list(values)}


def one(outcome: dns_plan.Plan) -> dns_plan.Change:
    assert not outcome.problems
    [change] = outcome.changes
    return change


@pytest.mark.parametrize(
    ("wanted", "absent", "observed", "action", "after"),
    [
        (["1.1.1.1"], None, None, "create", ("1.1.1.1",)),
        (["1.1.1.1"], None, seen("2.2.2.2"), "update", ("1.1.1.1",)),
        (["1.1.1.1"], None, seen("1.1.1.1", "2.2.2.2"), "update", ("1.1.1.1",)),
        (["1.1.1.1"], None, seen("1.1.1.1", ttl=60), "update", ("1.1.1.1",)),
        (["1.1.1.1"], None, seen("1.1.1.1"), None, ()),
        (["1.1.1.1"], [], seen("2.2.2.2"), "update", ("1.1.1.1",)),
        (None, [], seen("2.2.2.2"), "delete", ()),
        (None, ["2.2.2.2"], seen("2.2.2.2", "3.3.3.3"), "delete", ("3.3.3.3",)),
        (None, ["4.4.4.4"], seen("3.3.3.3"), None, ()),
        (None, [], None, None, ()),
    ],
)
def test_sets_that_are_ours(wanted, absent, observed, action, after):
    outcome = plan(
        [record("a.example.com", "A", *wanted)] if wanted else [],
        [record("a.example.com", "A", *absent)] if absent is not None else [],
        {("a.example.com", "A"): observed} if observed else {},
    )
    if action is None:
        assert outcome.changes == []
    else:
        change = one(outcome)
        assert (change.action, change.after) == (action, after)


def test_at_a_shared_name_only_matching_values_are_ours():
    observed = {(ZONE, "TXT"): seen("site=1", "v=spf1 ip4:1.1.1.1 -all", "v=spf10", "V=SPF1 ip4:2.2.2.2 -all", ttl=900)}
    change = one(plan([record(ZONE, "TXT", "v=spf1 -all", match="v=spf1", ttl=60)], observed=observed))
    assert change.after == ("site=1", "v=spf1 -all", "v=spf10") and change.ttl == 900 and not change.whole
    assert change.remove == ("V=SPF1 ip4:2.2.2.2 -all", "v=spf1 ip4:1.1.1.1 -all") and change.action == "update"
    first = one(plan([record(ZONE, "TXT", "v=spf1 -all", match="v=spf1")], observed={(ZONE, "TXT"): seen("site=1")}))
    assert first.action == "create" and first.after == ("site=1", "v=spf1 -all")
    gone = one(plan(absent=[record(ZONE, "TXT", match="v=spf1")], observed=observed))
    assert gone.action == "delete" and gone.after == ("site=1", "v=spf10")


values = st.sampled_from(["v=spf1 -all", "v=spf1 ip4:192.0.2.1 -all", "v=spf1", "site=1", "v=spf10 x", "x", "é"])
kinds = st.sampled_from(["", "v=spf1"])


@given(st.sets(values), st.sets(values, min_size=1), st.booleans(), st.booleans(), st.integers(1, 3))
def test_applying_a_plan_reaches_what_was_wanted(observed, want, shared, leave, ttl):
    match = "v=spf1" if shared else ""
    want = {value for value in want if not match or dns_plan.is_match(value, match)}
    here = {(ZONE, "TXT"): seen(*observed, ttl=1)} if observed else {}
    wanted = [record(ZONE, "TXT", *want, match=match, ttl=ttl)] if want and not leave else []
    absent = [] if wanted else [record(ZONE, "TXT", match=match)]
    outcome = plan(wanted, absent, here, confirm=True)
    others = {value for value in observed if match and not dns_plan.is_match(value, match)}
    expected = others | (want if wanted else set())
    after, ttl_after = set(observed), 1
    for change in outcome.changes:
        assert set(change.before) == observed
        after = (after - set(change.remove)) | set(change.add)
        assert after == set(change.after)
        assert change.whole == (not others)
        ttl_after = change.ttl
        assert dns_plan.missing(change, here.get((ZONE, "TXT")))
        assert not dns_plan.missing(change, seen(*after, ttl=ttl_after))
    assert after == expected
    assert (
        plan(wanted, absent, {(ZONE, "TXT"): seen(*after, ttl=ttl_after)} if after else {}, confirm=True).changes == []
    )


def test_an_alias_is_a_conflict_for_what_comes_and_nothing_for_what_goes():
    alias = {("a.example.com", "CNAME"): seen("b.example.net.")}
    outcome = plan([record("a.example.com", "TXT", "x"), record("c.example.com", "A", "1.1.1.1")], observed=alias)
    assert [
        str(problem)
        for problem in outcome.problems
        if "a.example.com" in str(problem) and "b.example.net" in str(problem)
    ]
    assert plan(absent=[record("a.example.com", "TXT")], observed=alias).problems == []


@pytest.mark.parametrize(
    ("changed", "deleted", "total", "stops"),
    [(3, 0, 10, False), (4, 0, 10, True), (0, 4, 10, True), (2, 2, 10, True), (9, 0, 9, False), (30, 0, 100, False)],
)
def test_how_much_may_change_at_once(changed, deleted, total, stops):
    observed = {(f"m{n}.example.com", "A"): seen("1.1.1.1") for n in range(total)}
    wanted = [record(f"m{n}.example.com", "A", "2.2.2.2" if n < changed else "1.1.1.1") for n in range(total - deleted)]
    wanted += [record(f"new{n}.example.com", "A", "1.1.1.1") for n in range(500)]
    absent = [record(f"m{n}.example.com", "A") for n in range(total - deleted, total)]
    assert bool(plan(wanted, absent, observed).problems) is stops
    assert plan(wanted, absent, observed, confirm=True).problems == []
    assert plan(wanted, absent, observed, max_change_share=1.0).problems == []


def test_somebody_elses_mail_needs_a_yes():
    observed = {
        (ZONE, "MX"): seen("1 smtp.google.com."),
        (ZONE, "TXT"): seen("v=spf1 include:_spf.google.com ~all"),
    }
    wanted = [record(ZONE, "MX", "10 m.example.com"), record(ZONE, "TXT", "v=spf1 ip4:1.1.1.1 -all", match="v=spf1")]
    stopped, confirmed = plan(wanted, observed=observed), plan(wanted, observed=observed, confirm=True)
    assert len(stopped.problems) == 2 and confirmed.problems == [] and len(confirmed.warnings) == 2


def test_our_own_mail_hosts_and_addresses_change_without_asking():
    observed = {
        (ZONE, "MX"): seen("10 m1.example.com.", "10 m2.example.com."),
        (ZONE, "TXT"): seen("v=spf1 ip4:1.1.1.1 include:_spf1.example.com ~all", "v=spf1 ip4:3.3.3.3 -all"),
    }
    wanted = [
        record(ZONE, "MX", "10 m1.example.com"),
        record(ZONE, "TXT", "v=spf1 ip4:2.2.2.2 -all", match="v=spf1"),
        record("m1.example.com", "A", "1.1.1.1"),
    ]
    outcome = plan(wanted, [record("m2.example.com", "A")], observed)
    assert outcome.problems == [] and len(outcome.changes) == 3


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        (record("a b", "A", "1.1.1.1"), "not a DNS name"),
        (record("a.b", "A", "x"), "not a value"),
        (record("a.b", "MX", "mail"), "not a value"),
        (record("a.b", "A"), "no values"),
        (record("a.b", "TXT", "hello", match="v=spf1"), "match"),
        (record("a.b", "A", "1.1.1.1", match="v=spf1"), "match"),
        (record("a.b", "SRV", "x"), "not managed"),
    ],
)
def test_records_that_cannot_be_published_are_named_by_index(entry, word):
    with pytest.raises(FleetError, match=word) as caught:
        dns_plan.check_records([record("ok.b", "A", "1.1.1.1"), entry], "records")
    assert "records[1]" in str(caught.value)


def test_contradicting_records_name_both_places():
    with pytest.raises(FleetError, match=r"records\[1\].*records\[0\]"):
        dns_plan.check_records([record("a.b", "A", "1.1.1.1"), record("A.b.", "A", "2.2.2.2")], "records")


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=40), st.integers(6000, 60000))
def test_batches_hold_everything_in_order_and_fit(sizes, limit):
    changes = [one(plan([record(f"m{n}.example.com", "TXT", "x" * size)], observed={})) for n, size in enumerate(sizes)]
    batches = dns_plan.batches(changes, limit)
    assert [change for batch in batches for change in batch] == changes
    assert all(sum(map(dns_plan.wire_size, batch)) <= limit for batch in batches)


def test_zone_text_is_what_dnspython_reads():
    records = [
        record("s1._domainkey.m.example.com", "TXT", "v=DKIM1; k=rsa; p=" + "A" * 392),
        record("m.example.com", "MX", "10 m.example.com"),
        record("m.example.com", "A", "192.0.2.1"),
        record("m.example.com", "TXT", 'say "hi" \\ é'),
    ]
    text = dns_plan.zone_text(records)
    head = "example.com. 60 IN SOA a. b. 1 2 3 4 5\nexample.com. 60 IN NS ns.example.net.\n"
    zone = dns.zone.from_text(head + text, "example.com", relativize=False)
    strings = zone.get_rdataset("s1._domainkey.m.example.com.", "TXT")[0].strings
    assert [len(piece) for piece in strings] == [255, 410 - 255]
    assert zone.get_rdataset("m.example.com.", "TXT")[0].strings[0] == 'say "hi" \\ é'.encode()
    assert str(zone.get_rdataset("m.example.com.", "MX")[0]) == "10 m.example.com."
    assert text == dns_plan.zone_text(reversed(records)), "the order of the input does not show"


def test_zone_texts_go_to_the_longest_zone():
    records = [
        record("a.mail.example.com", "A", "192.0.2.1"),
        record("b.example.com", "A", "192.0.2.1"),
        record("x.example.net", "TXT", "v=DMARC1", optional=True),
    ]
    texts = dns_plan.zone_texts(records, ["Example.com.", "mail.example.com"])
    assert {zone: text.split()[0] for zone, text in texts.items()} == {
        "example.com": "b.example.com.",
        "mail.example.com": "a.mail.example.com.",
    }
    with pytest.raises(FleetError, match="b.example.com"):
        dns_plan.zone_texts(records, ["mail.example.com"])


def test_differences_show_others_values_and_are_stable():
    observed = {(ZONE, "TXT"): seen("site=1")}
    outcome = plan(
        [record(ZONE, "TXT", "v=spf1 -all", match="v=spf1"), record("m.example.com", "A", "1.1.1.1")], observed=observed
    )
    [diff] = dns_plan.diff_of(outcome.changes)
    assert diff["before"] == 'example.com. 300 IN TXT "site=1"\n'
    assert diff["after"].splitlines()[:2] == [
        'example.com. 300 IN TXT "site=1"',
        'example.com. 300 IN TXT "v=spf1 -all"',
    ]


def test_every_kind_of_trouble_is_explained():
    kinds = [value for name, value in vars(dns_trouble).items() if name.isupper() and isinstance(value, str)]
    assert len(kinds) > 12
    for kind in kinds:
        problem = dns_trouble.explain(kind, "ns1 (192.0.2.1)", "update", [f"n{n}" for n in range(9)], "detail")
        assert problem.remedy and "n0, n1, n2, n3, n4 and 4 more" in problem.what and "ns1" in problem.where
    assert {dns_trouble.kind_of_rcode(rcode) for rcode in range(24)} <= set(kinds)
