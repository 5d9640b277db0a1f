# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty thousand damaged configurations: each is parsed, printed back and judged without an exception."""

from __future__ import annotations

import random

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse, to_text
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES

INPUTS = 20_000
SHARES = 4
# Realistic, and short enough that each damage hits something; together they hold every kind of line.
SEEDS = (
    """\
postmaster ops@example.org
log-file /var/log/pmta/log  # rotated
<spool /var/spool/pmta>
</spool>
<source 10.1.0.5/32>
    always-allow-relaying yes
    pattern-list who
    remove-header X-A, X-B
</source>
smtp-listener 0/0:2525 source=s1
http-access 127.0.0.1 admin
""",
    """\
domain-macro ms outlook.com,  # first
    hotmail.com,
    live.com
<virtual-mta mail1>
    smtp-source-host 192.0.2.10 mail1.example.org
    domain-key s1, example.org, /etc/pmta/keys/s1.pem
    <domain $ms>
        max-msg-rate 20/h
        smtp-hosts a.example, [192.0.2.7]:2525; lookup-mx:b.example
        backoff-notify ""
    </domain>
</virtual-mta>
<virtual-mta-pool p>
    virtual-mta mail1
</virtual-mta-pool>
""",
    """\
<smtp-pattern-list isp>
    reply /^421 .* too many \\/ errors/ mode=backoff
    reply /over quota/ bounce-rcpt,disable-source-ip,reenable-after=1h
</smtp-pattern-list>
<bounce-category-patterns>
    /(user|mailbox) (unknown|not
       found)/ bad-mailbox
    // other
</bounce-category-patterns>
<mx-rollup-list>
    mx *.google.com google.rollup rollup-by-ip
</mx-rollup-list>
""",
    """\
<pattern-list who>\r
    mail-from /@news\\.example\\.org$/ <pattern-list>\r
        * virtual-mta=p,recipient-priority=80\r
    </pattern-list>\r
    header x-stream /^\\s*a\\s*$/ call-to: other\r
</pattern-list>\r
<acct-file "|/usr/bin/x --id \\"$envid\\"">\r
    records d,b\r
    record-fields b *,!rcpt,header_X\r
</acct-file>\r
include /etc/pmta/conf.d/*.conf\r
""",
    """\
<feedback-loop-processor>
    forward-errors-to ops@example.org
    <address-list>
        domain fbl.example.org
        address /^fbl@fbl\\.example\\.org$/
    </address-list>
</feedback-loop-processor>
<smtp-user "a b">
    password "x y"
    source {auth}
</smtp-user>
<domain *>
    queue-to "x.queue"  # pmta-lint: ignore deprecated: kept for the old nodes
    dkim-headers from,/^x-/,to
    command "/bin/x --to \\"$to\\""
</domain>
""",
)  # fmt: skip
PIECES = (
    "<", ">", "</", "</domain>\n", "<domain *>\n", "<virtual-mta x>", "<pattern-list>", '"', '\\"', "\\", "/", "//", "#", "\x00", "\x1b", "\r", "\n",
    "\r\n", "\n\n", ",", ", ", ",\n", "{", "}", "=", " = ", "$", "${", "$ms", "\udcff", "\udcc3", "\ufeff", "\u00a0", "\u2028", "\x85", "\x0b", "\x0c",
    "mail-from /x/ <pattern-list>\n", "reply /", "domain-macro m\n", "domain-macro a $a\n", "include x\n", "*", "0/0", "-", "9" * 40, "(" * 30, "[" * 9,
    "# pmta-lint: ignore deprecated: x\n", "# pmta-lint: ignore-file\n", "/(((((/", "a," * 9, "[IPv6:", "::", "lookup-mx:", "<x " + "y" * 300,
)  # fmt: skip


def damaged(r: random.Random) -> str:
    text = r.choice(SEEDS)
    if r.random() < 0.3:
        text += r.choice(SEEDS)
    for _i in range(r.choice((1, 1, 2, 3, 6))):
        at, to = r.randrange(len(text) + 1), r.randrange(len(text) + 1)
        first, last = min(at, to), max(at, to)
        kind = r.randrange(9)
        if kind == 0 and text:  # a flipped byte, also into what is no UTF-8
            raw = bytearray(text.encode("utf-8", "surrogateescape"))
            raw[r.randrange(len(raw))] ^= 1 << r.randrange(8)
            text = bytes(raw).decode("utf-8", "surrogateescape")
        elif kind == 1:
            text = text[:at]
        elif kind == 2:
            text = text[:first] + text[min(last, first + r.randrange(40)) :]
        elif kind == 3:
            text = text[:first] + text[first:last] + text[first:]
        elif kind == 4:
            lines = text.split("\n")
            r.shuffle(lines) if r.random() < 0.2 else lines.insert(r.randrange(len(lines) + 1), r.choice(lines))
            text = "\n".join(lines)
        elif kind == 5:
            lines = text.split("\n")
            one, other = r.randrange(len(lines)), r.randrange(len(lines))
            lines[one], lines[other] = lines[other], lines[one]
            text = "\n".join(lines)
        elif kind == 6:
            text = text.replace("\n", r.choice(("\r", "\r\n", "\n\r", " ", "\x00\n")), r.randrange(1, 9))
        else:
            text = text[:at] + r.choice(PIECES) + text[at:]
    return text[:20000]


def judged(text: str) -> None:
    config = parse(text)
    assert to_text(config) == text
    lines = text.split("\n")
    for found in lint(config):
        assert 1 <= found.line <= len(lines), found
        assert 1 <= found.column <= len(lines[found.line - 1]) + 1, found
        assert found.rule in RULES and found.message and found.remedy, found
        assert "\n" not in str(found), found


@pytest.mark.parametrize("share", range(SHARES))
def test_no_damage_makes_an_exception(share):
    for number in range(share, INPUTS, SHARES):
        text = damaged(random.Random(number))
        try:
            judged(text)
        except Exception as error:
            raise AssertionError(f"input {number}: {text!r}") from error
