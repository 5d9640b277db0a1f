# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each rule of the linter: a configuration that has it, and the nearest one that does not."""

from __future__ import annotations

import pathlib
import re

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import host, lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES

ROOT = pathlib.Path(__file__).parents[4]

NEEDED = "postmaster a@b.example\nlog-file /x\nrun-as-root no\n<spool /y>\n</spool>\n"
V = "<virtual-mta v>\nsmtp-source-host 192.0.2.1 v.a.example\n</virtual-mta>\n"
W = "<virtual-mta w>\nsmtp-source-host 192.0.2.2 w.b.example\n</virtual-mta>\n"
POOL = "<virtual-mta-pool p>\nvirtual-mta v\n</virtual-mta-pool>\n"
SIGNED = "<domain *>\ndkim-sign yes\ndkim-identity strict-from\n</domain>\n"
KEYED = (
    "<virtual-mta v>\nsmtp-source-host 192.0.2.1 v.a.example\ndomain-key s1,a.example,/k\n</virtual-mta>\n<virtual-mta w>\n"
    "smtp-source-host 192.0.2.2 w.b.example\ndomain-key s1,b.example,/k2\n</virtual-mta>\n"
)


def tag(name, *lines):
    """One section of these lines."""
    return f"<{name}>\n" + "".join(f"{line}\n" for line in lines) + f"</{name.split()[0]}>\n"


def vmta(name, *lines):
    return tag(f"virtual-mta {name}", f"smtp-source-host 192.0.2.1 {name}.a.example", *lines)


def nested(*lines):
    """A virtual MTA with such lines in its <domain *>."""
    return vmta("v", "<domain *>", *lines, "</domain>")


def replies(entry, *settings):
    return tag("smtp-pattern-list l", entry) + tag("domain *", "smtp-pattern-list l", *settings)


def sender(pattern, header=False):
    entry = f"header from {pattern}" if header else f"mail-from {pattern}"
    return V + tag("pattern-list s", f"{entry} virtual-mta=v")


def two_sources(first, second):
    return V + W + tag("source 192.0.2.10", *first) + tag("source 192.0.2.11", *second)


ENDS = "backoff-to-normal-after 4h"
FEEDS = ("always-allow-relaying yes",)
PROCESSOR = tag("bounce-processor", "<address-list>", "domain b.a.example", "</address-list>")
ROLLUP = tag("mx-rollup-list", "mx *.google.com google.rollup")
HOSTS = tag("domain google.rollup", "smtp-hosts lookup-mx:gmail.com", "max-smtp-out 5")
NO_ROOM = "x" * 1_000_001

