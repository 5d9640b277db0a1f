# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every directive of the table, in every section it belongs to, takes what its form describes and refuses what it does not.

The examples are made from the words of the table's value column by the generators below, which know the forms from their description
and share nothing with the code that checks them. The stand-in's own table and parser are the second judge.
"""

from __future__ import annotations

import random
import re
import string
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.directives import rows
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.sections import TAGS

sys.path.insert(0, str(Path(__file__).parents[5] / "tests" / "standins" / "powermta"))
from pmta_standin import parser as judge
from pmta_standin import paths as judge_paths
from pmta_standin import table as judge_table
from pmta_standin.errors import ValueRefused

EACH = 6
TOO_MANY = "one two three four five"


# Generators: each takes a random.Random and gives the text behind the directive's name ------------------------------------


def word(r, letters=string.ascii_lowercase + string.digits, least=1, most=9):
    return r.choice(string.ascii_lowercase) + "".join(r.choice(letters) for _i in range(r.randint(least - 1, most)))


def path(r):
    return "/" + "/".join(word(r) for _i in range(r.randint(1, 4)))


def number(r, low=1, high=9999):
    return str(r.randint(low, high))


def interval(r):
    pieces = r.sample("wdhms", r.randint(1, 3))
    return "".join(number(r, 1, 99) + unit for unit in sorted(pieces, key="wdhms".index))


def unit(r):
    return r.choice(["d", "day", "h", "hr", "m", "min", "s", "sec"])


def rate(r):
    return f"{number(r)}/{r.choice(['', number(r, 2, 60)])}{unit(r)}"


def volume(r):
    return f"{number(r)}{r.choice(['', *'bkmgtBKMGT'])}/{r.choice(['', number(r, 2, 60)])}{unit(r)}"


def size(r):
    return number(r) + r.choice("bkmgtBKMGT")


def quad(r):
    return ".".join(str(r.randint(0, 255)) for _i in range(4))


def six(r):
    return ":".join(f"{r.randint(0, 65535):x}" for _i in range(8))


def ip(r):
    return r.choice([quad(r), six(r), "::1"])


def cidr(r):
    return r.choice(
        [
            ip(r),
            f"{quad(r)}/{r.randint(0, 32)}",
            f"{r.randint(1, 255)}/8",
            f"{r.randint(1, 255)}.{r.randint(0, 255)}/16",
        ]
    )


def host(r):
    return ".".join(word(r) for _i in range(r.randint(2, 4)))


def email(r):
    return f"{word(r)}@{host(r)}"


def header(r):
    return "X-" + word(r).title()


def port(r):
    return number(r, 1, 65535)


def pattern(r):
    return r.choice([host(r), f"*.{host(r)}", f"[*.]{host(r)}", "*"])


def regex(r):
    return r.choice(
        [f"/{word(r)}/", f"/^{word(r)}@{word(r)}\\.{word(r)}$/", f"/({word(r)}|{word(r)}) {word(r)}+/", "/[0-9]{2,3}\\/x/", "/a\\.b/"]
    )  # fmt: skip


def several(each, most=4, joint=","):
    return lambda r: joint.join(each(r) for _i in range(r.randint(1, most)))


def then(*each):
    return lambda r: " ".join(one(r) for one in each)


def one_of(*each):

    def choose(r):
        chosen = r.choice(each)
        return chosen(r) if callable(chosen) else chosen

    return choose


def boolean(r):
    return r.choice(["yes", "no", "true", "false"])


def quoted(each):
    return lambda r: f'"{each(r)} {each(r)}"'


def record(r):
    return r.choice(
        ["d", "b", "t", "tq", "r", "rb", "rs", "f", "delivery", "bounce", "transient", "receipt", "feedback-loop"]
    )


def field(r):
    return r.choice(["*", "orig", "!rcpt", "dsnDiag", "header_" + word(r), "timeLogged"])


def smtp_host(r):
    return r.choice([host(r), f"{host(r)}:{port(r)}", f"[{quad(r)}]:{port(r)}", f"[{quad(r)}]", f"lookup-mx:{host(r)}"])


def reply_action(r):
    return r.choice(["mode=backoff", "mode=normal", "skip-mx", "bounce-queue", "bounce-rcpt", "disable-source-ip", "defer-queue",
                     f"mode=backoff,disable-source-ip,reenable-after={interval(r)}", "mode=backoff,bounce-rcpt"])  # fmt: skip


def hexadecimal(r):
    return "".join(r.choice("0123456789abcdef") for _i in range(40))


# Names that the configuration around each example defines.
VMTA, POOL, SOURCE, LIST, REPLIES, REWRITE, GROUP, PROXY, ADDRESSES = (
    "v0",
    "p0",
    "s0",
    "l0",
    "r0",
    "w0",
    "g0",
    "x0",
    "a0",
)
RESULT = one_of(
    f"virtual-mta={VMTA}", "recipient-priority=80", f"virtual-mta={POOL},recipient-priority=5", f"call-to:{LIST}"
)


def no_number(r):
    return r.choice([word(r), "-" + number(r), number(r) + ".5", number(r) + word(r), f"{number(r)} {number(r)}"])


def no_interval(r):
    return r.choice([number(r), number(r) + "y", word(r, "xyz"), f"{interval(r)} {interval(r)}", "1h-2h"])


def no_rate(r):
    return r.choice(
        [number(r), f"{number(r)}/y", f"/{unit(r)}", f"{number(r)}/{unit(r)} {number(r)}", f"{number(r)} per {unit(r)}"]
    )


def no_size(r):
    return r.choice([number(r) + "MB", number(r) + "x", word(r), f"{number(r)} M"])


def no_address(r):
    return r.choice([host(r), f"{quad(r)}.{r.randint(0, 9)}", "300.1.1.1", word(r)])


def no_host(r):
    return r.choice([quad(r), f"{host(r)} {host(r)}", f"a@{host(r)}", f"{host(r)}/x", f"<{host(r)}>"])


def no_email(r):
    return r.choice([word(r), f"{word(r)} {email(r)}", f"@@{host(r)}", f"{word(r)}@"])


def no_regex(r):
    return r.choice([word(r), f"/{word(r)}(/", f"/[{word(r)}/", f"/{word(r)})/", f"/*{word(r)}/"])


def many(_r):
    return TOO_MANY


NAMED = {
    "name of <pattern-list>": LIST, "name of <rewrite-list>": REWRITE, "name": REWRITE, 'name of <smtp-pattern-list> | ""': REPLIES,
    "source-group name": GROUP, "source name": SOURCE, "VMTA or POOL name | by-smtp-source-ip": POOL,
    'VMTA (pool from 5.0r8+) | ""': VMTA, "VMTA name": VMTA, "VMTA name (repeatable)": VMTA,
    "VMTA name, exactly one argument (repeatable)": VMTA, "proxy name list": PROXY, "address-list names (comma)": ADDRESSES,
}  # fmt: skip
# The form, without a remark in brackets at its end: (accepted, refused).
FORMS = {
    "boolean": (boolean, one_of("maybe", "1", "yes no", "y", "on")),
    "boolean | interval | never": (one_of(boolean, interval, "never"), one_of("maybe", number)),
    "boolean | if-x-dkim-options-present": (one_of(boolean, "if-x-dkim-options-present"), one_of("maybe", number)),
    "integer": (number, no_number),
    "integer | unlimited": (one_of(number, "unlimited"), no_number),
    "integer | auto": (one_of(number, "auto"), no_number),
    "rate N/[M]unit | unlimited | 0": (one_of(rate, "unlimited", "0"), no_rate),
    "volume rate": (volume, no_rate),
    "list of N/{d|day}": (several(lambda r: f"{number(r)}/{r.choice(['d', 'day'])}"), one_of(number, lambda r: number(r) + "/h")),
    "interval": (interval, no_interval),
    "interval | never": (one_of(interval, "never"), no_interval),
    "interval list": (several(interval, 30), one_of(lambda r: interval(r) + ",x", number)),
    "size": (size, no_size),
    "size | 0": (one_of(size, "0"), no_size),
    "size | unlimited": (one_of(size, "unlimited"), no_size),
    "size | 0 | unlimited": (one_of(size, "0", "unlimited"), no_size),
    "IP": (ip, no_address),
    "IP, use smtp-source-host": (ip, no_address),
    "domain": (host, no_host),
    "domain name": (host, no_host),
    'domain name | ""': (one_of(host, lambda r: f'"{host(r)}"', '""', "{sparkpost}"), one_of(lambda r: f"{host(r)} {host(r)}", quad)),
    "FQDN": (host, no_host),
    "domain pattern": (pattern, one_of(lambda r: f"a@{host(r)}", lambda r: f"{host(r)}/{word(r)}", "*a")),
    "domain pattern + domain": (then(pattern, host), one_of(host, then(host, quad))),
    "email address": (email, no_email),
    'email | ""': (one_of(email, '""'), no_email),
    "email list": (several(email), one_of(lambda r: f"{email(r)},{word(r)}", word)),
    "email | @domain": (one_of(email, lambda r: "@" + host(r)), no_email),
    "email | @domain | sender-or-from | strict-from": (one_of(email, lambda r: "@" + host(r), "sender-or-from", "strict-from"), no_email),
    "email | /regex/": (one_of(email, lambda r: f"/^{word(r)}@{word(r)}\\.org$/"), no_email),
    "email | local part | /regex/": (one_of(email, word, regex), one_of("/(/", "/[a/", many)),
    "URL": (lambda r: f"{r.choice(['http', 'https'])}://{host(r)}/{word(r)}", one_of(host, lambda r: f"ftp://{host(r)}")),
    "header name": (header, one_of(lambda r: header(r) + ":", lambda r: f"{header(r)} {header(r)}")),
    "header list": (several(header), lambda r: f"{header(r)} {header(r)}"),
    'header list | ""': (one_of(several(header), '""'), lambda r: f"{header(r)} {header(r)}"),
    'header names and /regex/ (comma) | ""': (
        one_of(several(one_of(header, "/^x-[a-z]+/")), '""'), one_of("/(/", lambda r: f"{header(r)} {header(r)}")),
    "string 32-128 [A-Za-z0-9_]": (lambda r: word(r, least=32, most=127), one_of(word, lambda r: "a-" * 20)),
    "40 hex digits": (hexadecimal, one_of(word, lambda r: hexadecimal(r) + "0", lambda r: "g" + hexadecimal(r)[1:])),
    "CIDR + integer": (then(cidr, number), one_of(then(number, cidr), cidr)),
    "CIDR + rate": (then(cidr, rate), one_of(then(rate, cidr), cidr, then(cidr, number))),
    "CIDR + volume rate": (then(cidr, volume), one_of(then(volume, cidr), cidr)),
    "CIDR + none|monitor[,deny-logs]|operator|admin": (
        then(one_of(quad, lambda r: f"{quad(r)}/{r.randint(16, 32)}", "::1"), one_of("none", "monitor", "monitor,deny-logs", "operator", "admin")),
        one_of(cidr, then(cidr, word), lambda r: f"admin {cidr(r)}")),
    "MX-pattern + integer": (then(pattern, number), one_of(number, then(pattern, word))),
    "DIR BADDIR": (then(path, path), one_of(path, many)),
    "IP|CIDR:PORT [source=NAME]; also a section": (
        lambda r: f"{r.choice(['0/0', quad(r), '[::1]'])}:{port(r)}{r.choice(['', ' source=' + SOURCE])}",
        one_of(quad, lambda r: f"{quad(r)}:65536", lambda r: f"{quad(r)}:25 {word(r)}", lambda r: f"{quad(r)} {port(r)}")),
    "LOCAL-IP|CIDR + PROXY:PORT + CLIENT-IP[:PORT] + HOST": (
        lambda r: f"{quad(r)} {quad(r)}:{port(r)} {quad(r)}{r.choice(['', ':' + port(r)])} {host(r)}",
        one_of(lambda r: f"{quad(r)} {quad(r)}:{port(r)} {quad(r)}", lambda r: f"{quad(r)} {quad(r)} {quad(r)} {host(r)}")),
    "IP-or-CIDR + HOST-NAME": (then(cidr, host), one_of(then(host, cidr), cidr, then(cidr, host, word))),
    "IP|CIDR + HOST-NAME": (then(cidr, host), one_of(then(host, cidr), cidr)),
    "IP[:PORT] HOST": (lambda r: f"{quad(r)}{r.choice(['', ':' + port(r)])} {host(r)}", one_of(quad, then(host, quad))),
    "IP|host:PORT": (lambda r: f"{r.choice([quad(r), host(r)])}:{port(r)}", one_of(quad, host, lambda r: f"{host(r)}:x")),
    "SELECTOR,DOMAIN|*,FILE": (
        lambda r: f"{word(r)}{r.choice([',', ', '])}{r.choice(['*', host(r)])}{r.choice([',', ', '])}{path(r)}",
        one_of(lambda r: f"{word(r)},{path(r)}", lambda r: f"{word(r)},{host(r)},*,{path(r)}", word)),
    "NAME + comma list": (lambda r: f"{word(r)} {r.choice([',', ', ']).join(host(r) for _i in range(r.randint(1, 5)))}",
                          one_of(word, lambda r: f"{word(r)}-x {host(r)}", lambda r: f"{word(r)} a@{host(r)}")),
    "SOURCE TARGET[,TARGET...]": (then(email, several(email)), email),
    "SRC-ADDR DST-ADDR (with * wildcards)": (then(one_of(email, lambda r: "*@" + host(r)), one_of(email, lambda r: "*@" + host(r))),
                                             one_of(email, then(email, word))),
    "/regex/ RESULT": (then(regex, RESULT), one_of(regex, then(no_regex, RESULT), then(regex, word))),
    "/regex/ RESULT (pattern-list) or SRC DST (rewrite-list)": (then(regex, RESULT), one_of(regex, then(no_regex, RESULT), then(regex, word))),
    "HEADER-NAME /regex/ RESULT": (then(header, regex, RESULT), one_of(then(regex, RESULT), then(header, no_regex, RESULT))),
    "catch-all entry inside a nested pattern-list": (RESULT, word),
    "/regex/ ACTION[,ACTION]": (then(regex, reply_action), one_of(
        regex, then(no_regex, reply_action), then(regex, word), then(regex, "mode=off".format),
        then(regex, lambda r: f"reenable-after={interval(r)}"), then(regex, lambda r: "mode=backoff,mode=normal"))),
    "/regex/ CATEGORY": (one_of("spam-related", word), many),
    "MX-NAME|*.suffix ROLLUP.rollup [rollup-by-ip]": (
        lambda r: f"{r.choice(['', '*.'])}{host(r)} {word(r)}.rollup{r.choice(['', ' rollup-by-ip'])}",
        one_of(then(host, host), host, lambda r: f"{host(r)} x.rollup {word(r)}")),
    "record types": (several(lambda r: r.choice("dbtrf")), one_of("all", lambda r: "d b", "d,x9")),
    "TYPE + field list": (lambda r: f"{record(r)} {several(field)(r)}", one_of(record, lambda r: f"all {field(r)}", lambda r: f"d {field(r)} {field(r)}")),
    "TYPE header_NAME FIELD": (lambda r: f"f header_{word(r)} rcpt", one_of(lambda r: f"f header_{word(r)}", lambda r: f"all header_{word(r)} rcpt")),
    "queue list domain/vmta, ! negates": (
        several(lambda r: f"{r.choice(['', '!'])}{r.choice(['*', host(r)])}/{r.choice(['*', word(r)])}"),
        one_of("/", lambda r: f"a@{host(r)}/{word(r)}")),
    "Nd | never": (one_of(lambda r: number(r) + "d", "never"), one_of(number, lambda r: number(r) + "h", "soon")),
    "retain|redact|siphash|siphash-hexkey|hmac-sha256|hmac-sha256-hexkey [key]": (
        one_of("retain", "redact", lambda r: f"siphash {word(r)}", lambda r: f"hmac-sha256-hexkey {hexadecimal(r)}"), one_of(word, many)),
    'hosts: , within a level ; between levels; [ip]:port; lookup-mx:DOMAIN; ""': (
        one_of(several(several(smtp_host), 3, ";"), '""'), one_of("[x]:25", lambda r: f"{host(r)} {host(r)}", lambda r: f"{host(r)}:0x")),
    "host list": (several(smtp_host), one_of("[x", lambda r: f"{host(r)}:")),
    "true[,subaccount=N] | false | filter": (one_of("true", lambda r: f"true,subaccount={number(r)}", "false", "filter"), one_of("maybe", "true,x=1")),
}  # fmt: skip
# One word of any kind: only the number of words can be wrong.
ANY_WORD = ("string", "quoted", "absolute path", "path with", "directory", "file", "OpenSSL", "enum")
DEFINITIONS = f"""\
<virtual-mta {VMTA}>
    smtp-source-host 192.0.2.1 v0.example.org
