# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for a host's addresses, judged by a small kernel that carries the commands out."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.host import Bound, Host, Link, Route, Rule
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.plan import derived_table, plan
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.reconcile import missing
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.record import Entry, Record, dump, load
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

OWN = "203.0.113.5"
LINKS = {name: Link(name, "02:00:00:00:00:01", True, True) for name in ("eth0", "eth1")}


def host(*bound: Bound, links=LINKS, defaults=(), rules=()) -> Host:
    """A host with its own address and default route on eth0."""
    own = Bound(OWN, 24, "eth0", 0)
    return Host(links, (own, *bound), (Route(254, "203.0.113.1", "eth0"), *defaults), tuple(rules))


def kernel(before: Host, commands) -> Host:
    """What Linux makes of the commands; raises on what it would refuse."""
    bound, defaults, rules = list(before.bound), list(before.defaults), list(before.rules)
    for command in commands:
        words = command.split()
        value = {word: words[index + 1] for index, word in enumerate(words[:-1])}
        if words[:2] == ["address", "add"]:
            new = Bound(words[2].partition("/")[0], 32, value["dev"], 254)
            assert words[2].endswith("/32")
            assert value["scope"] == "host"
            assert not [other for other in bound if other.ip == new.ip], "File exists"
            bound.append(new)
        elif words[:2] == ["address", "del"]:
            gone = [
                other for other in bound if (f"{other.ip}/{other.prefix}", other.interface) == (words[2], value["dev"])
            ]
            bound.remove(gone[0])
        elif words[0] == "rule":
            rule = Rule(int(value["priority"]), value["from"].partition("/")[0], int(value["table"]))
            assert (rule in rules) == (words[1] == "del"), "File exists"
            rules = [*rules, rule] if words[1] == "add" else [other for other in rules if other != rule]
        elif words[:2] == ["route", "replace"]:
            table = int(value["table"])
            defaults = [other for other in defaults if other.table != table]
            defaults.append(Route(table, value["via"], value["dev"]))
        elif words[:2] == ["route", "del"]:
            defaults.remove(Route(int(value["table"]), value["via"], value["dev"]))
        else:
            raise AssertionError(f"unknown command {command}")
    return Host(before.links, tuple(bound), tuple(defaults), tuple(rules))


OPTIONS = st.lists(
    st.builds(
        lambda n, way: {"ip": f"198.19.0.{n}", **way},
        st.integers(1, 30),
        st.sampled_from(
            [
                {},
                {"interface": "eth1"},
                {"gateway": "198.18.0.9"},
                {"gateway": "198.18.0.9", "table": 100},
                {"interface": "eth1", "gateway": "198.18.0.7", "table": 101},
            ]
        ),
    ),
    unique_by=lambda option: option["ip"],
    max_size=12,
)


@given(st.lists(OPTIONS, min_size=1, max_size=4))
def test_any_sequence_of_wishes_is_fulfilled_exactly(wishes):
    """After each call the host has what was asked and what it had by itself, nothing else; a second call does nothing."""
    start = now = host(
        Bound("192.0.2.9", 24, "eth1", 0), defaults=[Route(7, "192.0.2.1", "eth1")], rules=[Rule(500, "192.0.2.9", 7)]
    )
    record = Record()
    for options in wishes:
        made = plan(options, None, record, now)
        now, record = kernel(now, made.commands), made.after
        assert load(dump(record)) == record
        assert {(bound.ip, bound.interface) for bound in now.bound} == {(b.ip, b.interface) for b in start.bound} | {
            (option["ip"], option.get("interface", "eth0")) for option in options
        }
        ways = {(o["ip"], o.get("table") or derived_table(o["gateway"])) for o in options if "gateway" in o}
        assert {(rule.source, rule.table) for rule in now.rules} == {("192.0.2.9", 7)} | ways
        assert {route.table for route in now.defaults} == {254, 7} | {table for _ip, table in ways}
        again = plan(options, None, record, now)
        assert (again.commands, again.after) == ((), record)
    assert kernel(now, plan([], None, record, now).commands) == start


