# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Value types: each a function that takes one value and returns None, or what is wrong with it.

`argument_check` gives, for the form a directive's value has in the table, the function that judges all its arguments.
Values are checked for their form only; names are resolved by the linter.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Optional

from . import regexes
from .tokens import MACRO_NAME, unquote

Word = Callable[[str], Optional[str]]
# Index of the argument at fault (0-based) and what is wrong.
Fault = Optional[tuple[int, str]]
Arguments = Callable[[tuple[str, ...]], Fault]

_UNIT = r"(?:d|day|h|hr|m|min|s|sec)"
_BOOLEAN = frozenset(("yes", "no", "true", "false"))
_INTEGER = re.compile(r"[0-9]+\Z")
_RATE = re.compile(rf"(?:unlimited|0|[0-9]+/(?:[1-9][0-9]*)?{_UNIT})\Z", re.IGNORECASE)
_VOLUME = re.compile(rf"(?:unlimited|0|[0-9]+[bkmgt]?/(?:[1-9][0-9]*)?{_UNIT})\Z", re.IGNORECASE)
_DAILY = re.compile(r"(?:[0-9]+/(?:d|day)|0)\Z", re.IGNORECASE)
_INTERVAL = re.compile(r"(?:(?:[0-9]+[wdhms])+|0)\Z", re.IGNORECASE)
_PIECE = re.compile(r"([0-9]+)([wdhms])", re.IGNORECASE)
_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_SIZE = re.compile(r"[0-9]+[bkmgt]?\Z", re.IGNORECASE)
_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){0,3}\Z")
_LABELS = r"[^\s@/\[\]{}*,;:\"'()<>|=$!?&%^`~\\.]+(?:\.[^\s@/\[\]{}*,;:\"'()<>|=$!?&%^`~\\.]+)*\.?"
_HOST = re.compile(rf"{_LABELS}\Z")
_MACRO_PART = r"\$(?:[A-Za-z0-9_]+|\{[A-Za-z0-9_]+\})"
# Not a repeat of repeats, which would try every way to cut a long name into pieces.
_NO_MACRO = r"[^\s@/\[\]{}*,;:\"'()<>|=$]*"
_PATTERN = re.compile(
    rf"(?:\*|(?:\[\*\.\]|\*\.)?(?!\Z){_NO_MACRO}(?:{_MACRO_PART}{_NO_MACRO})*|\{{[A-Za-z0-9_-]+\}}|\[[^\s\]]+\])\Z"
)
_EMAIL = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\Z")
_URL = re.compile(r"https?://[^\s/]+\S*\Z", re.IGNORECASE)
_HEADER = re.compile(r"[!-9;-~]+\Z")
_KEY = re.compile(r"[A-Za-z0-9_]{32,128}\Z")
_HEX40 = re.compile(r"[0-9A-Fa-f]{40}\Z")
RECORD_TYPES = {
    "d": "delivery", "b": "bounce", "t": "transient", "tq": "transient-queue", "r": "receipt", "rb": "remote-bounce",
    "rs": "remote-status", "f": "feedback-loop",
}  # fmt: skip
_RECORDS = frozenset(RECORD_TYPES) | frozenset(RECORD_TYPES.values())


# Single values ---------------------------------------------------------------------------------------------------------


def any_word(value: str) -> str | None:
    return None if value else "is empty"


def boolean(value: str) -> str | None:
    return None if value in _BOOLEAN or value.lower() in _BOOLEAN else "is not yes, no, true or false"


def integer(value: str) -> str | None:
    return None if _INTEGER.match(value) else "is not a whole number"


def rate(value: str) -> str | None:
    """``N/[M]unit``, ``unlimited`` or ``0``; units d day h hr m min s sec."""
    return None if _RATE.match(value) else "is not a rate such as 100/h, 50/d or 83/10m"


def volume_rate(value: str) -> str | None:
    return None if _VOLUME.match(value) else "is not a volume rate such as 12M/m"


def daily(value: str) -> str | None:
    return None if _DAILY.match(value) else "is not N/d or N/day"


