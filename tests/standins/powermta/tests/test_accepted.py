# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms the reference documents, and what they mean once loaded."""

from __future__ import annotations

import time

from pmta_standin import table
from pmta_standin.queues import Queue, matches
from test_snippets import VMTA, inside
from world import BASE, RELAY

EVERYTHING = r"""
host-name mta.example.com                # a comment
name-server 127.0.0.1
total-max-smtp-out 500
relay-domain [*.]bounce.example.com
relay-address /^fbl@/
relay-address abuse@example.com
domain-macro tld com,fr
domain-macro yahoo yahoo.$tld,ymail.com
ip-connection-limit 173.194/16    50
custom-dsn-from-header "Post \"Master\" <a@b.c>"
<aliases>
    alias postmaster@example.com ops@operator.test,second@operator.test
</aliases>
<virtual-mta mta2.port25.com>
    smtp-source-host 127.0.0.6 a.example.com
    smtp-source-host 127.0.0.7 b.example.com
    max-smtp-msg-rate 100/15m
    cold-virtual-mta fresh
    <domain $yahoo>
        max-msg-rate 83/10m
        smtp-hosts "h1.example.com, [10.1.1.1]:2525; lookup-mx:example.net"
        queue-to "x.queue"
        retry-after 10m,1h,4h
    </domain>
</virtual-mta>
<virtual-mta fresh>
</virtual-mta>
<pattern-list other>
    mail-from // virtual-mta=fresh
</pattern-list>
<pattern-list p>
    header x-stream /^\s*trans\s*$/ virtual-mta=fresh,recipient-priority=80
    header x-c /abc\/d/ call-to: other
    mail-from /x{2,3} y/ <pattern-list>
        rcpt-to /(?-i)A/ virtual-mta=fresh
        * virtual-mta=mta2.port25.com
    </pattern-list>
</pattern-list>
<smtp-pattern-list isp>
    reply /^421 .* too many errors/   mode=backoff
    reply /\[TSS?0[1-4]\]/            mode=backoff,backoff-to-normal-after=2h
    reply /blocked using/             mode=backoff,disable-source-ip,reenable-after=1h
    reply // bounce-rcpt
</smtp-pattern-list>
<domain *>
    smtp-pattern-list isp
    backoff-to-normal-after never
    dkim-headers List-Unsubscribe-Post,/^X-Mw-/
    backoff-notify ""
</domain>
<domain *.gmail.com>
    max-smtp-out 3
</domain>
<domain [*.]gmail.com>
    max-smtp-out 4
    max-msg-rate 1/h
</domain>
<mx-rollup-list>
    mx *.mail.protection.outlook.com outlook.rollup rollup-by-ip
</mx-rollup-list>
<bounce-category-patterns>
    /mailbox +(is +)?full/ quota-issues
    // other
</bounce-category-patterns>
<smtp-user client1@example.com>
    password "a \"b\" \\c"       # quoted
    source auth-client1
</smtp-user>
<source auth-client1>
    always-allow-relaying yes
    require-auth true
</source>
smtp-listener 127.0.0.1:2525 source=auth-client1
<source 10/8>
    max-message-size 40K
    pattern-list p
</source>
<acct-file "|/bin/cat -u">
    records t,tq
    record-fields t *,!orig,header_X-Job
</acct-file>
<feedback-loop-processor>
    deliver-unmatched-email no
    <address-list>
        domain fbl.example.com
        address /^fbl@fbl\.example\.com$/
    </address-list>
</feedback-loop-processor>
"""


def test_everything(root) -> None:
    config = root.load(BASE + RELAY + EVERYTHING)
    assert config.setting("yahoo.fr", "mta2.port25.com", "max-msg-rate") == (83, 600)
    assert config.setting("yahoo.de", "mta2.port25.com", "max-msg-rate") == "unlimited"
    levels = config.setting("ymail.com", "mta2.port25.com", "smtp-hosts")
    assert [[host.kind for host in level] for level in levels] == [["name", "ip"], ["lookup-mx"]]
    assert config.named("smtp-user", "client1@example.com").get("password") == 'a "b" \\c'
    assert config.setting("a.b", "fresh", "backoff-notify") == ""


def test_crlf(root) -> None:
    root.load((BASE + RELAY).replace("\n", "\r\n"))


def test_specificity_inside_a_scope(root) -> None:
    config = root.load(BASE + RELAY + EVERYTHING)
    assert config.setting("gmail.com", "fresh", "max-smtp-out") == 4
    assert config.setting("x.gmail.com", "fresh", "max-smtp-out") == 3
    assert config.setting("x.gmail.com", "fresh", "max-msg-rate") == (1, 3600), "settings flow from the wider pattern"


