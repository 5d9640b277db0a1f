# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each directive of the table accepts what its form says and refuses what it does not; names lead somewhere."""

from __future__ import annotations

import pathlib
import time

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, values
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.directives import rows
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.sections import TAGS
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.specs import by_section

ROOT = pathlib.Path(__file__).parents[4]

# By the start of the form in the table, longest first: (accepted, refused) arguments. Written from the description of the
# forms, not from the code that checks them.
SAMPLES = {
    "boolean | interval | never": (["yes", "never", "1h"], ["maybe", "1x"]),
    "boolean | if-x-dkim-options-present": (["yes", "if-x-dkim-options-present"], ["sometimes"]),
    "boolean": (["yes", "no", "true", "FALSE"], ["", "maybe", "yes no", "1"]),
    "integer | unlimited": (["5", "unlimited"], ["many"]),
    "integer | auto": (["5", "auto"], ["many"]),
    "integer 512-2048": (["512", "2048"], ["511", "2049"]),
    "integer 1-100": (["1", "100"], ["0", "101"]),
    "integer 0-100": (["0", "100"], ["101", "-1"]),
    "integer (deprecated": (["5"], ["x"]),
    "integer": (["0", "50"], ["", "x", "1.5", "5 6", "-1"]),
    "rate": (
        ["100/h", "50/day", "83/10m", "1/20m", "unlimited", "0", "5/min"],
        ["", "100", "100/y", "/h", "5/h 6/h", "x/h"],
    ),
    "volume rate": (["12M/m", "2g/10h", "1048576/1h"], ["", "12M", "12MB/m"]),
    "list of N/": (["50/day,100/d", "50/day, 100/day", "1/d"], ["", "50", "50/h", "50/d,,5/d"]),
    "interval list": (["10m,10m,1h", "1w2d12h30m10s", "1h, 2h"], ["", "10", "10m,x", ",".join(["1h"] * 31)]),
    "interval | never": (["4d12h", "never"], ["soon", ""]),
    "interval (max 10m)": (["1m", "10m"], ["11m", "x"]),
    "interval (min 1m)": (["1m", "2h"], ["59s", "x"]),
    "interval": (["4d12h", "10m", "1s"], ["", "10", "1y", "1h 2h"]),
    "size | unlimited": (["5G", "unlimited"], ["5GB"]),
    "size | 0 | unlimited": (["40K", "0", "unlimited"], ["big"]),
    "size": (["50M", "1g", "0", "1048576"], ["", "50MB", "M", "5 6"]),
    "IP-or-CIDR + HOST-NAME": (
        ["192.0.2.1 a.example.com", "10/8 a.b"],
        ["", "192.0.2.1", "a.b 192.0.2.1", "192.0.2.1 a b"],
    ),
    "IP|CIDR + HOST-NAME": (["192.0.2.1 a.example.com"], ["a.b 192.0.2.1"]),
    "IP|CIDR:PORT": (["0/0:25", "192.0.2.1:2525 source=x", "[::1]:25"], ["", "25", "192.0.2.1:99999", "1.2.3.4:25 x"]),
    "IP[:PORT] HOST": (["192.0.2.1 a.b", "192.0.2.1:25 a.b"], ["192.0.2.1"]),
    "IP|host:PORT": (["10.1.2.3:5000", "a.b:5000"], ["10.1.2.3"]),
    "IP": (["192.0.2.1", "::1"], ["", "a.b", "1.2.3.256", "10/8"]),
    "LOCAL-IP": (["10/8 a.b:5000 10.1.2.3 c.d"], ["10/8 a.b:5000 10.1.2.3"]),
    "CIDR + integer": (["1.2.3.4 10", "173.194/16 50"], ["10 1.2.3.4", "1.2.3.4"]),
    "CIDR + rate": (["1.2.3.4 60/m"], ["60/m 1.2.3.4", "1.2.3.4 60"]),
    "CIDR + volume rate": (["1.2.3.4 600M/m"], ["1.2.3.4 600"]),
    "CIDR + none": (
        ["127.0.0.1 admin", "10/8 monitor,deny-logs", "::1 none"],
        ["127.0.0.1", "admin 127.0.0.1", "10/8 root"],
    ),
    "MX-pattern + integer": (["*.a.example 20"], ["20"]),
    "MX-NAME": (["*.a.example x.rollup", "a.b x.rollup rollup-by-ip"], ["a.b x", "a.b", "a.b x.rollup y"]),
    "domain pattern + domain": (["*.a.b c.d"], ["a.b"]),
    "domain pattern": (["*", "a.b", "*.a.b", "[*.]a.b"], [""]),
    "domain name (quoted ok)": (["a.queue", '"a.queue"', '""'], ["a b"]),
    "domain": (["a.example"], ["", "a b", "1.2.3.4"]),
    "FQDN": (["mail.example.com", "b\u00fccher.example"], ["", "a b", "1.2.3.4"]),
    "email | /regex/": (["a@b.c", "/^a@b/"], ["a", "/(/"]),
    "email | local part": (["a@b.c", "a", "/^a@/"], ["/(/", ""]),
    'email | ""': (["a@b.c", '""'], ["a"]),
    "email | @domain | sender-or-from": (["a@b.c", "@b.c", "strict-from", "sender-or-from"], ["from"]),
    "email | @domain": (["a@b.c", "@b.c"], ["from"]),
    "email list": (["a@b.c,d@e.f", "a@b.c"], ["a,b", ""]),
    "email address": (["a@b.c"], ["", "a", "a@b c@d"]),
    "URL": (["https://a.b/c", "http://a.b:81"], ["", "ftp://a", "a.b"]),
    "header list": (["X-A,X-B", "X-A", '""'], ["", "X A"]),
    "header names and /regex/": (["from,/^x-/,to", '""'], ["", "a b", "/(/"]),
    "header name": (["X-Job"], ["", "X Job", "X:Job"]),
    "enum: ": (None, ["", "no-such-word"]),
    "enum": (["x"], [""]),
    "true[,subaccount=N]": (["true", "true,subaccount=5", "false", "filter"], ["", "maybe"]),
    "record types": (["d,b", "feedback-loop", "t, tq"], ["", "all", "x"]),
    "TYPE + field list": (["d *,!orig,header_X", "b timeQueued,bounceCat"], ["", "d", "x *"]),
    "TYPE header_NAME": (["f header_X rcpt"], ["f header_X", "x y z"]),
    "queue list": (["a.b/v,![*.]c.d/*,*/w"], ["", "/"]),
    "Nd | never": (["8d", "never"], ["8", "8h", ""]),
    "retain|redact": (["retain", 'redact "X"'], ["", "hide"]),
    "SELECTOR,DOMAIN": (["s1,a.b,/c", "s1, *, /c"], ["", "a.b,/c", "s1,a.b,/c,d", "s1,,/c"]),
    "SELECTOR": (["s1,a.b,/c"], [""]),
    "NAME + comma list": (["m a.b,c.d", "m $other,a.b"], ["", "m", "m-n a.b"]),
    "DIR BADDIR": (["/a /b"], ["", "/a"]),
    "SOURCE TARGET": (["a@b c@d,e@f"], ["a@b"]),
    "SRC-ADDR": (["*@a.b *@c.d"], ["a@b"]),
    "/regex/ RESULT": (
        ["/a/ virtual-mta=v", "/a b/ virtual-mta=v,recipient-priority=5", "/a/ call-to: l", "/a/ call-to:l"],
        ["", "/a/", "a virtual-mta=v", "/a/ v", "/(/ virtual-mta=v", "/a/ recipient-priority=101"],
    ),
    "HEADER-NAME /regex/": (["x-a /b/ virtual-mta=v"], ["/b/ virtual-mta=v", "x-a b virtual-mta=v"]),
    "/regex/ ACTION": (
        ["/a/ mode=backoff", "/a/ bounce-rcpt", "/a/ mode=backoff,disable-source-ip,reenable-after=1h", "/a/ skip-mx"],
        [
            "",
            "/a/",
            "/a/ stop",
            "/a/ mode=off",
            "/a/ mode=backoff,mode=normal",
            "/a/ skip-mx,bounce-queue",
            "/a/ reenable-after=1h",
        ],
    ),
    "/regex/ CATEGORY": (["spam-related"], ["", "a b"]),
    "catch-all": (["virtual-mta=v"], ["", "v"]),
    "hosts:": (["a.b, c.d; [10.1.1.1]:2525; last", "lookup-mx:a.b", '""', "[IPv6:2001:db8::1]"], ["", "a b", "[x]:25"]),
    "host list": (["[127.0.0.1]:2525"], ["", "[x"]),
    "string 32-128": (["abcd_0123_abcd_0123_abcd_0123_ab"], ["short", ""]),
    "40 hex": (["0123456789abcdef0123456789abcdef01234567"], ["x", ""]),
    "filename": (["/a/b", '"/a b"'], ["", "/a /b /c"]),
    "proxy name list": (["a", "a,b"], [""]),
    "address-list names": (["a", "a,b"], [""]),
    "VMTA or POOL": (["v", "by-smtp-source-ip", "{default}"], ["", "v w"]),
    "VMTA": (["v"], ["", "v w"]),
    'VMTA (pool from 5.0r8+) | ""': (["v", '""'], ["", "v w"]),
    "deprecated": (["x"], []),
}
# Forms whose value is one word of any kind: anything but one is refused.
ONE_WORD = ("string", "quoted", "absolute path", "path", "directory", "file", "name", "source", "OpenSSL")


