#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dnsbl_check
short_description: Ask blocklists about every sender's address and domains
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks all lists about all addresses and domains, and tells listed, clean and unknown apart. Only answers that a list documents
    list anybody, and only a list that passes its own test (RFC 5782) clears anybody. Time-outs, refusals, error codes and rewritten
    answers are V(unknown).
  - Resolvers are judged first. Through one that is public, forwards, or invents answers no list is asked, and every verdict is
    V(unknown).
  - What a pool of senders shares is asked once.
  - Asks nobody to take anything off a list.
requirements:
  - dnspython >= 2.3 (where the module runs)
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
  lists:
    description:
      - Names of lists of the catalogue or of O(changes).
      - When not given, all that the catalogue asks by default; of those that need a key, the ones whose key is in O(keys).
    type: list
    elements: str
  keys:
    description: Keys of lists that need one, by the name that the catalogue has for it, C(dqs) or C(abusix) for example.
    type: dict
    default: {}
  changes:
    description:
      - Lists to add, and changes of the catalogue's entries, down to single codes. V(null) takes a list, a field or a code away.
    type: dict
    default: {}
  controls:
    description: Addresses and domains that nobody lists, asked about as well. That one of them is listed says that a list cannot be believed.
    type: list
    elements: str
    default: []
  resolvers:
    description:
      - Resolvers, as V(address) or V(address@port). Each is judged; those that are fit are asked, the next where one gives no answer.
      - The host's own when not given.
    type: list
    elements: str
  addresses:
    description:
      - Addresses from which the resolvers ask, where that is neither their own nor this host's, behind address translation for example.
    type: list
    elements: str
    default: []
  whoami:
    description:
      - Names that are answered with the address that asks, V(name) for an A record or V(name TXT). They show whether a resolver forwards.
    type: list
    elements: str
    default: [whoami.akamai.net, o-o.myaddr.l.google.com TXT]
  absent:
    description: A domain below which a random name does not exist. It shows whether a resolver invents answers.
    type: str
    default: com
  spacing:
    description: Seconds between two questions to one list, V(0) for none. Lists are asked side by side.
    type: float
    default: 2
  jitter:
    description: Seconds that are added to O(spacing) at most, at random.
    type: float
    default: 1
  within:
    description:
      - Seconds that asking one list may take in all, at most 1440. With many senders O(spacing) and O(jitter) are reduced to that.
      - What a slow list was not asked by then is V(unknown).
    type: float
    default: 1200
  timeout:
    description: Seconds to wait for one answer. A question is sent a second time before they are over.
    type: float
    default: 5
  concurrency:
    description: How many questions may be open at once, at most 500.
    type: int
    default: 300
seealso:
  - module: email_engine.fleet.dns_check
  - module: email_engine.fleet.engine_report
"""

EXAMPLES = r"""
- name: Ask all lists about all senders
  email_engine.fleet.dnsbl_check:
    fleet: "{{ fleet_document }}"
    resolvers: [127.0.0.1]
    keys: "{{ policy_dnsbl_keys }}"
    controls: [192.0.2.12]
  register: listed

- name: Ask two lists about one sender at once
  email_engine.fleet.dnsbl_check:
    fleet: "{{ fleet_document }}"
    senders: [mail4.example.com]
    lists: [zen, dbl]
    spacing: 0