def interval(value: str) -> str | None:
    """Pieces without spaces: ``1w2d12h30m10s``."""
    return None if _INTERVAL.match(value) else "is not an interval such as 4d12h or 10m"


def seconds(value: str) -> int:
    """An interval in seconds; 0 for what is none."""
    return sum(int(number) * _SECONDS[unit.lower()] for number, unit in _PIECE.findall(value))


def size(value: str) -> str | None:
    return None if _SIZE.match(value) else "is not a size such as 50M (units b k m g t)"


@lru_cache(maxsize=4096)
def network(value: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """A CIDR as PowerMTA writes it (``10/8``, ``0/0``, ``1.2.3.4``, ``::1``); None if it is not one. Host bits may be set."""
    address, slash, mask = value.partition("/")
    if address.startswith("[") and address.endswith("]"):
        address = address[1:-1]
    try:
        if ":" in address:
            return ipaddress.ip_network(f"{address}/{mask}" if slash else address, strict=False)
        if not _QUAD.match(address) or (slash and not _INTEGER.match(mask)):
            return None
        parts = address.split(".")
        if len(parts) < 4:
            if not slash:
                return None
            parts += ["0"] * (4 - len(parts))
        # Leading zeros: PowerMTA's reading is unknown, Python refuses them.
        return ipaddress.ip_network(f"{'.'.join(parts)}/{mask}" if slash else ".".join(parts), strict=False)
    except ValueError:
        return None


_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?:\.(?!\Z)|\Z)){4}\Z")


def cidr(value: str) -> str | None:
    return None if _ADDRESS.match(value) or network(value) is not None else "is not an IP address or CIDR"


def address(value: str) -> str | None:
    if _ADDRESS.match(value):
        return None
    found = network(value)
    return None if found is not None and found.num_addresses == 1 else "is not an IP address"


def host(value: str) -> str | None:
    """A host name; internationalised ones may be typed directly."""
    if _ADDRESS.match(value):
        return "is an IP address where a host name belongs"
    return None if _HOST.match(value) else "is not a host name"


def port(value: str) -> str | None:
    return None if _INTEGER.match(value) and len(value) < 6 and int(value) < 65536 else "is not a port number"


def domain_pattern(value: str) -> str | None:
    """``*``, ``a.b``, ``*.a.b``, ``[*.]a.b``, ``[ip/mask]``, macros as ``$name``."""
    if value[:1] == "[" and value[:4] != "[*.]":
        inner = value[1:-1]
        if value[-1:] != "]":
            return "is not a domain pattern"
        if inner.lower().startswith("ipv6:"):
            inner = inner[5:]
        return None if network(inner) is not None else "is not a literal-address pattern [ip/mask]"
    return None if _PATTERN.match(value) else "is not a domain pattern (*, a.b, *.a.b, [*.]a.b, $macro)"


def email(value: str) -> str | None:
    return None if _EMAIL.match(value) else "is not an e-mail address"


def email_or_domain(value: str) -> str | None:
    return host(value[1:]) if value[:1] == "@" else email(value)


def url(value: str) -> str | None:
    return None if _URL.match(value) else "is not an http(s) URL"


def header_name(value: str) -> str | None:
    return None if _HEADER.match(value) else "is not a header name"


def record_type(value: str) -> str | None:
    return None if value.lower() in _RECORDS else f"is not a record type ({', '.join(RECORD_TYPES)})"


def regex(word: str) -> str | None:
    """``/pcre/``. Judged by structure, not compiled: Python's regexes are not PCRE."""
    return regexes.fault(word)


# Ways to combine them ------------------------------------------------------------------------------------------------


def enum(*words: str, otherwise: Word | None = None) -> Word:
    # Where yes or no is one of the words, so are their other spellings: "add-date-header true" is published.
    known = frozenset(words) | (_BOOLEAN if _BOOLEAN.intersection(words) else frozenset())

    def check(value: str) -> str | None:
        if value in known or value.lower() in known:
            return None
        if otherwise is None:
            return f"is not one of {', '.join(words)}"
        wrong = otherwise(value)
        return wrong and f"{wrong}, nor one of {', '.join(words)}"

    return check