def samples(form):
    for start in sorted(SAMPLES, key=len, reverse=True):
        if form.startswith(start):
            good, bad = SAMPLES[start]
            if start == "enum: ":
                good = form[6:].split("|")
            return good, bad
    assert form.startswith(ONE_WORD), f"no sample for {form!r}"
    return ["x", '"a b"'], ["", "a b"] if "password" not in form else [""]


SPECS = [(section, spec) for section, names in by_section().items() for spec in names.values()]


@pytest.mark.parametrize(("section", "spec"), SPECS, ids=[f"{section}-{spec.name}" for section, spec in SPECS])
def test_every_directive_accepts_its_form_and_refuses_others(section, spec):
    good, bad = samples(spec.row.value)
    name = "/x/" if spec.name == "/regex/" else spec.name
    nested = {"email-patterns": "bounce-processor"}
    names = {"smtp-listener": "0/0:25", "transmissions-api-listener": "0/0:25"}
    name_of = names.get(section, "" if TAGS.get(section) and TAGS[section].name == "none" else "x")
    named = f"{section} {name_of}".rstrip()

    def rules(arguments):
        text = f"{name} {arguments}\n"
        if section != "global":
            text = f"<{named}>\n{text}</{section}>\n"
            if section in nested:
                text = f"<{nested[section]}>\n{text}</{nested[section]}>\n"
        return {f.rule for f in lint(text, whole=False) if f.severity == "error"}

    for arguments in good:
        assert not {
            rule for rule in rules(arguments) if not rule.startswith(("http-access", "open-relay", "cold-without"))
        }, arguments
    for arguments in bad:
        assert rules(arguments), f"{name} {arguments} was accepted"


