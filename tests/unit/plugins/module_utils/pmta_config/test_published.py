# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Forms that running configurations have and no guide shows: none of them is an error; and languages that PowerMTA does not speak:
none of them passes."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse, to_text

AROUND = """\
postmaster ops@example.org
log-file /var/log/pmta/log
<spool /var/spool/pmta>
</spool>
<virtual-mta v1>
    smtp-source-host 192.0.2.1 v1.example.org
</virtual-mta>
<virtual-mta-pool p1>
    virtual-mta v1
</virtual-mta-pool>
"""
# What it is: (the text, warnings it has at least).
SEEN = {
    "a yes or no that is spelt true": ("<source 192.0.2.9>\n    add-date-header true\n</source>\n", ()),
    "a regex broken by an empty line": (
        "<bounce-category-patterns>\n/mailbox (is full|over quota|no\n\nspace left)/ quota-issues\n// other   # the rest\n"
        "</bounce-category-patterns>\n", ("syntax-regex-broken",)),
    "a regex broken inside a word": (
        "<bounce-category-patterns>\n    /address (rejected|unkno\nwn|refused)/ bad-mailbox\n</bounce-category-patterns>\n", ("syntax-regex-broken",)),
    "the TLS option of older listeners": ("smtp-listener 0/0:2526 tls=no\n", ("undocumented",)),
    "a macro's list on the next line": (
        "domain-macro fai\nexample.net,example.com\n\n<domain $fai>\n    max-smtp-out 2\n</domain>\n", ("syntax-list-below",)),
    "a macro's single domain on the next line": ("domain-macro one \nexample.net\n<domain $one>\n</domain>\n", ("syntax-list-below",)),
    "a macro's list below, that goes on": (
        "domain-macro fai\n  example.net,   # first\n  example.com,\n  $other\ndomain-macro other example.edu\n<domain $fai>\n</domain>\n",
        ("syntax-list-below",)),
    "a pipe without quotes": (
        "<acct-file |/opt/importer --fast>\n    records d\n    record-fields d *\n</acct-file>\n<acct-file /a.csv>\n</acct-file>\n",
        ("argument-name",)),
    "a macro's list with an empty line in it": (
        "domain-macro fai example.net,\n    # more of them\n\n    example.com,\n\n    example.edu\n<domain $fai>\n</domain>\n", ()),
    "a macro of endings over three lines": (
        "domain-macro tld co.il, com, com.br,\n\tco.uk, de, es,\n\tnl, ru\n<domain mail.$tld>\n    max-msg-rate 250/min\n</domain>\n", ()),
    "mail moved to the vendor's relay": (
        "<domain {sparkpost}>\n    auth-password secret\n</domain>\n<domain example.net>\n    queue-to {sparkpost}\n</domain>\n", ()),
    "a queue of its own name": (
        '<domain relay.queue>\n    route relay.example.net:587\n</domain>\n<domain example.net>\n    queue-to "relay.queue"\n</domain>\n',
        ("deprecated",)),
    "the address directive of release 4": (
        "<virtual-mta v4>\n    smtp-source-ip 192.0.2.4\n    host-name v4.example.org\n</virtual-mta>\n", ("deprecated",)),
    "cold addresses of release 4": (
        "<virtual-mta v4>\n    auto-cold-virtual-mta 192.0.2.5 v5.example.org\n    smtp-source-host 192.0.2.4 v4.example.org\n</virtual-mta>\n",
        ("deprecated",)),
    "directives with capital letters": ("Pickup /var/spool/in /var/spool/bad\n", ()),
    "sources named like a path": ("<source {/var/spool/pmta/pickup}>\n    default-virtual-mta p1\n</source>\n", ("reserved-name",)),
    "a source named like a host": ("<source localhost>\n    always-allow-relaying yes\n</source>\n", ()),
    "addresses of users": ("<smtp-user ops@example.org>\n    password a/*%$z\n    source {mine-auth}\n</smtp-user>\n<source {mine-auth}>\n"
                           "    require-auth true\n    default-virtual-mta p1\n</source>\n", ("reserved-name",)),
    "a domain that is an address": ("<domain 192.0.2.7>\n    deliver-local-dsn yes\n</domain>\n", ()),
    "two blanks in a tag, comments behind tags": ("<domain  example.net> # one\n</domain>   # end\n", ()),
    "fields the guide does not list": (
        "<acct-file /a.csv>\n    record-fields b jobId,dsnDiag,*,!timeImprinted\n    record-fields delivery *,envId\n</acct-file>\n", ()),
    "a network that listens": ("smtp-listener 192.0.2.16/28:25\n", ()),
    "spaces around the commas": ("domain-key s1, example.org , /etc/pmta/s1.pem\n<domain *>\n    dkim-sign yes\n</domain>\n", ()),
    "an apostrophe in a regex": (
        "<smtp-pattern-list l1>\n    reply /the sending host's reputation/ mode=normal\n    reply /user\u2013unknown/ bounce-rcpt\n</smtp-pattern-list>\n", ()),
    "a stop by rate": ("<domain trap.example.net>\n    max-msg-rate 0\n    max-smtp-out 0\n</domain>\n", ()),
    "Windows paths": ("<acct-file c:\\pmta\\acct.csv>\n    move-to c:\\pmta\\done\n    move-interval 5m\n</acct-file>\n", ()),
    "a comment line full of quotes": ("# \u0423\u043a\u0430\u0437\u044b\u0432\u0430\u0435\u043c \"it's\" <b> {x} \u4f60\n", ()),
}  # fmt: skip


