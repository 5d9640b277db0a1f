# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the fleet document says about a sender, as the judges need it."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ..dkim import record_name
from ..dns_records import DMARC, SPF, ptr_name, wanted_records
from ..dns_text import plain_name, reverse_name
from ..fleet.status import exists_in_mta
from ..problems import FleetError, Problem

_NEEDED = ("name", "tenant", "ip", "hostname", "domain", "from_email", "ptr", "status")


@dataclass(frozen=True)
class Facts:
    """One sender. Names in their one spelling. domain: of MAIL FROM and the DKIM signature; from_domain: of the From header.

    key_name, public: where its key is published and what has to stand there, None while it has no key, of which
    key_trouble may say why. spf, helo, mx,
    dmarc: what has to be published, as text. report_uris: the rua of its DMARC record. report_names: where receivers of
    reports consent. ptr_names: the reverse name, and the name in a part of it that is delegated (RFC 2317).
    mta, vmta: its host and its virtual MTA, "" where the document does not say."""

    name: str
    ip: str
    hostname: str
    domain: str
    from_domain: str
    key_name: str | None
    public: str | None
    spf: str
    helo: str
    mx: str
    dmarc: str
    report_uris: tuple[str, ...]
    report_names: tuple[str, ...]
    ptr_names: tuple[str, ...]
    ptr_by_hand: bool
    key_trouble: str = ""
    mta: str = ""
    vmta: str = ""

    @property
    def address_type(self) -> str:
        return "AAAA" if ":" in self.ip else "A"

    @property
    def other_type(self) -> str:
        return "A" if ":" in self.ip else "AAAA"


def facts_of(document: Mapping, names: Iterable[str] | None = None) -> list[Facts]:
    """The senders that exist in the MTA, or those of them that are named, in the order of the document.

    Raises FleetError for a document that is none, for names it does not have, and for what it cannot publish."""
    _check(document)
    senders = [sender for sender in document["senders"] if exists_in_mta(sender)]
    if names is not None:
        asked = set(names)
        unknown = sorted(asked - {sender["name"] for sender in senders})
        if unknown:
            what = f"the fleet has no sender {', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''}"
            raise FleetError([Problem("senders", what, "Name senders of the fleet document that are not retired")])
        senders = [sender for sender in senders if sender["name"] in asked]
    wanted: dict[tuple[str, str, str], list[str]] = {}
    reports: dict[str, list[str]] = {}
    for record in wanted_records(document):
        wanted[record["name"], record["type"], record["match"]] = record["values"]
        if record["purpose"] == "dmarc_report":
            domain = record["name"].partition("._report._dmarc.")[0]
            reports.setdefault(domain, []).append(record["name"])
    return [_facts(sender, wanted, reports) for sender in senders]


def _facts(sender: Mapping, wanted: Mapping, reports: Mapping) -> Facts:
    hostname, domain = plain_name(sender["hostname"]), plain_name(sender["domain"])
    standard = reverse_name(sender["ip"])
    dmarc = " ".join(wanted.get((f"_dmarc.{domain}", "TXT", DMARC), ()))
    selector = sender.get("selector")
    return Facts(
        name=sender["name"],
        ip=str(ipaddress.ip_address(sender["ip"])),
        hostname=hostname,
        domain=domain,
        from_domain=plain_name(sender["from_email"].rpartition("@")[2]),
        key_name=record_name(selector, domain) if selector and sender.get("public") else None,
        public=sender.get("public") or None,
        spf=" ".join(wanted.get((domain, "TXT", SPF), ())),
        helo=" ".join(wanted.get((hostname, "TXT", SPF), ())),
        mx=", ".join(wanted.get((domain, "MX", ""), ())),
        dmarc=dmarc,
        report_uris=tuple(_rua(dmarc)),
        report_names=tuple(reports.get(domain, ())),
        ptr_names=tuple(dict.fromkeys([standard, ptr_name(sender["ip"], sender["ptr"].get("zone"))])),
        ptr_by_hand=sender["ptr"]["method"] == "manual",
        key_trouble=sender.get("key_trouble") or "",
        mta=sender.get("mta") or "",
        vmta=sender.get("vmta") or "",
    )


def _rua(text: str) -> list[str]:
    for tag in text.split(";"):
        name, _equals, value = tag.partition("=")
        if name.strip() == "rua":
            return [uri.strip() for uri in value.split(",")]
    return []


def _check(document: Mapping) -> None:
    problems = []
    remedy = "Give the whole fleet document, as fleet_document or the engine makes it"
    for key in ("senders", "tenants"):
        if not isinstance(document.get(key), list):
            problems.append(Problem("fleet", f"has no list of {key}", remedy))
    if not problems:
        tenants = {tenant.get("name") for tenant in document["tenants"] if isinstance(tenant, Mapping)}
        for index, sender in enumerate(document["senders"]):
            lacking = [key for key in _NEEDED if not isinstance(sender, Mapping) or not sender.get(key)]
            if lacking:
                problems.append(Problem(f"fleet.senders[{index}]", f"lacks {', '.join(lacking)}", remedy))
            elif sender["tenant"] not in tenants:
                problems.append(
                    Problem(f"fleet.senders[{index}]", f"its tenant {sender['tenant']} is not there", remedy)
                )
            else:
                problems += _values(index, sender)
    if problems:
        raise FleetError(problems[:25])


def _values(index: int, sender: Mapping) -> list[Problem]:
    where = f"fleet.senders[{index}]"
    try:
        ipaddress.ip_address(sender["ip"])
        ptr_name(sender["ip"], sender["ptr"].get("zone"))
    except (ValueError, AttributeError) as error:
        return [Problem(where, f"its address or ptr cannot be used: {error}", "Correct it in the inventory")]
    return []
