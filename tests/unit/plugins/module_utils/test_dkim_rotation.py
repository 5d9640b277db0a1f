# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a key is replaced, and what is never done: a truth table, and random runs with interruptions anywhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils import dkim_rotation as rotation
from ansible_collections.email_engine.fleet.plugins.module_utils.dkim_rotation import Rules
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_records import absent_records, wanted_records
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

DOMAIN, NOW = "mail.test", "2026-11-22T08:00:00Z"
RULES = Rules(age=180, keep=14, revoked=30)


def key(selector: str, created: str, **dates) -> dict:
    return {"selector": selector, "created": f"{created}T08:00:00Z", "public": f"P{selector}", "lost": None, **dates}


def books(*keys: dict, current: str | None = "s1") -> dict:
    return {"version": 1, "domains": {DOMAIN: {"current": current, "keys": {one["selector"]: one for one in keys}}}}


def day(text: str) -> str:
    return f"{text}T08:00:00Z"


YOUNG, OLD = key("s1", "2026-11-01"), key("s1", "2026-01-01")
NEW = key("s2", "2026-11-20")
RETIRED = {"retired": day("2026-11-20"), "destroyed": day("2026-11-20")}


@pytest.mark.parametrize(
    ("keys", "asked", "again", "expected"),
    [
        # -- a new key
        ([YOUNG], False, False, []),
        ([YOUNG], True, False, [("make", "s20261122", "")]),
        ([OLD], False, False, [("make", "s20261122", "")]),
        # Its selector was used today already.
        ([key("s20261122", "2026-11-22")], True, False, [("make", "s20261122a", "")]),
        # -- published, waited for, proven
        ([OLD, NEW], False, False, [("publish", "s2", "")]),
        ([OLD, NEW], True, True, [("publish", "s2", "")]),
        (
            [OLD, {**NEW, "published": NOW, "usable": day("2026-11-23")}],
            True,
            False,
            [("wait", "s2", day("2026-11-23"))],
        ),
        ([OLD, {**NEW, "published": day("2026-11-20"), "usable": NOW}], False, False, [("switch", "s2", "")]),
        # -- the old one
        (
            [YOUNG, key("s0", "2026-01-01", retired=day("2026-11-20"))],
            False,
            False,
            [("destroy", "s0", ""), ("keep", "s0", day("2026-12-04"))],
        ),
        ([YOUNG, key("s0", "2026-01-01", **RETIRED)], False, False, [("keep", "s0", day("2026-12-04"))]),
        # Asked again while the first change is under way: only when it is meant.
        (
            [YOUNG, key("s0", "2026-01-01", **RETIRED)],
            True,
            False,
            [("keep", "s1", day("2026-12-04")), ("keep", "s0", day("2026-12-04"))],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", **RETIRED)],
            True,
            True,
            [("make", "s20261122", ""), ("keep", "s0", day("2026-12-04"))],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", retired=day("2026-11-08"), destroyed=NOW)],
            False,
            False,
            [("revoke", "s0", "")],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", retired=day("2026-11-09"), destroyed=NOW)],
            False,
            False,
            [("keep", "s0", day("2026-11-23"))],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", **{**RETIRED, "revoked": day("2026-10-01"), "void": NOW})],
            False,
            False,
            [("remove", "s0", day("2026-12-22"))],
        ),
        # Marked long ago, and never seen.
        ([YOUNG, key("s0", "2026-01-01", **RETIRED, revoked=day("2026-10-01"))], False, False, [("revoke", "s0", "")]),
        (
            [YOUNG, key("s0", "2026-01-01", **RETIRED, revoked=day("2026-10-01"), void=day("2026-10-02"))],
            False,
            False,
            [("remove", "s0", "")],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", **RETIRED, revoked=day("2026-10-01"), leaving=NOW)],
            False,
            False,
            [("remove", "s0", "")],
        ),
        (
            [YOUNG, key("s0", "2026-01-01", **RETIRED, revoked=day("2026-10-01"), leaving=NOW, removed=NOW)],
            False,
            False,
            [],
        ),
        # -- keys from before there were dates, lost ones, several new ones
        (
            [YOUNG, key("s0", "2026-01-01")],
            False,
            False,
            [("destroy", "s0", ""), ("keep", "s0", day("2026-12-06"))],
        ),
        ([YOUNG, key("s0", "2026-01-01", lost=day("2026-11-20"))], False, False, [("keep", "s0", day("2026-12-04"))]),
        (
            [OLD, NEW, key("s3", "2026-11-21")],
            False,
            False,
            [("publish", "s3", ""), ("destroy", "s2", ""), ("keep", "s2", day("2026-12-06"))],
        ),
    ],
)
def test_what_is_due(keys, asked, again, expected):
    current = keys[0]["selector"]
    registry = rotation.settle(books(*keys, current=current), NOW)
    found = rotation.steps(registry, [DOMAIN], NOW, RULES, {DOMAIN} if asked else (), again)
    assert [(step.step, step.selector, step.due) for step in found] == expected
    assert all(step.why for step in found)
    assert len(rotation.lines([step.as_dict() for step in found])) <= len(found)


