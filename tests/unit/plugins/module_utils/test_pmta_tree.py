# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Text to tree and back: nothing is lost, nothing crashes, a change changes its own line only."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import (
    Blank,
    Comment,
    Config,
    Directive,
    Section,
    lint,
    locate,
    parse,
    quote,
    render,
    to_text,
    unquote,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

SAMPLE = """\
# head\r
domain-macro ms outlook.com,  # first
    # between
  hotmail.com,
  live.com
\t<Virtual-MTA  mail1 > # tail
        smtp-source-host   1.2.3.4\tmail1.example.com# glued
    Max-Smtp-Msg-Rate 50/d
  </virtual-mta>

<acct-file "|/bin/x --id \\"$envid\\" >log">
</acct-file>
<pattern-list a>
  mail-from /^x y/ <pattern-list>
    * virtual-mta=mail1
  </pattern-list>
  header x-c /a\\/b,c/ virtual-mta=mail1, recipient-priority=80
</pattern-list>
<bounce-category-patterns>
    /5\\.7\\.1 (delivery not
       authorized|blah)/ spam-related
    // other
</bounce-category-patterns>
postmaster  a@b.c"""


def find(config, name):
    return next(node for _around, node in config.walk() if isinstance(node, Directive) and node.name == name)


def shape(nodes):
    """What a tree means, without its bytes."""
    found = []
    for node in nodes:
        if isinstance(node, Directive):
            found.append((node.name, *node.args))
        elif isinstance(node, Section):
            found.append((node.lead, node.tag, node.name, shape(node.nodes)))
    return found


def test_sample_is_read_and_printed_as_it_was():
    config = parse(SAMPLE)
    assert to_text(config) == SAMPLE
    assert shape(config.nodes) == [
        ("domain-macro", "ms", "outlook.com,", "hotmail.com,", "live.com"),
        (
            (),
            "Virtual-MTA",
            "mail1",
            [("smtp-source-host", "1.2.3.4", "mail1.example.com"), ("Max-Smtp-Msg-Rate", "50/d")],
        ),
        ((), "acct-file", '"|/bin/x --id \\"$envid\\" >log"', []),
        (
            (),
            "pattern-list",
            "a",
            [
                (("mail-from", "/^x y/"), "pattern-list", "", [("*", "virtual-mta=mail1")]),
                ("header", "x-c", "/a\\/b,c/", "virtual-mta=mail1,", "recipient-priority=80"),
            ],
        ),
        (
            (),
            "bounce-category-patterns",
            "",
            [("/5\\.7\\.1 (delivery not authorized|blah)/", "spam-related"), ("//", "other")],
        ),
        ("postmaster", "a@b.c"),
    ]
    assert [(f.line, f.severity, f.rule) for f in config.findings] == [
        (7, "warning", "comment-swallows"),
        (20, "warning", "syntax-regex-broken"),
    ]
    assert [f for f in lint(SAMPLE, whole=False) if f.severity == "error"] == []


def test_a_change_prints_its_own_line_anew_and_no_other():
    config = parse(SAMPLE)
    find(config, "Max-Smtp-Msg-Rate").args = ["100/d"]
    assert to_text(config) == SAMPLE.replace("    Max-Smtp-Msg-Rate 50/d\n", "    Max-Smtp-Msg-Rate 100/d\n")
    find(config, "smtp-source-host").args = ["1.2.3.4", "other.example.com"]
    assert "        smtp-source-host 1.2.3.4 other.example.com # glued\n" in to_text(config)
    config = parse(SAMPLE)
    find(config, "domain-macro").args = ("ms", "outlook.com")
    lines = SAMPLE.split("\n")
    # The comment on the list's first line stays with it.
    assert to_text(config).split("\n") == [lines[0], "domain-macro ms outlook.com # first", *lines[5:]]


def test_a_renamed_section_keeps_what_is_in_it():
    config = parse("  <virtual-mta a>\n      max-smtp-out   5\n  </virtual-mta>\n")
    config.nodes[0].name = "b"
    assert to_text(config) == "  <virtual-mta b>\n      max-smtp-out   5\n  </virtual-mta>\n"
    config.nodes[0].tag = "virtual-mta-pool"
    assert to_text(config) == "  <virtual-mta-pool b>\n      max-smtp-out   5\n  </virtual-mta-pool>\n"


