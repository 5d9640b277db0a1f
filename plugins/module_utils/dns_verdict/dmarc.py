# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DMARC: a policy that receivers find, mail that is aligned with it, and reports that reach us (RFC 9989, RFC 9990)."""

from __future__ import annotations

from ..dns_text import is_name, plain_name
from . import edges
from .answers import Blind, Look, sure
from .edges import MISSING, OK, WRONG, Edge, shown
from .facts import Facts
from .identity import alias_of
from .tree import Policy, is_dmarc, organisation, policy_at, policy_for, walk

_POLICIES = ("none", "quarantine", "reject")
_CHOICES = {"p": _POLICIES, "sp": _POLICIES, "np": _POLICIES, "adkim": ("r", "s"), "aspf": ("r", "s"), "t": ("y", "n")}
_CORRECT = "Correct the record (RFC 9989 4.7)"


def judge_dmarc(facts: Facts, look: Look) -> Edge:
    """The From domain has a policy, alone at its name; DKIM and SPF domains are aligned with it; the reports that the
    fleet wants are asked for, and every receiver of reports consents."""
    wanted = f"_dmarc.{facts.from_domain} TXT {shown([facts.dmarc])}"
    try:
        own = policy_at(facts.from_domain, look)
        if len(own.texts) > 1:
            found = f"{len(own.texts)} records: {shown(own.texts)}"
            return Edge(WRONG, wanted, found, "", "Leave one: several are none to receivers")
        if own.fault:
            return Edge(WRONG, wanted, f"{own.fault}: {shown(own.texts)}", "", _CORRECT)
        if own.texts:
            answer = sure(look, f"_dmarc.{facts.from_domain}", "TXT")
            beside = "" if answer.aliases else alias_of(f"_dmarc.{facts.from_domain}", answer, look)
            if beside:
                return Edge(WRONG, wanted, beside, "", edges.ONE_OF_TWO)
        policy = policy_for(facts.from_domain, look)
        if policy is None:
            return Edge(MISSING, wanted, "no DMARC record, nor at a parent", "", edges.PUBLISH)
        return _judge(facts, policy, wanted, look)
    except Blind as error:
        return edges.blind(wanted, error)


def _judge(facts: Facts, policy: Policy, wanted: str, look: Look) -> Edge:
    found = f"_dmarc.{policy.name}: {shown(policy.texts)}"
    for tag, choices in _CHOICES.items():
        if tag in policy.tags and policy.tags[tag].lower() not in choices:
            return Edge(WRONG, wanted, f"{tag}={policy.tags[tag]} at {found}", "", _CORRECT)
    unaligned = _unaligned(facts, policy, look)
    if unaligned:
        remedy = "Send with a From address of the sending domain, or relax adkim and aspf"
        return Edge(WRONG, wanted, f"{unaligned} by {found}", "", remedy)
    uris = [uri.strip() for uri in policy.tags.get("rua", "").split(",") if uri.strip()]
    asked = {_mailbox(uri) for uri in uris}
    lost = [uri for uri in facts.report_uris if _mailbox(uri) not in asked]
    if lost:
        return Edge(
            WRONG, wanted, f"no reports to {', '.join(lost)}: {found}", "", "Add it to rua: site.yml publishes it so"
        )
    for uri in uris:
        edge = _consent(uri, policy, wanted, look)
        if edge.verdict != OK:
            return edge
    return Edge(OK, wanted, found)


def _unaligned(facts: Facts, policy: Policy, look: Look) -> str:
    """In words, which identifier does not match the From domain (RFC 9989 4.4), or "". Raises Blind."""
    if facts.domain == facts.from_domain:
        return ""
    for tag, what in (("adkim", "DKIM"), ("aspf", "SPF")):
        if policy.tags.get(tag, "r").lower() == "s":
            return f"{what} of {facts.domain} is not aligned with {facts.from_domain} (strict)"
    if _organisation(facts.domain, look) != _organisation(facts.from_domain, look):
        return f"{facts.domain} is not aligned with {facts.from_domain}"
    return ""


def _organisation(domain: str, look: Look) -> str:
    return organisation(domain, walk(domain, look))


def _mailbox(uri: str) -> str:
    # A size limit after "!" is not part of the address any more (RFC 9989), but older records have it.
    return uri.partition("!")[0].lower()


def _consent(uri: str, policy: Policy, wanted: str, look: Look) -> Edge:
    """Whether a foreign receiver of reports says that it takes them (RFC 9990 4). Raises Blind."""
    target = plain_name(_mailbox(uri).rpartition("@")[2])
    if not uri.lower().startswith("mailto:") or not is_name(target):
        return Edge(WRONG, wanted, f"rua={shown([uri])}", "", "Write mailto:name@domain")
    if target == policy.name or _organisation(target, look) == _organisation(policy.name, look):
        return Edge(OK)
    name = f"{policy.name}._report._dmarc.{target}"
    answer = sure(look, name, "TXT")
    if any(is_dmarc(value) for value in answer.values):
        return Edge(OK)
    remedy = f"Publish {name} TXT v=DMARC1 in the zone of {target}; without it no reports go there"
    if answer.absent:
        return Edge(MISSING, f"{name} TXT v=DMARC1", answer.state, "", remedy)
    return Edge(WRONG, f"{name} TXT v=DMARC1", shown(answer.values), "", remedy)
