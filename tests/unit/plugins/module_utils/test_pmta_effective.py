# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings hold for a queue: a truth table, and the stand-in's own `show settings` as the judge of everything generated."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import Directive, Section, parse
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "standins/powermta"))
from pmta_standin import domains, model, parser, paths, rollup

TABLE = """
domain-macro big a.example,
    b.example
domain-macro far $big,c.example
<domain *>
    max-msg-rate 1/h
    use-starttls yes
    retry-after 1m
</domain>
<domain [*.]b.example>
    max-msg-rate 2/h
    bounce-after 2d
</domain>
<domain *.deep.b.example>
    max-msg-rate 3/h
</domain>
<Domain $far>
    Max-Msg-Rate 4/h
    source-ip-max-msg-rate 10/8 1/h
    source-ip-max-msg-rate 11/8 2/h
</Domain>
<domain a.example>
    max-msg-rate 5/h
    queue-to "one.queue"
</domain>
<domain gone.example>
    queue-to ""
    disable-mx-rollup yes
</domain>
<domain [10/8]>
    max-msg-rate 6/h
</domain>
<domain [10.1/16]>
    max-msg-rate 7/h
</domain>
<domain one.rollup>
    queue-to two.queue
</domain>
<mx-rollup-list>
    mx *.mail.example one.rollup
    mx mx.other.example other.rollup rollup-by-ip
    mx *.example last.rollup
</mx-rollup-list>
<virtual-mta v1>
    <domain *>
        max-msg-rate 8/h
        retry-after ""
    </domain>
    <domain c.example>
        max-msg-rate 9/h
    </domain>
</virtual-mta>
<virtual-mta v2>
</virtual-mta>
<virtual-mta-pool p>
    virtual-mta v1
    virtual-mta v2
    <domain b.example>
        max-msg-rate 10/h
        bounce-after 3d
    </domain>
</virtual-mta-pool>
"""


@pytest.mark.parametrize(
    ("domain", "vmta", "directive", "wanted"),
    [
        ("unknown.example", "{default}", "max-msg-rate", ("1/h",)),
        ("b.example", "{default}", "max-msg-rate", ("4/h",)),
        ("B.Example", "{default}", "max-msg-rate", ("4/h",)),
        ("x.b.example", "{default}", "max-msg-rate", ("2/h",)),
        ("deep.b.example", "{default}", "max-msg-rate", ("2/h",)),
        ("x.deep.b.example", "{default}", "max-msg-rate", ("3/h",)),
        ("x.deep.b.example", "{default}", "bounce-after", ("2d",)),
        ("a.example", "{default}", "max-msg-rate", ("5/h",)),
        ("a.example", "{default}", "source-ip-max-msg-rate", ("10/8 1/h", "11/8 2/h")),
        ("a.example", "{default}", "use-starttls", ("yes",)),
        ("a.example", "{default}", "bounce-after", None),
        ("[10.2.3.4]", "{default}", "max-msg-rate", ("6/h",)),
        ("[10.1.3.4]", "{default}", "max-msg-rate", ("7/h",)),
        ("[IPv6:2001:db8::1]", "{default}", "max-msg-rate", ("1/h",)),
        ("a.example", "v1", "max-msg-rate", ("8/h",)),
        ("a.example", "V1", "retry-after", ("",)),
        ("c.example", "v1", "max-msg-rate", ("9/h",)),
        ("b.example", "v1", "max-msg-rate", ("8/h",)),
        ("b.example", "v1", "bounce-after", ("3d",)),
        ("b.example", "v2", "max-msg-rate", ("10/h",)),
        ("a.example", "v2", "max-msg-rate", ("5/h",)),
        ("a.example", "nobody", "max-msg-rate", ("5/h",)),
    ],
)
def test_scope_then_pattern_decides_per_directive(domain, vmta, directive, wanted):
    assert Effective(TABLE).settings(domain, vmta).get(directive) == wanted


def test_pools_can_be_named():
    assert Effective(TABLE).settings("b.example", "v2", pools=[])["max-msg-rate"] == ("4/h",)
    assert Effective(TABLE).settings("b.example", pools=["P"])["max-msg-rate"] == ("10/h",)