</virtual-mta>
<virtual-mta-pool {POOL}>
    virtual-mta {VMTA}
</virtual-mta-pool>
<pattern-list {LIST}>
    mail-from /@example\\.org$/ virtual-mta={VMTA}
</pattern-list>
<smtp-pattern-list {REPLIES}>
    reply /^421 4\\.7\\.28/ mode=normal
</smtp-pattern-list>
<rewrite-list {REWRITE}>
    from-domain a.example b.example
</rewrite-list>
<source-group {GROUP}>
    max-smtp-in 5
</source-group>
<proxy {PROXY}>
    server 192.0.2.7:5000
</proxy>
<address-list {ADDRESSES}>
    address a@example.org
</address-list>
<source {SOURCE}>
    smtp-service yes
</source>
"""
NAMES = {"smtp-listener": "0/0:25", "transmissions-api-listener": "0/0:25", "source": "192.0.2.5", "domain": "example.net", "spool": "/s",
         "acct-file": "/a.csv"}  # fmt: skip
# Rows that are no lines of their own: tags, results, actions and reserved names.
NO_LINES = ("section", "nested ", "RESULT keyword", "action ", "reserved ")


def generators(row):
    """(accepted, refused) of a row's value; refused is None where nothing can be wrong."""
    form = row.value
    if form in NAMED:
        # A list of names takes any number, the others exactly one.
        return (lambda r: NAMED[form]), (lambda r: "") if "list" in form and "<" not in form else many
    if form.startswith("deprecated"):
        return word, None
    if form.startswith("enum: "):
        return (lambda r: r.choice(form[6:].split("|"))), lambda r: "no-such-" + word(r)
    if ranged := re.match(r"integer (\d+)-(\d+)", form):
        low, high = int(ranged[1]), int(ranged[2])
        return (lambda r: number(r, low, high)), one_of(str(high + 1), no_number, *([str(low - 1)] if low else []))
    if limit := re.match(r"interval \((max|min) (\d+)m\)", form):
        seconds = int(limit[2]) * 60
        low, high = (1, seconds) if limit[1] == "max" else (seconds, seconds * 9)
        return (lambda r: f"{r.randint(low, high)}s"), one_of(
            f"{seconds + 1 if limit[1] == 'max' else seconds - 1}s", no_interval
        )
    for known in (form, re.sub(r" \((?:repeatable|restart needed|deprecated|comma|quoted ok|0 disables|0 = off|0 = no limit|default \w+"
                               r"|spaces after commas allowed|SIZE/\[M\]unit|\* , !field, header_X|inside <aliases>)\)", "", form),
                  re.sub(r" \(deprecated, use [\w-]+\)", "", form)):  # fmt: skip
        if known in FORMS:
            return FORMS[known]
    assert form.startswith(ANY_WORD), f"no generator for the form {form!r} of {row.name}"
    if "password" in form:
        return then(path, word), many
    return one_of(word, quoted(word), path), many


