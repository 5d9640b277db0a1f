# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a receiver must have seen of each sender, and whether it did."""

from __future__ import annotations

import typing as t

#: The edges of a sender's identity that a row judges, in the order they are shown.
EDGES = ("received", "source_ip_ok", "ehlo_ok", "fcrdns_ok", "spf", "dkim", "dmarc")


def proof_messages(document: t.Mapping, recipients: t.Sequence[str], run: str) -> list[dict]:
    """One message from each sender to each recipient, as ``smtp_probe`` takes them; only the From header says whose.

    The envelope sender is a VERP address of the sender's own domain, as a campaign tool writes it. ``run`` tells this
    run's messages from all others.
    """
    messages = []
    for number, sender in enumerate(document["senders"]):
        for recipient in recipients:
            token = f"{run}-{number}-{recipient.split('@')[1]}"
            name = f'"{sender["from_name"]}" ' if sender["from_name"] else ""
            local, domain = recipient.split("@")
            messages.append(
                {
                    "sender": sender["name"],
                    "id": token,
                    "mail_from": f"bounce+{local}={domain}@{sender['domain']}",
                    "rcpt_to": [recipient],
                    "headers": [
                        f"From: {name}<{sender['from_email']}>",
                        f"To: {recipient}",
                        f"Subject: Proof {token}",
                        f"Message-ID: <{token}@{sender['domain']}>",
                        f"List-Unsubscribe: <https://{sender['domain']}/u/{token}>",
                        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
                    ],
                    "body": f"One message as {sender['name']}.",
                }
            )
    return messages


def proof_rows(
    document: t.Mapping,
    messages: t.Sequence[t.Mapping],
    replies: t.Sequence[t.Mapping],
    delivered: t.Sequence[t.Mapping],
) -> list[dict]:
    """One row a sender, in fleet order, over all messages sent as it.

    messages: of ``proof_messages``. replies: what ``smtp_probe`` returned, ``[{"id", "accepted", "reply"}]``.
    delivered: as the mailbox reader gives it, ``[{"subject", "source_ip", "ehlo", "client_name",
    "authentication_results": {"spf", "dkim_all": [{"result", "domain"}], "dmarc"} or null}]``; client_name is the forward-confirmed
    reverse name, or "unknown". Each message is expected exactly once.
    A row is ``{"sender", "ip", edges..., "ok", "broken": [texts]}``.
    """
    answers = {reply["id"]: reply for reply in replies}
    rows = []
    for sender in document["senders"]:
        wanted = [answers[message["id"]] for message in messages if message["sender"] == sender["name"]]
        if not wanted:
            continue
        rows.append(_row(sender, wanted, delivered))
    return rows


def _verdicts(message: t.Mapping) -> t.Mapping:
    return message.get("authentication_results") or {}


def _row(sender: t.Mapping, wanted: t.Sequence[t.Mapping], delivered: t.Sequence[t.Mapping]) -> dict:
    seen = []
    broken = []
    for message in wanted:
        found = [one for one in delivered if (one.get("subject") or "").endswith(f" {message['id']}")]
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
        "spf": _worst(_verdicts(one).get("spf") for one in seen),
        "dkim": _worst(_aligned_dkim(one, sender["domain"]) for one in seen),
        "dmarc": _worst(_verdicts(one).get("dmarc") for one in seen),
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
    verdicts = _verdicts(message)
    signatures = verdicts.get("dkim_all") or [verdicts.get("dkim") or {}]
    own = [one.get("result") for one in signatures if one.get("domain") == domain]
    if own:
        return "pass" if "pass" in own else str(own[0])
    other = [str(one.get("domain")) for one in signatures if one.get("domain")]
    return f"signed by {', '.join(other)}" if other else "none"


def proof_table(rows: t.Sequence[t.Mapping]) -> list[str]:
    """The rows as lines of text, the broken edges below their sender."""
    columns = ["sender", "ip", *EDGES]
    cells = [columns] + [[_cell(row[column]) for column in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in cells]
    table = lines[:1]
    for line, row in zip(lines[1:], rows):
        table.append(line)
        table += [f"    BROKEN: {text}" for text in row["broken"]]
    return table


def _cell(value: object) -> str:
    return {True: "yes", False: "NO"}[value] if isinstance(value, bool) else str(value)