@pytest.mark.parametrize(
    ("domain", "mx", "wanted"),
    [
        ("unknown.test", ["mx.unknown.test"], "unknown.test"),
        ("a.example", [], "one.queue"),
        ("unknown.test", ["x.mail.example."], "two.queue"),
        ("unknown.test", ["MX.other.example"], "other.rollup"),
        ("unknown.test", ["x.example", "mx.mail.example"], "two.queue"),
        ("a.example", ["mx.a.example"], "last.rollup"),
        ("gone.example", ["x.mail.example"], "gone.example"),
        ("[10.1.2.3]", ["x.mail.example"], "[10.1.2.3]"),
    ],
)
def test_the_queue_that_mail_ends_in(domain, mx, wanted):
    """Roll-up by MX comes first, and what is rolled up follows the rules of its new name."""
    assert Effective(TABLE).queue(domain, mx) == wanted


def test_a_virtual_mta_may_send_a_domain_elsewhere():
    text = '<virtual-mta v>\n<domain a.b>\nqueue-to "x.queue"\n</domain>\n</virtual-mta>\n'
    assert (Effective(text).queue("a.b"), Effective(text).queue("a.b", vmta="v")) == ("a.b", "x.queue")


def test_macros_that_loop_or_are_unknown_stand_for_nothing():
    text = (
        "domain-macro a $b\ndomain-macro b $a,x.y\n<domain $a>\nmax-smtp-out 3\n</domain>\n<domain $none>\n</domain>\n"
    )
    assert Effective(text).settings("x.y") == {"max-smtp-out": ("3",)}
    assert Effective("domain-macro t com,fr\n").domains("yahoo.$t") == ["yahoo.com", "yahoo.fr"]


def test_a_tag_given_twice_is_one_and_later_lines_win():
    text = "<domain a>\nmax-smtp-out 1\nretry-after 1m\n</domain>\n<domain a>\nmax-smtp-out 2\n</domain>\n"
    assert Effective(text).settings("a") == {"max-smtp-out": ("2",), "retry-after": ("1m",)}


def test_includes_are_read_where_they_stand_and_loops_end():
    files = {
        "macros": "domain-macro m a.b\ninclude macros\n",
        "inside": "max-smtp-out 7\n",
        "vmta": "<domain $m>\nmax-smtp-out 8\n</domain>\n",
    }

    def resolve(pattern, _origin):
        return [(pattern, files[pattern])] if pattern in files else None

    text = "include macros\ninclude lost\n<domain $m>\ninclude inside\n</domain>\n<virtual-mta v>\ninclude vmta\n</virtual-mta>\n"
    asked = Effective(text, resolve)
    assert asked.settings("a.b") == {"max-smtp-out": ("7",)}
    assert asked.settings("a.b", "v") == {"max-smtp-out": ("8",)}
    assert Effective(text).settings("a.b") == {}


def test_built_nodes_are_read_as_text_is():
    nodes = [Section("domain", "a.b", [Directive("smtp-hosts", '"c d"'), Directive("Max-Smtp-Out", "2")])]
    assert Effective(nodes).settings("a.b") == {"smtp-hosts": ("c d",), "max-smtp-out": ("2",)}
    assert Effective(parse("<virtual-mta A>\n</virtual-mta>\n")).vmtas == ["a"]


# The judge ---------------------------------------------------------------------------------------------------------

NAMES = ("a.rollup", "a.example", "b.example", "x.b.example", "deep.x.b.example", "example", "other.test")
PATTERNS = (
    *NAMES,
    "*",
    "*.b.example",
    "[*.]b.example",
    "[*.]example",
    "*.example",
    "*.x.b.example",
    "one.queue",
    "$m",
    "$n",
)
DIRECTIVES = {
    "max-smtp-out": ("1", "2", "3"),
    "max-msg-rate": ("1/h", "2/h"),
    "retry-after": ("1m,2m", "3m"),
    "use-starttls": ("yes", "no"),
    "disable-mx-rollup": ("yes", "no"),
    "queue-to": ("one.queue", "two.queue", '""'),
    "source-ip-max-smtp-out": ("10.0.0.0/8 1", "11.0.0.0/8 2", "12.0.0.0/8 3"),
}
REPEATED = "source-ip-max-smtp-out"


