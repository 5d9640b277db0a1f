# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generated configurations of the whole grammar: nothing is lost, a change stays in its lines, findings stand where their words are."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import (
    Comment,
    Directive,
    Section,
    lint,
    parse,
    to_text,
)

blank = st.sampled_from(("", " ", "    ", "\t", " \t ", "\x0b", "\x0c"))
gap = st.sampled_from((" ", "  ", "\t", " \t"))
end = st.sampled_from(("\n", "\n", "\n", "\r\n", " \n", "\t\r\n"))
# Words are drawn from lists, not made letter by letter: what matters here is how they stand together.
name = st.sampled_from(
    (
        "a",
        "x9",
        "max-smtp-out",
        "smtp-hosts",
        "dkim-sign",
        "tlsv1-x",
        "user-string",
        "some-very-long-directive-name",
        "b-c",
    )
)
plain = st.sampled_from(
    ("5", "1.2.3.4", "a.b", "*.a.b", "[*.]c.d", "$ms", "yes", "4d12h", "50/d", "a@b.c", "x=y", "!z", "%$", "-1", "+", "0/0", "a/b/", ":25",
     "{auth}", "c:\\x", "a;b", "x,y", "'q'", "&", "\u00fc.example", "\u4f60")
)  # fmt: skip
quoted = st.lists(st.sampled_from([*"ab c/<>{}=,;'\t\u00fc\u4f60", '\\"', "\\\\"]), max_size=8).map(
    lambda parts: f'"{"".join(parts)}"'
)
body = st.lists(
    st.sampled_from(
        ["a", "B9", " ", "\\/", "\\d", "\\x23", "[^/ ]", "(b|c)", ".*", "$", "^", "{2}", "<", ">", '"', "\\."]
    ),
    max_size=6,
)
regex = body.map(
    lambda parts: "/" + "".join(part.replace("/", "\\/") if part == "[^/ ]" else part for part in parts) + "/"
)
comment = st.one_of(st.just(""), st.text(alphabet=" abc#</>\"'{},\u00fc", max_size=8).map(lambda text: f" #{text}"))


def line(*parts):
    return st.tuples(*parts).map("".join)


directive = line(
    blank, name, st.lists(st.one_of(line(gap, plain), line(gap, quoted)), max_size=3).map("".join), comment, end
)
reply = line(
    blank,
    st.just("reply"),
    gap,
    regex,
    gap,
    st.sampled_from(("mode=backoff", "bounce-rcpt,skip-mx", "mode=backoff, skip-mx")),
    comment,
    end,
)
category = line(blank, regex, gap, name, comment, end)
include = line(
    blank,
    st.just("include"),
    gap,
    st.sampled_from(("/etc/pmta/conf.d/*.conf", '"/a b/c"', "https://a.example/x")),
    comment,
    end,
)
macro = line(
    blank, st.just("domain-macro"), gap, name.map(lambda text: text.replace("-", "_")), gap,
    st.lists(st.tuples(plain.map(lambda text: text.replace(";", "").strip(",") or "a"), st.sampled_from((",", ", ", ",\n  ", ", # so\n\t", ",\r\n")))
             .map("".join), max_size=5).map("".join),
    st.just("last.example"), comment, end,
)  # fmt: skip
broken = line(
    blank, st.just("/(first|second "), st.sampled_from(("\n", "\r\n", "\n\n")), st.just("  third)/"), gap, name, end
)
alone = st.one_of(line(blank, end), line(blank, st.just("#"), st.text(alphabet=' a<>/"{}#', max_size=6), end))
lines = st.one_of(directive, directive, reply, category, include, macro, broken, alone)
TAGS = ("domain", "virtual-mta", "Source", "pattern-list", "bounce-category-patterns", "acct-file", "x")


@st.composite
def section(draw, inside):
    tag = draw(st.sampled_from(TAGS))
    label = draw(
        st.one_of(st.just(""), line(gap, plain.filter(lambda text: ">" not in text)), st.just(' "|/bin/x > y"'))
    )
    nodes = "".join(draw(st.lists(inside, max_size=4)))
    lead = draw(st.sampled_from(("", "", "", "mail-from /a b/ ")))
    head = f"{lead}<pattern-list>" if lead else f"<{tag}{label}{draw(st.sampled_from(('', ' ')))}>"
    closing = "pattern-list" if lead else draw(st.sampled_from((tag, tag.upper())))
    return f"{draw(blank)}{head}{draw(comment)}{draw(end)}{nodes}{draw(blank)}</{closing}>{draw(comment)}{draw(end)}"