@given(OPTIONS, OPTIONS)
def test_what_stays_is_not_touched(first, second):
    made = plan(first, None, Record(), host())
    now = kernel(host(), made.commands)
    kept = {tuple(sorted(option.items())) for option in first} & {tuple(sorted(option.items())) for option in second}
    commands = plan(second, None, made.after, now).commands
    for option in map(dict, kept):
        assert not [command for command in commands if f"{option['ip']}/32" in command]


@given(OPTIONS, st.data())
def test_the_keeper_restores_after_any_loss_and_adds_nothing_else(options, data):
    made = plan(options, None, Record(), host())
    full = kernel(host(), made.commands)
    lost = Host(
        full.links,
        (full.bound[0], *(bound for bound in full.bound[1:] if data.draw(st.booleans()))),
        (full.defaults[0], *(route for route in full.defaults[1:] if data.draw(st.booleans()))),
        tuple(rule for rule in full.rules if data.draw(st.booleans())),
    )
    restored = kernel(lost, missing(made.after.wanted, lost))
    assert set(restored.bound) == set(full.bound)
    assert set(restored.defaults) == set(full.defaults)
    assert set(restored.rules) == set(full.rules)


@given(OPTIONS, OPTIONS, st.data())
def test_a_run_cut_off_anywhere_is_finished_by_the_next(first, second, data):
    """The record is written before the kernel is changed; the cut falls after any number of commands."""
    made = plan(first, None, Record(), host())
    now = kernel(host(), made.commands)
    change = plan(second, None, made.after, now)
    cut = data.draw(st.integers(0, len(change.commands)))
    written = Record(
        change.after.wanted, tuple(entry for entry in made.after.wanted if entry not in change.after.wanted)
    )
    half = kernel(now, change.commands[:cut])
    finished = kernel(half, plan(second, None, written, half).commands)
    straight = kernel(now, change.commands)
    assert [set(part) for part in (finished.bound, finished.defaults, finished.rules)] == [
        set(part) for part in (straight.bound, straight.defaults, straight.rules)
    ]


def test_routes_and_rules_come_before_the_address_they_are_for():
    made = plan([{"ip": "198.19.0.1", "gateway": "198.18.0.9", "table": 100}], None, Record(), host())
    assert [command.split()[0] for command in made.commands] == ["route", "rule", "address"]


def test_what_others_bound_is_watched_not_owned():
    there = host(Bound("198.19.0.1", 24, "eth0", 0, secondary=True))
    made = plan([{"ip": "198.19.0.1"}], None, Record(), there)
    assert (made.commands, made.foreign) == ((), ("198.19.0.1",))
    assert plan([], None, made.after, there).commands == ()
    assert missing(made.after.wanted, host()) == ["address add 198.19.0.1/32 dev eth0 scope host"]


def test_what_others_made_for_an_address_of_ours_stays():
    """A /32 of global scope and a rule of another priority: they look like ours, and are not."""
    there = host(Bound("198.19.0.2", 32, "eth0", 0), rules=[Rule(500, "198.19.0.1", 7)])
    made = plan([{"ip": "198.19.0.1"}, {"ip": "198.19.0.2"}], None, Record(), there)
    now = kernel(there, made.commands)
    assert kernel(now, plan([], None, made.after, now).commands) == there


def test_a_lost_record_is_rebuilt_from_the_scope():
    there = host(Bound("198.19.0.1", 32, "eth0", 254))
    assert plan([{"ip": "198.19.0.1"}], None, Record(), there).after.wanted == (Entry("198.19.0.1", "eth0"),)


def test_two_interfaces_with_a_default_route_must_be_told_apart():
    two = host(defaults=[Route(254, "192.0.2.1", "eth1")])
    assert "names no interface" in faults([{"ip": "198.19.0.1"}], two)[0]
    assert plan([{"ip": "198.19.0.1"}], "eth1", Record(), two).after.wanted[0].interface == "eth1"


