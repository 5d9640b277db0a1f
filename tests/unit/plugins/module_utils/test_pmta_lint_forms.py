# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that circulate and are not PowerMTA's language, each refused at its line; the right form beside it is accepted."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint

# A whole configuration around each snippet: what the snippets refer to, and what PowerMTA requires.
AROUND = """\
postmaster ops@example.com
log-file /var/log/pmta/log
<spool /var/spool/pmta>
</spool>
<domain *>
    dkim-sign yes
</domain>
<virtual-mta known>
    smtp-source-host 192.0.2.1 known.example.com
</virtual-mta>
<virtual-mta-pool known-pool>
    virtual-mta known
</virtual-mta-pool>
<pattern-list known-list>
    mail-from /@example\\.com$/ virtual-mta=known
</pattern-list>
"""
LINES = AROUND.count("\n")

# name, wrong form, (line within it, rule) of each error, right form
FORMS = [
    (
        "brace block",
        "virtual-mta vmta-domain1 {\n    smtp-source-host 192.0.2.9 mail1.domain1.com\n}\n",
        [(1, "syntax-brace")],
        "<virtual-mta vmta-domain1>\n    smtp-source-host 192.0.2.9 mail1.domain1.com\n</virtual-mta>\n",
    ),
    (
        "host before address",
        "<virtual-mta vmta-mail1>\n    smtp-source-host mail1.sos-holidays.com 178.0.0.1\n</virtual-mta>\n",
        [(2, "source-host-swapped")],
        "<virtual-mta vmta-mail1>\n    smtp-source-host 178.0.0.1 mail1.sos-holidays.com\n</virtual-mta>\n",
    ),
    (
        "host before address, outside a virtual MTA",
        "smtp-source-host mail1.domain1.com 192.0.2.9\n",
        [(1, "source-host-swapped")],
        "smtp-source-host 192.0.2.9 mail1.domain1.com\n",
    ),
    (
        "domain in the selector's place",
        "<virtual-mta v>\n    smtp-source-host 192.0.2.9 a.domain1.com\n"
        "    domain-key domain1.com,*,/etc/pmta/dkim/domain1.pem\n</virtual-mta>\n",
        [(3, "domain-key-selector")],
        "<virtual-mta v>\n    smtp-source-host 192.0.2.9 a.domain1.com\n"
        "    domain-key s1,domain1.com,/etc/pmta/dkim/domain1.pem\n</virtual-mta>\n",
    ),
    (
        "four fields and no selector",
        "domain-key sos-holidays.com,mail1.sos-holidays.com,*,/etc/pmta/dkim/mail1.pem\n",
        [(1, "domain-key-fields")],
        "domain-key s1, mail1.sos-holidays.com, /etc/pmta/dkim/mail1.pem\n",
    ),
    (
        "several patterns in one tag",
        "<domain outlook.com hotmail.com live.com>\n    max-smtp-out 2\n</domain>\n",
        [(1, "argument-domain-pattern")],
        "domain-macro ms outlook.com,hotmail.com,live.com\n<domain $ms>\n    max-smtp-out 2\n</domain>\n",
    ),
    (
        "a table of addresses as pattern list",
        "<pattern-list sender-to-vmta>\n    contact@mail1.sos-holidays.com   known\n</pattern-list>\n",
        [(2, "unknown-entry")],
        "<pattern-list sender-to-vmta>\n    mail-from /^contact@mail1\\.sos-holidays\\.com$/ virtual-mta=known\n</pattern-list>\n",
    ),
    (
        "virtual-mta-pool-map in one line",
        "<domain *> virtual-mta-pool-map sender-to-vmta </domain>\n",
        [(1, "syntax-tag-line"), (1, "unknown-directive")],
        "<source 198.18.0.9>\n    pattern-list known-list\n</source>\n",
    ),
    (
        "virtual-mta-pool-map",
        "<domain example.org>\n    virtual-mta-pool-map sender-to-vmta\n</domain>\n",
        [(2, "unknown-directive")],
        "<source 198.18.0.9>\n    pattern-list known-list\n</source>\n",
    ),
    (
        "listener as a brace block",
        "smtp-listener 0.0.0.0:2525 {\n    listen-on-tcp yes\n    process-x-virtual-mta yes\n    process-x-sender yes\n}\n",
        [(1, "syntax-brace"), (2, "unknown-directive"), (3, "section-directive"), (4, "unknown-directive")],
        "smtp-listener 0.0.0.0:2525\nsmtp-listener 0/0:2526\n<smtp-listener 0/0:2527>\n    await-slot yes\n</smtp-listener>\n"
        "<source 198.18.0.9>\n    process-x-virtual-mta yes\n</source>\n",
    ),
    (
        "source's directive in a listener",
        "<smtp-listener 0/0:2527>\n    process-x-virtual-mta yes\n</smtp-listener>\n",
        [(2, "section-directive")],
        "<source 198.18.0.9>\n    process-x-virtual-mta yes\n</source>\n",
    ),
    (
        "weights in a pool",
        "<virtual-mta-pool client1-pool>\n    virtual-mta known weight 100\n</virtual-mta-pool>\n",
        [(2, "pool-weight")],
        "<virtual-mta-pool client1-pool>\n    virtual-mta known\n</virtual-mta-pool>\n",
    ),
    (
        "default-virtual-mta-pool",
        "<source 89.167.2.10>\n    always-allow-relaying yes\n    default-virtual-mta-pool known-pool\n</source>\n",
        [(3, "unknown-directive")],
        "<source 89.167.2.10>\n    always-allow-relaying yes\n    process-x-virtual-mta yes\n"
        "    default-virtual-mta known-pool\n</source>\n",
    ),
    (
        "records all",
        "<acct-file /var/log/pmta/acct.csv>\n    max-size 50M\n    records all\n</acct-file>\n",
        [(3, "argument-value")],
        "<acct-file /var/log/pmta/acct.csv>\n    max-size 50M\n    records d,b\n</acct-file>\n",
    ),
    (
        "relaying for everybody",
        "<source 0/0>\n    always-allow-relaying yes\n</source>\n",
        [(2, "open-relay")],
        "<source 0/0>\n    always-allow-relaying no\n</source>\n",
    ),
    (
        "relaying for whoever reaches the listener",
        "smtp-listener 192.0.2.10:2525 source=feeder1\n<source feeder1>\n    always-allow-relaying yes\n</source>\n",
        [(3, "open-relay")],
        "smtp-listener 192.0.2.10:2525 source=feeder1\n<source feeder1>\n    default-virtual-mta known\n</source>\n",
    ),
    (
        "web monitor for everybody",
        "http-access 0/0 admin\n",
        [(1, "http-access-open")],
        "http-mgmt-port 1983\nhttp-access 127.0.0.1 admin\n",
    ),
    (
        "invented section",
        "<queue x>\n    foo yes\n</queue>\n",
        [(1, "unknown-section")],
        "<domain x.queue>\n    type discard\n</domain>\n",
    ),
    ("equals sign", "max-smtp-out = 5\n", [(1, "syntax-equals"), (1, "section-directive")], "total-max-smtp-out 5\n"),
    ("unknown directive", "totl-max-smtp-out 5\n", [(1, "unknown-directive")], "total-max-smtp-out 5\n"),
]