def test_the_table_is_whole():
    assert len(rows()) == 469
    for row in rows():
        assert row.confidence and row.sections
    assert {row.name for row in rows() if row.deprecated} >= {"route", "spool", "smtp-port", "auto-cold-virtual-mta"}


@pytest.mark.parametrize(
    ("word", "fine"),
    [
        ("/a/", True), ("//", True), ("/[a/b]/", True), ("/(?-i)a(b|c)?/", True), ("/\\(/", True), ("/[(]/", True), ("/[]a]/", True),
        ("/[[:digit:]]+/", True), ("/a{2,3}?/", True), ("/(?:a|)/", True), ("/(?<=x)y/", True),
        ("/(/", False), ("/)/", False), ("/a)(/", False), ("/[a/", False), ("/*a/", False), ("/(+)/", False), ("/a|*b/", False),
        ("/a", False), ("a/", False),
    ],
)  # fmt: skip
def test_regexes_by_structure(word, fine):
    assert (values.regex(word) is None) == fine


@pytest.mark.parametrize(
    ("word", "fine"),
    [
        ("*", True), ("a.b", True), ("*.a.b", True), ("[*.]a.b", True), ("[10.0.0.0/8]", True), ("$ms", True), ("yahoo.$tld", True),
        ("{bounce}", True), ("{gmImprinter}", True), ("x.rollup", True), ("gmail.com/mta1", False), ("a.b c.d", False),
        ("*a", False), ("a.*", False), ("", False),
        ("[x]", False), ("a,b", False), ("a@b", False),
    ],
)  # fmt: skip
def test_domain_patterns(word, fine):
    assert (values.domain_pattern(word) is None) == fine


