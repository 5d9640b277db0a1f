# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""dnsbl_check against rbldnsd, unbound and dnsdist: every fault at every kind of list, each in a zone of its own."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.catalogue import ERRORS, LISTS
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.names import reversed_address
from ansible_collections.email_engine.fleet.tests.dns_daemons import Dnsdist, Rbldnsd, Unbound, Whoami, free_port
from ansible_collections.email_engine.fleet.tests.integration.name_servers import Odd

MODULE = "ansible_collections.email_engine.fleet.plugins.modules.dnsbl_check"
RBLDNSD, RESOLVER, FRONT, WHOAMI, SECOND = "127.0.0.81", "127.0.0.82", "127.0.0.83", "127.0.0.84", "127.0.0.85"
KEY = "abcdefghijklmnopqrstuvwxyz"
LISTED, CLEAN, UNKNOWN = "listed", "clean", "unknown"
OUTSIDE = "203.0.113.9"
ABSENT = {"absent.test": {"dnset": "nobody\n"}}


def sender(name: str, ip: str, domain: str) -> dict:
    return {"name": name, "ip": ip, "domain": domain, "from_email": "", "hostname": None, "status": "active"}


# bad is listed everywhere, good nowhere; odd is answered with what the fault says.
FLEET = {
    "senders": [
        sender("bad", "198.18.0.1", "bad.example"),
        sender("good", "198.18.0.2", "good.example"),
        sender("odd", "198.18.0.3", "odd.example"),
        sender("bad6", "2001:db8::1", "bad.example"),
        sender("good6", "2001:db8::2", "good.example"),
        sender("odd6", "2001:db8::3", "odd.example"),
    ]
}


class Kind:
    """A kind of list. like: the entry of the catalogue whose codes it has. six: it is asked about IPv6 addresses only."""

    def __init__(self, like: str, dataset: str, code: str, six: bool = False, keyed: bool = False):
        self.like, self.dataset, self.code, self.six, self.keyed = LISTS[like], dataset, code, six, keyed
        if dataset == "dnset":
            self.bad, self.good, self.odd = "bad.example", "good.example", "odd.example"
            self.tests = (LISTS[like].get("listed_test", "test"), "invalid")
            everybody = ("test", "invalid", ".invalid", ".example", self.tests[0])
            self.everybody = "".join(f"{name}\n" for name in everybody)
        elif six:
            self.bad, self.good, self.odd = "2001:db8::1", "2001:db8::2", "2001:db8::3"
            self.tests = ("127.0.0.2", "127.0.0.1")
            self.everybody = "0::/1\n8000::/1\n"
        else:
            self.bad, self.good, self.odd = "198.18.0.1", "198.18.0.2", "198.18.0.3"
            self.tests = ("127.0.0.2", "127.0.0.1")
            self.everybody = "0.0.0.0/1\n128.0.0.0/1\n"
        self.targets = {self.bad: "bad", self.good: "good", self.odd: "odd"}

    @property
    def codes(self) -> list[str]:
        """Answers that list somebody."""
        return [*self.like.get("codes", {}), *(f"127.0.0.{bit}" for bit in self.like.get("bits", {}))]

    @property
    def errors(self) -> list[str]:
        bits = [f"127.0.0.{bit}" for bit in self.like.get("error_bits", {})]
        return list(dict.fromkeys([*ERRORS, *self.like.get("errors", {}), *bits]))

    def entry(self, zone: str) -> dict:
        entry = {**copy.deepcopy(self.like), "zone": zone, "ipv6": self.six, "asked": True}
        for key in ("keyed_zone", "key"):
            entry.pop(key, None)
        if self.keyed:
            del entry["zone"]
            entry |= {"keyed_zone": "{key}." + zone, "key": "dqs"}
        return entry

    def zone(self, odd: tuple[str, ...] = (), **tests: str) -> str:
        """A dataset: the test point, the bad one, and for the odd one these answers. tests: listed or clean, other answers."""
        lines = [f":{self.code}:listed\n"]
        if tests.get("listed", "yes") == "yes" and not self.six:
            lines.append(f"{self.tests[0]}\n")
        if "clean" in tests and not self.six:
            lines.append(f"{self.tests[1]}\n")
        if tests.get("bad", "yes") == "yes":
            lines.append(f"{self._entry(self.bad)}\n")
        return "".join(lines) + "".join(f"{self._entry(self.odd)} :{answer}:odd\n" for answer in odd)

    def _entry(self, target: str) -> str:
        # IPv6 tries want all of an address.
        return f"{target}/128" if self.six else target


