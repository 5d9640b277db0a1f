# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF on answers that are given: what RFC 7208 says of each record is what comes out, and nobody is asked behind our back."""

from __future__ import annotations

import threading

import pytest
import spf

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.answers import (
    FOUND,
    NXDOMAIN,
    UNKNOWN,
    Answer,
    Wanted,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.spf_evaluation import evaluate

IP = "192.0.2.3"
FAILING = Answer(UNKNOWN, why="servfail", detail="SERVFAIL")
WORLD = {
    "host.test A": ["192.0.2.3"],
    "near.test A": ["192.0.2.9"],
    "six.test AAAA": ["2001:db8::3"],
    "d.test MX": ["10 host.test."],
    "nearmx.test MX": ["10 near.test."],
    "hostonly.test A": ["192.0.2.3"],
    "nullmx.test MX": ["0 ."],
    "pass.test TXT": ["v=spf1 ip4:192.0.2.3 -all"],
    "fail.test TXT": ["v=spf1 -all"],
    "soft.test TXT": ["v=spf1 ~all"],
    "neutral.test TXT": ["v=spf1 ?all"],
    "nothing.test TXT": ["no policy"],
    "bad.test TXT": ["v=spf1 moo"],
    "two.test TXT": ["v=spf1 -all", "v=spf1 +all"],
    "failing.test TXT": FAILING,
    "failing.test A": FAILING,
    "loop.test TXT": ["v=spf1 include:loop2.test -all"],
    "loop2.test TXT": ["v=spf1 include:loop.test -all"],
    "3.2.0.192.in-addr.arpa PTR": ["a.sub.test", "host.test", "other.example"],
    "a.sub.test A": ["192.0.2.3"],
    "other.example A": ["198.51.100.1"],
    **{f"n{number}.test A": ["198.51.100.1"] for number in range(12)},
    "ten.test MX": [f"10 n{number}.test." for number in range(10)],
    "eleven.test MX": [f"10 n{number}.test." for number in range(11)],
    "listed.strong-bad.3.2.0.192.in-addr.d.test A": ["127.0.0.2"],
    "192.0.2.3.host.test.d.test A": ["127.0.0.2"],
    "bad.strong.lp.d.test A": ["127.0.0.2"],
}

CASES = [
    # section, the policy of d.test, result
    ("4.5", [], "none"),
    ("4.5", ["no policy"], "none"),
    ("4.5", ["v=spf10 -all"], "none"),
    ("4.5", ["v=spf1"], "neutral"),
    ("4.5", ["v=spf1 -all", "V=SPF1 +all"], "permerror"),
    ("4.5", ["no policy", "v=spf1 +all"], "pass"),
    ("4.5", ["V=SpF1 ~ALL"], "softfail"),
    ("4.4", FAILING, "temperror"),
    ("3.1", ["v=spf1 a:\udcefgarbage.test -all"], "permerror"),
    ("3.1", ["v=spf1 ip4:192.0.2.3 -all", "\udc96"], "pass"),
    ("4.6", ["v=spf1 ip4:192.0.2.3 -all moo"], "permerror"),
    ("4.6", ["v=spf1  ip4:192.0.2.3   -all "], "pass"),
    ("4.6", ["v=spf1 moo.cow-far_out=man:dog/cat ip4:192.0.2.3 -all"], "pass"),
    ("4.6", ["v=spf1 moo.cow/far_out=man ip4:192.0.2.3 -all"], "permerror"),
    ("4.6", ["v=spf1 ip4:192.0.2.3\ta -all"], "permerror"),
    ("4.6.2", ["v=spf1 +ip4:192.0.2.3 -all"], "pass"),
    ("4.6.2", ["v=spf1 -ip4:192.0.2.3 +all"], "fail"),
    ("4.6.2", ["v=spf1 ~ip4:192.0.2.3 +all"], "softfail"),
    ("4.6.2", ["v=spf1 ?ip4:192.0.2.3 +all"], "neutral"),
    ("4.6.4", ["v=spf1 " + "a:n1.test " * 10 + "ip4:192.0.2.3 -all"], "pass"),
    ("4.6.4", ["v=spf1 " + "a:n1.test " * 11 + "ip4:192.0.2.3 -all"], "permerror"),
    ("4.6.4", ["v=spf1 ip4:192.0.2.3 " + "a:n1.test " * 11 + "-all"], "pass"),
    ("4.6.4", ["v=spf1 " + "a:n1.test " * 10 + "redirect=pass.test"], "permerror"),
    ("4.6.4", ["v=spf1 " + "ip4:192.0.2.9 " * 40 + "a:host.test -all"], "pass"),
    ("4.6.4", ["v=spf1 include:loop.test -all"], "permerror"),
    ("4.6.4", ["v=spf1 mx:ten.test ip4:192.0.2.3 -all"], "pass"),
    ("4.6.4", ["v=spf1 mx:eleven.test ip4:192.0.2.3 -all"], "permerror"),
    ("4.6.4", ["v=spf1 a:v1.test a:v2.test ip4:192.0.2.3 -all"], "pass"),
    ("4.6.4", ["v=spf1 a:v1.test a:v2.test a:v3.test ip4:192.0.2.3 -all"], "permerror"),
    ("4.7", ["v=spf1 ip4:192.0.2.9"], "neutral"),
    ("4.8", ["v=spf1 a:foo-bar -all"], "permerror"),
    ("4.8", ["v=spf1 a:host.test. -all"], "pass"),
    ("5.1", ["v=spf1 -all ip4:192.0.2.3"], "fail"),
    ("5.1", ["v=spf1 -all:x"], "permerror"),
    ("5.1", ["v=spf1 -all/8"], "permerror"),
    ("5.1", ["v=spf1 -all."], "permerror"),
    ("5.1", ["v=spf1 redirect=pass.test -all"], "fail"),
    ("5.2", ["v=spf1 include:pass.test -all"], "pass"),
    ("5.2", ["v=spf1 -include:pass.test +all"], "fail"),
    ("5.2", ["v=spf1 include:fail.test ~all"], "softfail"),
    ("5.2", ["v=spf1 include:soft.test -all"], "fail"),
    ("5.2", ["v=spf1 include:neutral.test -all"], "fail"),
    ("5.2", ["v=spf1 include:failing.test -all"], "temperror"),
    ("5.2", ["v=spf1 include:bad.test -all"], "permerror"),
    ("5.2", ["v=spf1 include:nothing.test -all"], "permerror"),
    ("5.2", ["v=spf1 include:two.test -all"], "permerror"),
    ("5.2", ["v=spf1 include -all"], "permerror"),
    ("5.2", ["v=spf1 include: -all"], "permerror"),
    ("5.2", ["v=spf1 include:pass.test/24 -all"], "permerror"),
    ("5.3", ["v=spf1 a:host.test -all"], "pass"),
    ("5.3", ["v=spf1 a:near.test -all"], "fail"),
    ("5.3", ["v=spf1 a:near.test/24 -all"], "pass"),
    ("5.3", ["v=spf1 a:near.test/29 -all"], "fail"),
    ("5.3", ["v=spf1 a:near.test/33 -all"], "permerror"),
    ("5.3", ["v=spf1 a:host.test//129 -all"], "permerror"),
    ("5.3", ["v=spf1 a:six.test -all"], "fail"),
    ("5.3", ["v=spf1 a:failing.test -all"], "temperror"),
    ("5.3", ["v=spf1 ip4:192.0.2.3 a:failing.test -all"], "pass"),
    ("5.4", ["v=spf1 mx -all"], "pass"),
    ("5.4", ["v=spf1 mx:nearmx.test/24 -all"], "pass"),
    ("5.4", ["v=spf1 mx:nearmx.test -all"], "fail"),
    ("5.4", ["v=spf1 mx:hostonly.test -all"], "fail"),
    ("5.4", ["v=spf1 mx:nullmx.test -all"], "fail"),
    ("5.5", ["v=spf1 ptr:host.test -all"], "pass"),
    ("5.5", ["v=spf1 ptr:other.example -all"], "fail"),
    ("5.5", ["v=spf1 ptr:sub.test -all"], "pass"),
    ("5.5", ["v=spf1 ptr:ub.test -all"], "fail"),
    ("7.1", ["v=spf1 ptr:test -all"], "permerror"),
    ("5.6", ["v=spf1 ip4:192.0.2.0/24 -all"], "pass"),
    ("5.6", ["v=spf1 ip4:192.0.2.4/31 -all"], "fail"),
    ("5.6", ["v=spf1 ip4:192.0.2.3/33 -all"], "permerror"),
    ("5.6", ["v=spf1 ip4:192.0.2 -all"], "permerror"),
    ("5.6", ["v=spf1 ip4 -all"], "permerror"),
    ("5.6", ["v=spf1 ip6:::1 -all"], "fail"),
    ("5.6", ["v=spf1 ip6:2001:db8:: ip4:192.0.2.3 -all"], "pass"),
    ("5.6", ["v=spf1 ip6:zzzz:: -all"], "permerror"),
    ("5.7", ["v=spf1 exists:host.test -all"], "pass"),
    ("5.7", ["v=spf1 exists:gone.test -all"], "fail"),
    ("5.7", ["v=spf1 exists -all"], "permerror"),
    ("5.7", ["v=spf1 exists:failing.test -all"], "temperror"),
    ("6", ["v=spf1 redirect=pass.test redirect=fail.test"], "permerror"),
    ("6.1", ["v=spf1 redirect=pass.test"], "pass"),
    ("6.1", ["v=spf1 redirect=fail.test"], "fail"),
    ("6.1", ["v=spf1 redirect=nothing.test"], "permerror"),
    ("6.1", ["v=spf1 redirect=gone.test"], "permerror"),
    ("6.1", ["v=spf1 redirect=failing.test"], "temperror"),
    ("6.1", ["v=spf1 redirect:pass.test"], "permerror"),
    ("6.1", ["v=spf1 ip4:192.0.2.9 redirect=d.test"], "permerror"),
    ("6.2", ["v=spf1 -all exp=gone.test"], "fail"),
    ("6.2", ["v=spf1 ip4:192.0.2.3 -all exp=failing.test"], "pass"),
    ("6.2", ["v=spf1 -all exp=a.test exp=b.test"], "permerror"),
    ("7.2", ["v=spf1 exists:listed.%{l}.%{ir}.%{v}.%{d} -all"], "pass"),
    ("7.2", ["v=spf1 exists:%{i}.%{h}.%{o} -all"], "pass"),
    ("7.2", ["v=spf1 exists:%{lr-}.lp.%{d2} -all"], "pass"),
    ("7.1", ["v=spf1 exists:%{z}.test -all"], "permerror"),
    ("7.1", ["v=spf1 exists:%(i).test -all"], "permerror"),
    ("7.2", ["v=spf1 exists:%{c}.test -all"], "permerror"),
]


def looking(world: dict):
    def look(name: str, rtype: str) -> Answer:
        value = world.get(f"{name} {rtype}", [])
        if isinstance(value, Answer):
            return value
        return Answer(FOUND, tuple(sorted(value))) if value else Answer(NXDOMAIN)

    return look


@pytest.fixture(autouse=True)
def nobody_is_asked(monkeypatch):
    def ask(name, qtype, *_more):
        raise AssertionError(f"pyspf asked for {name} {qtype} itself")

    monkeypatch.setattr(spf, "DNSLookup", ask)


@pytest.mark.parametrize(("section", "policy", "result"), CASES, ids=[f"{n}-{c[0]}" for n, c in enumerate(CASES)])
def test_the_result_is_that_of_rfc_7208(section, policy, result):
    found = evaluate(IP, "strong-bad@d.test", "host.test", looking({**WORLD, "d.test TXT": policy}))
    assert found.result == result, found
    assert bool(found.why) == (result in ("permerror", "temperror"))


@pytest.mark.parametrize(
    ("ip", "mail_from", "helo", "policies", "result"),
    [
        (IP, "x@a..test", "host.test", {}, "none"),
        (IP, "x@" + "x" * 64 + ".test", "host.test", {}, "none"),
        (IP, "", "host.test", {"host.test TXT": ["v=spf1 a -all"]}, "pass"),
        (IP, "", "host.test", {"host.test TXT": ["v=spf1 -all"], "d.test TXT": ["v=spf1 +all"]}, "fail"),
        (IP, "", "localhost", {}, "none"),
        (IP, "", "[192.0.2.3]", {}, "none"),
        ("2001:db8::3", "x@d.test", "h", {"d.test TXT": ["v=spf1 a:six.test -all"]}, "pass"),
        ("2001:db8::3", "x@d.test", "h", {"d.test TXT": ["v=spf1 ip6:2001:db8::/32 -all"]}, "pass"),
        ("2001:db8::3", "x@d.test", "h", {"d.test TXT": ["v=spf1 ip4:0.0.0.0/0 -all"]}, "fail"),
        ("2001:db8::3", "x@d.test", "h", {"d.test TXT": ["v=spf1 exists:host.test -all"]}, "pass"),
        ("::ffff:192.0.2.3", "x@d.test", "h", {"d.test TXT": ["v=spf1 ip4:192.0.2.3 -all"]}, "pass"),
    ],
)
def test_who_is_asked_about(ip, mail_from, helo, policies, result):
    assert evaluate(ip, mail_from, helo, looking({**WORLD, **policies})).result == result


def test_what_is_not_there_yet_is_wanted_and_then_used():
    """The caller fetches one answer after the other; the result is that of one who had them all."""
    world = {**WORLD, "d.test TXT": ["v=spf1 exp=%{p}.x.test mx:nearmx.test ptr:x.test include:pass.test -all"]}
    have: dict[tuple[str, str], Answer] = {}

    def look(name: str, rtype: str) -> Answer:
        if (name, rtype) not in have:
            raise Wanted((name, rtype))
        return have[name, rtype]

    for _round in range(20):
        try:
            found = evaluate(IP, "x@d.test", "host.test", look)
            break
        except Wanted as wanted:
            have[wanted.question] = looking(world)(*wanted.question)
    assert found.result == "pass"
    assert ("pass.test", "TXT") in have and ("near.test", "A") in have


def test_threads_do_not_mix_their_worlds():
    results: dict[int, set[str]] = {}

    def work(number: int) -> None:
        ip = f"192.0.2.{number}"
        look = looking({"d.test TXT": [f"v=spf1 a:h{number}.test -all"], f"h{number}.test A": [ip]})
        results[number] = {evaluate(ip, "x@d.test", "h", look).result for _turn in range(60)}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: {"pass"} for number in range(8)}


def test_a_stumble_of_the_library_is_no_verdict():
    def look(_name: str, _rtype: str) -> Answer:
        raise ZeroDivisionError("x")

    found = evaluate(IP, "x@d.test", "h", look)
    assert found.result == "temperror" and "ZeroDivisionError" in found.why
