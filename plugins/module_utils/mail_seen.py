# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One real message from each sender: who is asked to send it, and what the mailbox that got it shows of the sender."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence

from .dns_text import plain_name
from .fleet.status import delivers
from .proof import proof_messages

OK, WRONG, MISSING, UNKNOWN = "ok", "wrong", "missing", "unknown"
#: What a row says: that it arrived, from which address, under which name in EHLO, signed by a key that is published.
EDGES = ("received", "source_ip", "ehlo", "dkim")
#: Of all of them, in a report of the DNS check.
MAIL = "mail"
REMEDIES = {
    "received": "Look into the mailbox's folder for spam, and at what PowerMTA still holds (pmta show queues).",
    "source_ip": "Look at smtp-source-host of its virtual MTA (playbooks/drift.yml), and whether the network translates addresses.",
    "ehlo": "Look at smtp-source-host of its virtual MTA (playbooks/drift.yml).",
    "dkim": "Look at its key and its record (the edge dkim of dns_check, playbooks/drift.yml), and what changes messages on their way.",
}
_REFUSED = "Read what PowerMTA answered; a feeder that is known by its address alone cannot be stood in for."
_UNREAD = "Look at dns_check_probe_mailbox: server, login, folder, and whether the host that reads it has dkimpy and dnspython."
_FROM = re.compile(r"^\s*from\s+(?P<name>\S+)(?P<rest>.*?)(?:\sby\s|$)", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(r"\[(?:IPv6:)?(?P<ip>[0-9A-Fa-f.:]+)\]")


def probe_messages(document: Mapping, mailbox: str, run: str, mta: str) -> list[dict]:
    """One message from each sender of host *mta* that may send now, as smtp_probe takes them; user: the login of its tenant's
    feeder, None where the tenant has only feeders that are known by their address."""
    logins = {
        tenant["name"]: next((one["user"] for one in tenant["feeders"] if one.get("user")), None)
        for tenant in document["tenants"]
    }
    senders = [sender for sender in document["senders"] if sender["mta"] == mta and delivers(sender)]
    tenants = {sender["name"]: sender["tenant"] for sender in senders}
    return [
        {**message, "user": logins[tenants[message["sender"]]]}
        for message in proof_messages({**document, "senders": senders}, [mailbox], run)
    ]


def judge(sender: Mapping, received: Sequence[str], signatures: Iterable[Mapping]) -> dict:
    """``{edge: {"verdict", "found"}}`` of a message that arrived. received: its Received headers, the latest first;
    signatures: as dkim_verify has them.

    A provider may hand a message on within itself, so the hop from the sender's address is looked for in all of them."""
    hops = [hop for hop in map(_hop, received) if hop]
    own = [name for ip, name in hops if ip == _plain(sender["ip"])]
    seen = ", ".join(dict.fromkeys(ip for ip, _name in hops)) or "no address"
    found = {"received": (OK, "")}
    found["source_ip"] = (OK, sender["ip"]) if own else (WRONG if hops else UNKNOWN, seen)
    if own:
        hostname = plain_name(sender["hostname"])
        found["ehlo"] = (OK if hostname in own else WRONG, ", ".join(own))
    else:
        found["ehlo"] = (UNKNOWN, "its hop is not among the headers")
    found["dkim"] = _signed(plain_name(sender["domain"]), list(signatures))
    return {edge: {"verdict": verdict, "found": text} for edge, (verdict, text) in found.items()}


def lost(accepted: bool, reply: str) -> dict:
    """The same of a message that did not arrive. Who did not take it knows why."""
    edges = {edge: {"verdict": UNKNOWN, "found": ""} for edge in EDGES}
    if accepted:
        edges["received"] = {"verdict": MISSING, "found": "accepted, and not there in time"}
    else:
        edges["received"] = {"verdict": UNKNOWN, "found": f"not handed in: {reply}"}
    return edges


def lines(rows: Iterable[Mapping]) -> list[str]:
    """A head line, then each edge that is not ok."""
    rows = list(rows)
    good = sum(all(edge["verdict"] == OK for edge in row["edges"].values()) for row in rows)
    told = [f"{good} of {len(rows)} messages arrived as they should"]
    for row in rows:
        told += [
            f"{row['sender']}: {name} is {edge['verdict']}: {edge['found']}. {_remedy(name, edge)}"
            for name, edge in row["edges"].items()
            if edge["verdict"] != OK and edge["found"]
        ]
    return told


def merged(checked: Sequence[Mapping], sent: Iterable[Mapping], result: Mapping) -> list[dict]:
    """The senders of a DNS check with one edge more, `MAIL`, where a message was sent. sent: as `probe_messages` has them; result: of
    mail_probe, which may have failed. Only what arrived and is wrong makes a sender not green: what did not arrive, or could not be
    read, is unknown."""
    rows = {row["sender"]: row["edges"] for row in result.get("senders") or ()}
    why = str(result.get("msg") or "nobody looked into the mailbox")
    edges = {one["sender"]: _mail(rows.get(one["sender"]), why) for one in sent}
    found = []
    for sender in checked:
        edge = edges.get(sender["name"])
        if edge is None:
            found.append(dict(sender))
            continue
        green = sender["green"]
        if edge["verdict"] == WRONG:
            green = "no"
        elif edge["verdict"] == UNKNOWN and green == "yes":
            green = "unknown"
        found.append({**sender, "green": green, "edges": {**sender["edges"], MAIL: edge}})
    return found


def _mail(edges: Mapping[str, Mapping] | None, why: str) -> dict[str, str]:
    """One edge of all those of a message."""
    if edges is None:
        edges, remedy = {"received": {"verdict": UNKNOWN, "found": why}}, _UNREAD
    else:
        remedy = ""
    there = edges["received"]["verdict"] == OK
    wrong = [name for name, edge in edges.items() if there and edge["verdict"] in (WRONG, MISSING)]
    bad = wrong or [name for name, edge in edges.items() if edge["verdict"] != OK and edge["found"]]
    return {
        "verdict": WRONG if wrong else UNKNOWN if bad else OK,
        "wanted": "a message from the sender's address, by its name, with its signature",
        "found": "; ".join(f"{name}: {edges[name]['found']}" for name in bad),
        "server": "",
        "remedy": remedy or " ".join(dict.fromkeys(_remedy(name, edges[name]) for name in bad)),
    }


def _remedy(name: str, edge: Mapping) -> str:
    return _REFUSED if name == "received" and edge["verdict"] == UNKNOWN else REMEDIES[name]


def _plain(address: str) -> str:
    return str(ipaddress.ip_address(address))


def _hop(header: str) -> tuple[str, str] | None:
    """(address, name in EHLO) of one Received header, None where it does not come from elsewhere."""
    match = _FROM.match(header)
    if not match:
        return None
    # The name may be an address literal itself, which says nothing about who connected.
    address = _ADDRESS.search(match["rest"])
    try:
        return (_plain(address["ip"]), plain_name(match["name"])) if address else None
    except ValueError:
        return None


def _signed(domain: str, signatures: list[Mapping]) -> tuple[str, str]:
    own = [one for one in signatures if one["domain"] == domain]
    if not own:
        return MISSING, f"no signature of {domain}"
    for verdict, meaning in (("yes", OK), ("unknown", UNKNOWN), ("no", WRONG)):
        for one in own:
            if one["verdict"] == verdict:
                return meaning, one["why"] or f"signed by {one['selector']}"
    return UNKNOWN, ""