KINDS = {
    "ip": Kind("zen", "ip4set", "127.0.0.3"),
    "ip_keyed": Kind("abusix", "ip4set", "127.0.0.2", keyed=True),
    "ip6": Kind("zen", "ip6trie", "127.0.0.3", six=True),
    "domain": Kind("dbl", "dnset", "127.0.1.2"),
    "domain_bits": Kind("uribl", "dnset", "127.0.0.2"),
    "domain_keyed_bits": Kind("surbl", "dnset", "127.0.0.64", keyed=True),
}


class Cell:
    """One fault at one kind. data: the zone's dataset. lie: of the resolver's front, about the whole zone or of one (bad or odd). points: test
    points that an IPv6 list has. The rest is what has to come of it; a set where either is right."""

    def __init__(
        self, data: str, state: str, bad, good, odd, lie=None, of: str = "", codes=None, points=("127.0.0.2",)
    ):
        self.data, self.state, self.lie, self.of, self.codes, self.points = data, state, lie, of, codes, points
        self.expected = {"bad": bad, "good": good, "odd": odd}


EITHER = {CLEAN, UNKNOWN}  # asked before the list refused, or not any more
NOBODY = (UNKNOWN, UNKNOWN, UNKNOWN)


def cells(kind: Kind) -> dict[str, Cell]:
    sound = kind.zone()
    found = {
        "sound": Cell(sound, "healthy", LISTED, CLEAN, CLEAN),
        "unknown_code": Cell(kind.zone(("127.0.9.77",)), "healthy", LISTED, CLEAN, UNKNOWN),
        "outside": Cell(kind.zone((OUTSIDE,)), "healthy", LISTED, CLEAN, UNKNOWN),
        # A trie has one answer for an address.
        **{
            f"known_and_{what}": Cell(sound, "healthy", LISTED, CLEAN, UNKNOWN, lie=[kind.code, other], of="odd")
            if kind.six
            else Cell(kind.zone((kind.code, other)), "healthy", LISTED, CLEAN, UNKNOWN)
            for what, other in (("outside", OUTSIDE), ("unknown", "127.0.9.77"))
        },
        "nxdomain_rewritten": Cell(f":{OUTSIDE}:parked\n{kind.everybody}", "failed", *NOBODY),
        "wildcard": Cell(f":{kind.code}:everybody\n{kind.everybody}", "failed", *NOBODY),
        "no_test_point": Cell(kind.zone(listed="no"), "failed", *NOBODY, points=()),
        "lists_the_clean_one": Cell(kind.zone(clean="listed"), "failed", *NOBODY, points=kind.tests),
        "empty": Cell(kind.zone(listed="no", bad="no"), "failed", *NOBODY, points=()),
        "timeout": Cell(sound, "unknown", *NOBODY, lie="silent"),
        "servfail": Cell(sound, "unknown", *NOBODY, lie="servfail"),
        "udp_lost": Cell(sound, "unknown", *NOBODY, lie="udp_lost"),
        "refused": Cell(sound, "blind", *NOBODY, lie="refused"),
        "nxdomain": Cell(sound, "failed", *NOBODY, lie="nxdomain"),
        "truncated": Cell(sound, "healthy", LISTED, CLEAN, CLEAN, lie="truncated"),
        "one_timeout": Cell(sound, "healthy", UNKNOWN, CLEAN, CLEAN, lie="silent", of="bad"),
        "one_servfail": Cell(sound, "healthy", UNKNOWN, CLEAN, CLEAN, lie="servfail", of="bad"),
        "one_refused": Cell(sound, "blind", UNKNOWN, EITHER, EITHER, lie="refused", of="bad"),
        "one_truncated": Cell(sound, "healthy", LISTED, CLEAN, CLEAN, lie="truncated", of="bad"),
        "one_rewritten": Cell(sound, "healthy", UNKNOWN, CLEAN, CLEAN, lie=[OUTSIDE], of="bad"),
    }
    for code in kind.codes:
        found[f"code_{code}"] = Cell(kind.zone((code,)), "healthy", LISTED, CLEAN, LISTED, codes=code)
    for error in kind.errors:
        # Somebody is answered with the error; then everybody, test points as well.
        found[f"error_{error}"] = Cell(kind.zone((error,)), "blind", UNKNOWN, EITHER, UNKNOWN)
        found[f"errors_{error}"] = Cell(f":{error}:error\n{kind.everybody}", "blind", *NOBODY)
    return found