def between(low: int, high: int) -> Word:
    def check(value: str) -> str | None:
        return (
            None
            if _INTEGER.match(value) and low <= int(value[:18]) <= high
            else f"is not a number from {low} to {high}"
        )

    return check


def limited(low: str | None = None, high: str | None = None) -> Word:
    def check(value: str) -> str | None:
        wrong = interval(value)
        if wrong:
            return wrong
        if low and seconds(value) < seconds(low):
            return f"is less than {low}"
        if high and seconds(value) > seconds(high):
            return f"is more than {high}"
        return None

    return check


def exactly(*checks: Word, optional: int = 0, raw: bool = False) -> Arguments:
    """One check per argument; the last `optional` ones may be missing. raw: judge source words, not values."""
    most, least = len(checks), len(checks) - optional
    if most == 1 and least == 1:
        only = checks[0]

        def check_one(args: tuple[str, ...]) -> Fault:
            if len(args) != 1:
                return _count(args, 1, 1)
            word = args[0]
            wrong = only(word if raw or '"' not in word else unquote(word))
            return wrong and (0, _said(word, wrong))

        return check_one

    def check(args: tuple[str, ...]) -> Fault:
        if not least <= len(args) <= most:
            return _count(args, least, most)
        for index, word in enumerate(args):
            wrong = checks[index](word if raw or '"' not in word else unquote(word))
            if wrong:
                return index, _said(word, wrong)
        return None

    return check


def clearable(check: Arguments) -> Arguments:
    """Also ``""``, which clears an inherited value."""
    return lambda args: None if args == ('""',) else check(args)


def items(args: tuple[str, ...], separators: str = ",") -> list[str]:
    """A comma list, however it is spaced: ``a,b``, ``a, b``, ``a ,b``, or as one quoted value."""
    text = " ".join(unquote(word) for word in args)
    for other in separators[1:]:
        text = text.replace(other, separators[0])
    return [item.strip() for item in text.split(separators[0])]


def listing(each: Word, most: int = 0, separators: str = ",", first: Word | None = None) -> Arguments:
    """A comma list of at least one item. first: a word that stands before the list."""

    def check(args: tuple[str, ...]) -> Fault:
        start = 0
        if first is not None:
            if len(args) < 2:
                return _count(args, 2, 0)
            wrong = first(unquote(args[0]))
            if wrong:
                return 0, _said(args[0], wrong)
            start = 1
        if len(args) == start:
            return _count(args, start + 1, 0)
        found = items(args[start:], separators)
        # A comma at the end was reported by the parser.
        if len(found) > 1 and not found[-1]:
            found.pop()
        if most and len(found) > most:
            return start, f"{len(found)} entries; at most {most} are read"
        for item in found:
            if " " in item or "\t" in item:
                return start, f"{item[:60]!r}: a list is separated by commas"
            wrong = each(item)
            if wrong:
                return start, _said(item, wrong)
        return None

    return check


def anything(args: tuple[str, ...]) -> Fault:
    return None


def _count(args: tuple[str, ...], least: int, most: int) -> Fault:
    """Values are not repeated here: one of the words may be a password."""
    wanted = f"{least}" if least == most else f"at least {least}" if not most else f"{least} to {most}"
    plural = "" if wanted == "1" else "s"
    return min(len(args), most or least), f"takes {wanted} argument{plural}, {len(args)} given"


def _said(word: str, wrong: str) -> str:
    return f"{word if len(word) < 80 else word[:77] + '...'!r} {wrong}"


# Directives with a form of their own ---------------------------------------------------------------------------------


def _domain_key(args: tuple[str, ...]) -> Fault:
    fields = items(args)
    if not args or len(fields) != 3:
        return 0, f"takes SELECTOR,DOMAIN,FILE, {len(fields) if args else 0} fields given"
    for field, what in zip(fields, ("selector", "domain", "file")):
        if not field or " " in field:
            return 0, f"its {what} {field!r} is not one word"
    if fields[1] != "*" and host(fields[1]):
        return 0, f"its domain {fields[1]!r} is neither * nor a domain"
    return None


