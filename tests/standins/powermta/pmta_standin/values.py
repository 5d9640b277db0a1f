# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Value types of the directive table: each function takes the word as written and returns its meaning or refuses it."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Callable, NamedTuple

from . import pcre
from .errors import ValueRefused

UNITS = {"d": 86400, "day": 86400, "h": 3600, "hr": 3600, "m": 60, "min": 60, "s": 1, "sec": 1}
RECORD_TYPES = {
    "d": "d", "delivery": "d", "b": "b", "bounce": "b", "t": "t", "transient": "t", "tq": "tq", "transient-queue": "tq",
    "r": "r", "receipt": "r", "rb": "rb", "remote-bounce": "rb", "rs": "rs", "remote-status": "rs",
    "f": "f", "feedback-loop": "f",
}  # fmt: skip
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_LOCAL = re.compile(r"[A-Za-z0-9.!$%&'*+/=?^_`{|}~-]+")
_HEADER = re.compile(r"[!-9;-~]+")
_NAME = re.compile(r"[A-Za-z0-9._-]+")


class Rate(NamedTuple):
    """``count`` in each ``seconds``; None is unlimited."""

    count: int | None
    seconds: int


def boolean(word: str) -> bool:
    if word.lower() not in ("yes", "no", "true", "false"):
        raise ValueRefused(f"yes, no, true or false expected: {word}")
    return word.lower() in ("yes", "true")


def integer(word: str, limits: str = "") -> int:
    if not re.fullmatch(r"[0-9]+", word):
        raise ValueRefused(f"number expected: {word}")
    if limits:
        low, high = (int(part) for part in limits.split("-"))
        if not low <= int(word) <= high:
            raise ValueRefused(f"number between {low} and {high} expected: {word}")
    return int(word)


def rate(word: str) -> Rate:
    found = re.fullmatch(r"([0-9]+)/([0-9]*)([a-z]+)", word)
    if not found or found[3] not in UNITS or int(found[1]) == 0 or found[2] and int(found[2]) == 0:
        raise ValueRefused(f"rate N/[M]unit expected: {word}")
    return Rate(int(found[1]), int(found[2] or 1) * UNITS[found[3]])


def volume_rate(word: str) -> Rate:
    found = re.fullmatch(r"([0-9]+)([bkmgtBKMGT]?)(/.+)", word)
    if not found:
        raise ValueRefused(f"volume rate SIZE/[M]unit expected: {word}")
    return Rate(size(found[1] + found[2]) if found[2] else int(found[1]), rate("1" + found[3]).seconds)


def daily_list(word: str) -> list[int]:
    found = [re.fullmatch(r"([0-9]+)/(?:d|day)", part) for part in word.split(",")]
    if not all(found):
        raise ValueRefused(f"list of N/day expected: {word}")
    return [int(part[1]) for part in found if part]