configs = st.tuples(
    st.sampled_from(("", "", "", "\ufeff")),
    st.lists(st.recursive(lines, section, max_leaves=8), max_size=8).map("".join),
    st.sampled_from(("", "", "last-line without-an-end", "  # the end", "<domain *>", "/x")),
).map("".join)


@settings(max_examples=300, deadline=None)
@given(configs)
def test_every_configuration_of_the_grammar_comes_back_byte_for_byte(text):
    config = parse(text)
    assert to_text(config) == text
    assert not any(found.severity == "error" and found.line < text.count("\n") for found in config.findings), (
        config.findings
    )
    for found in lint(config):
        assert found.rule and found.remedy and found.column >= 1 and 1 <= found.line <= text.count("\n") + 1


@settings(max_examples=200, deadline=None)
@given(configs, st.data())
def test_a_changed_node_changes_its_own_lines_only(text, data):
    config = parse(text)
    nodes = [node for _around, node in config.walk() if isinstance(node, (Directive, Comment, Section)) and node.raw]
    assume(nodes)
    node = data.draw(st.sampled_from(nodes))
    first, count = node.line - 1, (node.raw.count("\n") if node.raw.endswith("\n") else node.raw.count("\n") + 1)
    closing = getattr(node, "closing_line", 0)
    if isinstance(node, Comment):
        node.text = " other words"
    elif isinstance(node, Directive):
        node.name, node.args = "some-name", ("one", "two")
    else:
        node.name = "other"
    before, after = text.split("\n"), to_text(config).split("\n")
    shift = len(after) - len(before)
    assert after[:first] == before[:first]
    assert after[first + count + shift :] == before[first + count :]
    assert shift == 1 - count
    if closing:
        assert after[closing - 1 + shift] == before[closing - 1]
    again = parse(to_text(config))
    assert to_text(again) == to_text(config)


# One marked word in each, which the finding is about.
WRONG = {
    "unknown-directive": "zzmark 5",
    "argument-value": "total-max-smtp-in zzmark",
    "section-directive": "max-msg-rate zzmark",
    "unknown-section": "<zzmark a>",
    "section-tag": "<email-patterns>",
    "argument-domain-pattern": "<domain zz@mark>",
    "source-host-swapped": "smtp-source-host zzmark.example 192.0.2.1",
    "domain-key-fields": "domain-key zzmark,/x",
    "syntax-stray-closing": "</zzmark>",
    "syntax-brace": "zzmark a {",
    "syntax-equals": "zzmark = 5",
    "comment-swallows": "password zzmark#x",
    "syntax-quote": 'user-string "zzmark',
    "syntax-regex": "relay-address /zzmark",
    "deprecated": "smtp-port 25",
    "http-access-open": "http-access 0/0 admin",
    "open-relay": "relay-domain *",
}
# What stands at the place of the finding.
AT = {
    "section-directive": "max-msg-rate", "unknown-section": "zzmark a>", "section-tag": "email-patterns", "argument-domain-pattern": "zz@mark",
    "syntax-stray-closing": "</zzmark>", "syntax-brace": "{", "syntax-equals": "=", "comment-swallows": "#x", "syntax-quote": '"zzmark',
    "syntax-regex": "/zzmark", "deprecated": "smtp-port", "http-access-open": ("http-access", "0/0"), "open-relay": ("relay-domain", "*"),
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(directive, alone, reply), max_size=4), blank, gap, st.sampled_from(sorted(WRONG)), comment, end
)
def test_a_finding_stands_where_its_word_is(before, indent, between, rule, tail, ending):
    assume(rule not in ("syntax-quote", "syntax-regex") or not tail)
    wrong = WRONG[rule].replace(" ", between)
    if rule == "comment-swallows":
        assume(between)
    text = "".join(before) + indent + wrong + tail + ending
    number = "".join(before).count("\n") + 1
    found = [one for one in lint(text, whole=False) if one.rule == rule and one.line == number]
    assert found, [str(one) for one in lint(text, whole=False)]
    expected = AT.get(rule, "zzmark")
    expected = (expected,) if isinstance(expected, str) else expected
    rest = text.split("\n")[number - 1][found[0].column - 1 :]
    assert rest.startswith(tuple(word.replace(" ", between) for word in expected)), (rest, found[0])