WHOLE = """\
postmaster a@b.c
log-file /x
<spool /y>
</spool>
"""
V = "<virtual-mta v>\nsmtp-source-host 192.0.2.1 a.b\n</virtual-mta>\n"
POOL = "<virtual-mta-pool p>\nvirtual-mta v\n</virtual-mta-pool>\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<source 10.0.0.1>\ndefault-virtual-mta v\n</source>\n", [(2, "vmta-undefined")]),
        (V + "<source 10.0.0.1>\ndefault-virtual-mta v\n</source>\n", []),
        ("<source 10.0.0.1>\ndefault-virtual-mta by-smtp-source-ip\n</source>\n", []),
        ("<source 10.0.0.1>\ndefault-virtual-mta {default}\n</source>\n", []),
        ("<virtual-mta-pool p>\nvirtual-mta v\n</virtual-mta-pool>\n" + V, []),
        ("<virtual-mta-pool p>\nvirtual-mta w\n</virtual-mta-pool>\n" + V, [(2, "vmta-undefined")]),
        (V + POOL + "<virtual-mta-pool q>\nvirtual-mta p\n</virtual-mta-pool>\n", [(8, "pool-member")]),
        (V + POOL.replace(" p>", " v>"), [(4, "duplicate-name")]),
        (V + V.replace(" v>", " V>"), [(4, "duplicate-name")]),
        ("<source s>\npattern-list l\n</source>\n<pattern-list l>\n</pattern-list>\n", [(2, "pattern-list-order")]),
        ("<pattern-list l>\n</pattern-list>\n<source s>\npattern-list l\n</source>\n", []),
        ("<source s>\npattern-list l\n</source>\n", [(2, "pattern-list-undefined")]),
        ("<pattern-list l>\nmail-from /x/ virtual-mta=w\n</pattern-list>\n", [(2, "vmta-undefined")]),
        ("<pattern-list l>\nmail-from /x/ call-to: m\n</pattern-list>\n", [(2, "pattern-list-undefined")]),
        ("<domain *>\nsmtp-pattern-list l\n</domain>\n", [(2, "smtp-pattern-list-undefined")]),
        ('<domain *>\nsmtp-pattern-list ""\n</domain>\n', []),
        ("<domain $m>\n</domain>\n", [(1, "macro-undefined")]),
        ("domain-macro m a.b\n<domain $m>\n</domain>\nrelay-domain $n\n", [(4, "macro-undefined")]),
        ("domain-macro a $b\ndomain-macro b $c\ndomain-macro c $a\n", [(1, "macro-loop"), (2, "macro-loop"), (3, "macro-loop")]),
        ("smtp-listener 1.2.3.4:25 source=s\n", [(1, "source-undefined")]),
        ("<smtp-user u>\npassword x\nsource s\n</smtp-user>\n", [(3, "source-undefined")]),
        ("<smtp-user u>\npassword x\nsource {auth}\n</smtp-user>\n", []),
        ("<source s>\nsource-group g\n</source>\n", [(2, "source-group-undefined")]),
        ("<source s>\nrewrite-list g\n</source>\n", [(2, "rewrite-list-undefined")]),
        ("<source s>\nsuppression-lists a,b\n</source>\n<address-list a>\n</address-list>\n", [(2, "address-list-undefined")]),
        (V + "".join(POOL.replace(" p>", f" p{n}>").replace("</", "<domain a.b>\n</domain>\n</") for n in (1, 2)),
         [(9, "pool-domain-overlap")]),
        ("domain-key s,a.b,/k1\ndomain-key s,a.b,/k2\n<domain *>\ndkim-sign yes\n</domain>\n", [(2, "dkim-two-keys")]),
        ("domain-key s,a.b,/k1\ndomain-key s,c.d,/k2\n<domain *>\ndkim-sign yes\n</domain>\n", []),
        ("domain-key s,a.b,/k1\n<domain *>\ndkim-sign no\n</domain>\n", [(1, "dkim-not-signed")]),
        ("domain-key s,a.b,/k1\n<domain *>\nsecond-dkim-sign yes\n</domain>\n", []),
        ("<source 0.0.0.0/0>\nalways-allow-relaying yes\n</source>\n", [(2, "open-relay")]),
        ("<source 0/0>\nalways-allow-relaying yes\nrequire-auth true\n</source>\n", []),
        ("<source 0/1>\nalways-allow-relaying yes\n</source>\n<source 128/1>\nalways-allow-relaying yes\n</source>\n",
         [(2, "open-relay"), (5, "open-relay")]),
        ("<source 203.0/15>\nalways-allow-relaying yes\n</source>\n", [(2, "open-relay")]),
        ("relay-domain *\n", [(1, "open-relay")]),
        ("relay-domain [*.]com\nrelay-domain *.COM\nrelay-domain a.com\nrelay-domain [*.]a.com\n", [(1, "open-relay"), (2, "open-relay")]),
        ("relay-address /./\nrelay-address //\nrelay-address a@b.c\nrelay-address /^abuse@/\n",
         [(1, "open-relay"), (2, "open-relay"), (4, "open-relay")]),
        ("relay-address /^(postmaster|abuse)@m1\\.sos\\.test$/\nrelay-address /@fbl\\.a\\.b$/\n", []),
        ("<source 10/8>\nalways-allow-relaying yes\n</source>\n", []),
        ("<smtp-listener 0/0:25>\nsource s\n</smtp-listener>\n<source s>\nalways-allow-relaying true\n</source>\n", [(5, "open-relay")]),
        ("smtp-listener 127.0.0.1:25 source=s\n<source s>\nalways-allow-relaying true\n</source>\n", []),
        ("http-access 0/0 none\n", []),
        ("http-access ::/0 operator\n", [(1, "http-access-open")]),
        ("http-access ::/0 monitor\n", []),
        ("<domain *>\n<domain a.b>\n</domain>\n</domain>\n", [(2, "section-tag")]),
        ("<virtual-mta>\n</virtual-mta>\n", [(1, "argument-name")]),
        ("max-smtp-out 5\n", [(1, "section-directive")]),
        ("mode backoff\n", [(1, "unknown-directive")]),
    ],
)  # fmt: skip
def test_rules_of_the_whole(text, expected):
    found = [(f.line - 4, f.rule) for f in lint(WHOLE + text) if f.severity == "error"]
    assert sorted(found) == sorted(expected)