MATRIX = {(kind, fault): cell for kind, one in KINDS.items() for fault, cell in cells(one).items()}


def name_of(kind: str, fault: str) -> str:
    return f"{kind}-{fault}".replace(".", "_")


def zone_of(kind: str, fault: str) -> str:
    return f"{name_of(kind, fault).replace('_', '-')}.bl.test"


def run(place, **options) -> dict:
    """Run the module as Ansible does, in a process of its own."""
    path = place / "arguments.json"
    path.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": options}))
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", MODULE, str(path)], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.stdout.strip(), done.stderr
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return {**answer, "rc": done.returncode, "seconds": time.monotonic() - began, "raw": done.stdout + done.stderr}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """{"lists": rbldnsd, "resolver": unbound, "front": dnsdist that lies before it, "whoami": Knot}."""
    place = tmp_path_factory.mktemp("dnsbl")
    zones, lies = dict(ABSENT), {}
    for (kind, fault), cell in MATRIX.items():
        one = KINDS[kind]
        zone = f"{KEY}.{zone_of(kind, fault)}" if one.keyed else zone_of(kind, fault)
        zones[zone] = {one.dataset: cell.data}
        if one.six:
            # Its test points are IPv4 addresses in IPv6 form, which rbldnsd looks up there.
            zones[zone]["ip4set"] = ":127.0.0.2:listed\n" + "".join(f"{point}\n" for point in cell.points)
        if cell.lie:
            lies[f"{_asked(one, cell.of)}.{zone}" if cell.of else zone] = cell.lie
    # The longest name first: the first rule that fits counts.
    lies = dict(sorted(lies.items(), key=lambda item: -len(item[0])))
    with Rbldnsd(place / "lists", RBLDNSD, zones) as lists, Whoami(place / "whoami", WHOAMI) as whoami:
        stubs = {"bl.test": lists.at, "absent.test": lists.at, "whoami.test": whoami.at}
        with (
            Unbound(place / "resolver", RESOLVER, stubs) as resolver,
            Dnsdist(place / "front", FRONT, resolver.at, lies=lies) as front,
        ):
            yield {"lists": lists, "resolver": resolver, "front": front}


def _asked(kind: Kind, who: str) -> str:
    target = getattr(kind, who)
    return target if kind.dataset == "dnset" else reversed_address(target)


def options(resolver, **more) -> dict:
    return {
        "fleet": FLEET,
        "resolvers": [resolver.at],
        "addresses": [RESOLVER],
        "whoami": ["whoami.test"],
        "absent": "absent.test",
        "spacing": 0,
        "timeout": 2,
        **more,
    }


ALL_LISTS = {
    "lists": [name_of(*cell) for cell in MATRIX],
    "changes": {name_of(*cell): KINDS[cell[0]].entry(zone_of(*cell)) for cell in MATRIX},
    "keys": {"dqs": KEY},
}


def verdicts(report: dict) -> dict[tuple[str, str], dict]:
    return {(v["list"], v["target"]): v for s in report["senders"] for v in s["verdicts"]}


# --- The fault matrix -------------------------------------------------------------------------------------------------


