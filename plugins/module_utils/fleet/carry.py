# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Senders that left, or are declared retired: kept until their queue is empty, then let go."""

from __future__ import annotations

import typing as t

from ..problems import FleetError, Problem
from .status import is_routed

#: What two senders cannot both own, were the one still kept while the other is new.
_OWNED = ("ip", "hostname", "domain", "vmta", "from_email")
#: What queued mail was written for: were it changed under its virtual MTA, that mail would leave unaligned.
_IDENTITY = ("ip", "hostname", "domain")
#: What the engine decides about a sender that leaves; the rest is what its queued mail was written for.
_ENGINES = ("status", "paused", "reasons")


def carry_over(document: t.Mapping, hosts: t.Mapping[str, t.Mapping]) -> dict:
    """A copy of *document* with the senders that a PowerMTA host still holds but the inventory no longer declares,
    or declares ``retired``, or that the engine's document says are leaving (``declared`` false).

    hosts: ``{mta: {"senders": [...as last applied there], "queued": {vmta: recipients}, "queued_known": true}}``.
    Removal takes two steps, so that no message can meet a virtual MTA that has just vanished (PowerMTA bounces it,
    5.3.5): first the sender loses its routing entry and becomes ``retiring``; a later run that finds its queue empty
    puts it into ``gone``, whose DNS records, address and virtual MTA are removed. Until then a sender declared
    ``retired`` is represented by what the host holds; afterwards its declaration remains and means nothing.

    An identity that changes under the same virtual MTA takes one step, with an empty queue. What is handed in between
    the look at the queue and the reload was meant for the old identity and leaves with the new one (other address or
    signature, perhaps unaligned; nothing is lost). Whoever cannot accept those seconds stops the campaign first, or
    gives the new identity a virtual MTA of its own.

    Of a sender that leaves by the engine's word, the engine also says how it fares: one that is stopped stays stopped, whatever the
    host was last told. It goes when its host neither holds it nor has mail in its virtual MTA; on a host that was not looked at it stays.
    Raises FleetError when a new sender wants what a kept one with queued mail still owns.
    """
    leaving = {(one["mta"], one["vmta"]): one for one in document["senders"] if not one["declared"]}
    result = {**document, "senders": [one for one in document["senders"] if one["declared"]], "gone": []}
    # A sender declared retired owns nothing: what the host still holds of it leaves like one that was taken out.
    standing = [sender for sender in result["senders"] if sender["status"] != "retired"]
    declared = {(sender["mta"], sender["vmta"]): sender for sender in standing}
    owners = {key: {sender[key]: sender for sender in standing} for key in _OWNED}
    tenants = {tenant["name"] for tenant in document["tenants"]}
    pooled = {tenant["name"] for tenant in document["tenants"] if tenant["routing"] == "pool"}
    problems = []
    for mta, found in hosts.items():
        for old in found.get("senders") or []:
            word = leaving.pop((mta, old["vmta"]), None)
            if word is not None:
                old = {**old, **{key: word[key] for key in _ENGINES}}
            queued = (found.get("queued") or {}).get(old["vmta"], 0)
            new = declared.get((mta, old["vmta"]))
            if new is not None:
                changed = [(key, new) for key in _IDENTITY if new[key] != old[key]]
                if changed and queued:
                    problems.append(_still_needed(mta, old, queued, changed))
                elif changed:
                    result["gone"].append({**old, "status": "retired"})
                continue
            keys = [key for key in _OWNED if key in ("ip", "hostname", "vmta") or old["tenant"] not in pooled]
            taken = [(key, owners[key][old[key]]) for key in keys if old[key] in owners[key]]
            if queued and (taken or old["tenant"] not in tenants):
                problems.append(_still_needed(mta, old, queued, taken))
            elif not queued and (taken or not is_routed(old) or old["tenant"] not in tenants):
                result["gone"].append({**old, "status": "retired"})
            else:
                _keep(result["senders"], {**old, "declared": False, "status": _leaving(old)})
    for sender in leaving.values():
        if _may_hold(hosts.get(sender["mta"]), sender["vmta"]):
            result["senders"].append({**sender, "status": _leaving(sender)})
        else:
            result["gone"].append({**sender, "status": "retired"})
    if problems:
        raise FleetError(problems)
    return result


def _may_hold(found: t.Mapping | None, vmta: str) -> bool:
    """Whether mail may wait in a virtual MTA that the host's record does not name: it was not looked at, or could not be understood."""
    if found is None or not found.get("queued_known", True):
        return True
    return bool((found.get("queued") or {}).get(vmta))


def _keep(senders: list[dict], kept: dict) -> None:
    """Put *kept* in the place of its declaration as retired, else at the end."""
    same = [
        index
        for index, sender in enumerate(senders)
        if sender["status"] == "retired" and (sender["vmta"] == kept["vmta"] or sender["name"] == kept["name"])
    ]
    for index in reversed(same[1:]):
        del senders[index]
    if same:
        senders[same[0]] = kept
    else:
        senders.append(kept)


def _leaving(old: t.Mapping) -> str:
    """A sender that may send empties its queue; a stopped one stays stopped, its queue held."""
    return "retiring" if old["status"] in ("warming", "active", "retiring") else old["status"]


def applied(
    engine: t.Mapping, document: t.Mapping, hosts: t.Mapping[str, t.Mapping], keys: t.Iterable[t.Mapping]
) -> dict:
    """What a converge has to tell the engine: ``{"keys", "gone", "waiting"}``.

    engine: the document it gave. document: the same after `carry_over`. keys: what the hosts' ``dkim_keys`` returned. gone: senders
    that left by the engine's word and are no more. waiting: recipients in the queues of the senders of the engine, where known.
    """
    domains = {sender["domain"] for sender in engine["senders"]}
    there = {sender["name"] for sender in document["senders"]}
    gone = {sender["name"] for sender in document["gone"]} - there
    waiting = {}
    for sender in engine["senders"]:
        found = hosts.get(sender["mta"])
        if found is not None and found.get("queued_known", True):
            waiting[sender["name"]] = (found.get("queued") or {}).get(sender["vmta"], 0)
    return {
        "keys": [
            {name: key[name] for name in ("domain", "selector", "path", "public")}
            for key in keys
            if key["domain"] in domains
        ],
        "gone": [sender["name"] for sender in engine["senders"] if not sender["declared"] and sender["name"] in gone],
        "waiting": waiting,
    }


def _waiting(queued: int) -> str:
    # -1: PowerMTA gave no readable answer, which must not pass for an empty queue.
    return f"{queued} recipients wait" if queued > 0 else "an unknown number of recipients may wait"


def _still_needed(mta: str, old: t.Mapping, queued: int, taken: list) -> Problem:
    if taken and taken[0][1]["vmta"] == old["vmta"] and taken[0][1]["mta"] == mta:
        key, new = taken[0]
        what = f"its {key} would change from {old[key]} to {new[key]}"
    elif taken:
        key, new = taken[0]
        what = f"{old[key]} now belongs to {new['name']} ({new['vmta']})"
    else:
        what = f"its tenant {old['tenant']} left the inventory"
    return Problem(
        f"sender {old['name']}",
        f"{what}, but {_waiting(queued)} in {old['vmta']} on {mta}",
        f"Keep it in the inventory with status retiring until `pmta show vmtas` reports no recipients for {old['vmta']}"
        f" (or delete that mail: pmta delete --queue='*/{old['vmta']}').",
    )
