# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be published for a fleet: A, MX, SPF, DKIM, DMARC, report authorisations, PTR.

A record here is one set: ``{"name", "type", "ttl", "values": [...], "match", "sender", "purpose", "optional"}``.

name: absolute, lower-case, no final dot. values: TXT as joined text, MX ``"10 host."``, PTR ``"host."``, A/AAAA
addresses. match: at a name that others use too, only TXT values that start with it are ours (``v=spf1``); ``""`` means
the whole set is ours. sender: the sender it was first needed for. purpose: ``address``, ``mail``, ``spf``, ``helo``,
``dkim``, ``dmarc``, ``dmarc_report``, ``ptr``. optional: somebody else's zone may be concerned; published where a
configured server serves the name, reported otherwise."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from .dkim import record_name, record_text
from .dns_text import dotted, is_under, plain_name, reverse_name
from .fleet.status import exists_in_mta
from .problems import FleetError, Problem
from .spf_text import LOOKUP_LIMIT, part_name, spf_texts

DEFAULT_TTL = 3600
MX_PREFERENCE = 10
PARTS_FROM = 20  # fewer addresses than this never need a divided SPF record
MX_HOSTS = 4  # each host of a pool takes mail; a few names are as good as a hundred and fit into one UDP answer

SPF, DMARC = "v=spf1", "v=DMARC1"

_POLICIES = ("none", "quarantine", "reject")
# Tag, the names it may have in a tenant's dmarc, allowed values. RFC 9989 4.7; unknown tags are ignored by receivers.
_DMARC_TAGS = (
    ("p", ("policy", "p"), _POLICIES),
    ("sp", ("subdomain_policy", "sp"), _POLICIES),
    ("np", ("np",), _POLICIES),
    ("adkim", ("adkim",), ("r", "s")),
    ("aspf", ("aspf",), ("r", "s")),
    ("psd", ("psd",), ("y", "n", "u")),
    ("t", ("t",), ("y", "n")),
    ("fo", ("fo",), None),
)


def wanted_records(document: Mapping, ttl: int = DEFAULT_TTL, keys: Iterable[Mapping] = ()) -> list[dict]:
    """Everything the fleet needs published, each (name, type, match) once, sorted.

    document: the fleet document. ttl in seconds. keys: those of its domains that do not sign, not yet or no more, with what
    their records say (dkim_rotation.other_keys). Keys that are not made yet are left out; :func:`pending_records` lists
    them. PTR records are here only for senders with ``ptr.method`` rfc2136; :func:`ptr_requests` has the others. Raises
    FleetError with every contradiction."""
    senders = [sender for sender in document["senders"] if exists_in_mta(sender)]
    found = _records(senders, _tenants(document), ttl)
    # One of them may have become the domain's own since it was listed.
    known = {_key(record) for record in found}
    found += [record for record in _of_keys(senders, keys, ttl) if record["values"] and _key(record) not in known]
    return sorted(found, key=_key)


def absent_records(document: Mapping, ttl: int = DEFAULT_TTL, keys: Iterable[Mapping] = ()) -> list[dict]:
    """What retired senders leave behind: the records of ``document["gone"]`` and of senders with status retired, less
    what a remaining sender needs. Same shape; ``values`` is what the sender had, or empty when any matching value
    goes. keys: as in :func:`wanted_records`; those without a text go."""
    leaving = [*document.get("gone", ()), *(sender for sender in document["senders"] if not exists_in_mta(sender))]
    remaining = [sender for sender in document["senders"] if exists_in_mta(sender)]
    found = {_key(record): record for record in _of_keys(remaining, keys, ttl) if not record["values"]}
    found.update((_key(record), record) for record in records_for(document, leaving, ttl))
    return [found[key] for key in sorted(found)]