def test_every_fault_at_every_kind_of_list(world, tmp_path, capsys):
    result = run(tmp_path, **options(world["front"], **ALL_LISTS))
    assert result["rc"] == 0, result.get("msg")
    assert result["report"]["resolver"]["verdict"] == "healthy"
    seen = verdicts(result["report"])
    states = {one["name"]: one for one in result["report"]["lists"]}
    wrong, stops, clearances, count = [], 0, 0, 0
    for (kind, fault), cell in MATRIX.items():
        name = name_of(kind, fault)
        state = states[name]["state"], bool(states[name]["detail"])
        # What is wrong with IPv6 addresses only leaves the others as they are, and is told.
        if state != (cell.state, cell.state != "healthy") and not (KINDS[kind].six and state == ("healthy", True)):
            wrong.append(f"{name}: {states[name]['state']} ({states[name]['detail']}), not {cell.state}")
        for target, who in KINDS[kind].targets.items():
            verdict, wanted = seen[name, target], cell.expected[who]
            right = wanted if isinstance(wanted, set) else {wanted}
            count += 1
            if verdict["verdict"] not in right:
                wrong.append(f"{name}, {who}: {verdict}, not {wanted}")
                stops += verdict["verdict"] == LISTED
                clearances += verdict["verdict"] == CLEAN
            if cell.codes and who == "odd":
                code = cell.codes if KINDS[kind].like.get("codes") else cell.codes.rpartition(".")[2]
                if verdict["codes"] != [code]:
                    wrong.append(f"{name}, {who}: {verdict['codes']}, not {code}")
    with capsys.disabled():
        print(
            f"\n{len(MATRIX)} faults at {len(KINDS)} kinds of lists, {count} verdicts: {len(wrong)} wrong, {stops} false stops, "
            f"{clearances} false clearances ({result['seconds']:.1f} s)"
        )
    assert not wrong, "\n".join(wrong)


def test_the_key_of_a_list_is_nowhere(world, tmp_path):
    result = run(tmp_path, **options(world["front"], **ALL_LISTS))
    assert KEY not in json.dumps([result["report"], result["lines"], result["summary"]])
    assert KEY not in result["raw"]


# --- The resolver -----------------------------------------------------------------------------------------------------


class Rewriting(Odd):
    """A resolver that answers with an address of its own where a name does not exist."""

    def _forward(self, reply, name, rdtype):
        super()._forward(reply, name, rdtype)
        if reply.rcode() == 3:
            import dns.rrset

            reply.set_rcode(0)
            reply.answer = [dns.rrset.from_text(name, 60, "IN", "A", OUTSIDE)]


SOUND = {
    "lists": [name_of(kind, "sound") for kind in KINDS],
    "changes": ALL_LISTS["changes"],
    "keys": ALL_LISTS["keys"],
}


def assert_blind(result: dict, words: str) -> None:
    assert result["rc"] == 0
    told = result["report"]["resolver"]
    assert told["verdict"] == "blind"
    assert words in " ".join(told["reasons"])
    assert {one["verdict"] for one in verdicts(result["report"]).values()} == {UNKNOWN}
    assert {one["verdict"] for one in result["report"]["controls"]} <= {UNKNOWN}
    assert result["summary"]["unknown"] == len(FLEET["senders"])
    assert "The check is blind" in result["lines"][1]


def test_a_resolver_that_nobody_runs(tmp_path):
    nobody = f"{SECOND}@{free_port(SECOND)}"
    result = run(tmp_path, **{**options(Place(nobody), **SOUND), "timeout": 0.5})
    assert_blind(result, "does not resolve names")


class Place:
    def __init__(self, at: str):
        self.at = at


@pytest.mark.parametrize("lie", ["silent", "servfail", "refused"])
def test_a_resolver_that_gives_no_answer(world, tmp_path, lie):
    with Dnsdist(tmp_path / "front", SECOND, world["resolver"].at, lies={".": lie}) as front:
        assert_blind(run(tmp_path, **options(front, **SOUND)), "does not resolve names")


def test_a_resolver_that_invents_answers(world, tmp_path):
    upstream = (RESOLVER, world["resolver"].port)
    with Rewriting(SECOND, port := free_port(SECOND), upstream, {}) as odd:
        assert_blind(run(tmp_path, **options(Place(f"{SECOND}@{port}"), **SOUND)), "invents answers")
        # Nothing was asked of any list.
        assert not [name for name, _type, _over in odd.asked if name.endswith("bl.test")]