def test_scope_beats_specificity(root) -> None:
    """A VMTA's own ``<domain *>`` beats the operator's global rule for gmail.com: the harsher reading."""
    text = "<domain gmail.com>\nmax-smtp-out 1\nmax-msg-rate 5/h\n</domain>\n"
    text += "<virtual-mta v>\n<domain *>\nmax-smtp-out 9\n</domain>\n</virtual-mta>\n<virtual-mta w>\n</virtual-mta>\n"
    text += "<virtual-mta-pool p>\nvirtual-mta v\nvirtual-mta w\n<domain *>\nmax-smtp-out 7\n</domain>\n</virtual-mta-pool>\n"
    config = root.load(BASE + RELAY + text)
    assert config.setting("gmail.com", "v", "max-smtp-out") == 9
    assert config.setting("gmail.com", "w", "max-smtp-out") == 7
    assert config.setting("gmail.com", "v", "max-msg-rate") == (5, 3600)
    assert config.setting("gmail.com", "{default}", "max-smtp-out") == 1


def test_name_beats_macro(root) -> None:
    text = "domain-macro m a.com,b.com\n<domain $m>\nmax-smtp-out 1\n</domain>\n<domain a.com>\nmax-smtp-out 2\n</domain>\n"
    config = root.load(BASE + RELAY + text)
    assert [config.setting(d, "{default}", "max-smtp-out") for d in ("a.com", "b.com", "c.com")] == [2, 1, 20]


def test_sources_merge_from_general_to_specific(root) -> None:
    text = "<source 0/0>\nallow-auth yes\nmax-message-size 1M\n</source>\n<source 10.1/16>\nmax-message-size 2M\n</source>\n"
    text += "<source 10.1.2.3>\nprocess-x-job yes\n</source>\n<source named>\nmax-message-size 5M\n</source>\n"
    config = root.load(BASE + RELAY + text)
    assert config.source("10.1.2.3") == {"allow-auth": True, "max-message-size": 2 << 20, "process-x-job": True}
    assert config.source("10.1.2.3", ("named",))["max-message-size"] == 5 << 20


def test_vmta_limit_wins_over_its_pools(root) -> None:
    pool = "max-smtp-msg-rate 10/h\n"
    text = VMTA + inside("virtual-mta own", "max-smtp-msg-rate 50/d")
    text += inside("virtual-mta-pool p", pool + "virtual-mta vmta-mail1\nvirtual-mta own")
    config = root.load(BASE + RELAY + text)
    assert config.vmtas["own"].limit("max-smtp-msg-rate") == (50, 86400)
    assert config.vmtas["vmta-mail1"].limit("max-smtp-msg-rate") == (10, 3600)


def test_own_bounce_patterns_come_before_the_defaults(root) -> None:
    from pmta_standin.accounting import Accounting
    from pmta_standin.paths import Paths

    accounting = Accounting(Paths(str(root.path)))
    accounting.configure(root.load(BASE + RELAY))
    assert accounting.category("5.1.1", "smtp;550 5.1.1 no such user") == "bad-mailbox"
    assert accounting.category("4.4.7", "delivery time expired") == "message-expired"
    accounting.configure(root.load(BASE + RELAY + inside("bounce-category-patterns", r"/^5\.1\.1/ gone-for-good")))
    assert accounting.category("5.1.1", "smtp;550 5.1.1 no such user") == "gone-for-good"


def test_queue_patterns() -> None:
    queue = Queue("gmail.com", "mta1")
    assert all(matches(one, queue) for one in ("gmail.com/mta1", "*/mta1", "gmail.com/*", "gmail.com", "*/*"))
    assert not any(matches(one, queue) for one in ("*/mta2", "yahoo.com/*", "*.gmail.com/mta1"))


def test_table() -> None:
    known = table.directives()
    assert known["virtual-mta", "smtp-source-host"] == "local-cidr host"
    assert ("domain", "dk-sign") in table.refused() and ("domain", "dk-sign") not in known
    assert {section for section, _ in known} <= {*table.SECTIONS, "global"}


def test_a_large_fleet_loads_in_seconds(root) -> None:
    parts = [BASE, RELAY]
    for number in range(1000):
        rules = "".join(
            f"    <domain d{i}.com>\n        max-msg-rate 5/h\n        max-smtp-out 2\n    </domain>\n"
            for i in range(7)
        )
        parts.append(
            f"<virtual-mta v{number}>\n    smtp-source-host 127.0.0.5 m{number}.example.com\n{rules}</virtual-mta>\n"
        )
    text = "".join(parts)
    assert text.count("\n") > 30_000
    start = time.monotonic()
    assert len(root.load(text).vmtas) == 1000
    assert time.monotonic() - start < 8
