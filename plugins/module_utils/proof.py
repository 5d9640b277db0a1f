# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver must have seen of each sender, and whether it did."""

from __future__ import annotations

import typing as t

#: The edges of a sender's identity that a row judges, in the order they are shown.
EDGES = ("received", "source_ip_ok", "ehlo_ok", "fcrdns_ok", "spf", "dkim", "dmarc")


def proof_rows(document: t.Mapping, sent: t.Sequence[t.Mapping], delivered: t.Sequence[t.Mapping]) -> list[dict]:
    """One row a sender, in fleet order, over all messages sent as it.

    sent: ``[{"sender": name, "id": token in the subject, "accepted": bool, "reply": text}]``.
    delivered: as the mailbox reader gives it, ``[{"subject", "source_ip", "ehlo", "client_name",
    "authentication_results": {"spf", "dkim": {"result", "domain"}, "dmarc"}}]``; client_name is the forward-confirmed
    reverse name, or "unknown". Each message is expected exactly once.
    A row is ``{"sender", "ip", edges..., "ok", "broken": [texts]}``.
    """
    rows = []
    for sender in document["senders"]:
        wanted = [message for message in sent if message["sender"] == sender["name"]]
        if not wanted:
            continue
        rows.append(_row(sender, wanted, delivered))
    return rows


def _row(sender: t.Mapping, wanted: t.Sequence[t.Mapping], delivered: t.Sequence[t.Mapping]) -> dict:
    seen = []
    broken = []
    for message in wanted:
        found = [one for one in delivered if message["id"] in (one.get("subject") or "")]
        if len(found) == 1:
            seen += found
        elif found:
            broken.append(f"{message['id']} was delivered {len(found)} times")
        elif not message["accepted"]:
            broken.append(f"{message['id']} was refused at injection: {message['reply']}")
        else:
            broken.append(f"{message['id']} was accepted and not delivered")
    row = {
        "sender": sender["name"],
        "ip": sender["ip"],
        "received": not broken,
        "source_ip_ok": _all(seen, "source_ip", sender["ip"]),
        "ehlo_ok": _all(seen, "ehlo", sender["hostname"]),
        "fcrdns_ok": _all(seen, "client_name", sender["hostname"]),
        "spf": _worst(one["authentication_results"].get("spf") for one in seen),
        "dkim": _worst(_aligned_dkim(one, sender["domain"]) for one in seen),
        "dmarc": _worst(one["authentication_results"].get("dmarc") for one in seen),
    }
    for edge, field, want in (
        ("source_ip_ok", "source_ip", "ip"),
        ("ehlo_ok", "ehlo", "hostname"),
        ("fcrdns_ok", "client_name", "hostname"),
    ):
        if seen and not row[edge]:
            found = sorted({str(one.get(field)) for one in seen if one.get(field) != sender[want]})
            broken.append(f"{field} should be {sender[want]}, the receiver saw {', '.join(found)}")
    broken += [f"{edge} is {row[edge]}" for edge in ("spf", "dkim", "dmarc") if seen and row[edge] != "pass"]
    return {**row, "ok": not broken, "broken": broken}


def _all(seen: t.Sequence[t.Mapping], field: str, value: str) -> bool:
    return bool(seen) and all(one.get(field) == value for one in seen)


def _worst(verdicts: t.Iterable[str | None]) -> str:
    """``pass`` when each verdict is; otherwise the first that is not."""
    found = [verdict or "none" for verdict in verdicts]
    return next((verdict for verdict in found if verdict != "pass"), "pass" if found else "none")


def _aligned_dkim(message: t.Mapping, domain: str) -> str:
    """The DKIM verdict on the signature of the sending domain; a pass for another domain is not one."""
    dkim = message["authentication_results"].get("dkim") or {}
    signatures = dkim if isinstance(dkim, (list, tuple)) else [dkim]
    own = [one.get("result") for one in signatures if one.get("domain") == domain]
    if own:
        return "pass" if "pass" in own else str(own[0])
    other = [str(one.get("domain")) for one in signatures if one.get("domain")]
    return f"signed by {', '.join(other)}" if other else "none"