def test_a_resolver_that_forwards(world, tmp_path):
    with Unbound(tmp_path / "forwarder", SECOND, forwards={".": world["resolver"].at}) as forwarder:
        result = run(tmp_path, **{**options(forwarder, **SOUND), "addresses": []})
        assert_blind(result, f"forwards: {RESOLVER} asks for it")
        # Its operator may say that this is one's own.
        assert run(tmp_path, **options(forwarder, **SOUND))["report"]["resolver"]["verdict"] == "healthy"


def test_a_resolver_that_resolves_by_itself(world, tmp_path):
    result = run(tmp_path, **{**options(world["resolver"], **SOUND), "addresses": []})
    assert result["report"]["resolver"] == {"verdict": "healthy", "reasons": []}
    assert result["summary"]["listed"]["critical"] >= 1


def test_a_public_resolver_is_asked_nothing(tmp_path):
    result = run(tmp_path, **options(Place("9.9.9.9"), **SOUND))
    assert_blind(result, "public (Quad9)")
    assert result["queries"] == 0


def test_of_two_resolvers_the_fit_one_is_asked(world, tmp_path):
    result = run(tmp_path, **{**options(world["resolver"], **SOUND), "resolvers": ["8.8.8.8", world["resolver"].at]})
    assert result["report"]["resolver"]["verdict"] == "healthy"
    assert "8.8.8.8 is public" in result["report"]["resolver"]["reasons"][0]
    assert verdicts(result["report"])[name_of("ip", "sound"), "198.18.0.1"]["verdict"] == LISTED


def test_where_one_resolver_gives_no_answer_the_next_is_asked(world, tmp_path):
    zone = zone_of("ip", "sound")
    with Dnsdist(tmp_path / "front", SECOND, world["resolver"].at, lies={zone: "servfail"}) as front:
        given = {**options(front, **SOUND), "lists": [name_of("ip", "sound")]}
        assert run(tmp_path, **given)["summary"]["lists"]["unknown"] == 1
        both = run(tmp_path, **{**given, "resolvers": [front.at, world["resolver"].at]})
        assert verdicts(both["report"])[name_of("ip", "sound"), "198.18.0.1"]["verdict"] == LISTED


# --- A list that dies -------------------------------------------------------------------------------------------------


@pytest.fixture
def dying(tmp_path):
    """A list behind a resolver that caches, as resolvers do."""
    kind = KINDS["ip"]
    # Told to be kept for long: what is cached outlives the list.
    zones = {"dying.bl.test": {"ip4set": "$TTL 3000\n" + kind.zone()}, **ABSENT}
    with Rbldnsd(tmp_path / "lists", RBLDNSD, zones) as lists, Whoami(tmp_path / "whoami", WHOAMI) as whoami:
        stubs = {"bl.test": lists.at, "absent.test": lists.at, "whoami.test": whoami.at}
        with Unbound(tmp_path / "resolver", RESOLVER, stubs, cache=True) as resolver:
            yield lists, options(resolver, lists=["dying"], changes={"dying": kind.entry("dying.bl.test")})


def test_a_list_that_dies_and_lists_everybody(dying, tmp_path):
    lists, given = dying
    before = run(tmp_path, **given)
    assert before["summary"]["lists"]["healthy"] == 1
    assert verdicts(before["report"])["dying", "198.18.0.2"]["verdict"] == CLEAN
    lists.change("dying.bl.test", "ip4set", f":127.0.0.2:everybody\n{KINDS['ip'].everybody}")
    after = run(tmp_path, **given, controls=["192.0.2.53"])
    [one] = after["report"]["lists"]
    # 127.0.0.1 is still known to be clean, to the resolver; what it never heard of tells.
    assert (one["state"], "it would list everybody" in one["detail"]) == ("failed", True)
    assert {v["verdict"] for v in verdicts(after["report"]).values()} == {UNKNOWN}
    assert {v["verdict"] for v in after["report"]["controls"]} == {UNKNOWN}
    assert "is set aside" in "\n".join(after["lines"])