def records_for(document: Mapping, senders: Iterable[Mapping], ttl: int = DEFAULT_TTL) -> list[dict]:
    """The records that only ``senders`` need, to be removed with them (``absent`` of dns_publish).

    Names that remain wanted for another sender are left out, and so is a set that merely shrinks: its new value is
    among :func:`wanted_records`. A pool's SPF parts (``_spfN``) beyond those still wanted are included.
    """
    leaving = list(senders)
    tenants = _tenants(document)
    going = {_identity(sender) for sender in leaving}
    remaining = [sender for sender in document["senders"] if _identity(sender) not in going and exists_in_mta(sender)]
    kept = {_key(record) for record in _records(remaining, tenants, ttl)}
    keyless = {plain_name(sender["domain"]) for sender in remaining if not sender.get("selector")}
    for sender in remaining:
        if sender.get("selector"):
            kept.add((record_name(sender["selector"], sender["domain"]), "TXT", ""))
    found: dict[tuple, dict] = {}
    for sender in leaving:
        for record in _of_leaving(sender, tenants, ttl):
            if record["purpose"] == "dkim" and plain_name(sender["domain"]) in keyless:
                continue  # which key the domain's other senders use is not known yet: none is taken away
            if _key(record) not in kept:
                known = found.setdefault(_key(record), record)
                known["values"] = list(dict.fromkeys([*known["values"], *record["values"]]))
    pooled = Counter(plain_name(sender["domain"]) for sender in remaining)
    divided = {domain for domain, count in pooled.items() if count > PARTS_FROM}
    divided |= {plain_name(sender["domain"]) for sender in leaving if _is_pooled(sender, tenants)}
    for domain in divided:
        for number in range(1, LOOKUP_LIMIT + 1):
            record = _record(part_name(domain, number), "TXT", ttl, [], "", "spf", SPF)
            if _key(record) not in kept:
                found.setdefault(_key(record), record)
    return [found[key] for key in sorted(found)]


def pending_records(document: Mapping) -> list[dict]:
    """DKIM records that cannot be published yet: ``[{"sender", "domain", "selector", "name", "why"}]``, one per domain.

    selector and name are None where no key was chosen yet.
    """
    pending: dict[str, dict] = {}
    for sender in document["senders"]:
        if not exists_in_mta(sender) or sender.get("public"):
            continue
        domain, selector = plain_name(sender["domain"]), sender.get("selector")
        pending.setdefault(
            domain,
            {
                "sender": sender["name"],
                "domain": domain,
                "selector": selector,
                "name": record_name(selector, domain) if selector else None,
                "why": "its public key is not known yet" if selector else "it has no key yet",
            },
        )
    return list(pending.values())


def ptr_requests(document: Mapping, observed: Mapping[str, Sequence[str] | None] | None = None) -> list[dict]:
    """The list to hand to the hosting provider: one entry per sender whose PTR is set by hand.

    observed: ``{ip: [names] or None}``; a missing or None entry means nobody could tell. Each entry is
    ``{"sender", "ip", "wanted", "observed", "state", "name"}``: state ``ok`` / ``wrong`` / ``missing`` / ``unknown``,
    wanted and observed without final dot, name the PTR's owner (within ``ptr.zone`` where the range is delegated by RFC
    2317)."""
    requests, problems = [], []
    for sender in document["senders"]:
        if not exists_in_mta(sender) or sender["ptr"]["method"] != "manual":
            continue
        try:
            owner = ptr_name(sender["ip"], sender["ptr"].get("zone"))
        except ValueError as error:
            problems.append(_zone_problem(sender, error))
            continue
        seen = (observed or {}).get(sender["ip"])
        names = None if seen is None else sorted(plain_name(name) for name in seen)
        wanted = plain_name(sender["hostname"])
        state = "unknown" if names is None else "missing" if not names else "ok" if names == [wanted] else "wrong"
        requests.append(
            {
                "sender": sender["name"],
                "ip": sender["ip"],
                "wanted": wanted,
                "observed": names,
                "state": state,
                "name": owner,
            }
        )
    if problems:
        raise FleetError(problems)
    return requests