def test_lines_added_to_a_file_take_its_line_ending_and_join_nothing():
    config = parse("<domain *>\r\n  max-smtp-out 5\r\n</domain>\r\npostmaster a@b.c")
    config.nodes[0].nodes.append(Directive("dkim-sign", "yes"))
    config.nodes.append(Directive("log-file", "/x"))
    assert to_text(config) == (
        "<domain *>\r\n  max-smtp-out 5\r\n    dkim-sign yes\r\n</domain>\r\npostmaster a@b.c\r\nlog-file /x\r\n"
    )


def test_render_indents_by_four():
    nodes = [
        Comment("made"),
        Section("virtual-mta", "a", [Directive("max-smtp-out", "5", comment="few"), Section("domain", "*", [Blank()])]),
    ]
    assert render(nodes) == (
        "# made\n<virtual-mta a>\n    max-smtp-out 5 # few\n    <domain *>\n\n    </domain>\n</virtual-mta>\n"
    )


@pytest.mark.parametrize(
    "node",
    [
        Directive("password", "a#b"),
        Directive("password", '"a#b"'),
        Directive("password", "a\nalways-allow-relaying yes"),
        Directive("password", "a\r"),
        Directive("password", 'a"b'),
        Directive("password", "a b"),
        Directive("password", ""),
        Directive("reply", "/a", "mode=backoff"),
        Directive("reply", "/a#b/", "mode=backoff"),
        Directive("x", "{"),
        Directive("x", "a,"),
        Directive("x y", "a"),
        Directive("<x>"),
        Directive("#x"),
        Directive(""),
        Section("virtual-mta", "a>\nrun-as-root yes"),
        Section("virtual-mta", "a>"),
        Section("virtual-mta", "a b"),
        Section("virtual mta", "a"),
        Section("acct-file", '"|a'),
        Comment("a\nrun-as-root yes"),
        Directive("x", "a", comment="b\nrun-as-root yes"),
    ],
)
def test_what_the_language_cannot_express_is_refused(node):
    with pytest.raises(FleetError):
        render([node])


def test_a_password_is_not_told():
    with pytest.raises(FleetError) as refused:
        render([Directive("password", "sesame#1")])
    assert "sesame" not in str(refused.value)


def test_places_are_those_of_the_words():
    config = parse("a\n<virtual-mta x>\n  domain-macro m b.c,\n   d.e\n</virtual-mta>\n")
    node = config.nodes[1].nodes[0]
    assert [locate(node, index) for index in range(4)] == [(3, 3), (3, 16), (3, 18), (4, 4)]
    assert locate(config.nodes[1], 1) == (2, 14)


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("<a>\n<b>\n</a>\n</b>\n", [(3, "syntax-crossed"), (4, "syntax-stray-closing")]),
        ("<a>\n<b>\n", [(1, "syntax-unclosed"), (2, "syntax-unclosed")]),
        ("</a>\n", [(1, "syntax-stray-closing")]),
        ("<a\n</a>\n", [(1, "syntax-tag")]),
        ("<>\n", [(1, "syntax-tag")]),
        ("reply /a\nb\n\n", [(1, "syntax-regex")]),
        ("reply /a\n</x>\n", [(1, "syntax-regex"), (2, "syntax-stray-closing")]),
        ('user-string "a\n', [(1, "syntax-quote")]),
        ("reply /a#b/ mode=backoff\n", [(1, "comment-swallows")]),
        ("password a#b\n", [(1, "comment-swallows")]),
        ('auth-password "a#b"\n', [(1, "comment-swallows")]),
        ("a {\n b\n}\n", [(1, "syntax-brace")]),
        ("}\n", [(1, "syntax-brace")]),
        ("a = b\n", [(1, "syntax-equals")]),
        ("a b \\\n", [(1, "syntax-backslash")]),
        ("a\x00b\n", [(1, "syntax-control-character")]),
        ("a \udce9\n", [(1, "syntax-encoding")]),
        ("a" * 1_000_001 + "\n", [(1, "syntax-long-line")]),
        ("<domain *> max-smtp-out 5 </domain>\nb\n", [(1, "syntax-tag-line")]),
        # Not faults
        ("<source {auth}>\n</source>\nreply /a{2}/ mode=backoff\nuser-string ${x}\n", []),
        ("log-file /a/b\nfile-destination /a b/\n", []),
        ("# }\n#<a>\n", []),
        ("relay-domain b\u00fccher.example\n# caf\udce9\n", []),
    ],
)
def test_faults_of_syntax_have_their_line(text, errors):
    config = parse(text)
    assert [(f.line, f.rule) for f in config.findings if f.severity == "error"] == errors
    assert to_text(config) == text