CASES = [
    (row, section)
    for row in rows()
    if not row.value.startswith(NO_LINES)
    for section in (("aliases",) if row.name == "alias" else row.sections)
]
IDS = [f"{section}-{row.name}" for row, section in CASES]


def placed(row, section, arguments):
    """A configuration with the line in its section, and the number of that line."""
    name = regex(random.Random(1)) if row.name == "/regex/" else row.name
    line = f"{name} {arguments}".rstrip()
    if section == "global":
        around = [line]
    else:
        tag = f"{section} {NAMES.get(section, '' if TAGS[section].name == 'none' else 'n1')}".rstrip()
        around = [f"<{tag}>", line, f"</{section}>"]
        if section == "email-patterns":
            around = ["<bounce-processor>", *around, "</bounce-processor>"]
        if row.name == "*":
            around = ["<pattern-list n1>", "mail-from /x/ <pattern-list>", line, "</pattern-list>", "</pattern-list>"]
    text = DEFINITIONS + "\n".join(around) + "\n"
    return text, DEFINITIONS.count("\n") + 1 + around.index(line)


def errors(text, line):
    return [str(found) for found in lint(text, whole=False) if found.severity == "error" and found.line == line]


# Errors of meaning, which an accepted form may well have.
MEANING = ("open-relay", "http-access-open", "domain-key-selector", "dkim-")