@st.composite
def lines(draw):
    out = []
    for name, values in DIRECTIVES.items():
        most = 3 if name == REPEATED else 1
        out += [f"{name} {value}" for value in draw(st.lists(st.sampled_from(values), max_size=most, unique=True))]
    return out


@st.composite
def tags(draw):
    out = []
    for pattern in draw(st.lists(st.sampled_from(PATTERNS), max_size=6, unique=True)):
        out += [f"<domain {pattern}>", *draw(lines()), "</domain>"]
    return out


@st.composite
def rollups(draw):
    patterns = draw(st.lists(st.sampled_from(("*.example", "mx.b.example", "*.mx.test", "*")), max_size=3, unique=True))
    return [
        "<mx-rollup-list>",
        *(f"mx {pattern} {draw(st.sampled_from(('a.rollup', 'b.rollup')))}" for pattern in patterns),
        "</mx-rollup-list>",
    ]


@st.composite
def configurations(draw):
    split = draw(st.integers(0, len(NAMES)))
    shuffled = draw(st.permutations(NAMES))
    # Disjoint: the stand-in refuses a domain that two macros reach.
    text = [
        "domain-macro k " + ",".join(shuffled[:split] or ["nobody.test"]),
        "domain-macro m $k",
        "domain-macro n " + ",".join(shuffled[split:] or ["nowhere.test"]),
        *draw(rollups()),
        *draw(tags()),
    ]
    for vmta in ("v1", "v2"):
        text += [f"<virtual-mta {vmta}>", *draw(tags()), "</virtual-mta>"]
    text += ["<virtual-mta-pool p>", "virtual-mta v1", *draw(tags()), "</virtual-mta-pool>"]
    return "\n".join(text) + "\n"


def judged(text, folder):
    """The configuration as the stand-in reads it."""
    (folder / "etc/pmta").mkdir(parents=True, exist_ok=True)
    (folder / "etc/pmta/config").write_text(text)
    top = parser.Parser(paths.Paths(str(folder))).parse(paths.CONFIG)
    config = model.Config(top, parser.Block("global", "", "", 0, 0), [])
    for block in top.inside("virtual-mta"):
        table = domains.DomainTable(block.inside("domain"), config.macros)
        config.vmtas[block.name] = model.Vmta(block.name, block, [], table, [])
    for block in top.inside("virtual-mta-pool"):
        members = [setting.args[0] for setting in block.all("virtual-mta")]
        table = domains.DomainTable(block.inside("domain"), config.macros)
        for name in members:
            config.vmtas[name].pools.append(model.Pool(block.name, block, members, table, []))
    return config


def answers(config, domain, vmta):
    return {
        name: tuple(one.raw.replace('""', "") for one in found)
        for name, found in config.effective(domain, vmta).items()
    }


@given(text=configurations())
def test_the_stand_in_resolves_the_same_settings(text, tmp_path_factory):
    judge = judged(text, tmp_path_factory.getbasetemp())
    asked = Effective(text)
    for domain in (*NAMES, "y.deep.x.b.example", "unknown.test", "sub.example"):
        for vmta in ("v1", "v2", "{default}"):
            assert asked.settings(domain, vmta) == answers(judge, domain, vmta), (domain, vmta)


@given(text=configurations(), mx=st.lists(st.sampled_from(("mx.b.example", "x.mx.test", "mx.other.test")), max_size=2))
def test_the_stand_in_ends_mail_in_the_same_queue(text, mx, tmp_path_factory):
    judge = judged(text, tmp_path_factory.getbasetemp())
    asked = Effective(text)
    for domain in (*NAMES, "unknown.test"):
        for vmta in ("v1", "v2", "{default}"):
            rolled = rollup.target(judge, domain, vmta, lambda _domain: mx)
            wanted = judge.setting(rolled, vmta, "queue-to") or rolled
            assert asked.queue(domain, mx, vmta) == wanted, (domain, vmta)