def test_a_list_that_dies_while_it_is_asked(world, tmp_path):
    """Its tests were passed; then it lists everybody. What it listed does not count, because the last test fails."""
    kind = KINDS["ip"]
    zones = {"dying.bl.test": {"ip4set": kind.zone()}, **ABSENT}
    asked = 0

    class Turning(Odd):
        def reply(self, data, over):
            nonlocal asked
            reply = super().reply(data, over)
            if self.asked[-1][0].endswith("dying.bl.test"):
                asked += 1
                if asked == 3:  # the tests are over
                    lists.change("dying.bl.test", "ip4set", f":127.0.0.2:everybody\n{kind.everybody}")
            return reply

    port = free_port("127.0.0.87")
    given = options(Place(f"127.0.0.87@{port}"), lists=["dying"], changes={"dying": kind.entry("dying.bl.test")})
    with (
        Rbldnsd(tmp_path / "lists", SECOND, zones) as lists,
        Unbound(tmp_path / "resolver", "127.0.0.86", {"bl.test": lists.at, "absent.test": lists.at}) as resolver,
        Turning("127.0.0.87", port, ("127.0.0.86", resolver.port), {}),
    ):
        # One after the other, with the shortest of pauses.
        result = run(tmp_path, **{**given, "whoami": [], "spacing": 0.01, "jitter": 0})
    assert [one["state"] for one in result["report"]["lists"]] == ["failed"]
    assert {v["verdict"] for v in verdicts(result["report"]).values()} == {UNKNOWN}


# --- Manners ----------------------------------------------------------------------------------------------------------


class Counting(Odd):
    def reply(self, data, over):
        self.times.append(time.monotonic())
        return super().reply(data, over)

    times: list = []


def test_questions_to_one_list_keep_their_distance(world, tmp_path):
    with Counting(SECOND, port := free_port(SECOND), (RESOLVER, world["resolver"].port), {}) as odd:
        odd.times = []
        given = options(Place(f"{SECOND}@{port}"), **SOUND)
        given = {**given, "lists": [name_of("ip", "sound")], "spacing": 0.2, "jitter": 0.1, "whoami": [], "timeout": 10}
        result = run(tmp_path, **given)
        asked = [t for t, (name, _type, _over) in zip(odd.times, odd.asked) if name.endswith("bl.test")]
    gaps = [later - earlier for earlier, later in zip(asked, asked[1:])]
    # Three tests, three addresses, one test more because somebody is listed.
    assert len(asked) == 7
    assert min(gaps) > 0.18
    assert max(gaps) > min(gaps) + 0.005
    assert verdicts(result["report"])[name_of("ip", "sound"), "198.18.0.1"]["verdict"] == LISTED


def test_a_list_that_refuses_is_left_alone(world, tmp_path):
    fault = "errors_127.255.255.254"
    with Odd(SECOND, port := free_port(SECOND), (RESOLVER, world["resolver"].port), {}) as odd:
        given = options(Place(f"{SECOND}@{port}"), **{**SOUND, "lists": [name_of("ip", fault)], "timeout": 10})
        result = run(tmp_path, **given)
        asked = [name for name, _type, _over in odd.asked if name.endswith("bl.test")]
    assert len(asked) == 3
    assert result["report"]["lists"][0]["state"] == "blind"
    assert "takes the resolver for a public one" in " ".join(result["report"]["resolver"]["reasons"])


def test_what_senders_share_is_asked_once(world, tmp_path):
    pool = {"senders": [sender(f"m{n}", f"198.18.1.{n}", "bad.example") for n in range(1, 21)]}
    with Odd(SECOND, port := free_port(SECOND), (RESOLVER, world["resolver"].port), {}) as odd:
        given = options(Place(f"{SECOND}@{port}"), **SOUND)
        given = {**given, "fleet": pool, "lists": [name_of("domain", "sound")], "timeout": 10}
        result = run(tmp_path, **given)
        asked = [name for name, _type, _over in odd.asked if name.startswith("bad.example.")]
    assert len(asked) == 1
    assert [s["verdicts"][0]["verdict"] for s in result["report"]["senders"]] == [LISTED] * 20