# rule, has it, does not
TABLE = [
    # The language
    ("syntax-bom", "\ufeffhost-id 1\n", "host-id 1\n"),
    ("syntax-control-character", "host-id 1\x01\n", "host-id 1\n"),
    ("syntax-line-end", "host-id 1\rpostmaster a@b.example\n", "host-id 1\r\npostmaster a@b.example\r\n"),
    ("syntax-encoding", "log-file /\udcff\n", "log-file /\u00ff\n"),
    ("syntax-character", "host-id\u00a01\n", "host-id 1 # \u00a0\n"),
    ("syntax-long-line", f"host-id {NO_ROOM}\n", f"# {NO_ROOM}\n"),
    ("syntax-tag", "<domain a.example\n</domain>\n", "<domain a.example>\n</domain>\n"),
    ("syntax-tag-line", "<domain a.example> max-smtp-out 5\n</domain>\n", "<domain a.example>\nmax-smtp-out 5\n</domain>\n"),
    ("syntax-closing-tag", "<domain a.example>\n</domain a.example>\n", "<domain a.example>\n</domain>\n"),
    ("syntax-stray-closing", "</domain>\n", "<domain a.example>\n</domain>\n"),
    ("syntax-crossed", "<virtual-mta v>\n<domain *>\n</virtual-mta>\n</domain>\n", nested()),
    ("syntax-unclosed", "<domain a.example>\n", "<domain a.example>\n</domain>\n"),
    ("syntax-brace", "domain a.example {\n}\n", "<domain a.example>\n</domain>\n"),
    ("syntax-equals", "host-id = 1\n", "host-id 1\n"),
    ("syntax-backslash", "host-id 1 \\\n", "host-id 1\n"),
    ("syntax-trailing-comma", "domain-macro m a.example,\n", "domain-macro m a.example,\nb.example\n"),
    ("syntax-quote", 'custom-dsn-from-header "a\n', 'custom-dsn-from-header "a"\n'),
    ("syntax-regex", "relay-address /x\n", "relay-address /^q@x\\.example$/\n"),
    ("syntax-regex-broken", tag("bounce-category-patterns", "/a", "b/ other"), tag("bounce-category-patterns", "/a b/ other")),
    ("syntax-regex-slash", tag("bounce-category-patterns", "/a/b/ other"), tag("bounce-category-patterns", "/a\\/b/ other")),
    ("syntax-list-below", "domain-macro m\na.example,b.example\n", "domain-macro m a.example,b.example\n"),
    ("comment-swallows", "log-file /a#b\n", "log-file /a #b\n"),
    ("unknown-directive", "no-such 1\n", "host-id 1\n"),
    ("unknown-section", "<queue a>\n</queue>\n", "<domain a.queue>\n</domain>\n"),
    ("unknown-entry", tag("smtp-pattern-list l", "match /x/ skip-mx"), tag("smtp-pattern-list l", "reply /x/ skip-mx")),
    ("section-directive", "max-smtp-out 1\n", tag("domain a.example", "max-smtp-out 1")),
    ("section-tag", tag("source 10.0.0.1", "<domain a.example>", "</domain>"), nested()),
    ("argument-count", "host-id 1 2\n", "host-id 1\n"),
    ("argument-value", "host-id x\n", "host-id 1\n"),
    ("argument-name", "<virtual-mta>\n</virtual-mta>\n", V),
    ("argument-domain-pattern", tag("domain a.example b.example"), "domain-macro m a.example,b.example\n" + tag("domain $m")),
    ("regex-unchecked", tag("smtp-pattern-list l", "reply /a++/ skip-mx"), tag("smtp-pattern-list l", "reply /a+/ skip-mx")),
    ("findings-left-out", "no-such 1\n" * 1100, "no-such 1\n" * 900),
    ("include-missing", "include /no/such\n", "# include /no/such\n"),
    ("undocumented", "sync-msg-create no\n", "host-id 1\n"),
    ("deprecated", "spool /x\n", "<spool /x>\n</spool>\n"),
    ("version", "http-tls-allow-sslv3 no\n", "http-tls-allow-tlsv1 no\n"),
    ("duplicate-tag", tag("domain a.example") * 2, tag("domain a.example") + tag("domain b.example")),
    ("reserved-name", tag("source {mine}"), tag("source mine")),
    # Silencing
    ("silence-without-reason", "spool /x # pmta-lint: ignore deprecated\n", "spool /x # pmta-lint: ignore deprecated: ours\n"),
    ("silence-unknown-rule", "host-id 1 # pmta-lint: ignore no-such: ours\n", "spool /x # pmta-lint: ignore deprecated: ours\n"),
    ("silence-unused", "host-id 1 # pmta-lint: ignore deprecated: ours\n", "spool /x # pmta-lint: ignore deprecated: ours\n"),
    # Names
    ("vmta-undefined", tag("source 10.0.0.1", "default-virtual-mta v"), V + tag("source 10.0.0.1", "default-virtual-mta v")),
    ("pool-member", V + POOL + tag("virtual-mta-pool q", "virtual-mta p"), V + POOL + tag("virtual-mta-pool q", "virtual-mta v")),
    ("source-undefined", "smtp-listener 10.0.0.1:25 source=s\n", "smtp-listener 10.0.0.1:25 source=s\n" + tag("source s")),
    ("pattern-list-undefined", tag("source s", "pattern-list l"), tag("pattern-list l") + tag("source s", "pattern-list l")),
    ("pattern-list-order", tag("source s", "pattern-list l") + tag("pattern-list l"),
     tag("pattern-list l") + tag("source s", "pattern-list l")),
    ("pattern-list-twice", tag("pattern-list l") + tag("source s", "pattern-list l", "pattern-list l"),
     tag("pattern-list l") + tag("source s", "pattern-list l")),
    ("smtp-pattern-list-undefined", tag("domain *", "smtp-pattern-list l"),
     tag("smtp-pattern-list l") + tag("domain *", "smtp-pattern-list l")),
    ("rewrite-list-undefined", tag("source s", "rewrite-list l"), tag("rewrite-list l") + tag("source s", "rewrite-list l")),
    ("address-list-undefined", tag("source s", "suppression-lists l"), tag("address-list l") + tag("source s", "suppression-lists l")),
    ("source-group-undefined", tag("source s", "source-group g"), tag("source-group g") + tag("source s", "source-group g")),
    ("proxy-undefined", tag("virtual-mta v", "use-proxy x"), tag("proxy x") + tag("virtual-mta v", "use-proxy x")),
    ("macro-undefined", tag("domain $m"), "domain-macro m a.example\n" + tag("domain $m")),
    ("macro-loop", "domain-macro m $n\ndomain-macro n $m\n", "domain-macro m $n\ndomain-macro n a.example\n"),
    ("duplicate-name", V + V, V + W),
    ("pool-weight", V + tag("virtual-mta-pool p", "virtual-mta v 5"), V + POOL),
    ("pool-domain-overlap", V + "".join(tag(f"virtual-mta-pool {p}", "virtual-mta v", "<domain *>", "</domain>") for p in "pq"),
     V + POOL + tag("virtual-mta-pool q", "virtual-mta v", "<domain *>", "</domain>")),
    ("pool-empty", tag("virtual-mta-pool p"), V + POOL),
    # Signing
    ("domain-key-fields", "domain-key s1,a.example,x,/k\n", SIGNED + "domain-key s1,a.example,/k\n"),
    ("domain-key-selector", SIGNED + "domain-key a.example,*,/k\n", SIGNED + "domain-key s1,*,/k\n"),
    ("domain-key-dotted-selector", SIGNED + "domain-key s1.x,a.example,/k\n", SIGNED + "domain-key s1,a.example,/k\n"),
    ("domain-key-order", SIGNED + "domain-key s1,*,/k\ndomain-key s1,a.example,/l\n",
     SIGNED + "domain-key s1,a.example,/l\ndomain-key s1,*,/k\n"),
    ("dkim-two-keys", SIGNED + "domain-key s1,a.example,/k\ndomain-key s1,a.example,/l\n",
     SIGNED + "domain-key s1,a.example,/k\ndomain-key s2,a.example,/l\n"),
    ("dkim-not-signed", "domain-key s1,a.example,/k\n", SIGNED + "domain-key s1,a.example,/k\n"),
    ("dkim-key-uncovered", SIGNED + KEYED + tag("pattern-list l", "header from /@b\\.example$/ virtual-mta=v"),
     SIGNED + KEYED + tag("pattern-list l", "header from /@b\\.example$/ virtual-mta=w")),
    ("dkim-key-uncovered", SIGNED + KEYED + POOL + tag("pattern-list l", "header from /@x\\.b\\.example$/ virtual-mta=p"),
     SIGNED + KEYED + POOL + tag("pattern-list l", "header from /@x\\.a\\.example$/ virtual-mta=p")),
    ("dkim-identity-sender", tag("domain *", "dkim-sign yes") + KEYED, SIGNED + KEYED),
    ("dkim-identity-sender", tag("domain *", "dkim-sign yes") + tag("domain a.example", "dkim-identity strict-from") + KEYED,
     tag("domain a.example", "dkim-sign yes") + tag("domain *", "dkim-identity strict-from") + KEYED),
    ("dkim-headers-unsubscribe", tag("domain *", "dkim-headers From,List-Unsubscribe"),
     tag("domain *", "dkim-headers List-Unsubscribe-Post")),
    # Access
    ("open-relay", tag("source 0/0", "always-allow-relaying yes"), tag("source 10/8", "always-allow-relaying yes")),
    ("http-access-open", "http-access 0/0 monitor\n", "http-access 0/0 none\n"),
    ("http-access-open", "http-access 0/0 admin\n", "http-access 10/8 admin\n"),
    ("http-csrf-off", "http-access 10/8 admin\nhttp-csrf-protection no\n", "http-access 127.0.0.1 admin\nhttp-csrf-protection no\n"),
    ("http-clear-text", "http-access 10/8 admin\nhttp-redirect-to-https no\n",
     "http-access 10/8 admin\nhttp-redirect-to-https yes\n"),
    ("runs-as-root", "run-as-root yes\n", "run-as-root no\n"),
    ("licence-connections", "total-max-smtp-out 201\n", "total-max-smtp-out 200\n"),
    # Senders
    ("sender-pattern-unanchored", sender("/c@a\\.example$/"), sender("/^c@a\\.example$/")),
    ("sender-pattern-unanchored", sender("/@a\\.example/"), sender("/@a\\.example$/")),
    ("sender-pattern-unanchored", sender("/a\\.example$/"), sender("/\\.a\\.example$/")),
    ("sender-pattern-unanchored", sender("/<c@a\\.example/", True), sender("/(^|<)\\s*c@a\\.example\\s*>?\\s*$/", True)),
    ("sender-pattern-unanchored", sender("/@a\\.(example|test)/"), sender("/@a\\.(example|test)>/", True)),
    ("sender-pattern-dot", sender("/@a.example$/"), sender("/@a\\.example$/")),
    ("sender-pattern-dot", sender("/^c.d@a\\.example$/"), sender("/^c.*d@a[.]example$/")),
    ("rcpt-to-first-decides", V + tag("pattern-list l", "rcpt-to /@a\\.example$/ virtual-mta=v"),
     V + tag("pattern-list l", "rcpt-to /@a\\.example$/ recipient-priority=80")),
    ("rcpt-to-first-decides",
     V + tag("pattern-list l", "rcpt-to /@a\\.example$/ virtual-mta=v") + tag("source s", "pattern-list l"),
     V + tag("pattern-list l", "rcpt-to /@a\\.example$/ virtual-mta=v")
     + tag("source s", "pattern-list l", "max-rcpt-per-message 1")),
    ("x-virtual-mta-any",
     two_sources((*FEEDS, "process-x-virtual-mta yes", "default-virtual-mta v"), (*FEEDS, "default-virtual-mta w")),
     two_sources((*FEEDS, "process-x-virtual-mta yes", "default-virtual-mta v"), (*FEEDS, "default-virtual-mta v"))),
    ("x-virtual-mta-leak", tag("source 10.0.0.1", *FEEDS, "process-x-virtual-mta no"),
     tag("source 10.0.0.1", *FEEDS, "process-x-virtual-mta no", "remove-header X-Virtual-MTA")),
    ("x-virtual-mta-leak", tag("source 10.0.0.1", *FEEDS, "process-x-virtual-mta yes", "retain-x-virtual-mta yes"),
     tag("source 10.0.0.1", *FEEDS, "process-x-virtual-mta yes", "retain-x-virtual-mta no")),
    ("origin-hidden", tag("source 10.0.0.1", "hide-message-source yes"), tag("source 10.0.0.1", "hide-message-source no")),
    # Replies
    ("backoff-sticky", replies("reply /too fast/ mode=backoff"), replies("reply /too fast/ mode=backoff", ENDS)),
    ("backoff-sticky", replies("reply /too fast/ mode=backoff", "backoff-to-normal-after never"),
     replies("reply /too fast/ mode=backoff,backoff-to-normal-after=2h")),
    ("backoff-sticky", replies("reply /too fast/ mode=backoff", ENDS) + tag("domain a.example", "backoff-to-normal-after never"),
     replies("reply /too fast/ mode=backoff", ENDS) + tag("domain a.example", "smtp-pattern-list l")),
    ("source-disabled-sticky", replies("reply /blocked using/ disable-source-ip"),
     replies("reply /blocked using/ disable-source-ip,reenable-after=1h")),
    ("source-disabled-sticky", replies("reply /blocked using/ disable-source-ip", "reenable-source-ip-after never"),
     replies("reply /blocked using/ disable-source-ip", "reenable-source-ip-after 1h")),
    ("backoff-broad", replies("reply /^550/ mode=backoff", ENDS), replies("reply /^550 5\\.7\\.1 too fast/ mode=backoff", ENDS)),
    ("backoff-broad", replies("reply /rejected/ mode=backoff", ENDS),
     replies("reply /recipient (address )?rejected/ bounce-rcpt\nreply /rejected/ mode=backoff", ENDS)),
    ("backoff-broad", replies("reply /too many/ mode=backoff", ENDS), replies("reply /too many connections/ mode=backoff", ENDS)),
    ("bounce-queue-broad", replies("reply // bounce-queue"), replies("reply // bounce-rcpt")),
    ("bounce-queue-broad", replies("reply /user unknown/ bounce-queue"), replies("reply /permanently deferred/ bounce-queue")),
    ("bounce-queue-broad", replies("reply /mailbox (is )?full/ bounce-queue"), replies("reply /mailbox store down/ bounce-queue")),
    ("rate-zero", tag("domain a.example", "max-msg-rate 0/h"), tag("domain a.example", "max-msg-rate 1/h")),
    ("rate-zero", vmta("v", "max-smtp-msg-rate 0/d"), vmta("v", "max-smtp-msg-rate 10/d")),
    ("auth-clear-text", tag("source 0/0", "allow-unencrypted-plain-auth yes"), tag("source 10/8", "allow-unencrypted-plain-auth yes")),
    ("source-unreferenced", NEEDED + tag("source s"), NEEDED + "smtp-listener 10.0.0.1:25 source=s\n" + tag("source s")),
    ("source-unreferenced", NEEDED + tag("source s"), tag("source s")),
    ("macro-without-dollar", "domain-macro m a.example\n" + tag("domain m"), "domain-macro m a.example\n" + tag("domain $m")),
    ("argument-name", tag("source 10.0.0.300"), tag("source 10.0.0.30")),
    # Delivery
    ("source-host-swapped", tag("virtual-mta v", "smtp-source-host v.a.example 192.0.2.1"), V),
    ("source-host-missing", tag("virtual-mta v"), V),
    ("cold-without-vmta", nested("max-cold-virtual-mta-msg 50/d"), nested("max-cold-virtual-mta-msg 0")),
    ("cold-without-vmta", nested("max-cold-virtual-mta-msg 50/d"),
     vmta("v", "cold-virtual-mta c", "<domain *>", "max-cold-virtual-mta-msg 50/d", "</domain>") + vmta("c")),
    ("starttls-required", tag("domain *", "require-starttls yes"), tag("domain a.example", "require-starttls yes")),
    ("cold-borrows-identity", vmta("v", "cold-virtual-mta w") + W, vmta("v", "cold-virtual-mta w") + vmta("w")),
    ("vmta-domain-beats-isp", tag("domain a.example", "max-smtp-out 1") + nested("max-smtp-out 9"),
     tag("domain a.example", "max-smtp-out 1") + nested("max-smtp-out 1")),
    ("vmta-domain-beats-isp", tag("domain a.example", "max-smtp-out 1") + nested("max-smtp-out 9"),
     tag("domain *", "max-smtp-out 1") + nested("max-smtp-out 9")),
    ("vmta-rate-per-domain", nested("max-msg-rate 5/h"),
     vmta("v", "max-smtp-msg-rate 50/h", "<domain *>", "max-msg-rate 5/h", "</domain>")),
    ("vmta-rate-per-domain", nested("max-msg-rate 5/h"),
     nested("max-msg-rate 5/h") + tag("virtual-mta-pool p", "virtual-mta v", "max-smtp-msg-rate 50/h")),
    ("assume-delivery", tag("domain *", "assume-delivery-upon-data-termination-timeout yes"),
     tag("domain *", "assume-delivery-upon-data-termination-timeout no")),
    ("spf-check-without-source", tag("virtual-mta v", "<domain *>", "check-spf-outbound yes", "</domain>"),
     nested("check-spf-outbound yes")),
    ("dane-without-dnssec", tag("domain *", "use-dane yes"), "name-server 127.0.0.1\n" + tag("domain *", "use-dane yes")),
    ("mail-discarded", tag("domain *", "type discard"), tag("domain sink.queue", "type discard")),
    ("dummy-sink", "dummy-smtp-port 2626\n", "dummy-smtp-port 2626\ndummy-smtp-ip 127.0.0.1\n"),
    ("bounce-before-retry", tag("domain *", "retry-after 1h,2h", "bounce-after 30m"),
     tag("domain *", "retry-after 10m,2h", "bounce-after 30m")),
    ("bounce-before-retry", tag("domain *", "retry-after 1h") + tag("domain a.example", "bounce-after 30m"),
     tag("domain *", "retry-after 1h") + tag("domain a.example", "bounce-after 2h")),
    ("retry-at-once", tag("domain *", "retry-after 10s"), tag("domain *", "retry-after 1m")),
    ("rollup-hides-domain", ROLLUP + HOSTS + tag("domain gmail.com", "max-smtp-out 3"),
     ROLLUP + HOSTS + tag("domain gmail.com", "max-smtp-out 5")),
    ("rollup-hides-domain", ROLLUP + HOSTS + "domain-macro g gmail.com\n" + tag("domain $g", "max-smtp-out 3"),
     ROLLUP + HOSTS + tag("domain gmail.com", "max-smtp-out 3", "disable-mx-rollup yes")),
    ("rollup-hides-domain", tag("mx-rollup-list", "mx *.x.example a.rollup rollup-by-ip") + tag("domain a.example", "max-smtp-out 1"),
     tag("mx-rollup-list", "mx *.x.example c.rollup rollup-by-ip") + tag("domain a.example", "max-smtp-out 1")),
    ("rollup-without-hosts", ROLLUP, ROLLUP + HOSTS),
    ("rollup-without-hosts", ROLLUP, tag("mx-rollup-list", "mx *.google.com google.rollup rollup-by-ip")),
    # Inbound and accounting
    ("processor-not-reachable", PROCESSOR, "relay-domain [*.]a.example\n" + PROCESSOR),
    ("processor-not-reachable", "relay-domain b.a.example\nsmtp-listener 0/0:2525\n" + PROCESSOR,
     "relay-domain b.a.example\nsmtp-listener 0/0:25\n" + PROCESSOR),
    ("acct-move-interval", tag("acct-file /a", "move-interval 5m"), tag("acct-file /a", "move-interval 5m", "move-to /b")),
    ("acct-deleted", tag("acct-file /a", "delete-after 1d"), tag("acct-file /a", "delete-after 8d")),
    ("acct-deleted", tag("acct-file /a", "delete-after never") + tag("acct-file /b"),
     tag("acct-file /a", "delete-after never") + tag("acct-file /b", "delete-after 8d")),
    ("acct-pipe-alone", tag('acct-file "|/a"', "records d", "record-fields d *"),
     tag('acct-file "|/a"', "records d", "record-fields d *") + tag("acct-file /a")),
    ("acct-fields-implicit", tag('acct-file "|/a"', "records d,b", "record-fields d *") + tag("acct-file /a"),
     tag('acct-file "|/a"', "records d,b", "record-fields d *", "record-fields bounce *") + tag("acct-file /a")),
]  # fmt: skip