def faults(options, on=None) -> list[str]:
    with pytest.raises(FleetError) as caught:
        plan(options, None, Record(), on or host())
    assert all(problem.where and problem.what and problem.remedy for problem in caught.value.problems)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ({"ip": "2001:db8::1"}, "addresses[0].ip: '2001:db8::1' is an IPv6 address"),
        ({"ip": "198.19.0.300"}, "addresses[0].ip: '198.19.0.300' is not an IPv4 address"),
        ({"ip": "198.19.0.1/32"}, "is not an IPv4 address"),
        ({"ip": "127.0.0.2"}, "cannot be bound"),
        ({"ip": OWN}, "is this host's own address (the first address of eth0)"),
        (
            {"ip": "198.19.0.1", "interface": "eth9"},
            "addresses[0].interface: 'eth9' does not exist on this host. There are: eth0, eth1",
        ),
        ({"ip": "198.19.0.7"}, "is bound on eth1, and asked for on eth0"),
        ({"ip": "198.19.0.1", "gateway": "198.19.0.1"}, "is the address itself"),
        ({"ip": "198.19.0.1", "gateway": "router"}, "addresses[0].gateway: 'router' is not an IPv4 address"),
        ({"ip": "198.19.0.1", "gateway": "198.18.0.9", "table": 255}, "table 255 is the kernel's own"),
        ({"ip": "198.19.0.1", "gateway": "198.18.0.9", "table": -3}, "table -3 is the kernel's own"),
        (
            {"ip": "198.19.0.1", "gateway": "198.18.0.9", "table": 9},
            "table 9 already has a default route by 192.0.2.1, not ours",
        ),
        ({"ip": "198.19.0.1", "table": 10}, "table 10 has no default route"),
    ],
)
def test_faults(option, said):
    there = host(Bound("198.19.0.7", 32, "eth1", 0), defaults=[Route(9, "192.0.2.1", "eth1")])
    found = faults([option], there)
    assert len(found) == 1
    assert said in found[0]


def test_every_fault_is_told_not_only_the_first():
    options = [{"ip": "::1"}, {"ip": OWN}, {"ip": "198.19.0.1", "interface": "eth9"}]
    assert len(faults(options)) == 3


def test_one_address_asked_for_twice():
    assert plan([{"ip": "198.19.0.1"}] * 2, None, Record(), host()).added == (Entry("198.19.0.1", "eth0"),)
    assert "asked for twice" in faults([{"ip": "198.19.0.1"}, {"ip": "198.19.0.1", "interface": "eth1"}])[0]


def test_one_table_leads_one_way():
    first = {"ip": "198.19.0.1", "gateway": "198.18.0.9", "table": 100}
    found = faults([first, {"ip": "198.19.0.2", "gateway": "198.18.0.8", "table": 100}])
    assert (
        "table 100 would lead by 198.18.0.9 on eth0 for 198.19.0.1 and by 198.18.0.8 on eth0 for this one" in found[0]
    )


def test_gateways_that_derive_the_same_table_are_told_to_choose():
    options = [{"ip": "198.19.0.1", "gateway": "10.1.0.1"}, {"ip": "198.19.0.2", "gateway": "10.2.0.1"}]
    assert derived_table("10.1.0.1") == derived_table("10.2.0.1")
    assert "would lead" in faults(options)[0]


def test_a_table_of_the_operator_may_be_used():
    there = host(defaults=[Route(10, "192.0.2.1", "eth1")])
    made = plan([{"ip": "198.19.0.1", "table": 10}], None, Record(), there)
    assert not [command for command in made.commands if command.startswith("route")]
    now = kernel(there, made.commands)
    assert kernel(now, plan([], None, made.after, now).commands) == there


def test_a_link_that_is_down_is_named():
    down = {**LINKS, "eth0": dataclasses.replace(LINKS["eth0"], up=False)}
    assert "'eth0' is down" in faults([{"ip": "198.19.0.1"}], host(links=down))[0]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"version": 2, "wanted": [], "leaving": []}', '{"version": 1, "wanted": [{}], "leaving": []}'],
)
def test_a_record_of_somebody_else_is_refused(text):
    with pytest.raises(ValueError, match="."):
        load(text)