def test_a_domain_without_a_key_has_nothing_to_change():
    assert rotation.steps(books(current=None), [DOMAIN, "other.test"], NOW, RULES, {DOMAIN}) == []


def test_an_age_of_zero_leaves_all_that_are_not_named():
    assert rotation.steps(books(OLD), [DOMAIN], NOW, Rules(age=0)) == []


def test_a_file_that_nobody_recorded_keeps_its_selector():
    (step,) = rotation.steps(books(OLD), [DOMAIN], NOW, RULES, taken={DOMAIN: ["s20261122"]})
    assert step.selector == "s20261122a"


@pytest.mark.parametrize(
    ("rules", "words"), [(Rules(keep=13), "keep is 13"), (Rules(revoked=-1), "less"), (Rules(), "")]
)
def test_rules_that_harm_mail_are_refused(rules, words):
    if not words:
        rotation.check_rules(rules)
        return
    with pytest.raises(FleetError, match=words):
        rotation.check_rules(rules)


@pytest.mark.parametrize("usable", [None, day("2026-11-23")])
def test_no_switch_before_everybody_can_have_seen_it(usable):
    with pytest.raises(FleetError, match="not published everywhere"):
        rotation.switched(books(OLD, {**NEW, "published": NOW, "usable": usable}), DOMAIN, NOW)


def test_what_signs_or_will_is_not_destroyed_and_its_record_stays():
    for selector in ("s1", "s2"):
        with pytest.raises(FleetError):
            rotation.destroyed(books(OLD, NEW), DOMAIN, selector, NOW)
        with pytest.raises(FleetError):
            rotation.removed(books(OLD, NEW), DOMAIN, selector, NOW)


def test_what_the_dns_has_to_say_of_each():
    registry = books(
        YOUNG,
        NEW,
        key("k", "2026-01-01", **RETIRED),
        key("r", "2026-01-01", **RETIRED, revoked=NOW),
        key("l", "2026-01-01", **RETIRED, revoked=NOW, leaving=NOW),
        key("g", "2026-01-01", **RETIRED, revoked=NOW, leaving=NOW, removed=NOW),
    )
    keys = rotation.other_keys(DOMAIN, registry["domains"][DOMAIN])
    assert {one["selector"]: one["text"] for one in keys} == {
        "s2": "v=DKIM1; k=rsa; p=Ps2",
        "k": "v=DKIM1; k=rsa; p=Pk",
        "r": "v=DKIM1; k=rsa; p=",
        "l": None,
    }
    sender = {
        "name": DOMAIN,
        "tenant": "t",
        "ip": "192.0.2.1",
        "hostname": DOMAIN,
        "domain": DOMAIN,
        "vmta": "v",
        "ptr": {"method": "manual", "zone": None},
        "status": "active",
        "selector": "s1",
        "public": "Ps1",
    }
    document = {"senders": [sender], "tenants": [{"name": "t", "routing": "by_sender", "dmarc": {}}], "gone": []}
    wanted = {r["name"]: r["values"][0] for r in wanted_records(document, 60, keys) if r["purpose"] == "dkim"}
    assert wanted == {
        "s1._domainkey.mail.test": "v=DKIM1; k=rsa; p=Ps1",
        "s2._domainkey.mail.test": "v=DKIM1; k=rsa; p=Ps2",
        "k._domainkey.mail.test": "v=DKIM1; k=rsa; p=Pk",
        "r._domainkey.mail.test": "v=DKIM1; k=rsa; p=",
    }
    assert [r["name"] for r in absent_records(document, 60, keys)] == ["l._domainkey.mail.test"]
    # A key that was listed before it became the domain's own is the domain's own.
    document["senders"][0] = {**sender, "selector": "s2", "public": "Ps2"}
    names = [r["name"] for r in wanted_records(document, 60, keys) if r["purpose"] == "dkim"]
    assert len(names) == len(set(names)) and "s2._domainkey.mail.test" in names
    # And of a domain nobody sends with any more, nothing.
    assert wanted_records({**document, "senders": []}, 60, keys) == []