# --- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"lists": ["zne"]}, "lists: zne: is not in the catalogue"),
        ({"lists": ["nixspam"]}, "nixspam is dead (2025-01)"),
        ({"lists": ["abusix"]}, "the key abusix is not given"),
        ({"changes": {"own": {"zone": "bl.example", "kind": "ip"}}}, "changes.own.codes: no answer of the list"),
        ({"keys": {"dqs": "not-a-key.zen"}}, "keys.dqs: is not one label"),
        ({"resolvers": ["resolver.example"]}, "resolvers:"),
        ({"controls": ["a..b"]}, "controls[0]"),
        ({"whoami": ["whoami.test MX"]}, "whoami[0]: MX is not A or TXT"),
        ({"addresses": ["here"]}, "addresses[0]"),
        ({"absent": "a..b"}, "absent:"),
        ({"spacing": -1}, "spacing: -1.0 is not between 0 and 60"),
        ({"timeout": 0}, "timeout: 0.0 is not above 0"),
        ({"concurrency": 5000}, "concurrency"),
        ({"senders": ["nobody"]}, "has no sender nobody"),
        ({"fleet": {"senders": [sender("m", "192.0.2.1", "a" * 64 + ".example")]}}, "is no domain"),
        ({"fleet": {}}, "has no list of senders"),
    ],
)
def test_bad_input_is_named_before_anything_is_asked(tmp_path, given, words):
    result = run(tmp_path, **{"fleet": FLEET, "resolvers": ["127.0.0.1@1"], **given})
    assert result["failed"] and result["rc"] == 1
    assert words in result["msg"]
    assert "not-a-key" not in result["msg"]
    assert all(one["where"] and one["what"] and one["remedy"] for one in result["problems"])


def test_names_of_every_length_and_alphabet(world, tmp_path):
    """IDN, labels of 63 octets, and a name that a zone leaves no room for."""
    long = ".".join(["a" * 63] * 3) + ".example"
    assert len(long) < 253 < len(f"{long}.{zone_of('domain', 'sound')}") + 53
    tight = ".".join(["b" * 63] * 3 + ["c" * 40, "example"])
    fleet = {
        "senders": [
            sender("idn", "198.18.3.1", "bücher.example"),
            sender("long", "198.18.3.2", long),
            sender("tight", "198.18.3.3", tight),
        ]
    }
    given = {**options(world["resolver"], **SOUND), "fleet": fleet, "lists": [name_of("domain", "sound")]}
    result = run(tmp_path, **given)
    by_target = {v["target"]: v for v in verdicts(result["report"]).values()}
    assert by_target["xn--bcher-kva.example"]["verdict"] == CLEAN
    assert by_target[long]["verdict"] == CLEAN
    assert by_target[tight]["verdict"] == UNKNOWN
    assert "too long" in by_target[tight]["detail"]


# --- The playbook -----------------------------------------------------------------------------------------------------


class Served:
    """Lists with real names, behind a resolver of the test's own, and what the playbook needs to find them."""

    def __init__(self, lists, resolver):
        self.lists, self.resolver = lists, resolver
        self.extra = {
            "checks_resolvers": [resolver.at],
            "rbl_check_whoami": ["whoami.test"],
            "rbl_check_absent": "absent.test",
            "policy_dnsbl": {"lists": ["zen", "dbl", "spamcop"], "spacing": 0, "controls": ["192.0.2.77"]},
        }

    def list_(self, *addresses: str, zone: str = "zen.spamhaus.org") -> None:
        entries = "".join(f"{address}\n" for address in addresses)
        self.lists.change(zone, "ip4set", f":127.0.0.3:listed\n127.0.0.2\n{entries}")

    def play(self, scratch, *more, **extra):
        return scratch.play("playbooks/rbl_check.yml", "-e", json.dumps({**self.extra, **extra}), *more)