def rules(text):
    return {found.rule for found in lint(text)}


@pytest.mark.parametrize(
    ("rule", "has", "has_not"), TABLE, ids=[f"{number}-{row[0]}" for number, row in enumerate(TABLE)]
)
def test_a_configuration_that_has_it_and_the_nearest_that_does_not(rule, has, has_not):
    found = [one for one in lint(has) if one.rule == rule]
    assert found, f"not found in\n{has[:2000]}"
    for one in found:
        assert one.severity in (RULES[rule].severity, "warning") and one.message and one.remedy
        assert 1 <= one.line <= has.count("\n") + 1
    assert rule not in rules(has_not), f"found in\n{has_not[:2000]}"


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        ("monitor", "warning"),
        ("monitor,deny-logs", "warning"),
        ("operator", "error"),
        ("admin", "error"),
        ("none", None),
    ],
)
@pytest.mark.parametrize("everybody", ["0/0", "0.0.0.0/0", "::/0"])
def test_who_only_looks_at_the_web_monitor_is_no_error(everybody, level, severity):
    found = [one.severity for one in lint(f"http-access {everybody} {level}\n")]
    assert found == ([severity] if severity else [])


@pytest.mark.parametrize("name", ["postmaster", "log-file", "spool"])
def test_what_every_configuration_needs(name):
    text = NEEDED.replace("<spool /y>\n</spool>\n", "") if name == "spool" else re.sub(f"(?m)^{name} .*\n", "", NEEDED)
    assert rules(NEEDED) == set()
    assert [found.rule for found in lint(text, whole=True)] == [f"missing-{name}"]