def test_the_worst_sender_of_a_domain_counts():
    document = {"senders": [{"name": n, "domain": d} for n, d in (("a", "x.test"), ("b", "x.test"), ("c", "y.test"))]}
    checked = [{"name": n, "edges": {"dkim": {"verdict": v}}} for n, v in (("a", "ok"), ("b", "unknown"), ("c", "ok"))]
    assert rotation.seen(document, checked) == {"x.test": "unknown", "y.test": "ok"}


class World:
    """A domain through years: days pass, the DNS shows what was published or not, runs are cut off between any two steps."""

    def __init__(self):
        self.hour = 0
        self.registry = books(key("s0", "2026-01-01"), current="s0")
        self.seen_selectors = {"s0"}
        self.signed: dict[str, int] = {}

    @property
    def now(self) -> str:
        return rotation.stamp(rotation.moment(day("2026-01-01")) + rotation.timedelta(hours=self.hour))

    def texts(self) -> dict[str, str | None]:
        entry = self.registry["domains"][DOMAIN]
        found = {one["selector"]: one["text"] for one in rotation.other_keys(DOMAIN, entry)}
        return {**found, entry["current"]: "current"}


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["ask", "again", "none"]), st.integers(0, 24 * 60), st.integers(0, 6), st.booleans()),
        max_size=40,
    )
)
def test_whatever_is_cut_off_mail_keeps_its_signature(runs):
    """Each run does only its first steps. At every moment the key that signs is published for at least the waiting time, what
    it signed can be verified for 14 days, and no selector comes back."""
    world = World()
    for wish, hours, reach, shown in runs:
        world.hour += hours
        registry, now = rotation.settle(world.registry, world.now), world.now
        asked = {DOMAIN} if wish != "none" else set()
        plan = rotation.steps(registry, [DOMAIN], now, RULES, asked, wish == "again")
        if reach > 0:
            registry, _taken = rotation.due_dates(registry, [DOMAIN], now, RULES)
        entry = registry["domains"][DOMAIN]
        made = [step for step in plan if step.step == "make"]
        if reach > 1 and made:
            (step,) = made
            assert step.selector not in world.seen_selectors, "a selector came back"
            world.seen_selectors.add(step.selector)
            entry = {
                **entry,
                "keys": {**entry["keys"], step.selector: {**key(step.selector, now[:10]), "created": now}},
            }
            registry = {**registry, "domains": {DOMAIN: entry}}
        due = {step.step for step in rotation.steps(registry, [DOMAIN], now, RULES) if rotation.is_due(step)}
        if reach > 2 and "publish" in due and shown:
            registry = rotation.published(registry, DOMAIN, now, 3600)
        if reach > 3 and "switch" in due:
            before = registry["domains"][DOMAIN]["current"]
            registry = rotation.switched(registry, DOMAIN, now)
            world.signed[before] = world.hour
        if reach > 4:
            for step in rotation.steps(registry, [DOMAIN], now, RULES):
                if step.step == "destroy":
                    registry = rotation.destroyed(registry, DOMAIN, step.selector, now)
        if reach > 5:
            entry = registry["domains"][DOMAIN]
            for selector in list(entry["keys"]):
                if rotation.role(entry, selector) == "leaving":
                    registry = rotation.removed(registry, DOMAIN, selector, now)
        world.registry = registry
        entry = registry["domains"][DOMAIN]
        current = entry["keys"][entry["current"]]
        assert entry["current"] == "s0" or current["usable"] <= now
        assert not current.get("destroyed") and not current.get("revoked")
        texts = world.texts()
        for selector, hour in world.signed.items():
            if world.hour - hour < 14 * 24:
                assert texts.get(selector, "").endswith(f"P{selector}"), "mail under way lost its key"
        assert sum(rotation.role(entry, one) == "next" for one in entry["keys"]) <= 1