@pytest.mark.parametrize("name", ["postmaster", "log-file", "spool"])
def test_what_every_configuration_needs(name):
    text = WHOLE.replace("<spool /y>\n</spool>\n", "") if name == "spool" else "".join(
        line for line in WHOLE.splitlines(True) if not line.startswith(name)
    )  # fmt: skip
    assert [f.rule for f in lint(text)] == [f"missing-{name}"]
    assert lint(text, whole=False) == []


def test_nearest_name_is_offered():
    finding = lint("<domain *>\nmax-smpt-out 5\n</domain>\n")[0]
    assert "max-smtp-out" in finding.remedy


def test_passwords_are_not_told():
    for text in (
        "password hun ter2\n",
        "<smtp-user x>\npassword hun ter2\n</smtp-user>\n",
        "http-api-key hunter2\n",
        'password "hunter2\n',
        "password hunter2 {\n}\n",
        "password {hunter2 }\n",
        "password {hunter2 {\n",
        "password = hunter2\n",
        "tls-certificate /a hunter2#x\n",
        "<smtp-user x>\npassword hunter2#x\n</smtp-user>\n",
    ):
        assert lint(text) and "ter2" not in "".join(str(f) for f in lint(text))


def test_includes_are_followed_and_loops_found():
    files = {"a": "include b\nnonsense\n", "b": "postmaster a@b.c\ninclude a\nrubbish\n"}

    def resolve(pattern, _from_file):
        return [(pattern, files[pattern])] if pattern in files else None

    found = [(f.file, f.line, f.rule) for f in lint(files["a"], "a", resolve)]
    assert found == [("a", 2, "unknown-directive"), ("b", 2, "include-loop"), ("b", 3, "unknown-directive")]
    # What an unread include may define is a warning, not an error.
    text = WHOLE + "include c\n<source 10.0.0.1>\ndefault-virtual-mta v\n</source>\n"
    assert {(f.rule, f.severity) for f in lint(text, "a", resolve)} == {
        ("include-missing", "warning"),
        ("vmta-undefined", "warning"),
    }