@pytest.mark.parametrize(("row", "section"), CASES, ids=IDS)
def test_what_the_form_describes_is_accepted_and_the_rest_refused(row, section):
    good, bad = generators(row)
    r = random.Random(f"{section} {row.name}")
    for _i in range(EACH):
        text, line = placed(row, section, good(r))
        found = [one for one in errors(text, line) if not any(f" error {rule}" in one for rule in MEANING)]
        assert found == [], text.splitlines()[line - 1]
    if bad is None:
        return
    for _i in range(EACH):
        text, line = placed(row, section, bad(r))
        assert errors(text, line), f"accepted: {text.splitlines()[line - 1]!r}"
    text, line = placed(row, section, "")
    assert errors(text, line), f"accepted without a value: {row.name}"


def second_opinion(row, section, arguments):
    """Whether the stand-in takes the line; None where it does not know the directive or refuses it altogether."""
    known = judge_table.rows().get((section, row.name.lower()))
    if known is None or known.refused:
        return None
    try:
        judge.Parser(judge_paths.Paths(""))._args(known, arguments, False, False)
    except ValueRefused:
        return False
    return True


# What the linter takes and the stand-in refuses, by form. The stand-in takes the harsher reading wherever the guides say nothing.
HARSHER = {
    "absolute path": "only paths that begin with a slash",
    "directory": "only paths that begin with a slash",
    "directory (deprecated form; use <spool DIR>)": "only paths that begin with a slash",
    "filename": "only paths that begin with a slash",
    "file glob (URL from 5.0r8+ builds)": "only paths that begin with a slash",
    "CIDR + integer": "no bits behind the mask",
    "CIDR + none|monitor[,deny-logs]|operator|admin": "no bits behind the mask",
    "CIDR + rate": "no bits behind the mask",
    "CIDR + volume rate": "no bits behind the mask",
    "IP-or-CIDR + HOST-NAME (repeatable)": "no bits behind the mask",
    "NAME + comma list": "no blanks in a list; published configurations have them",
    'domain name (quoted ok) | ""': "no queue of PowerMTA's own; the vendor's articles move mail to {sparkpost}",
    "string | {auth}": "only names, no free text",
    "domain pattern": "only addresses and domains in a filter for which the guide has an example and no form",
    "deprecated, use queue-priority": "a number, where the guide gives no form for what is gone",
    "deprecated, use source-ip-max-smtp-out": "a network and a number, where the guide gives no form for what is gone",
}