def _domain_macro(args: tuple[str, ...]) -> Fault:
    if len(args) < 2:
        return _count(args, 2, 0)
    if not MACRO_NAME.match(args[0]):
        return 0, f"macro name {args[0]!r} may only hold letters, digits and _"
    return _macro_items(args)


# Braces stand around a macro's name, or a queue of PowerMTA's own.
_NO_DOMAIN = re.compile(r"[@<>=|\\]|(?<!\$)\{(?!\w+\}\Z)|\A[^{]*\}")
_macro_items = listing(lambda item: None if item and not _NO_DOMAIN.search(item) else "is not a domain", first=any_word)


def _http_access(args: tuple[str, ...]) -> Fault:
    if len(args) < 2:
        return _count(args, 2, 2)
    wrong = cidr(args[0])
    if wrong:
        return 0, _said(args[0], wrong)
    levels = [item.lower() for item in items(args[1:])]
    if levels[0] in ("none", "monitor", "operator", "admin") and levels[1:] in ([], ["deny-logs"]):
        return None
    return 1, f"{' '.join(args[1:])[:60]!r} is not none, monitor[,deny-logs], operator or admin"


def listener_address(value: str) -> str | None:
    """``IP:PORT``, ``CIDR:PORT``, ``[IPv6]:PORT``."""
    where, colon, number = value.rpartition(":")
    if not colon:
        return "is not ADDRESS:PORT"
    return cidr(where) or port(number)


def _smtp_listener(args: tuple[str, ...]) -> Fault:
    if not 1 <= len(args) <= 2:
        return _count(args, 1, 2)
    wrong = listener_address(args[0])
    if wrong:
        return 0, _said(args[0], wrong)
    # tls= is in no guide of 5.0 and in a published configuration.
    if len(args) == 2 and not re.match(r"(?:source=\S+|tls=(?:yes|no|true|false))\Z", args[1], re.IGNORECASE):
        return 1, f"{args[1]!r} is not source=NAME"
    return None


def proxy_address(value: str) -> str | None:
    where, colon, number = value.rpartition(":")
    if not colon:
        return "is not HOST:PORT"
    return port(number) or (None if not cidr(where) or not host(where) else "is not HOST:PORT")


def _client(value: str) -> str | None:
    return None if not address(value) or not listener_address(value) else "is not IP[:PORT]"


def smtp_host(value: str) -> str | None:
    """One entry of a host list: ``host``, ``host:port``, ``[ip]:port``, ``[IPv6:x]``, ``lookup-mx:domain``."""
    if value.lower().startswith("lookup-mx:"):
        return host(value[10:])
    if value[:1] == "[":
        inside, closed, rest = value[1:].partition("]")
        if not closed or (rest and (rest[0] != ":" or port(rest[1:]))):
            return "is not [IP]:PORT"
        return address(inside[5:] if inside.lower().startswith("ipv6:") else inside)
    name, colon, number = value.partition(":")
    if colon and port(number):
        return "has no valid port"
    return host(name) and address(name)


def _signals(args: tuple[str, ...]) -> Fault:
    found = [item.lower() for item in items(args)]
    known = found in (["false"], ["no"], ["filter"]) or found[0] in ("true", "yes")
    if args and known and all(re.match(r"subaccount=[0-9]+\Z", item) for item in found[1:]):
        return None
    return 0, "takes true[,subaccount=N], false or filter"


def _queue_filter(value: str) -> str | None:
    pattern, _slash, vmta = value.lstrip("!").partition("/")
    return domain_pattern(pattern) if pattern else "is not [!]domain[/vmta]"


def _queue_name(value: str) -> str | None:
    """A queue that mail is moved to: a domain, an invented name, or a reserved one such as ``{sparkpost}``."""
    return None if re.match(r"\{[A-Za-z0-9_-]+\}\Z", value) else host(value)


def _field(value: str) -> str | None:
    return None if re.match(r"!?(?:\*|[A-Za-z][A-Za-z0-9_.*-]*)\Z", value) else "is not a field name, * or !field"