@pytest.fixture
def lists_served(tmp_path):
    zones = {
        "zen.spamhaus.org": {"ip4set": ":127.0.0.3:listed\n127.0.0.2\n"},
        "bl.spamcop.net": {"ip4set": ":127.0.0.2:listed\n127.0.0.2\n"},
        "dbl.spamhaus.org": {"dnset": ":127.0.1.2:listed\ntest\n"},
        **ABSENT,
    }
    with Rbldnsd(tmp_path / "lists", RBLDNSD, zones) as lists, Whoami(tmp_path / "whoami", WHOAMI) as whoami:
        stubs = {**dict.fromkeys(zones, lists.at), "whoami.test": whoami.at}
        with Unbound(tmp_path / "resolver", RESOLVER, stubs) as resolver:
            yield Served(lists, resolver)


def play_with_engine(served_lists, site, engine, **extra):
    return served_lists.play(site, "-e", f"fleet_engine_ca_file={engine.file}", **extra)


@pytest.fixture
def fleet_there(site, engine):
    from ansible_collections.email_engine.fleet.tests.integration.served import fleet

    site.out_of_reach()
    engine.declare(fleet(), age=10 * 365 * 24 * 3600)
    engine.sql("UPDATE ips SET status = 'active'")
    return site


def test_the_playbook_without_an_engine(lists_served, scratch):
    from ansible_collections.email_engine.fleet.tests.integration.served import PASSWORD, fill

    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    lists_served.list_("198.51.100.2")
    run = lists_served.play(scratch)
    assert run.code == 0, run.output[-3000:]
    assert "2 of 3 senders are clean at the 3 of 3 lists that work, 1 are listed, 0 are unknown" in run.output
    assert "m2.sos.test: 198.51.100.2 is listed at zen (127.0.0.3; critical)" in run.output
    failing = lists_served.play(scratch, rbl_check_fail_on="critical")
    assert failing.code != 0 and "198.51.100.2 is listed at zen" in failing.failures
    assert lists_served.play(scratch, rbl_check_fail_on="sometimes").failures.startswith(
        "rbl_check_fail_on is sometimes"
    )


def test_the_engine_is_told_who_is_listed(lists_served, fleet_there, engine):
    lists_served.list_("198.51.100.2")
    run = play_with_engine(lists_served, fleet_there, engine)
    assert run.code == 0, run.output[-3000:]
    assert "Listed anew: m2.sos.test" in run.output
    rows = engine.sql(
        "SELECT i.hostname, v.blacklist_name, v.codes FROM dnsbl_verdicts v JOIN ips i ON i.id = v.ip_id WHERE v.listed = 'yes'"
    )
    assert rows == [("m2.sos.test", "zen", ["127.0.0.3"])]
    assert engine.sql("SELECT count(*) FROM dnsbl_lists WHERE state = 'healthy'") == [(3,)]


@pytest.mark.parametrize("control_listed", [False, True])
def test_many_listings_are_looked_at_again_with_controls(lists_served, fleet_there, engine, control_listed):
    lists_served.list_("198.51.100.0/24", *(["192.0.2.77"] if control_listed else []))
    run = play_with_engine(lists_served, fleet_there, engine)
    assert run.code == 0, run.output[-3000:]
    assert "So many verdicts changed" in run.output
    assert len([task for task in run.tasks if task["task"] == "Ask the lists"]) == 2
    # A list that has a control address as well is believed by nobody.
    assert ("Control addresses are listed at zen: 192.0.2.77" in run.output) == control_listed
    assert ("does not believe this report" in run.output) == control_listed
    stopped = engine.sql("SELECT count(*) FROM ips WHERE status = 'quarantine'")
    assert (stopped == [(0,)]) == control_listed


def test_an_engine_out_of_reach_keeps_nobody_from_looking(lists_served, site, engine):
    site.out_of_reach()
    site.write("group_vars/engine/engine.yml", {"engine_https_port": free_port("127.0.0.1")})
    lists_served.list_("198.51.100.2")
    run = play_with_engine(lists_served, site, engine)
    site.write("group_vars/engine/engine.yml", {"engine_https_port": engine.port})
    assert run.code != 0
    assert "198.51.100.2 is listed at zen" in run.output
    assert "the engine could not be told" in run.failures