def test_a_file_that_includes_itself():
    found = lint("include a\n", "a", lambda name, _file: [(name, "include a\n")])
    assert [one.rule for one in found] == ["include-loop"]


def test_the_web_monitor_of_a_whole_configuration_runs_as_root_by_default():
    text = NEEDED.replace("run-as-root no\n", "http-mgmt-port 1983\n")
    assert rules(text) == {"runs-as-root"}
    assert rules(text + "run-as-root no\n") == set()
    assert [one.rule for one in lint(text, whole=False)] == []


def test_every_rule_is_shown_and_none_beside_them():
    produced = {rule for rule, _has, _not in TABLE} | {
        "missing-postmaster",
        "missing-log-file",
        "missing-spool",
        "include-loop",
    }
    # Those of the host have their own table; an unread file is a matter of the command line.
    assert produced == set(RULES) - set(host.RULES) - {"file-unreadable"}
    for _rule, has, has_not in TABLE:
        assert rules(has) | rules(has_not) <= set(RULES)
    written = set(
        re.findall(
            r'"(syntax-[a-z-]+|comment-[a-z-]+)"', (ROOT / "plugins/module_utils/pmta_config/parse.py").read_text()
        )
    )
    assert written <= set(RULES)


@pytest.mark.parametrize("rule", RULES)
def test_rules_explain_themselves(rule):
    severity, explanation, remedy = RULES[rule]
    assert severity in ("error", "warning") and remedy
    assert explanation[-1] == "." and 20 < len(explanation) < 400 and explanation != remedy