@pytest.mark.parametrize(("wrong", "errors", "right"), [form[1:] for form in FORMS], ids=[form[0] for form in FORMS])
def test_wrong_form_is_refused_at_its_line_and_the_right_one_accepted(wrong, errors, right):
    found = [(f.line - LINES, f.rule) for f in lint(AROUND + wrong) if f.severity == "error"]
    assert sorted(found) == sorted(errors)
    assert [str(f) for f in lint(AROUND + right) if f.severity == "error"] == []


# Valid, and not what its author thinks: a warning at its line.
UNWISE = [
    ("<domain example.net>\n    max-cold-virtual-mta-msg 50/day\n</domain>\n", (2, "cold-without-vmta")),
    (
        "<domain *.example.net>\n</domain>\n<domain [*.]example.org>\n    max-msg-per-hour 5\n</domain>\n",
        (4, "deprecated"),
    ),
    ("spool /var/spool/pmta\n", (1, "deprecated")),
    ("sync-msg-create false\n", (1, "undocumented")),
    ("<source {mine}>\n</source>\n", (1, "reserved-name")),
    ("<domain a.b>\n</domain>\n<domain A.b>\n</domain>\n", (3, "duplicate-tag")),
    ("http-access #YOUR_IP\n", None),
]


@pytest.mark.parametrize(("text", "warning"), [pair for pair in UNWISE if pair[1]])
def test_unwise_form_is_a_warning(text, warning):
    found = lint(AROUND + text)
    assert [f for f in found if f.severity == "error"] == []
    assert warning in [(f.line - LINES, f.rule) for f in found]


