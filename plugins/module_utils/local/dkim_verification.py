# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DKIM signatures verified as a receiver does it, with dkimpy and the answers of a resolver. Needs dkimpy and dnspython."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from ..dns_verdict.answers import Answer
from ..dns_verdict.edges import NO, UNKNOWN, YES
from ..dns_verdict.tags import read_tags
from .name_servers import Server

DKIMPY_IMPORT_ERROR = None
try:
    import dkim
except ImportError:
    DKIMPY_IMPORT_ERROR = traceback.format_exc()


@dataclass(frozen=True)
class Verified:
    """domain, selector: of the signature, "" where there is none; verdict: YES, NO or UNKNOWN (the DNS gave no answer)."""

    domain: str
    selector: str
    verdict: str
    why: str = ""

    def as_dict(self) -> dict:
        return asdict(self)


def signatures(message: bytes) -> list[tuple[str, str]]:
    """(domain, selector) of each signature, the outermost first."""
    found = []
    headers, _body = dkim.rfc822_parse(message)
    for name, value in headers:
        if name.lower() == b"dkim-signature":
            tags = dict(read_tags(" ".join(value.decode("ascii", "replace").split()))[0])
            found.append((tags.get("d", "").replace(" ", "").lower(), tags.get("s", "").replace(" ", "").lower()))
    return found


async def verify_all(
    messages: Sequence[bytes], resolver: Sequence[tuple[str, int]], timeout: float, concurrency: int = 50
) -> list[list[Verified]]:
    """For each message, each of its signatures. resolver: places that are asked in turn."""
    server = Server("resolver", resolver, False, timeout, asyncio.Semaphore(concurrency))
    wanted = [signatures(message) for message in messages]
    names = sorted({f"{selector}._domainkey.{domain}" for pairs in wanted for domain, selector in pairs})
    answers = dict(zip(names, await asyncio.gather(*(server.ask(name, "TXT") for name in names))))
    return [
        [_verify(message, index, domain, selector, answers) for index, (domain, selector) in enumerate(pairs)]
        for message, pairs in zip(messages, wanted)
    ]


def _verify(message: bytes, index: int, domain: str, selector: str, answers: dict[str, Answer]) -> Verified:
    answer = answers[f"{selector}._domainkey.{domain}"]
    if answer.unknown:
        return Verified(domain, selector, UNKNOWN, f"no answer for its key: {answer.detail or answer.why}")
    if answer.absent:
        return Verified(domain, selector, NO, f"no key is published under {selector}._domainkey.{domain}")

    def dnsfunc(_name, timeout=None):
        return answer.values[0].encode("utf-8", "surrogateescape")

    try:
        good = dkim.DKIM(message).verify(index, dnsfunc=dnsfunc)
    except (
        Exception
    ) as error:  # dkimpy raises its own and, for odd keys, others: each of them is a signature that fails
        return Verified(domain, selector, NO, f"{type(error).__name__}: {error}")
    return Verified(domain, selector, YES if good else NO, "" if good else "the signature is not by the published key")