def test_one_fault_is_one_finding():
    weighted = lint(V + tag("virtual-mta-pool p", "virtual-mta v weight 100"))
    assert [(found.line, found.column, found.rule) for found in weighted] == [(5, 15, "pool-weight")]
    assert [one.rule for one in lint(V + tag("virtual-mta-pool p", "virtual-mta"))] == ["argument-count"]
    cut = lint(tag("smtp-pattern-list l", "reply /AUP#O-11/ mode=backoff"))
    assert [(found.line, found.column, found.rule) for found in cut] == [(2, 11, "comment-swallows")]


def test_a_misspelt_setting_shows_no_value():
    for line in ("passwort=hunter2", "http-api-kee=hunter2", "password=hunter2", "passwort hunter2"):
        [found] = lint(tag("smtp-user u", line, "source {auth}"))
        assert found.severity == "error" and "hunter2" not in f"{found.message} {found.remedy}"


@pytest.mark.parametrize(
    ("line", "place", "remedy"),
    [
        ("route [127.0.0.1]:26", "domain a.example", "Use smtp-hosts"),
        ("max-msg-per-hour 5", "domain a.example", "Use max-msg-rate"),
        ("dk-sign yes", "domain a.example", "Use dkim-sign"),
        ("deliver-local-dsn no", "domain a.example", RULES["deprecated"].remedy),
    ],
)
def test_what_is_outdated_names_its_successor(line, place, remedy):
    assert [(found.rule, found.remedy) for found in lint(tag(place, line))] == [("deprecated", remedy)]


def test_remedies_show_the_line_to_write():
    def remedies(text):
        return [found.remedy for found in lint(text)]

    assert remedies(tag("bounce-category-patterns", "/x/")) == ["Expected: /regex/ CATEGORY"]
    [remedy] = remedies("virtual-mta v smtp-source-host 192.0.2.1 v.a.example\n")
    assert "<virtual-mta NAME>" in remedy


@pytest.mark.parametrize(
    "items", ["{a.example,b.example}", "a.example=1", "(a.example|b.example)", "= a.example", "a.example}"]
)
def test_what_is_no_list_of_domains_is_no_macro(items):
    assert [found.rule for found in lint(f"domain-macro m {items}\n") if found.severity == "error"] == [
        "argument-value"
    ]
    assert lint("domain-macro m ${n},{sparkpost},[*.]a.example,*.b.example,$n\ndomain-macro n [10/8],fr\n") == []