@pytest.mark.parametrize(("text", "warnings"), SEEN.values(), ids=SEEN)
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_what_running_configurations_hold_is_no_error(text, warnings, newline):
    whole = (AROUND + text).replace("\n", newline)
    found = lint(whole)
    assert [str(one) for one in found if one.severity == "error"] == []
    assert set(warnings) <= {one.rule for one in found if one.line > AROUND.count("\n")}
    assert to_text(parse(whole)) == whole


# What looks like the accepted forms above and is none.
NEAR = {
    "a macro without a list": "domain-macro fai\nmax-smtp-out 5\n",
    "a macro, then a tag": "domain-macro fai\n<domain example.net>\n</domain>\n",
    "a regex that never ends": "<bounce-category-patterns>\n/mailbox full\n\n</bounce-category-patterns>\n",
    "a regex, then a directive": "relay-address /^abuse@example\nlog-rotate 5\nsmtp-server-tls-ca-file /etc/ca.pem\n",
    "an unknown option of a listener": "smtp-listener 0/0:25 tls=maybe\n",
    "a value behind #": "http-access #YOUR_IP admin\n",
    "add-date-header": "<source 192.0.2.9>\n    add-date-header maybe\n</source>\n",
    "five numbers": "name-server 192.0.2.1.5\n",
}


@pytest.mark.parametrize("text", NEAR.values(), ids=NEAR)
def test_what_only_looks_like_them_is_an_error(text):
    first = AROUND.count("\n") + 1
    assert [one for one in lint(AROUND + text) if one.severity == "error" and one.line >= first]


