# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The host's identity: its name leads to its address and to nothing else, and the address leads back."""

from __future__ import annotations

from . import edges
from .answers import Answer, Blind, Look, sure
from .edges import MISSING, OK, WRONG, Edge, shown
from .facts import Facts

_BY_HAND = "Have the hosting provider set it; the role dns writes the list"


def judge_a(facts: Facts, look: Look) -> Edge:
    """The name of the host has exactly this address, no address of the other family, and is no alias (RFC 5321 2.3.5)."""
    wanted = f"{facts.hostname} {facts.address_type} {facts.ip}"
    try:
        answer = sure(look, facts.hostname, facts.address_type)
        alias = alias_of(facts.hostname, answer, look)
        if alias:
            return Edge(
                WRONG, wanted, alias, "", "Replace the alias by the address; a name that is said in EHLO is none"
            )
        if answer.absent:
            return Edge(MISSING, wanted, answer.state, "", edges.PUBLISH)
        if answer.values != (facts.ip,):
            remedy = "Take away the other addresses, or correct the one that is there"
            return Edge(WRONG, wanted, shown(answer.values), "", remedy)
        other = sure(look, facts.hostname, facts.other_type)
        if not other.absent:
            found = f"also {facts.other_type} {shown(other.values)}"
            return Edge(WRONG, wanted, found, "", "Take it away: the sender does not send from there")
    except Blind as error:
        return edges.blind(wanted, error)
    return Edge(OK, wanted, facts.ip)


def judge_ptr(facts: Facts, look: Look) -> Edge:
    """The address has exactly one name, the host's, and that name leads back (forward-confirmed)."""
    wanted = f"{facts.ip} PTR {facts.hostname}"
    remedy = _BY_HAND if facts.ptr_by_hand else edges.PUBLISH
    try:
        answer = sure(look, facts.ptr_names[0], "PTR")
        if answer.absent:
            return Edge(MISSING, wanted, answer.state, "", remedy)
        if answer.values != (facts.hostname,):
            return Edge(WRONG, wanted, shown(answer.values), "", remedy)
        forward = sure(look, facts.hostname, facts.address_type)
    except Blind as error:
        return edges.blind(wanted, error)
    if facts.ip not in forward.values:
        found = f"{facts.hostname}, which leads to {shown(forward.values) or 'nothing'}"
        return Edge(WRONG, wanted, found, "", "Correct the address of the name: see edge a")
    return Edge(OK, wanted, facts.hostname)


def alias_of(name: str, answer: Answer, look: Look) -> str:
    """In words, the alias at *name*: instead of what was asked for, or beside it, which no zone may have (RFC 2181
    10.1). "" when there is none. Raises Blind."""
    if answer.aliases:
        return f"{name} is an alias of {answer.aliases[0]}"
    if answer.absent:
        return ""
    beside = sure(look, name, "CNAME")
    return f"{name} is an alias of {shown(beside.values)} beside its records" if not beside.absent else ""