def _record_list(value: str) -> str | None:
    return next(filter(None, (record_type(item) for item in value.split(","))), None)


def _header_item(value: str) -> str | None:
    return regex(value) if value[:1] == "/" else header_name(value)


def _delete_after(value: str) -> str | None:
    return None if re.match(r"(?:[0-9]+d|never)\Z", value, re.IGNORECASE) else "is not Nd or never"


def _rewrite_address(value: str) -> str | None:
    return None if re.match(r"[^\s@]+@[^\s@]+\Z", value) else "is not an address (with * wildcards)"


def _address_entry(value: str) -> str | None:
    return regex(value) if value[:1] == "/" else any_word(value)


# Pattern lists ---------------------------------------------------------------------------------------------------------

_RESULT = re.compile(r"(virtual-mta|recipient-priority)=(\S+)\Z|(call-to):\s*(\S+)\Z", re.IGNORECASE)


def results(args: tuple[str, ...]) -> list[tuple[str, str]] | str:
    """The result of a pattern-list entry as (keyword, value) pairs, or what is wrong with it."""
    found = []
    for item in items(args):
        match = _RESULT.match(item)
        if not match:
            return f"{item[:60]!r} is not virtual-mta=NAME, recipient-priority=N or call-to:LIST"
        key, value = (match.group(1) or match.group(3)).lower(), match.group(2) or match.group(4)
        if key == "recipient-priority" and between(0, 100)(value):
            return f"{item!r}: the priority is a number from 0 to 100"
        found.append((key, value))
    return found


def entry(words_before: int) -> Arguments:
    """``/regex/ RESULT``, after `words_before` other words (``header NAME /regex/ RESULT``)."""

    def check(args: tuple[str, ...]) -> Fault:
        if len(args) < words_before + 2:
            return min(
                len(args), words_before
            ), f"takes {'NAME ' * words_before}/regex/ RESULT, {len(args)} words given"
        wrong = regex(args[words_before])
        if wrong:
            return words_before, _said(args[words_before], wrong)
        found = results(args[words_before + 1 :])
        return (words_before + 1, found) if isinstance(found, str) else None

    return check


def _catch_all(args: tuple[str, ...]) -> Fault:
    found = results(args) if args else "takes a RESULT"
    return (0, found) if isinstance(found, str) else None


_FLAGS = frozenset(("skip-mx", "bounce-queue", "bounce-rcpt", "disable-source-ip", "defer-queue"))


def actions(args: tuple[str, ...]) -> list[tuple[str, str]] | str:
    """The actions of a reply pattern as (name, value) pairs, or what is wrong with them."""
    found: list[tuple[str, str]] = []
    for item in items(args):
        name, _equals, value = item.partition("=")
        name = name.strip().lower()
        value = value.strip()
        before = {key for key, _value in found}
        if name == "mode":
            if value.lower() not in ("backoff", "normal"):
                return f"{item!r} is not mode=backoff or mode=normal"
            if "mode" in before:
                return "two modes in one rule"
        elif name in ("reenable-after", "backoff-to-normal-after"):
            if enum("never", otherwise=interval)(value):
                return f"{item!r} takes an interval"
            if name == "reenable-after" and "disable-source-ip" not in before:
                return "reenable-after needs disable-source-ip before it in the same rule"
            if name == "backoff-to-normal-after" and ("mode", "backoff") not in found:
                return "backoff-to-normal-after needs mode=backoff before it in the same rule"
        elif name not in _FLAGS or value:
            return f"{item[:60]!r} is not an action (mode=, {', '.join(sorted(_FLAGS))})"
        found.append((name, value.lower()))
    names = {key for key, _value in found}
    if "skip-mx" in names and "bounce-queue" in names:
        return "skip-mx and bounce-queue exclude each other"
    return found


def _reply(args: tuple[str, ...]) -> Fault:
    if len(args) < 2:
        return min(len(args), 1), f"takes /regex/ ACTION, {len(args)} words given"
    wrong = regex(args[0])
    if wrong:
        return 0, _said(args[0], wrong)
    found = actions(args[1:])
    return (1, found) if isinstance(found, str) else None