INVENTED = {
    "brace blocks": "virtual-mta mta1 {\n    source-ip 192.0.2.1\n    helo mta1.example.org\n}\ndomain gmail.com {\n    max-conn 5\n}\n",
    "brace blocks, brace below": "virtual-mta mta1\n{\n    smtp-source-host 192.0.2.1 a.example.org\n}\n",
    "weights": "<virtual-mta-pool main>\n    virtual-mta v1 weight 70\n    virtual-mta v2 weight=30\n</virtual-mta-pool>\n",
    "throttle-rules": "<throttle-rules gmail>\n    max-rate 100/h\n</throttle-rules>\n",
    "a pool map": "<domain *>\n    virtual-mta-pool-map senders\n</domain>\n",
    "a default pool": "<source 192.0.2.9>\n    default-virtual-mta-pool p1\n</source>\n",
    "a routing section": "<route news>\n    from *@news.example.org\n    use v1\n</route>\n",
    "a queue section": "<queue gmail.com/v1>\n    max-smtp-out 2\n</queue>\n",
    "a policy section": "<policy warmup>\n    day-1 50\n    day-2 100\n</policy>\n",
    "a queue in a domain tag": "<domain gmail.com/v1>\n    max-smtp-out 2\n</domain>\n",
    "several domains in a tag": "<domain outlook.com,hotmail.com>\n    max-smtp-out 2\n</domain>\n",
    "keys in the domain tag": "<domain example.org>\n    dkim-sign yes\n    dkim-selector s1\n    dkim-key /etc/pmta/s1.pem\n</domain>\n",
    "a key without a selector": "domain-key example.org,/etc/pmta/key.pem\n",
    "a key in words": "domain-key s1 example.org /etc/pmta/key.pem\n",
    "host before address": "<virtual-mta v9>\n    smtp-source-host v9.example.org 192.0.2.9\n</virtual-mta>\n",
    "an address alone": "<virtual-mta v9>\n    smtp-source-host 192.0.2.9\n</virtual-mta>\n",
    "records all": "<acct-file /a.csv>\n    records all\n</acct-file>\n",
    "records without commas": "<acct-file /a.csv>\n    records d b\n</acct-file>\n",
    "bodies of a listener": "smtp-listener 0.0.0.0:2525\n    listen-on-tcp yes\n    process-x-sender yes\n",
    "retries after hard bounces": "<domain *>\n    retry-upon-5xx true\n</domain>\n",
    "a web listener section": "<http-mgmt-listener 0.0.0.0:8080>\n    admin-commands true\n</http-mgmt-listener>\n",
    "an administrator's password": "admin-password hunter2\n",
    "replies in the wrong list": "<pattern-list errors>\n    reply /too many/ mode=backoff\n</pattern-list>\n",
    "addresses as entries": "<pattern-list who>\n    news@example.org v1\n</pattern-list>\n",
    "unknown actions": "<smtp-pattern-list l>\n    reply /x/ mode=temp\n    reply /y/ retry=10m\n</smtp-pattern-list>\n",
    "one-line sections": "<virtual-mta v9> smtp-source-host 192.0.2.9 v9.example.org </virtual-mta>\n",
    "numbers without a unit": "<domain *>\n    max-msg-rate 100\n    retry-after 600\n</domain>\n",
    "rates in words": "<domain *>\n    max-msg-rate 100 per hour\n</domain>\n",
    "INI": "[general]\npostmaster = ops@example.org\n\n[vmta:v1]\nip = 192.0.2.1\nhost = v1.example.org\n",
    "YAML": "virtual_mtas:\n  - name: v1\n    ip: 192.0.2.1\n    domains:\n      gmail.com:\n        max_rate: 100/h\n",
    "JSON": '{\n  "virtual-mta": {"v1": {"ip": "192.0.2.1"}},\n  "domains": ["gmail.com"]\n}\n',
    "TOML": '[source."v1"]\nsource_address = "192.0.2.1"\nehlo_domain = "v1.example.org"\n',
    "Postfix": "myhostname = mail.example.org\nsmtp_bind_address = 192.0.2.1\nmynetworks = 127.0.0.0/8\n",
    "nginx": "server {\n    listen 25;\n    server_name mail.example.org;\n}\n",
    "KumoMTA": "kumo.on('init', function()\n  kumo.start_esmtp_listener { listen = '0:25', relay_hosts = { '127.0.0.1' } }\nend)\n",
    "Haraka": "[v1]\nip=192.0.2.1\nhost=v1.example.org\n",
    "Exim": "begin transports\nremote_smtp:\n  driver = smtp\n  interface = 192.0.2.1\n",
    "OpenSMTPD": 'listen on 192.0.2.1 port 25\naction "out" relay src 192.0.2.1\nmatch from local for any action "out"\n',
    "XML": "<?xml version='1.0'?>\n<pmta>\n  <vmta name='v1' ip='192.0.2.1'/>\n</pmta>\n",
    "BEGIN and END": "BEGIN VIRTUAL-MTA v1\nsmtp-source-host 192.0.2.1 a.example.org\nEND VIRTUAL-MTA\n",
    "shell": "VMTA=v1\nexport VMTA\nif [ -f /etc/pmta/x ]; then\n  include /etc/pmta/x\nfi\n",
}  # fmt: skip


@pytest.mark.parametrize("whole", [False, True], ids=["alone", "in a whole configuration"])
@pytest.mark.parametrize("text", INVENTED.values(), ids=INVENTED)
def test_what_is_not_the_language_never_passes(text, whole):
    first = AROUND.count("\n") + 1 if whole else 1
    found = [one for one in lint(AROUND + text if whole else text) if one.severity == "error" and one.line >= first]
    assert found
    # The language itself is what is wrong, or one of its directives means something else.
    kinds = ("syntax", "unknown", "section", "argument", "source-host-swapped", "domain-key", "pool-weight")
    assert any(one.rule.startswith(kinds) for one in found), found
