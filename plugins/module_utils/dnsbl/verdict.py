# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one answer of a list means (RFC 5782 2, 5). Only two answers say anything: a set of A records that are all in the list's own table,
and that the name does not exist. Whatever else comes is unknown, which neither lists nor clears."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from .. import dns_trouble
from ..dns_verdict.answers import FOUND, NXDOMAIN, Answer
from .catalogue import PUBLIC_RESOLVER, SEVERITIES
from .lists import CONTROL, Blocklist

LISTED, CLEAN, UNKNOWN = "listed", "clean", "unknown"
HEALTHY, FAILED, BLIND = "healthy", "failed", "blind"

_MOST_WORDS = 300
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


@dataclass(frozen=True)
class Verdict:
    """verdict: LISTED, CLEAN or UNKNOWN. codes: what the list answered, or the bits of it, when it is listed. meaning, severity: of the codes.
    detail: why it is unknown. refused: the list does not want to be asked from here; public: because of the resolver."""

    verdict: str
    codes: tuple[str, ...] = ()
    meaning: str | None = None
    severity: str | None = None
    detail: str | None = None
    refused: bool = False
    public: bool = False


def unknown(detail: str, refused: bool = False, public: bool = False) -> Verdict:
    return Verdict(UNKNOWN, detail=detail, refused=refused, public=public)


def _words(blocklist: Blocklist, answer: Answer) -> str:
    """Why there is no answer: a server's own words may be long, and repeat the question."""
    return blocklist.hide(answer.detail or "no answer")[:_MOST_WORDS]


def read(blocklist: Blocklist, answer: Answer) -> Verdict:
    """The verdict of one answer of a list that passed its test."""
    if answer.state == NXDOMAIN:
        if answer.aliases:
            return unknown(f"answers with an alias to {blocklist.hide(answer.aliases[-1])}, which does not exist")
        return Verdict(CLEAN)
    if answer.state != FOUND:
        return _no_answer(blocklist, answer)
    error = _refusal(blocklist, answer.values)
    if error:
        return error
    told: dict[str, tuple[str, str]] = {}
    for value in answer.values:
        meanings = _meanings(blocklist, value)
        if not meanings:
            return unknown(_strange(blocklist, value))
        told.update(meanings)
    if not told:
        return unknown("answers without any address")
    codes = sorted(told, key=lambda code: (SEVERITIES.index(told[code][0]), _number(code)))
    meaning = "; ".join(dict.fromkeys(told[code][1] for code in codes))
    return Verdict(LISTED, tuple(codes), meaning, told[codes[0]][0])


def _number(code: str) -> int:
    """A code as a number, an address or a bit."""
    return int(ipaddress.ip_address(code)) if "." in code else int(code)


def _no_answer(blocklist: Blocklist, answer: Answer) -> Verdict:
    if not answer.unknown:
        return unknown("answers that the name exists, without any address")
    return unknown(_words(blocklist, answer), refused=answer.why == dns_trouble.REFUSED)


def _refusal(blocklist: Blocklist, values: tuple[str, ...]) -> Verdict | None:
    for value in values:
        if value in blocklist.errors:
            return unknown(f"{value}: {blocklist.errors[value]}", refused=True, public=value == PUBLIC_RESOLVER)
        address = ipaddress.ip_address(value)
        if address in CONTROL:
            return unknown(f"{value}: an error that is not in the catalogue", refused=True)
        if blocklist.bits and value.startswith("127.0.0."):
            for bit, meaning in blocklist.error_bits.items():
                if address.packed[3] & bit:
                    return unknown(f"{value}: {meaning}", refused=True)
    return None


def _meanings(blocklist: Blocklist, value: str) -> dict[str, tuple[str, str]]:
    """``{code: (severity, meaning)}``; nothing for an answer that the list does not document, even in part."""
    if not blocklist.bits:
        return {value: blocklist.codes[value]} if value in blocklist.codes else {}
    if not value.startswith("127.0.0."):
        return {}
    number = int(value.rpartition(".")[2])
    found = {str(bit): told for bit, told in blocklist.bits.items() if number & bit}
    return found if sum(map(int, found)) == number else {}


def _strange(blocklist: Blocklist, value: str) -> str:
    if ipaddress.ip_address(value) not in _LOOPBACK:
        return f"answers {value}, which is outside 127.0.0.0/8: somebody else answers for the list"
    return f"answers {value}, which the catalogue does not know for {blocklist.name}"


# --- Whether a list can be believed -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Health:
    """state: HEALTHY, FAILED (it answers wrongly), BLIND (it refuses us) or UNKNOWN (it could not be tested)."""

    state: str
    detail: str | None = None
    public: bool = False


def judge_list(
    blocklist: Blocklist, listed: Answer, clean: Answer, fresh: Answer, points: tuple[str, str] | None = None
) -> Health:
    """The list's health by its test points (RFC 5782 5, 7). listed, clean: what it answers about what it has to list and must
    not (points; its own when not given); fresh: about something that nobody can have listed, and that no cache between here and
    there has heard of."""
    listed_test, clean_test = points or (blocklist.listed_test, blocklist.clean_test)
    answers = (listed, clean, fresh)
    for answer in answers:
        verdict = _refusal(blocklist, answer.values) if answer.state == FOUND else _no_answer(blocklist, answer)
        if verdict and verdict.refused:
            return Health(BLIND, verdict.detail, verdict.public)
    for answer in answers:
        if answer.unknown:
            return Health(UNKNOWN, f"its test gets no answer: {_words(blocklist, answer)}")
    # Test points may bear codes that nothing else does.
    if listed.state != FOUND:
        return Health(FAILED, f"does not list its test point {listed_test}")
    strangers = [value for value in listed.values if ipaddress.ip_address(value) not in _LOOPBACK]
    if strangers:
        return Health(FAILED, _strange(blocklist, strangers[0]))
    for answer, what in ((clean, clean_test), (fresh, "what cannot be listed")):
        if answer.state == FOUND:
            return Health(FAILED, f"lists {what} ({', '.join(answer.values)}): it would list everybody")
        if answer.state != NXDOMAIN or answer.aliases:
            return Health(FAILED, f"does not say that {what} is not listed")
    return Health(HEALTHY)
