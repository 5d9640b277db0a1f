# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every edge with its judge, the names whose servers have to be asked, and the questions that are certain to come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from .answers import Look, Question
from .dmarc import judge_dmarc
from .edges import Edge
from .facts import Facts
from .identity import judge_a, judge_ptr
from .keys import judge_dkim
from .mail import judge_mx
from .mta import Hosts, mta_judge
from .spf import Evaluate, judge_helo_spf, judge_spf


@dataclass(frozen=True)
class Judge:
    """names: each of their authoritative servers gives a view of its own. questions: to be asked at once, the rest
    follows from the answers."""

    judge: Callable[[Facts, Look], Edge]
    names: Callable[[Facts], tuple[str, ...]]
    questions: Callable[[Facts], tuple[Question, ...]]


def judges(evaluate: Evaluate, mtas: Hosts) -> dict[str, Judge]:
    """{edge: Judge}, the edges as in EDGES. evaluate: SPF's check_host. mtas: what was seen on the MTA hosts."""

    def host(facts: Facts) -> tuple[str, ...]:
        return (facts.hostname,)

    def domain(facts: Facts) -> tuple[str, ...]:
        return (facts.domain,)

    def key(facts: Facts) -> tuple[str, ...]:
        return (facts.key_name,) if facts.key_name else ()

    def policy(facts: Facts) -> tuple[str, ...]:
        return (f"_dmarc.{facts.from_domain}", *facts.report_names)

    def addresses(facts: Facts) -> tuple[Question, ...]:
        return tuple((facts.hostname, rtype) for rtype in (facts.address_type, facts.other_type, "CNAME"))

    return {
        "mta": Judge(mta_judge(mtas), lambda _facts: (), lambda _facts: ()),
        "a": Judge(judge_a, host, addresses),
        "ptr": Judge(judge_ptr, lambda facts: facts.ptr_names, lambda facts: ((facts.ptr_names[0], "PTR"),)),
        "spf": Judge(
            partial(judge_spf, evaluate=evaluate),
            domain,
            lambda facts: ((facts.domain, "TXT"), (facts.domain, "CNAME")),
        ),
        "helo_spf": Judge(partial(judge_helo_spf, evaluate=evaluate), host, lambda facts: ((facts.hostname, "TXT"),)),
        "dkim": Judge(
            judge_dkim, key, lambda facts: tuple((name, rtype) for name in key(facts) for rtype in ("TXT", "CNAME"))
        ),
        "dmarc": Judge(
            judge_dmarc, policy, lambda facts: tuple((policy(facts)[0], rtype) for rtype in ("TXT", "CNAME"))
        ),
        "mx": Judge(judge_mx, domain, lambda facts: ((facts.domain, "MX"), (facts.hostname, "A"))),
    }