def test_two_judges_agree_but_where_the_stand_in_is_harsher_on_purpose():
    differ, asked = {}, 0
    for row, section in CASES:
        for wanted, make in zip((True, False), generators(row)):
            r = random.Random(f"{section} {row.name}")
            for _i in range(3 * EACH if make and row.name != "/regex/" else 0):
                arguments = make(r)
                verdict = second_opinion(row, section, arguments)
                asked += verdict is not None
                if verdict is not None and verdict != wanted:
                    differ.setdefault((row.value, wanted), f"{row.name} {arguments}")
    assert asked > 10000
    assert {form: line for (form, wanted), line in differ.items() if not wanted or form not in HARSHER} == {}
    assert {form for form in HARSHER if (form, True) not in differ} == set()


def test_every_documented_row_has_examples_and_says_where_it_is_from():
    shown = {(row.name, section) for row, section in CASES}
    for row in rows():
        assert row.confidence, row
        if row.documented and not row.value.startswith(NO_LINES):
            assert all((row.name, place) in shown or row.name == "alias" for place in row.sections), row


# Long words that nearly fit: a check that tries every way to cut them would not end.
HOSTILE = [
    part * 4000 + last
    for part, last in (
        ("a", "{"),
        ("a.", "@"),
        ("1h", "!"),
        ("9", "x"),
        ("a,", "{"),
        ("$a", "}"),
        ("[", "x"),
        ("1:", "z"),
    )
]
HOSTILE += ["/" + "(a+)+" * 500 + "/ x=y", "/" + "[" * 4000 + "/ x", '"' + "\\\\" * 4000 + '"', "x " * 4000]


@pytest.mark.parametrize("words", HOSTILE, ids=[f"{words[:6]!r}" for words in HOSTILE])
def test_no_value_takes_long_to_judge(words):
    began = time.process_time()
    for row, section in CASES:
        lint(placed(row, section, words)[0], whole=False)
    # Hundreds of lines of thousands of characters.
    assert time.process_time() - began < 15