def test_depth_and_length_do_no_harm():
    deep = "<domain *>\n" * 20000
    assert to_text(parse(deep + "</domain>\n" * 20000)) == deep + "</domain>\n" * 20000
    assert lint(deep)
    for hostile in (
        '"' * 900_000,
        "reply /" + "\\" * 900_000,
        "reply " + "/a " * 300_000,
        "a," * 300_000,
        "<" * 900_000,
    ):
        assert to_text(parse(hostile)) == hostile
        lint(hostile)


# Properties ------------------------------------------------------------------------------------------------------------

FRAGMENTS = (
    "<domain *>\n", "</domain>\n", "<virtual-mta x>", "</virtual-mta>", "<pattern-list p>\n", "</pattern-list>\n", "reply /a b/ c\n",
    "reply /x", 'password "a', "# c\n", "a b,\n", "{\n", "}\n", "\n", "\r\n", " ", "#", "/", '"', "\\", "<", ">", ",",
    "mail-from /x/ <pattern-list>\n", "domain-key a,b,c\n", "smtp-source-host 1.2.3.4 h\n", "<bounce-category-patterns>\n", "/x/ y\n",
    "domain-macro a $a\n", "<domain $a>\n", "include /x\n", "smtp-listener 0/0:25 source=s\n", "http-access 0/0 admin\n", "\x00", "\u00a0",
    "\udce9", "\ufeff", "<source 0/0>\n", "always-allow-relaying yes\n", "<virtual-mta-pool x>\n", "virtual-mta x weight 1\n",
)  # fmt: skip
texts = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join),
    st.text(alphabet=st.characters(exclude_categories=()), max_size=200),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=8)), max_size=40).map("".join),
)


@settings(max_examples=1000, deadline=None)
@given(texts)
def test_any_text_comes_back_byte_for_byte_and_is_judged_without_a_crash(text):
    config = parse(text)
    assert to_text(config) == text
    lines = text.count("\n") + 1
    for found in lint(config, whole=True):
        assert 1 <= found.line <= lines and found.column >= 1, found
        assert found.severity in ("error", "warning") and found.rule and found.remedy
        assert "\n" not in str(found)


words = st.text(
    alphabet=st.characters(codec="ascii", min_codepoint=33, exclude_characters='#"<>{},/\\'), min_size=1, max_size=8
)
values = st.one_of(
    words,
    st.text(alphabet=st.characters(codec="utf-8", min_codepoint=32, exclude_characters="#\x7f"), max_size=12).map(
        quote
    ),
)
regexes = st.text(alphabet="ab .*()[]^$|?\\d", max_size=12).map(lambda body: "/" + body.rstrip("\\") + "/")
directives = st.one_of(
    st.builds(lambda name, args: Directive(name, *args), words, st.lists(values, max_size=3)),
    st.builds(Directive, st.just("reply"), regexes, words),
    st.builds(Directive, regexes, words),
)
leaves = st.one_of(directives, st.builds(Blank), words.map(Comment))
trees = st.lists(
    st.recursive(
        leaves,
        lambda nodes: st.builds(
            Section,
            st.sampled_from(("domain", "virtual-mta", "x")),
            st.one_of(st.just(""), words),
            st.lists(nodes, max_size=4),
        ),
        max_leaves=12,
    ),
    max_size=6,
)


@settings(max_examples=500, deadline=None)
@given(trees)
def test_what_was_built_is_what_is_read(nodes):
    try:
        text = render(nodes)
    except FleetError:
        # Names that mean something at the start of a line, or odd regexes: refused, never written.
        return
    config = parse(text)
    assert shape(config.nodes) == shape(nodes)
    assert [f for f in config.findings if f.severity == "error"] == []
    assert render(config.nodes) == text


@given(st.text(alphabet=st.characters(exclude_categories=("Cs",))))
def test_quoting_is_undone(value):
    assert unquote(quote(value)) == value


def test_built_config_can_be_linted_without_being_written():
    assert "section-directive" in [f.rule for f in lint([Section("virtual-mta", "a", [Directive("dkim-sign", "yes")])])]
    assert lint(Config()) == []


def test_below_an_empty_line_a_list_goes_on_with_domains_only():
    def lines(text):
        return [(node.name, *node.args) for node in parse(text).nodes if isinstance(node, Directive)]

    macro = ("domain-macro", "m", "a.example,")
    assert lines("domain-macro m a.example,\n\npostmaster ops@a.example\n") == [macro, ("postmaster", "ops@a.example")]
    assert lines("domain-macro m a.example,\n\n# more\nb.example\n") == [(*macro, "b.example")]