def test_an_include_inside_a_section_is_judged_as_that_section():
    files = {"limits": "max-smtp-out 5\nmax-smtp-in 5\n"}
    found = lint("<domain *>\ninclude limits\n</domain>\n", "a", lambda name, _file: [(name, files[name])])
    assert [(f.file, f.line, f.rule) for f in found] == [("limits", 2, "section-directive")]


# Speed -----------------------------------------------------------------------------------------------------------------


def fleet(number):
    """A configuration of so many virtual MTAs, as the collection renders them."""
    lines = [
        WHOLE,
        "domain-macro ms hotmail.com,outlook.com\n<domain *>\n    dkim-sign yes\n    dkim-identity strict-from\n</domain>\n",
    ]
    for n in range(10000, 10000 + number):
        lines.append(
            f"<virtual-mta vmta-{n}>\n    smtp-source-host 10.1.{n % 250}.{n // 250} mail{n}.example.com\n"
            f"    domain-key s1,mail{n}.example.com,/etc/pmta/dkim/s1.mail{n}.example.com.pem\n    max-smtp-msg-rate {n}/d\n"
            "    <domain $ms>\n        max-msg-rate 20/h\n        max-smtp-out 2\n    </domain>\n</virtual-mta>\n"
        )
    lines.append("<pattern-list senders>\n")
    lines += [
        f"    header from /(^|<)\\s*contact@mail{n}\\.example\\.com\\s*>?\\s*$/ virtual-mta=vmta-{n}\n"
        for n in range(10000, 10000 + number)
    ]
    lines.append("</pattern-list>\n<source 10.0.0.1>\n    pattern-list senders\n</source>\n")
    return "".join(lines)


def seconds(text):
    best = 1e9
    for _attempt in range(5):
        began = time.process_time()
        assert lint(text) == []
        best = min(best, time.process_time() - began)
    return best


def test_a_megabyte_in_a_second_and_ten_times_the_fleet_in_eleven_times_the_time():
    small, large = fleet(500), fleet(5000)
    quick, slow = seconds(small), seconds(large)
    assert len(large) / 1e6 / slow > 1, f"{len(large) / 1e6 / slow:.1f} MB/s"
    # Half again as much as the stated bar: another job on this machine must not turn the test red.
    assert slow / quick < 16, f"{slow / quick:.1f} times"
