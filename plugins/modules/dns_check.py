#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_check
short_description: Judge what the DNS says about every sender
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks every authoritative server of each name, then the resolvers, and judges each edge of a sender's identity by each
    server's answers. One server that has it wrong is enough, and is named.
  - SPF is evaluated as receivers do it (RFC 7208), for the sender's own address and for strangers.
  - No answer (time-out, SERVFAIL, a lame server) is V(unknown); it is never taken for a missing record, nor for a sound one.
  - Whether the resolvers validate is found out. What one that does refuses for its broken DNSSEC chain is V(wrong), since
    receivers that validate get no answer either.
  - Opens no connection to mail servers, and sends no mail.
requirements:
  - dnspython >= 2.3 (where the module runs, usually the control node)
  - pyspf >= 2.0.14 (there, too)
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  fleet:
    description: The fleet document.
    type: dict
    required: true
  senders:
    description: Names of the senders to check. All that are not retired when not given.
    type: list
    elements: str
  resolvers:
    description:
      - Resolvers, as V(address) or V(address@port). Each is asked and judged; the first also finds the zones' servers.
      - The host's own when not given; they count as one, the next is asked where one gives no answer.
    type: list
    elements: str
  authoritative:
    description:
      - Servers of the zones under some suffixes, with the names that the servers of
        M(email_engine.fleet.dns_publish) have.
      - Zones under none of the suffixes are asked at the addresses of their NS records, IPv6 ones where there is no other.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What messages call it.
        type: str
        required: true
      address:
        description: IP address.
        type: str
        required: true
      port:
        description: Its port, and that of the servers in NS records.
        type: int
        default: 53
      authoritative:
        description:
          - Addresses of all authoritative servers of its zones, as V(address) or V(address@port).
          - Without it, the NS records of each zone are followed. The server itself is always asked.
        type: list
        elements: str
      suffixes:
        description: The domains it serves, reverse ones included. The longest that matches counts.
        type: list
        elements: str
        required: true
  keys:
    description:
      - The keys as the MTA hosts hold them, by host the RV(email_engine.fleet.dkim_keys#module:keys) of M(email_engine.fleet.dkim_keys).
        They are compared with the DNS in the place of those in O(fleet).
      - The key of a sender on a host that is not among them is unknown.
      - The keys in O(fleet) when not given.
    type: dict
  mtas:
    description:
      - What was seen on the MTA hosts, by host the RV(email_engine.fleet.pmta_info#module:bound),
        RV(email_engine.fleet.pmta_info#module:sources) and RV(email_engine.fleet.pmta_info#module:loaded) of
        M(email_engine.fleet.pmta_info).
      - A sender on a host that is not among them is unknown at the edge V(mta).
      - That edge is left out of the answer when not given.
    type: dict
  edges:
    description: The edges to judge; the others are left out of the answer.
    type: list
    elements: str
    choices: [mta, a, ptr, spf, helo_spf, dkim, dmarc, mx]
    default: [mta, a, ptr, spf, helo_spf, dkim, dmarc, mx]
  withdrawn:
    description: Names of DKIM records that are to be void or gone, asked of every authoritative server.
    type: list
    elements: str
    default: []
  signed_name:
    description: A zone with a whole DNSSEC chain, for which a resolver that validates vouches.
    type: str
    default: "."
  broken_name:
    description: A zone with a broken DNSSEC chain, of which a resolver that validates gives nothing.
    type: str
    default: dnssec-failed.org
  timeout:
    description: Seconds to wait for one answer. A question without answer is asked once more, over TCP.
    type: float
    default: 3
  concurrency:
    description: How many questions may be open at once, at most 500.
    type: int
    default: 100
  fail_on:
    description:
      - When to fail, with the same results.
      - V(wrong), when an edge is wrong or missing; V(unknown), also when one is unknown; V(never).
    type: str
    choices: [wrong, unknown, never]
    default: never
seealso:
  - module: email_engine.fleet.dns_publish
"""

EXAMPLES = r"""
- name: Check all senders
  email_engine.fleet.dns_check:
    fleet: "{{ fleet_document }}"
  register: checked

- name: Check two senders before they start, at the servers that take the updates, without their keys
  email_engine.fleet.dns_check:
    fleet: "{{ fleet_document }}"
    senders: [mail4.example.com, mail5.example.com]
    resolvers: [192.0.2.53]
    authoritative: >-
      {{ dns_servers | map('dict2items') | map('rejectattr', 'key', 'match', 'key_') | map('list') | map('items2dict') }}
    fail_on: unknown
"""

RETURN = r"""
senders:
  description: One entry for each sender, in the order of the document.
  returned: when the check was made
  type: list
  elements: dict
  contains:
    name:
      description: The sender.
      type: str
    green:
      description: V(yes) when every edge is ok, V(no) when one is wrong or missing, otherwise V(unknown).
      type: str
    edges:
      description:
        - By edge (V(mta), V(a), V(ptr), V(spf), V(helo_spf), V(dkim), V(dmarc), V(mx)) a dictionary of texts.
        - C(verdict) is V(ok), V(wrong), V(missing) or V(unknown); C(wanted) and C(found) are what should be there and what is;
          C(server) names who said so, and is empty when all agree that it is ok; C(remedy) says what to do, or, when it is
          ok, what to mind.
      type: dict
  sample:
    - name: mail1.example.com
      green: "no"
      edges:
        a:
          verdict: wrong
          wanted: mail1.example.com A 192.0.2.10
          found: 192.0.2.11
          server: ns2.example.com (192.0.2.54)
          remedy: "Other servers of the zone have it right: see why this one does not follow (NOTIFY, transfer, serial)"
withdrawn:
  description: By name in O(withdrawn), what all servers show; V(void), V(gone), V(there) where one has a key, or V(unknown).
  returned: when the check was made
  type: dict
  sample: {s20260101._domainkey.mail1.example.com: void}
summary:
  description: Numbers of senders by colour, and of each edge's verdicts.
  returned: when the check was made
  type: dict
  sample: {senders: 1, "yes": 0, "no": 1, unknown: 0, edges: {a: {ok: 0, wrong: 1, missing: 0, unknown: 0}}}
resolver:
  description:
    - Whether the resolvers validate, V(yes), V(no) or V(unknown); V(no) when one does not.
    - C(servers) has each with C(server), C(validating), C(why) and C(remedy).
  returned: when the check was made
  type: dict
  sample: {validating: "yes", servers: [{server: resolver 192.0.2.53, validating: "yes", why: "", remedy: ""}]}
negative_ttls:
  description: By zone, for how many seconds others may remember that a name is not there.
  returned: when the check was made
  type: dict
  sample: {example.com: 600}
notes:
  description: Where O(fleet) remembers another key than the host signs with.
  returned: when the check was made
  type: list
  elements: str
lines:
  description: The same for people, only what is not ok, with the remedies.
  returned: when the check was made
  type: list
  elements: str
queries:
  description: How many questions were sent.
  returned: when the check was made
  type: int
problems:
  description: What keeps the check from being made, and what to do.
  returned: failure before the check
  type: list
  elements: dict
  contains:
    where:
      description: The option or the place in the document.
      type: str
    what:
      description: What is wrong.
      type: str
    remedy:
      description: What to do.
      type: str
"""

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import plain_name
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict import validation
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.edges import EDGES, MTA
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.facts import facts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.host_keys import with_host_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.keys import judge_withdrawn
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.mta import hosts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.report import lines, summary
from ansible_collections.email_engine.fleet.plugins.module_utils.local.dns_survey import Given, Survey
from ansible_collections.email_engine.fleet.plugins.module_utils.local.name_servers import (
    DNSPYTHON_IMPORT_ERROR,
    endpoint,
    host_resolvers,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.spf_evaluation import PYSPF_IMPORT_ERROR
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

MOST_AT_ONCE = 500


def resolvers_of(given: list[str] | None) -> list[list[tuple[str, int]]]:
    """The views of receivers, each a list of places that are asked in turn. Raises FleetError."""
    try:
        return [[endpoint(text)] for text in given] if given else [host_resolvers()]
    except ValueError as error:
        remedy = "Write resolvers as addresses, with @port where it is not 53"
        raise FleetError([Problem("resolvers", str(error), remedy)]) from None


def servers_of(options: list[dict]) -> list[Given]:
    """The servers the caller names, by suffix. Raises FleetError."""
    found, problems = [], []
    for index, option in enumerate(options):
        try:
            places = [endpoint(option["address"], option["port"])]
            places += [endpoint(text, option["port"]) for text in option["authoritative"] or ()]
        except ValueError as error:
            problems.append(Problem(f"authoritative[{index}]", str(error), "Write an address, or address@port"))
            continue
        servers = tuple((option["name"], *place) for place in dict.fromkeys(places))
        complete = option["authoritative"] is not None
        found += [Given(plain_name(suffix), servers, complete, option["port"]) for suffix in option["suffixes"]]
    if problems:
        raise FleetError(problems)
    return found


@contextmanager
def without_collector() -> Iterator[None]:
    """A survey makes many small objects and hardly a cycle: looking for some takes a sixth of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


async def survey(params: dict, facts, resolvers, given, asked, mtas) -> tuple[list[dict], Survey]:
    """(the verdicts, the survey that made them)."""
    check = Survey(
        resolvers,
        given,
        params["timeout"],
        params["concurrency"],
        asked,
        plain_name(params["signed_name"]),
        plain_name(params["broken_name"]),
        mtas,
    )
    senders = await check.run(facts)
    shown = await check.shown([plain_name(name) for name in params["withdrawn"]], "TXT")
    return senders, {name: judge_withdrawn(answers) for name, answers in shown.items()}, check


def run(module: AnsibleModule) -> dict:
    """The module's results. Raises FleetError."""
    params = module.params
    problems = []
    if params["timeout"] <= 0:
        problems.append(Problem("timeout", f"{params['timeout']} is not above 0", "Give seconds"))
    if not 0 < params["concurrency"] <= MOST_AT_ONCE:
        what = f"{params['concurrency']} is not between 1 and {MOST_AT_ONCE}"
        problems.append(Problem("concurrency", what, "Each open question takes a socket; 100 is a good number"))
    asked = [edge for edge in EDGES if edge in params["edges"] and (edge != MTA or params["mtas"] is not None)]
    if params["edges"] == [MTA] and not asked:
        # Nothing asked would be all green.
        remedy = "Give mtas as well, as pmta_info saw the hosts"
        problems.append(Problem("edges", "nothing tells of the edge mta", remedy))
    if problems:
        raise FleetError(problems)
    mtas = hosts_of(params["mtas"] or {})
    fleet, notes = params["fleet"], []
    if params["keys"] is not None:
        facts_of(fleet, params["senders"])  # refuses what is no fleet document
        fleet, notes = with_host_keys(fleet, params["keys"])
    facts = facts_of(fleet, params["senders"])
    resolvers, given = resolvers_of(params["resolvers"]), servers_of(params["authoritative"])
    with without_collector():
        senders, withdrawn, check = asyncio.run(survey(params, facts, resolvers, given, asked, mtas))
    return {
        "changed": False,
        "senders": senders,
        "withdrawn": withdrawn,
        "summary": summary(senders),
        "resolver": check.validation,
        "negative_ttls": check.negative_ttls,
        "notes": notes,
        "lines": [*lines(senders), *notes, *validation.lines(check.validation)],
        "queries": check.asked,
    }


def main() -> None:
    server = {
        "name": {"type": "str", "required": True},
        "address": {"type": "str", "required": True},
        "port": {"type": "int", "default": 53},
        "authoritative": {"type": "list", "elements": "str"},
        "suffixes": {"type": "list", "elements": "str", "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "fleet": {"type": "dict", "required": True},
            "senders": {"type": "list", "elements": "str"},
            "resolvers": {"type": "list", "elements": "str"},
            "authoritative": {"type": "list", "elements": "dict", "default": [], "options": server},
            "keys": {"type": "dict", "no_log": False},
            "mtas": {"type": "dict"},
            "withdrawn": {"type": "list", "elements": "str", "default": []},
            "edges": {"type": "list", "elements": "str", "choices": list(EDGES), "default": list(EDGES)},
            "signed_name": {"type": "str", "default": "."},
            "broken_name": {"type": "str", "default": "dnssec-failed.org"},
            "timeout": {"type": "float", "default": 3},
            "concurrency": {"type": "int", "default": 100},
            "fail_on": {"type": "str", "choices": ["wrong", "unknown", "never"], "default": "never"},
        },
        supports_check_mode=True,
    )
    for library, error in (("dnspython >= 2.3", DNSPYTHON_IMPORT_ERROR), ("pyspf >= 2.0.14", PYSPF_IMPORT_ERROR)):
        if error:
            module.fail_json(msg=missing_required_lib(library), exception=error)
    try:
        result = run(module)
    except FleetError as error:
        module.fail_json(msg=f"Nothing was checked:\n{error}", problems=[asdict(problem) for problem in error.problems])
    counts = result["summary"]
    bad = counts["no"] + (counts["unknown"] if module.params["fail_on"] == "unknown" else 0)
    if module.params["fail_on"] != "never" and bad:
        module.fail_json(msg="\n".join(result["lines"]), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