def interval(word: str, limits: str = "") -> int:
    found = re.fullmatch(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", word)
    if not word or not found:
        raise ValueRefused(f"interval such as 1d12h expected: {word}")
    seconds = sum(int(n or 0) * by for n, by in zip(found.groups(), (604800, 86400, 3600, 60, 1)))
    if limits.startswith("max=") and seconds > interval(limits[4:]):
        raise ValueRefused(f"at most {limits[4:]}: {word}")
    if limits.startswith("min=") and seconds < interval(limits[4:]):
        raise ValueRefused(f"at least {limits[4:]}: {word}")
    return seconds


def interval_list(word: str) -> list[int]:
    found = [interval(part) for part in word.split(",")]
    if len(found) > 30:
        raise ValueRefused("at most 30 intervals")
    return found


def size(word: str) -> int:
    found = re.fullmatch(r"([0-9]+)([bkmgt])", word.lower())
    if not found:
        raise ValueRefused(f"size such as 50M expected: {word}")
    return int(found[1]) * 1024 ** "bkmgt".index(found[2])


def days(word: str) -> int:
    if not re.fullmatch(r"[0-9]+d", word):
        raise ValueRefused(f"number of days such as 8d expected: {word}")
    return int(word[:-1]) * 86400


def ip(word: str) -> Any:
    try:
        return ipaddress.ip_address(word)
    except ValueError:
        raise ValueRefused(f"invalid IP address: {word}") from None


def cidr(word: str) -> Any:
    """``10/8``, ``0/0``, ``1.2.3.4``, ``::1``; host bits must be zero."""
    address, slash, bits = word.partition("/")
    if slash and re.fullmatch(r"[0-9]+(\.[0-9]+){0,2}", address):
        address = ".".join((address.split(".") + ["0", "0", "0"])[:4])
    try:
        return ipaddress.ip_network(address + slash + bits)
    except ValueError:
        raise ValueRefused(f"invalid IP address or CIDR: {word}") from None


def host(word: str) -> str:
    try:
        plain = word if word.isascii() else word.encode("idna").decode()
    except UnicodeError:
        raise ValueRefused(f"invalid host name: {word}") from None
    if not _HOST.fullmatch(plain) or len(plain) > 253 or re.fullmatch(r"[0-9.]+", plain):
        raise ValueRefused(f"invalid host name: {word}")
    return plain.lower().rstrip(".")


def domain_pattern(word: str) -> str:
    """``*``, ``a.b``, ``*.a.b``, ``[*.]a.b`` or ``[ip/mask]``."""
    if word == "*":
        return word
    for prefix in ("[*.]", "*."):
        if word.startswith(prefix):
            return prefix + host(word[len(prefix) :])
    if word.startswith("[") and word.endswith("]"):
        return f"[{cidr(word[1:-1])}]"
    if "/" in word:
        raise ValueRefused(f"not a domain (no domain/vmta here): {word}")
    return host(word)


def email(word: str) -> str:
    local, at, where = word.rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise ValueRefused(f"e-mail address expected: {word}")
    return f"{local}@{host(where)}"


def at_domain(word: str) -> str:
    if not word.startswith("@"):
        raise ValueRefused(f"@domain expected: {word}")
    return "@" + host(word[1:])


def local_part(word: str) -> str:
    if not _LOCAL.fullmatch(word):
        raise ValueRefused(f"local part expected: {word}")
    return word


def address_wildcard(word: str) -> str:
    local, at, where = word.rpartition("@")
    if not at or not re.fullmatch(r"[^\s@]+", local) or not re.fullmatch(r"\*|(\*\.)?[^\s*@]+", where):
        raise ValueRefused(f"address with wild cards expected: {word}")
    return word


def name(word: str) -> str:
    if not _NAME.fullmatch(word):
        raise ValueRefused(f"invalid name: {word}")
    return word


def macro_name(word: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+", word):
        raise ValueRefused(f"invalid macro name: {word}")
    return word


def source(word: str) -> str:
    """A source's name: an address, a CIDR, a plain word or one of the product's own in braces."""
    if word.startswith("{"):
        if word not in ("{auth}", "{pickup}", "{transmissions-api}"):
            raise ValueRefused(f"source names in braces are reserved: {word}")
        return word
    return word if re.fullmatch(r"[0-9a-fA-F:]*:[0-9a-fA-F:.]*(/[0-9]+)?|[0-9./]+", word) else name(word)


def header(word: str) -> str:
    if not _HEADER.fullmatch(word):
        raise ValueRefused(f"header name expected: {word}")
    return word


def header_or_regex(word: str) -> Any:
    if word.startswith("/"):
        if len(word) < 2 or not word.endswith("/"):
            raise ValueRefused(f"unterminated regular expression: {word}")
        return regex(word[1:-1].replace("\\/", "/"))
    return header(word)


def regex(word: str) -> pcre.Pattern:
    try:
        return pcre.Pattern(word)
    except pcre.PatternError as problem:
        raise ValueRefused(f"invalid regular expression /{word}/: {problem}") from None


def secret(word: str) -> str:
    if not word:
        raise ValueRefused("empty password")
    return word


def url(word: str) -> str:
    if not re.fullmatch(r"https?://[^\s]+", word):
        raise ValueRefused(f"URL expected: {word}")
    return word


def string(word: str) -> str:
    return word


def hostport(word: str) -> tuple[str, int]:
    where, colon, port = word.rpartition(":")
    if not colon:
        raise ValueRefused(f"HOST:PORT expected: {word}")
    return host_or_ip(where), integer(port, "1-65535")


def ip_port(word: str) -> tuple[Any, int]:
    where, _colon, port = word.partition(":") if word.count(":") == 1 else (word, "", "")
    return ip(where), integer(port, "0-65535") if port else 0


def host_or_ip(word: str) -> str:
    return word if re.fullmatch(r"[0-9.]+|[0-9a-f]*:[0-9a-f:]*", word) and ip(word) else host(word)


def listener(word: str) -> tuple[Any, int]:
    where, colon, port = word.rpartition(":")
    if not colon:
        raise ValueRefused(f"IP:PORT expected: {word}")
    where = where[1:-1] if where.startswith("[") and where.endswith("]") else where
    return cidr(where), integer(port, "1-65535")


def source_option(word: str) -> str:
    if not word.startswith("source="):
        raise ValueRefused(f"unknown option: {word}")
    return source(word[len("source=") :])


def record_type(word: str) -> str:
    if word.lower() not in RECORD_TYPES:
        raise ValueRefused(f"unknown record type: {word}")
    return RECORD_TYPES[word.lower()]


def header_field(word: str) -> str:
    if not word.startswith("header_") or word == "header_":
        raise ValueRefused(f"header_NAME expected: {word}")
    return word


def signals(word: str) -> str:
    if not re.fullmatch(r"(true|yes)|(enable-signals|true)(,subaccount=[0-9]+)?|false|no|filter", word):
        raise ValueRefused(f"true[,subaccount=N], false or filter expected: {word}")
    return word


def matching(expression: str, what: str) -> Callable[[str], str]:
    def check(word: str) -> str:
        if not re.fullmatch(expression, word):
            raise ValueRefused(f"{what} expected: {word}")
        return word

    return check


def listed(one: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    """A comma list without spaces."""

    def check(word: str) -> list[Any]:
        if not word or word.endswith(","):
            raise ValueRefused("a list must not end with a comma (no continuation lines)")
        return [one(part) for part in word.split(",")]

    return check


def absolute(word: str) -> str:
    if not word.startswith("/"):
        raise ValueRefused(f"absolute path expected: {word}")
    return word


def domain_or_macro(word: str) -> str:
    return word if "$" in word and re.fullmatch(r"[A-Za-z0-9_$.-]+", word) else host(word)


def queue_pattern(word: str) -> str:
    where, slash, vmta = word.removeprefix("!").partition("/")
    if where != "*":
        domain_pattern(where)
    if slash and vmta not in ("*", "{default}"):
        name(vmta)
    return word


TYPES: dict[str, Callable[..., Any]] = {
    "bool": boolean, "int": integer, "rate": rate, "volume-rate": volume_rate, "daily-list": daily_list,
    "interval": interval, "interval-list": interval_list, "size": size, "days": days, "ip": ip, "cidr": cidr,
    "local-cidr": cidr, "host": host, "domain": host, "domain-pattern": domain_pattern, "mx-pattern": domain_pattern,
    "email": email, "email-list": listed(email), "at-domain": at_domain, "local-part": local_part,
    "address-wildcard": address_wildcard, "name": name, "name-list": listed(name), "vmta": name, "vmta-or-pool": name,
    "pattern-list": name, "smtp-pattern-list": name, "rewrite-list": name, "source-group": name, "source": source,
    "macro-name": macro_name, "header": header, "header-list": listed(header),
    "header-pattern-list": listed(header_or_regex), "regex": regex, "secret": secret, "url": url, "string": string,
    "hostport": hostport, "ip-port": ip_port, "listener": listener, "source-option": source_option,
    "record-type": record_type, "record-types": listed(record_type), "header-field": header_field,
    "acct-field": matching(r"[A-Za-z_][\w-]*", "field name"), "field-list": listed(matching(r"\*|!?[A-Za-z_][\w-]*", "field name")),
    "queue-list": listed(queue_pattern), "signals": signals, "api-key": matching(r"[A-Za-z0-9_]{32,128}", "API key"),
    "hex40": matching(r"[0-9a-fA-F]{40}", "40 hexadecimal digits"), "file": absolute, "path": absolute, "directory": absolute,
    "glob": absolute, "rollup": matching(r"[A-Za-z0-9._-]+\.rollup", "NAME.rollup"),
    "domain-list": listed(domain_or_macro),
    "empty": matching("", "empty string"),
}  # fmt: skip


def parse(alternatives: str, word: str, kind: str = "plain") -> Any:
    """One word against ``a|b|literal``; the refusal of the first alternative is the one reported.

    ``=literal`` where the literal is also the name of a type."""
    first: ValueRefused | None = None
    for alternative in alternatives.split("|"):
        base, _, limits = alternative.partition(":")
        check = TYPES.get(base)
        if check is None:
            literal = alternative.removeprefix("=")
            if word.lower() == literal:
                return literal
            first = first or ValueRefused(f"invalid value: {word} ({alternatives.replace('|', ', ')} expected)")
            continue
        if (base == "regex") != (kind == "regex"):
            first = first or ValueRefused(f"invalid value: {word}")
            continue
        if not word and base not in ("empty", "string", "regex"):
            first = first or ValueRefused("empty value")
            continue
        try:
            return check(word, limits) if limits else check(word)
        except ValueRefused as problem:
            first = first or problem
    raise first or ValueRefused(f"invalid value: {word}")