def _rollup(args: tuple[str, ...]) -> Fault:
    if not 2 <= len(args) <= 3:
        return _count(args, 2, 3)
    wrong = domain_pattern(args[0])
    if wrong:
        return 0, _said(args[0], wrong)
    if not args[1].lower().endswith(".rollup"):
        return 1, f"{args[1]!r} does not end in .rollup"
    if len(args) == 3 and args[2].lower() != "rollup-by-ip":
        return 2, f"{args[2]!r} is not rollup-by-ip"
    return None


def _sender_or_from(args: tuple[str, ...]) -> Fault:
    """In <signals-filter>: a pattern, then settings for which only an example exists."""
    if not args:
        return _count(args, 1, 0)
    wrong = domain_pattern(args[0])
    return (0, _said(args[0], wrong)) if wrong else None


_interval_never = enum("never", otherwise=interval)
_identity = enum("sender-or-from", "strict-from", otherwise=email_or_domain)
_unlimited_integer = enum("unlimited", otherwise=integer)
_unlimited_size = enum("unlimited", otherwise=size)
_name = exactly(any_word)
_certificate = exactly(any_word, any_word, optional=1)
_proxy_source = exactly(cidr, proxy_address, _client, host)

# By the words of the table's value column. What begins with one of these and goes on with a remark in parentheses is the same.
_FORMS: dict[str, Arguments] = {
    "boolean": exactly(boolean),
    "integer": exactly(integer),
    "string": _name,
    "filename": _name,
    "file": _name,
    "name": _name,
    "directory": _name,
    "absolute path": _name,
    "path with macros": _name,
    "quoted string": _name,
    "quoted command line": _name,
    "file glob": _name,
    "interval": exactly(interval),
    "interval | never": exactly(_interval_never),
    "interval list": listing(interval, most=30),
    "boolean | interval | never": exactly(enum("never", "yes", "no", "true", "false", otherwise=interval)),
    "boolean | if-x-dkim-options-present": exactly(enum("if-x-dkim-options-present", otherwise=boolean)),
    "size": exactly(size),
    "size | 0": exactly(size),
    "size | unlimited": exactly(_unlimited_size),
    "size | 0 | unlimited": exactly(_unlimited_size),
    "rate N/[M]unit | unlimited | 0": exactly(rate),
    "volume rate": exactly(volume_rate),
    "list of N/{d|day}": listing(daily),
    "integer | unlimited": exactly(_unlimited_integer),
    "integer | auto": exactly(enum("auto", otherwise=integer)),
    "IP": exactly(address),
    "domain": exactly(host),
    "domain name": exactly(host),
    'domain name (quoted ok) | ""': clearable(exactly(_queue_name)),
    "domain pattern + domain": exactly(domain_pattern, host),
    "domain pattern": _sender_or_from,
    "domain pattern (repeatable)": exactly(domain_pattern),
    "FQDN": exactly(host),
    "email address": exactly(email),
    'email | ""': clearable(exactly(email)),
    "email list": clearable(listing(email)),
    "email | @domain": exactly(email_or_domain),
    "email | @domain | sender-or-from | strict-from": exactly(_identity),
    "email | /regex/": exactly(lambda value: regex(value) if value[:1] == "/" else email(value), raw=True),
    "email | local part | /regex/": exactly(_address_entry, raw=True),
    "URL": exactly(url),
    "header name": exactly(header_name),
    'header list | ""': clearable(listing(header_name)),
    "header list": clearable(listing(header_name)),
    'header names and /regex/ (comma) | ""': clearable(listing(_header_item)),
    "string 32-128 [A-Za-z0-9_]": exactly(lambda value: None if _KEY.match(value) else "!"),
    "40 hex digits": exactly(lambda value: None if _HEX40.match(value) else "!"),
    "string | {auth}": _name,
    "string, plain text, cannot contain #": _name,
    "string, cannot contain #": clearable(_name),
    "filename + [password]": _certificate,
    "filename [password]": _certificate,
    "OpenSSL cipher string": _name,
    "VMTA name": _name,
    "VMTA name, exactly one argument": _name,
    "VMTA or POOL name | by-smtp-source-ip": _name,
    'VMTA (pool from 5.0r8+) | ""': clearable(_name),
    "name of <pattern-list>": _name,
    "name of <rewrite-list>": _name,
    'name of <smtp-pattern-list> | ""': clearable(_name),
    "source-group name": _name,
    "source name": _name,
    "proxy name list": listing(any_word),
    "address-list names": listing(any_word),
    "record types": listing(record_type),
    "TYPE + field list": listing(_field, first=_record_list),
    "TYPE header_NAME FIELD": exactly(_record_list, _field, _field),
    "queue list domain/vmta, ! negates": listing(_queue_filter),
    "Nd | never": exactly(_delete_after),
    "retain|redact|siphash|siphash-hexkey|hmac-sha256|hmac-sha256-hexkey [key]": exactly(
        enum("retain", "redact", "siphash", "siphash-hexkey", "hmac-sha256", "hmac-sha256-hexkey"), any_word, optional=1
    ),
    "SELECTOR,DOMAIN|*,FILE": _domain_key,
    "NAME + comma list": _domain_macro,
    "CIDR + integer": exactly(cidr, integer),
    "CIDR + rate": exactly(cidr, rate),
    "CIDR + volume rate": exactly(cidr, volume_rate),
    "CIDR + none|monitor[,deny-logs]|operator|admin": _http_access,
    "MX-pattern + integer": exactly(domain_pattern, integer),
    "DIR BADDIR": exactly(any_word, any_word),
    "IP|CIDR:PORT [source=NAME]; also a section": _smtp_listener,
    "LOCAL-IP|CIDR + PROXY:PORT + CLIENT-IP[:PORT] + HOST": _proxy_source,
    "IP-or-CIDR + HOST-NAME": exactly(cidr, host),
    "IP|CIDR + HOST-NAME": exactly(cidr, host),
    'hosts: , within a level ; between levels; [ip]:port; lookup-mx:DOMAIN; ""': clearable(
        listing(smtp_host, separators=",;")
    ),
    "host list": listing(smtp_host, separators=",;"),
    "true[,subaccount=N] | false | filter": _signals,
    "IP[:PORT] HOST": exactly(_client, host),
    "IP|host:PORT": exactly(proxy_address),
    "SRC-ADDR DST-ADDR": exactly(_rewrite_address, _rewrite_address),
    "SOURCE TARGET[,TARGET...]": listing(any_word, first=any_word),
    "/regex/ RESULT": entry(0),
    "/regex/ RESULT (pattern-list) or SRC DST (rewrite-list)": entry(0),
    "HEADER-NAME /regex/ RESULT": entry(1),
    "catch-all entry inside a nested pattern-list": _catch_all,
    "/regex/ ACTION[,ACTION]": _reply,
    "MX-NAME|*.suffix ROLLUP.rollup [rollup-by-ip]": _rollup,
    "/regex/ CATEGORY": _name,
    "enum": _name,
}
_RANGE = re.compile(r"integer (\d+)-(\d+)")
_LIMIT = re.compile(r"interval \((max|min) (\w+)\)")


@cache
def argument_check(form: str) -> Arguments:
    """The judge of all arguments of a directive whose value has this form in the table. KeyError for a form nobody described."""
    if form.startswith("deprecated"):
        return anything
    if form.startswith("enum: "):
        return exactly(enum(*form[6:].split("|")))
    ranged = _RANGE.match(form)
    if ranged:
        return exactly(between(int(ranged.group(1)), int(ranged.group(2))))
    bounded = _LIMIT.match(form)
    if bounded:
        return exactly(limited(**{"high" if bounded.group(1) == "max" else "low": bounded.group(2)}))
    if form in _FORMS:
        return _FORMS[form]
    # A remark: "boolean (restart needed)", "domain name (quoted ok) | """.
    bare = re.sub(r"\s*\([^)]*\)", "", form)
    return _FORMS[bare]