def test_starttls_required_of_everybody_is_a_warning():
    text = AROUND.replace("    dkim-sign yes\n", "    dkim-sign yes\n    require-starttls yes\n")
    assert [(f.line, f.severity, f.rule) for f in lint(text)] == [(7, "warning", "starttls-required")]


def test_key_without_dkim_sign_is_refused():
    text = AROUND.replace("    dkim-sign yes\n", "") + "domain-key s1,example.com,/etc/pmta/k.pem\n"
    assert [(f.line - LINES + 1, f.rule) for f in lint(text)] == [(1, "dkim-not-signed")]


CORRECTED = """\
postmaster ops@example.com
log-file /var/log/pmta/log
http-mgmt-port 1983
http-access 127.0.0.1 admin
run-as-root no
<spool /var/spool/pmta>
</spool>
<acct-file /var/log/pmta/acct.csv>
    records d,b
    max-size 50M
</acct-file>
<domain *>
    dkim-sign yes
    dkim-identity strict-from
    use-starttls yes
</domain>
<virtual-mta vmta-mail1>
    smtp-source-host 178.0.0.1 mail1.sos-holidays.com
    domain-key s1,mail1.sos-holidays.com,/etc/pmta/dkim/mail1.pem
    max-smtp-msg-rate 50/d
</virtual-mta>
<virtual-mta unrouted-client1>
    smtp-source-host 178.0.0.1 mail1.sos-holidays.com
    <domain *>
        smtp-hosts [127.0.0.1]:1
    </domain>
</virtual-mta>
<virtual-mta-pool client1-pool>
    virtual-mta vmta-mail1
</virtual-mta-pool>
<pattern-list client1-senders>
    header from /(^|<)\\s*contact@mail1\\.sos-holidays\\.com\\s*>?\\s*$/ virtual-mta=vmta-mail1
</pattern-list>
smtp-listener 0/0:2525
<source 89.167.2.10>
    always-allow-relaying yes
    pattern-list client1-senders
    default-virtual-mta unrouted-client1     # a held virtual MTA
</source>
<source 0/0>
    always-allow-relaying no
</source>
"""


def test_the_whole_in_its_right_form_is_clean():
    assert lint(CORRECTED, whole=True) == []


@pytest.mark.parametrize("line", range(1, CORRECTED.count("\n") + 1))
def test_every_line_of_it_is_read(line):
    """A word nobody knows in place of any line is an error there, whatever the section."""
    lines = CORRECTED.splitlines()
    if lines[line - 1].lstrip().startswith("<"):
        return
    lines[line - 1] = "no-such-word at all"
    errors = [f for f in lint("\n".join(lines)) if f.severity == "error"]
    assert (line, True) in [(f.line, f.rule.startswith("unknown-")) for f in errors]