"""

RETURN = r"""
report:
  description: What was found, in the shape that O(email_engine.fleet.engine_report#module:dnsbl) takes together with C(checked_at) and C(round).
  returned: when the check was made
  type: dict
  contains:
    resolver:
      description: C(verdict) is V(healthy) or V(blind); C(reasons) say why, or what could not be told.
      type: dict
    lists:
      description:
        - Of each list C(name), C(zone) without any key, C(kind), C(state), C(detail) and C(severity), the worst it can say.
        - A state of V(failed) says that it failed its test, V(blind) that it refuses to be asked from here, V(unknown) that it is out of reach.
      type: list
      elements: dict
    controls:
      description:
        - The C(verdict) on each control C(target) at each C(list), and its C(severity) where it is listed.
        - What was made up for the test of each list that works is one of them.
      type: list
      elements: dict
    senders:
      description:
        - Of each sender C(name) and C(verdicts), each with C(list), C(target), C(verdict) (V(listed), V(clean) or V(unknown)), C(codes),
          C(meaning), C(severity) and C(detail).
      type: list
      elements: dict
  sample:
    resolver: {verdict: healthy, reasons: []}
    lists: [{name: zen, zone: zen.spamhaus.org, kind: ip, state: healthy, detail: null, severity: critical}]
    controls: []
    senders:
      - name: mail1.example.com
        verdicts:
          - {list: zen, target: 192.0.2.10, verdict: listed, codes: [127.0.0.11], severity: configuration, detail: null,
             meaning: "PBL: Spamhaus takes it for one that sends no mail by itself"}
summary:
  description:
    - Numbers of senders that are C(clean), C(unknown), and C(listed) by their worst listing, at the lists that are healthy; of lists by
      state; whether the C(resolver) is blind, and how many verdicts list a control address.
  returned: when the check was made
  type: dict
  sample:
    senders: 1
    clean: 0
    unknown: 0
    listed: {critical: 0, major: 0, minor: 0, configuration: 1, information: 0}
    lists: {healthy: 1, failed: 0, blind: 0, unknown: 0}
    resolver: healthy
    controls_listed: 0
lines:
  description: The same for people, only what is not clean, with the remedies.
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
import ipaddress
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.lists import chosen
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.names import plain_address, plain_domain
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.pace import LONGEST
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.report import lines, report, summary
from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.targets import controls_of, senders_of
from ansible_collections.email_engine.fleet.plugins.module_utils.local.dnsbl_survey import (
    IDENTITIES,
    Survey,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.host_facts import bound_here
from ansible_collections.email_engine.fleet.plugins.module_utils.local.name_servers import (
    DNSPYTHON_IMPORT_ERROR,
    endpoint,
    host_resolvers,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.host import Unknown
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

MOST_AT_ONCE = 500


def places_of(given: list[str] | None) -> list[tuple[str, int]]:
    """Where the resolvers are asked. Raises FleetError."""
    try:
        return list(dict.fromkeys([endpoint(text) for text in given] if given else host_resolvers()))
    except ValueError as error:
        remedy = "Write resolvers as addresses, with @port where it is not 53"
        raise FleetError([Problem("resolvers", str(error), remedy)]) from None


def own_addresses() -> list[str]:
    """The addresses of this host; a resolver that runs here asks from one of them."""
    found = bound_here()
    networks = [] if isinstance(found, Unknown) else [ipaddress.ip_network(text) for text in found]
    return [str(network.network_address) for network in networks if network.num_addresses == 1]


def numbers(params: dict) -> list[Problem]:
    """What is wrong with the numbers among the options."""
    problems = []
    for name in ("timeout", "within"):
        if not 0 < params[name] < float("inf"):
            problems.append(Problem(name, f"{params[name]} is not above 0", "Give seconds"))
    if params["within"] > LONGEST:
        what = f"{params['within']:g} is more than {LONGEST}: two rounds would not end within the hour that a check has"
        remedy = f"Give at most {LONGEST} (policy_dnsbl.within), or ask fewer lists and senders at a time"
        problems.append(Problem("within", what, remedy))
    for name in ("spacing", "jitter"):
        if not 0 <= params[name] <= 60:
            problems.append(
                Problem(name, f"{params[name]} is not between 0 and 60", "Give seconds; 2 is a good number")
            )
    if not 0 < params["concurrency"] <= MOST_AT_ONCE:
        what = f"{params['concurrency']} is not between 1 and {MOST_AT_ONCE}"
        problems.append(Problem("concurrency", what, "300 is a good number"))
    return problems


def identities_of(params: dict) -> tuple[list[tuple[str, str]], list[Problem]]:
    """The names that show who asks, and what is wrong with them, with absent and with addresses."""
    found, problems = [], []
    for index, text in enumerate(params["whoami"]):
        name, _space, rtype = text.strip().partition(" ")
        try:
            found.append((plain_domain(name), rtype.strip().upper() or "A"))
        except ValueError as error:
            problems.append(Problem(f"whoami[{index}]", str(error), "Write a name, or a name and TXT"))
            continue
        if found[-1][1] not in ("A", "TXT"):
            problems.append(Problem(f"whoami[{index}]", f"{found[-1][1]} is not A or TXT", "Write one of them"))
    try:
        plain_domain(params["absent"])
    except ValueError as error:
        problems.append(Problem("absent", str(error), "Write a domain, com for example"))
    for index, text in enumerate(params["addresses"]):
        try:
            plain_address(text)
        except ValueError as error:
            problems.append(Problem(f"addresses[{index}]", str(error), "Write the address a resolver asks from"))
    return found, problems


def run(params: dict) -> dict:
    """The module's results. Raises FleetError."""
    whoami, problems = identities_of(params)
    problems += numbers(params)
    found = []
    for part in (
        lambda: chosen(params["lists"], params["keys"], params["changes"]),
        lambda: senders_of(params["fleet"], params["senders"]),
        lambda: controls_of(params["controls"]),
        lambda: places_of(params["resolvers"]),
    ):
        try:
            found.append(part())
        except FleetError as error:
            problems += error.problems
    if problems:
        raise FleetError(problems)
    lists, senders, controls, places = found
    survey = Survey(
        places,
        own=[*own_addresses(), *params["addresses"]],
        whoami=whoami,
        absent=plain_domain(params["absent"]),
        **{name: params[name] for name in ("spacing", "jitter", "within", "timeout", "concurrency")},
    )
    targets = dict.fromkeys(target for sender in senders for target in sender.targets)
    targets.update(dict.fromkeys(controls))
    told = report(asyncio.run(survey.run(lists, list(targets))), senders, controls)
    return {
        "changed": False,
        "report": told,
        "summary": summary(told),
        "lines": lines(told, lists),
        "queries": survey.asked,
    }


ARGUMENTS = {
    "fleet": {"type": "dict", "required": True},
    "senders": {"type": "list", "elements": "str"},
    "lists": {"type": "list", "elements": "str"},
    "keys": {"type": "dict", "default": {}, "no_log": True},
    "changes": {"type": "dict", "default": {}},
    "controls": {"type": "list", "elements": "str", "default": []},
    "resolvers": {"type": "list", "elements": "str"},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "whoami": {
        "type": "list",
        "elements": "str",
        "default": [name if rtype == "A" else f"{name} {rtype}" for name, rtype in IDENTITIES],
    },
    "absent": {"type": "str", "default": "com"},
    "spacing": {"type": "float", "default": 2},
    "jitter": {"type": "float", "default": 1},
    "within": {"type": "float", "default": 1200},
    "timeout": {"type": "float", "default": 5},
    "concurrency": {"type": "int", "default": 300},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    if DNSPYTHON_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython >= 2.3"), exception=DNSPYTHON_IMPORT_ERROR)
    try:
        result = run(module.params)
    except FleetError as error:
        module.fail_json(msg=f"Nothing was checked:\n{error}", problems=[asdict(problem) for problem in error.problems])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
