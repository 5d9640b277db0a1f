# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything else a load refuses, with the place and the reason."""

from __future__ import annotations

import pytest
from pmta_standin.errors import ConfigError
from test_snippets import VMTA, inside
from world import BASE, RELAY

LINES = len((BASE + RELAY).splitlines())

# name: (configuration after the base, line counted from there, part of the message)
CASES = {
    "unknown directive": ("no-such-thing 1", 1, "unknown directive: no-such-thing"),
    "unknown tag": ("<queue a.b>\n</queue>", 1, "unknown tag <queue>"),
    "equals sign": (inside("domain *", "max-smtp-out = 5"), 2, "too many"),
    "wrong section": (inside("domain *", "always-allow-relaying yes"), 2, "only in source"),
    "domain directive at top": ("dkim-sign yes", 1, "only in domain"),
    "argument missing": (inside("virtual-mta v", "smtp-source-host 127.0.0.5"), 2, "argument missing"),
    "no argument": (inside("domain *", "max-smtp-out"), 2, "argument missing"),
    "too many arguments": (inside("domain *", "max-smtp-out 5 6"), 2, "too many arguments"),
    "not a boolean": (inside("domain *", "dkim-sign maybe"), 2, "yes, no"),
    "not a rate": (inside("domain *", "max-msg-rate 100"), 2, "rate"),
    "rate without unit": (inside("domain *", "max-msg-rate 100/5"), 2, "rate"),
    "rate of nothing": (inside("domain *", "max-msg-rate 0/h"), 2, "rate"),
    "no connection": (inside("virtual-mta v", "max-smtp-out 0"), 2, "between 1"),
    "not an interval": (inside("domain *", "bounce-after 10"), 2, "interval"),
    "interval with blanks": (inside("domain *", "bounce-after 1d 2h"), 2, "too many"),
    "not a size": (inside("source 10/8", "max-message-size 10MB"), 2, "size"),
    "bare bytes": (inside("acct-file /var/log/pmta/a.csv", "max-size 5000000"), 2, "size"),
    "31 retries": (inside("domain *", "retry-after " + ",".join(["1m"] * 31)), 2, "30"),
    "unclosed tag": ("<virtual-mta v>", 1, "not closed"),
    "crossed tags": ("<virtual-mta v>\n<domain *>\n</virtual-mta>\n</domain>", 3, "</domain> was expected"),
    "closing nothing": ("</domain>", 1, "closes nothing"),
    "named closing tag": ("<virtual-mta v>\n</virtual-mta v>", 2, "closing tag takes no name"),
    "text after a tag": ("<virtual-mta v> host-name a.b", 1, "malformed tag"),
    "tag without a name": ("<virtual-mta>\n</virtual-mta>", 1, "needs a name"),
    "name for a nameless tag": ("<aliases x>\n</aliases>", 1, "takes no name"),
    "domain in domain": ("<domain *>\n<domain a.b>\n</domain>\n</domain>", 2, "not allowed in <domain>"),
    "repeated domain": ("<domain *>\n</domain>\n<domain *>\n</domain>", 3, "already given"),
    "repeated source": ("<source 0/0>\n</source>\n<source 0.0.0.0/0>\n</source>", 3, "already given"),
    "repeated directive": (inside("domain *", "max-smtp-out 1\nmax-smtp-out 2"), 3, "already given in line"),
    "repeated virtual-mta": ("<virtual-mta v>\n</virtual-mta>\n<virtual-mta v>\n</virtual-mta>", 3, "already given"),
    "same name, other case": ("<virtual-mta v>\n</virtual-mta>\n<virtual-mta V>\n</virtual-mta>", 3, "already given"),
    "pool with a VMTA's name": (
        VMTA + inside("virtual-mta-pool vmta-mail1", "virtual-mta vmta-mail1"),
        4,
        "already given",
    ),
    "empty pool": ("<virtual-mta-pool p>\n</virtual-mta-pool>", 1, "no virtual-mta"),
    "pool member undefined": (inside("virtual-mta-pool p", "virtual-mta nobody"), 2, "undefined virtual MTA: nobody"),
    "pool member twice": (
        VMTA + inside("virtual-mta-pool p", "virtual-mta vmta-mail1\nvirtual-mta vmta-mail1"),
        6,
        "twice",
    ),
    "pool before its member": (
        inside("virtual-mta-pool p", "virtual-mta vmta-mail1") + VMTA,
        2,
        "before its definition",
    ),
    "VMTA in two pools with domain tags": (
        VMTA
        + "<virtual-mta-pool p>\nvirtual-mta vmta-mail1\n<domain *>\n</domain>\n</virtual-mta-pool>\n"
        + "<virtual-mta-pool q>\nvirtual-mta vmta-mail1\n<domain *>\n</domain>\n</virtual-mta-pool>\n",
        10,
        "two pools with <domain>",
    ),
    "pattern-list undefined": (inside("source 10/8", "pattern-list p"), 2, "undefined pattern-list"),
    "pattern-list after the source": (
        VMTA
        + inside("source 10/8", "pattern-list p")
        + inside("pattern-list p", "mail-from /x/ virtual-mta=vmta-mail1"),
        5,
        "before its definition",
    ),
    "two pattern-lists in a source": (
        VMTA
        + inside("pattern-list p", "mail-from /x/ virtual-mta=vmta-mail1")
        + inside("pattern-list q", "mail-from /x/ virtual-mta=vmta-mail1")
        + inside("source 10/8", "pattern-list p\npattern-list q"),
        12,
        "already given",
    ),
    "pattern-list in a domain": (inside("domain *", "pattern-list p"), 2, "only in source"),
    "pattern-list to nobody": (
        inside("pattern-list p", "mail-from /x/ virtual-mta=nobody"),
        2,
        "undefined virtual MTA or pool: nobody",
    ),
    "pattern without result": (inside("pattern-list p", "mail-from /x/"), 2, "argument missing"),
    "pattern with unknown result": (inside("pattern-list p", "mail-from /x/ vmta=a"), 2, "expected"),
    "pattern that is no regex": (inside("pattern-list p", "mail-from x virtual-mta={default}"), 2, "invalid value"),
    "regex that does not compile": (
        inside("pattern-list p", "mail-from /(/ virtual-mta={default}"),
        2,
        "missing closing parenthesis",
    ),
    "regex cut by a comment": (
        inside("pattern-list p", "mail-from /a#b/ virtual-mta={default}"),
        2,
        "unterminated regular",
    ),
    "regex over two lines": (
        inside("bounce-category-patterns", "/mailbox\nfull/ quota-issues"),
        2,
        "unterminated regular",
    ),
    "catch-all outside a nested list": (inside("pattern-list p", "* virtual-mta={default}"), 2, "nested"),
    "call to an unknown list": (inside("pattern-list p", "mail-from /x/ call-to:q"), 2, "undefined pattern-list"),
    "call to itself": (inside("pattern-list p", "mail-from /x/ call-to:p"), 2, "before its definition|calls itself"),
    "default VMTA undefined": (inside("source 10/8", "default-virtual-mta nobody"), 2, "undefined virtual MTA or pool"),
    "cold VMTA undefined": (inside("virtual-mta v", "cold-virtual-mta nobody"), 2, "undefined virtual MTA"),
    "reroute to nobody": (inside("domain *", "reroute-to-virtual-mta nobody"), 2, "undefined virtual MTA"),
    "smtp-pattern-list undefined": (inside("domain *", "smtp-pattern-list x"), 2, "undefined smtp-pattern-list"),
    "listener's source undefined": ("smtp-listener 127.0.0.1:2525 source=x", 1, "undefined source"),
    "user's source undefined": (inside("smtp-user u", "password x\nsource s"), 3, "undefined source"),
    "reserved source name": ("<source {mine}>\n</source>", 1, "reserved"),
    "both modes": (inside("smtp-pattern-list p", "reply /x/ mode=backoff,mode=normal"), 2, "twice"),
    "skip-mx with bounce-queue": (
        inside("smtp-pattern-list p", "reply /x/ skip-mx,bounce-queue"),
        2,
        "cannot be combined",
    ),
    "reenable-after alone": (
        inside("smtp-pattern-list p", "reply /x/ mode=backoff,reenable-after=1h"),
        2,
        "must follow",
    ),
    "to-normal without backoff": (
        inside("smtp-pattern-list p", "reply /x/ backoff-to-normal-after=1h"),
        2,
        "must follow",
    ),
    "mode as a directive": (inside("domain *", "mode backoff"), 2, "unknown directive"),
    "two fields in domain-key": ("domain-key s1,/etc/pmta/dkim/mail1.pem", 1, "exactly three"),
    "key file missing": ("domain-key s1,a.b,/etc/pmta/dkim/none.pem", 1, "cannot read key"),
    "key file not a key": ("domain-key s1,a.b,/etc/pmta/license", 1, "not a private RSA key"),
    "key file relative": ("domain-key s1,a.b,dkim/mail1.pem", 1, "absolute path"),
    "source address elsewhere": (
        inside("virtual-mta v", "smtp-source-host 203.0.113.77 a.b"),
        2,
        "no such local address",
    ),
    "source CIDR without address": (
        inside("virtual-mta v", "smtp-source-host 203.0.113.0/24 a.b"),
        2,
        "no such local address",
    ),
    "EHLO name is an address": (
        inside("virtual-mta v", "smtp-source-host 127.0.0.5 127.0.0.5"),
        2,
        "invalid host name",
    ),
    "listener address elsewhere": ("smtp-listener 203.0.113.77:25", 1, "no such local address"),
    "listener twice": ("smtp-listener 0/0:2525\nsmtp-listener 0.0.0.0/0:2525", 2, "already given"),
    "listener without port": ("smtp-listener 127.0.0.1", 1, "IP:PORT"),
    "listener with listed option": ("smtp-listener 127.0.0.1:2525 tls=yes", 1, "unknown option"),
    "domain/vmta in a domain tag": ("<domain gmail.com/mta1>\n</domain>", 1, "no domain/vmta"),
    "undefined macro": (inside("domain $nope", "max-smtp-out 1"), 1, "undefined macro"),
    "macro loop": ("domain-macro a $b\ndomain-macro b $a", 1, "loop"),
    "macro twice": ("domain-macro a x.y\ndomain-macro a x.z", 2, "already given"),
    "macro name": ("domain-macro a-b x.y", 1, "macro name"),
    "continuation line": ("domain-macro a x.y,\n    x.z", 1, "comma"),
    "password with #": (inside("smtp-user u", "password ab#cd"), 2, "cannot contain #"),
    "quoted password with #": (inside("smtp-user u", 'password "ab#cd"'), 2, "cannot contain #"),
    "user without password": (inside("smtp-user u", "source {auth}") + "<source {auth}>\n</source>", 1, "no password"),
    "unterminated quote": ('custom-dsn-from-header "A <b@c.d>', 1, "unterminated quote"),
    "unknown record type": (inside("acct-file /var/log/pmta/a.csv", "records d,x"), 2, "unknown record type"),
    "unknown field": (inside("acct-file /var/log/pmta/a.csv", "record-fields b sender"), 2, "unknown field"),
    "acct file too small": (inside("acct-file /var/log/pmta/a.csv", "max-size 100k"), 2, "at least 1M"),
    "acct directory missing": ("<acct-file /var/nowhere/a.csv>\n</acct-file>", 1, "no such directory"),
    "spool directory missing": ("<spool /var/nowhere>\n</spool>", 1, "no such directory"),
    "include missing": ("include /etc/pmta/none.conf", 1, "cannot read /etc/pmta/none.conf"),
    "include without a match": ("include /etc/pmta/none.d/*.conf", 1, "matches no file"),
    "include cycle": ("include /etc/pmta/config", 1, "cycle"),
    "include relative": ("include none.conf", 1, "absolute"),
    "include in a pool": (VMTA + inside("virtual-mta-pool p", "include /etc/pmta/x"), 5, "guess"),
    "no longer valid in 5.0r8": (inside("domain *", "smtp-tls-allow-sslv3 no"), 2, "no longer valid"),
    "DomainKeys": (inside("domain *", "dk-sign yes"), 2, "unknown directive"),
    "wildcard roll-up": (inside("mx-rollup-list", "mx *.outlook.com outlook.rollup"), 2, "rollup-by-ip"),
    "forwarding what is not delivered": (
        inside("bounce-processor", "deliver-unmatched-email no\nforward-unmatched-to a@b.c"),
        3,
        "needs deliver-unmatched",
    ),
    "action before its mode": (
        inside("smtp-pattern-list x", "reply /a/ backoff-to-normal-after=1h,mode=backoff"),
        2,
        "must follow",
    ),
    "include in bounce categories": (inside("bounce-category-patterns", "include /etc/pmta/x"), 2, "not allowed"),
    "pattern list of another kind": (inside("domain *", "smtp-pattern-list nobody"), 2, "undefined smtp-pattern-list"),
    "roll-up name": (inside("mx-rollup-list", "mx a.b outlook.queue"), 2, "rollup"),
    "http-access without level": ("http-access #YOUR_IP admin", 1, "argument missing"),
    "http-access level": ("http-access 127.0.0.1 root", 1, "none, monitor"),
    "short API key": ("http-api-key abc", 1, "API key"),
    "host bits": ("<source 10.1.2.3/8>\n</source>", 1, "invalid IP"),
    "algorithm": (inside("domain *", "dkim-algorithm ed25519-sha256"), 2, "rsa-sha1"),
    "list with blanks": (inside("acct-file /var/log/pmta/a.csv", "records d, b"), 2, "comma|too many"),
    "http(s) include": ("include http://127.0.0.1/x", 1, "absolute"),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_with_its_place(root, name: str) -> None:
    text, line, message = CASES[name]
    with pytest.raises(ConfigError) as refusal:
        root.load(BASE + RELAY + text + "\n")
    said = str(refusal.value)
    assert said.startswith(f"Error in line {LINES + line} of /etc/pmta/config: "), said
    assert any(part in said for part in message.split("|")), said


@pytest.mark.parametrize("what", ["postmaster", "log-file", "spool"])
def test_mandatory(root, what: str) -> None:
    kept = "\n".join(line for line in (BASE + RELAY).splitlines() if what not in line) + "\n"
    with pytest.raises(ConfigError, match=f"{what} missing"):
        root.load(kept)


def test_relaying_is_mandatory(root) -> None:
    with pytest.raises(ConfigError, match="relaying"):
        root.load(BASE)


def test_error_in_an_included_file(root) -> None:
    root.write("etc/pmta/more.conf", "\n# fine\nmax-smtp-out 4\n")
    with pytest.raises(ConfigError) as refusal:
        root.load(BASE + RELAY + "include /etc/pmta/more.conf\n")
    assert str(refusal.value).startswith("Error in line 3 of /etc/pmta/more.conf: ")


def test_tag_may_not_close_in_another_file(root) -> None:
    root.write("etc/pmta/more.conf", "max-smtp-out 4\n</domain>\n")
    with pytest.raises(ConfigError, match="closes nothing"):
        root.load(BASE + RELAY + "<domain *>\ninclude /etc/pmta/more.conf\n")


def test_not_utf8(root) -> None:
    (root.path / "etc/pmta/config").write_bytes(b"postmaster a@b.c\nhost-name \xff\n")
    with pytest.raises(ConfigError, match="Error in line 2 of /etc/pmta/config: not UTF-8"):
        root.load()


def test_licence_is_required(root) -> None:
    from pmta_standin import licence
    from pmta_standin.paths import Paths

    assert licence.read(Paths(str(root.path)))["product"] == "PowerMTA"
    root.write("etc/pmta/license", "something else\n")
    with pytest.raises(ConfigError, match="licence"):
        licence.read(Paths(str(root.path)))
    (root.path / "etc/pmta/license").unlink()
    with pytest.raises(ConfigError, match="licence"):
        licence.read(Paths(str(root.path)))