def ptr_lines(requests: Sequence[Mapping]) -> list[str]:
    """The list of :func:`ptr_requests` as lines of text: address, owner name, wanted, observed, state."""
    head = ("ip", "name", "wanted", "observed", "state")
    rows = [head]
    for request in requests:
        observed = "?" if request["observed"] is None else ",".join(request["observed"]) or "-"
        rows.append((request["ip"], request["name"], request["wanted"], observed, request["state"]))
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]


def ptr_name(ip: str, zone: str | None = None) -> str:
    """The owner name of an address' PTR record.

    zone: None or a zone of the standard tree gives the standard name. A zone below the address' /24, as RFC 2317
    delegates parts of one (``0-63.0.19.198.in-addr.arpa``, ``0/26.0.19.198.in-addr.arpa``, or any label the provider
    chose), gives ``1.0-63.0.19.198.in-addr.arpa``. Raises ValueError when the address cannot lie in the zone.
    """
    standard = reverse_name(ip)
    if zone is None:
        return standard
    plain = plain_name(zone)
    if is_under(standard, plain) and plain:
        return standard
    last, _dot, parent = standard.partition(".")
    label, _dot, rest = plain.partition(".")
    if rest != parent or ipaddress.ip_address(ip).version != 4:
        raise ValueError(f"zone {zone} is not one that {ip} lies in")
    for separator in ("-", "/"):
        first, found, end = label.partition(separator)
        if found and first.isdigit() and end.isdigit():
            upper = (
                int(end)
                if separator == "-" or int(end) > 32 or int(end) < 24
                else int(first) + 2 ** (32 - int(end)) - 1
            )
            if not int(first) <= int(last) <= upper:
                raise ValueError(f"zone {zone} stands for {first} to {upper}; {ip} ends in {last}")
    return f"{last}.{plain}"


def dmarc_text(domain: str, dmarc: Mapping) -> str:
    """The DMARC record of ``domain`` (RFC 9989) from a tenant's ``dmarc``.

    Keys: policy, subdomain_policy (or sp), np, adkim, aspf, psd, t, fo, rua, ruf. ``{domain}`` in an address becomes
    the domain. Raises ValueError for a value receivers would not read.
    """
    tags = [DMARC]
    for tag, keys, allowed in _DMARC_TAGS:
        value = next((dmarc[key] for key in keys if dmarc.get(key) is not None), "none" if tag == "p" else None)
        if value is None:
            continue
        if allowed and value not in allowed:
            raise ValueError(f"{keys[0]} is {value!r}; it may be {', '.join(allowed)}")
        tags.append(f"{tag}={value}")
    for tag in ("rua", "ruf"):
        addresses = report_addresses(domain, dmarc, tag)
        if addresses:
            tags.append(f"{tag}={','.join(addresses)}")
    return "; ".join(tags)


def report_addresses(domain: str, dmarc: Mapping, tag: str) -> list[str]:
    """The URIs of ``rua`` or ``ruf`` with ``{domain}`` replaced. Raises ValueError for one that cannot stand in the
    record."""
    addresses = []
    for given in dmarc.get(tag) or ():
        uri = given.replace("{domain}", domain)
        # RFC 9989: a comma or an exclamation mark inside a URI has to be percent-encoded; a semicolon ends the tag.
        if not uri.lower().startswith("mailto:") or uri.count("@") != 1 or any(sign in uri for sign in ",;! \t"):
            raise ValueError(f"{tag} {given!r} is not of the form mailto:name@domain")
        addresses.append(uri)
    return addresses


def needs_authorisation(domain: str, report_domain: str, registered: str | None) -> bool:
    """Whether reports about ``domain`` to a mailbox at ``report_domain`` need the receiver's consent in DNS (RFC 9990
    4).

    Receivers compare organisational domains. Those are found by a walk through published records, which cannot be
    foreseen here, and there is no list of public suffixes; so the rule is: not foreign when both are the same name,
    when one lies below the other, or when both lie under the domain the tenant registered. Everything else gets the
    record. Where that is wrong it errs to the harmless side: a consent nobody asks for costs one record, a missing one
    loses the reports."""
    one, other = plain_name(domain), plain_name(report_domain)
    if is_under(one, other) or is_under(other, one):
        return False
    top = plain_name(registered or "")
    return not (top and is_under(one, top) and is_under(other, top))


