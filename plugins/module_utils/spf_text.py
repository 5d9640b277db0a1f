# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF records (RFC 7208) for exactly a set of addresses: one text where it fits, ranges and includes where it does not.

Only addresses that are ours are ever authorised: ranges are merged exactly, never rounded up. ``-all`` closes each.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

TEXT_LIMIT = 450  # RFC 7208 3.4: an answer should stay below 512 bytes of UDP, and 450 leaves room for the rest
LOOKUP_LIMIT = 10  # RFC 7208 4.6.4: include, a, mx, ptr, exists, redirect
_LOOKUPS = ("include:", "a", "a:", "a/", "mx", "mx:", "mx/", "ptr", "ptr:", "exists:", "redirect=")


def part_name(domain: str, number: int) -> str:
    """Where part ``number`` (1..10) of a divided record stands."""
    return f"_spf{number}.{domain}"


def lookups(mechanisms: Iterable[str]) -> int:
    """How many of ``mechanisms`` cost the receiver a DNS query."""
    count = 0
    for mechanism in mechanisms:
        bare = mechanism.lstrip("+-~?").lower()
        count += any(bare == known or (known[-1] in ":/=" and bare.startswith(known)) for known in _LOOKUPS)
    return count


def spf_texts(domain: str, addresses: Iterable[str], mechanisms: Sequence[str] = ()) -> dict[str, str]:
    """``{name: text}`` that authorises ``addresses`` for ``domain``; the first name is ``domain`` itself.

    A list that fits into 450 bytes is written out, one term per address. A longer one is merged into the ranges that
    cover exactly these addresses; if that is still too long it is divided over ``_spf1.<domain>`` .. and included.
    ``mechanisms``: further terms of the domain's owner, for example ``include:_spf.example.net``. Raises ValueError
    when ten includes do not suffice."""
    hosts = sorted({ipaddress.ip_address(address) for address in addresses}, key=lambda host: (host.version, int(host)))
    single = _text([*mechanisms, *(f"ip{host.version}:{host}" for host in hosts)])
    if len(single) <= TEXT_LIMIT:
        return {domain: single}
    terms = [
        f"ip{version}:{_network(network)}"
        for version in (4, 6)
        for network in ipaddress.collapse_addresses([host for host in hosts if host.version == version])
    ]
    single = _text([*mechanisms, *terms])
    if len(single) <= TEXT_LIMIT:
        return {domain: single}
    parts = _fill(terms)
    names = [part_name(domain, number) for number in range(1, len(parts) + 1)]
    includes = [f"include:{name}" for name in names]
    used = lookups(mechanisms) + len(includes)
    top = _text([*mechanisms, *includes])
    if used > LOOKUP_LIMIT or len(top) > TEXT_LIMIT:
        raise ValueError(
            f"{len(hosts)} addresses make {len(terms)} ranges, which need {len(parts)} includes: {used} DNS queries "
            f"and a "
            f"text of {len(top)} bytes, where SPF allows {LOOKUP_LIMIT} queries and {TEXT_LIMIT} bytes are sound"
        )
    return {domain: top, **{name: _text(part) for name, part in zip(names, parts)}}


def _network(network) -> str:
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def _text(terms: Iterable[str]) -> str:
    return " ".join(["v=spf1", *terms, "-all"])


def _fill(terms: Iterable[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for term in terms:
        if len(_text([*parts[-1], term])) > TEXT_LIMIT:
            parts.append([])
        parts[-1].append(term)
    return parts


def is_spf(value: str) -> bool:
    """Whether a TXT value is an SPF record (RFC 7208 4.5: the version is followed by a space or the end)."""
    return value.lower() == "v=spf1" or value.lower().startswith("v=spf1 ")


def foreign_terms(value: str, ours: str, domain: str) -> list[str]:
    """Terms of a published SPF text by which somebody else's hosts may send, and which ``ours`` does not have.

    Plain addresses and our own ``_spfN`` parts do not count: they change whenever the fleet does.
    """
    kept = {term.lower() for term in ours.split()[1:]}
    own_parts = {f"include:{part_name(domain, number)}" for number in range(1, LOOKUP_LIMIT + 1)}
    found = []
    for term in value.split()[1:]:
        bare = term.lstrip("+").lower()
        if bare in kept or bare in own_parts or bare.startswith(("ip4:", "ip6:", "exp=")) or bare.endswith("all"):
            continue
        found.append(term)
    return found
