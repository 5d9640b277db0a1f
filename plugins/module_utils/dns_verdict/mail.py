# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MX: bounces, complaints and postmaster of the sending domain have to arrive somewhere."""

from __future__ import annotations

from ..dns_text import plain_name
from . import edges
from .answers import Blind, Look, sure
from .edges import MISSING, OK, WRONG, Edge, shown
from .facts import Facts

_REMEDY = "Correct the MX, or publish the address of its host"


def judge_mx(facts: Facts, look: Look) -> Edge:
    """The domain has MX records, not the null one (RFC 7505), and each leads to a name with an address that is no alias."""
    wanted = f"{facts.domain} MX {facts.mx}"
    try:
        answer = sure(look, facts.domain, "MX")
        if answer.absent:
            return Edge(MISSING, wanted, answer.state, "", edges.PUBLISH)
        for value in answer.values:
            fault = _fault(value, look)
            if fault:
                return Edge(WRONG, wanted, fault, "", _REMEDY)
    except Blind as error:
        return edges.blind(wanted, error)
    return Edge(OK, wanted, shown(answer.values))


def _fault(value: str, look: Look) -> str:
    """What is wrong with one MX value, or "". Raises Blind."""
    preference, _space, host = value.partition(" ")
    target = plain_name(host)
    if not target:
        return f"{preference} ., which says that the domain takes no mail"
    address = sure(look, target, "A")
    if address.aliases:
        return f"{target}, which is an alias of {address.aliases[0]} (RFC 2181 10.3)"
    if address.absent:
        address = sure(look, target, "AAAA")
    return f"{target}, which has no address" if address.absent else ""