# -- how the records come about ----------------------------------------------------------------------------------------


def _tenants(document: Mapping) -> dict[str, Mapping]:
    return {tenant["name"]: tenant for tenant in document["tenants"]}


def _is_pooled(sender: Mapping, tenants: Mapping[str, Mapping]) -> bool:
    """Also of a tenant that is gone itself: then only the names tell."""
    tenant = tenants.get(sender["tenant"])
    return tenant["routing"] == "pool" if tenant else sender["domain"] != sender["hostname"]


def _identity(sender: Mapping) -> tuple:
    """A name alone may stand for an old and a new sender at once, for example after its address changed."""
    return sender["name"], sender["ip"], sender["vmta"]


def _key(record: Mapping) -> tuple:
    return record["name"], record["type"], record["match"]


def _record(name, rtype, ttl, values, sender, purpose, match="", optional=False) -> dict:
    return {
        "name": plain_name(name),
        "type": rtype,
        "ttl": ttl,
        "values": list(values),
        "match": match,
        "sender": sender,
        "purpose": purpose,
        "optional": optional,
    }


def _address_type(ip: str) -> str:
    return "AAAA" if ipaddress.ip_address(ip).version == 6 else "A"


def _zone_problem(sender: Mapping, error: ValueError) -> Problem:
    return Problem(
        f"sender {sender['name']}, ptr.zone", str(error), "Name the reverse zone its address lies in, or none"
    )


def _records(senders: Sequence[Mapping], tenants: Mapping[str, Mapping], ttl: int) -> list[dict]:
    """The records of these senders together. Senders that share a domain (routing pool) share its MX, SPF, DKIM,
    DMARC."""
    problems: list[Problem] = []
    found: dict[tuple, dict] = {}

    def add(record: dict) -> None:
        known = found.setdefault(_key(record), record)
        if sorted(known["values"]) != sorted(record["values"]):
            place = f"{record['name']} {record['type']}"
            what = f"senders {known['sender']} and {record['sender']} want different values there"
            problems.append(Problem(place, what, "Give each its own hostname, address and domain"))

    domains: dict[str, list[Mapping]] = {}
    for sender in senders:
        domains.setdefault(plain_name(sender["domain"]), []).append(sender)
    for domain, members in domains.items():
        owners = sorted({member["tenant"] for member in members})
        if len(owners) > 1:
            what = f"tenants {' and '.join(owners)} send with it"
            problems.append(
                Problem(f"domain {domain}", what, "Nothing is shared between tenants; give each its own domain")
            )
            continue
        for record in _of_domain(domain, members, tenants[owners[0]], ttl, problems):
            add(record)
    for sender in senders:
        for record in _of_host(sender, ttl, problems):
            add(record)
    if problems:
        raise FleetError(problems)
    return [found[key] for key in sorted(found)]


def _of_domain(
    domain: str, members: Sequence[Mapping], tenant: Mapping, ttl: int, problems: list[Problem]
) -> list[dict]:
    first = members[0]["name"]
    hosts = list(dict.fromkeys(plain_name(member["hostname"]) for member in members))[:MX_HOSTS]
    records = [_record(domain, "MX", ttl, [f"{MX_PREFERENCE} {dotted(host)}" for host in hosts], first, "mail")]
    try:
        texts = spf_texts(domain, [member["ip"] for member in members], tenant.get("spf_mechanisms") or ())
        records += [_record(name, "TXT", ttl, [text], first, "spf", SPF) for name, text in texts.items()]
    except ValueError as error:
        remedy = "Choose routing by_sender, use addresses in whole ranges, or divide the tenant into several domains"
        problems.append(Problem(f"tenant {tenant['name']}, SPF of {domain}", str(error), remedy))
    for member in members:
        if member.get("selector") and member.get("public"):
            name, text = record_name(member["selector"], domain), record_text(member["public"])
            records.append(_record(name, "TXT", ttl, [text], member["name"], "dkim"))
    dmarc = tenant.get("dmarc") or {}
    try:
        records.append(_record(f"_dmarc.{domain}", "TXT", ttl, [dmarc_text(domain, dmarc)], first, "dmarc", DMARC))
        records += _authorisations(domain, dmarc, tenant, first, ttl)
    except ValueError as error:
        problems.append(Problem(f"tenant {tenant['name']}, dmarc", str(error), "Correct it (RFC 9989 has the tags)"))
    return records


def _of_keys(senders: Iterable[Mapping], keys: Iterable[Mapping], ttl: int) -> list[dict]:
    """The records of keys that do not sign, of the domains that these senders have; without values for those to go."""
    first: dict[str, str] = {}
    for sender in senders:
        first.setdefault(plain_name(sender["domain"]), sender["name"])
    return [
        _record(
            record_name(key["selector"], key["domain"]),
            "TXT",
            ttl,
            [key["text"]] if key["text"] else [],
            first[plain_name(key["domain"])],
            "dkim",
        )
        for key in keys
        if plain_name(key["domain"]) in first
    ]


def _authorisations(domain: str, dmarc: Mapping, tenant: Mapping, sender: str, ttl: int) -> list[dict]:
    records = []
    for tag in ("rua", "ruf"):
        for uri in report_addresses(domain, dmarc, tag):
            target = plain_name(uri.partition("@")[2])
            if needs_authorisation(domain, target, tenant.get("domain")):
                name = f"{domain}._report._dmarc.{target}"
                records.append(_record(name, "TXT", ttl, [DMARC], sender, "dmarc_report", DMARC, optional=True))
    return records


def _of_host(sender: Mapping, ttl: int, problems: list[Problem]) -> list[dict]:
    hostname, ip, name = plain_name(sender["hostname"]), sender["ip"], sender["name"]
    records = [_record(hostname, _address_type(ip), ttl, [str(ipaddress.ip_address(ip))], name, "address")]
    if hostname != plain_name(sender["domain"]):
        # RFC 7208 2.3: receivers may check the HELO name, and do so for bounces, whose MAIL FROM is empty.
        text = spf_texts(hostname, [ip])[hostname]
        records.append(_record(hostname, "TXT", ttl, [text], name, "helo", SPF))
    if sender["ptr"]["method"] == "rfc2136":
        try:
            records.append(
                _record(ptr_name(ip, sender["ptr"].get("zone")), "PTR", ttl, [dotted(hostname)], name, "ptr")
            )
        except ValueError as error:
            problems.append(_zone_problem(sender, error))
    return records


def _of_leaving(sender: Mapping, tenants: Mapping[str, Mapping], ttl: int) -> list[dict]:
    """What one leaving sender had. Its tenant may have left the inventory, too; its values need not be known, only its
    names."""
    tenant = tenants.get(sender["tenant"], {"name": sender["tenant"], "dmarc": {}})
    problems: list[Problem] = []
    domain, name = plain_name(sender["domain"]), sender["name"]
    records = _of_host(sender, ttl, problems)
    records.append(_record(domain, "MX", ttl, [f"{MX_PREFERENCE} {dotted(sender['hostname'])}"], name, "mail"))
    records.append(_record(domain, "TXT", ttl, [], name, "spf", SPF))
    records.append(_record(f"_dmarc.{domain}", "TXT", ttl, [], name, "dmarc", DMARC))
    if sender.get("selector"):
        records.append(_record(record_name(sender["selector"], domain), "TXT", ttl, [], name, "dkim"))
    records += _authorisations(domain, tenant.get("dmarc") or {}, tenant, name, ttl)
    for record in records:
        if record["match"]:
            record["values"] = []  # whatever of ours stands there now
    if problems:
        raise FleetError(problems)
    return records
