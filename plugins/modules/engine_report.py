#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_report
short_description: Tell the engine what was applied, or what a check of the DNS or of blocklists saw
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - With O(applied), the engine learns the keys that sign, the queues that were seen, and which senders are gone; those become retired.
  - With O(accounting), the engine counts what an MTA has logged, and stops for the day who handed over more than its quota.
  - With O(dns), the engine learns what the DNS shows for each sender, and decides; a sender whose records are all there is started.
  - With O(dnsbl), the engine learns what blocklists say of each sender, and decides whom it stops, holds or starts.
notes:
  - A report is a statement of what was seen. Whether the engine changes anything by it, it says itself; RV(ignore:changed) is true when it did.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    support: partial
    details: Nothing is sent, and whether the engine would change anything is not predicted.
  diff_mode:
    support: none
options:
  applied:
    description: What a converge has applied.
    type: dict
    suboptions:
      revision:
        description: Of the fleet document, as M(email_engine.fleet.fleet_declare) returned it.
        type: int
        required: true
      keys:
        description: The keys that the hosts sign with, each with C(domain), C(selector), C(path) and C(public).
        type: list
        elements: dict
        default: []
      gone:
        description: Names of senders that are no more on any host.
        type: list
        elements: str
        default: []
      waiting:
        description: Recipients that wait, by name of the sender.
        type: dict
        default: {}
  accounting:
    description: What M(email_engine.fleet.pmta_accounting) read of one MTA's files. It is counted whole, or not at all.
    type: dict
    suboptions:
      mta:
        description: The MTA's name in the inventory.
        type: str
        required: true
      report:
        description: The module's C(report).
        type: dict
        required: true
  dns:
    description: What M(email_engine.fleet.dns_check) returned.
    type: dict
    suboptions:
      checked_at:
        description: When the check began, as ISO 8601 with a time zone.
        type: str
        required: true
      senders:
        description: For each sender C(name), C(green) and C(edges).
        type: list
        elements: dict
        required: true
  dnsbl:
    description: What M(email_engine.fleet.dnsbl_check) returned as its report.
    type: dict
    suboptions:
      checked_at:
        description: When the check began, as ISO 8601 with a time zone.
        type: str
        required: true
      round:
        description: Whether it is the first check, or the one that the engine wanted before it believes so many changes.
        type: str
        choices: [first, again]
        required: true
      resolver:
        description: C(verdict) and C(reasons).
        type: dict
        required: true
      lists:
        description: For each list C(name), C(zone), C(kind), C(state), C(detail) and C(severity).
        type: list
        elements: dict
        required: true
      controls:
        description: The C(verdict) on each control C(target) at each C(list).
        type: list
        elements: dict
        required: true
      senders:
        description: For each sender C(name) and C(verdicts).
        type: list
        elements: dict
        required: true
"""

EXAMPLES = r"""
- name: Tell the engine what was applied
  email_engine.fleet.engine_report:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    applied:
      revision: 41
      gone: [mail3.example.com]
"""

RETURN = r"""
accounting:
  description: How many C(rows) were counted, names C(unknown) to the engine, and senders that C(overshot) their quota and were stopped for the day.
  returned: with O(accounting), not in check mode
  type: dict
  sample: {rows: 1200, unknown: [], overshot: []}
retired:
  description: Senders whose life is over by this report.
  returned: with O(applied), not in check mode
  type: list
  elements: str
  sample: [mail3.example.com]
started:
  description: Senders that were started because their DNS is right, or in the place of listed ones.
  returned: with O(dns) and O(dnsbl), not in check mode
  type: list
  elements: str
  sample: [mail6.example.com]
job:
  description: The job that carries out what changed.
  returned: with O(dns), not in check mode
  type: str
  sample: 6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11
again:
  description: That so many verdicts changed that nothing was done yet; check again at once, with control addresses, and report that.
  returned: with O(dnsbl), not in check mode
  type: bool
  sample: false
dnsbl:
  description:
    - The engine's whole answer, with the names of senders that are C(listed), C(cleared), C(stopped), C(started) and C(unknown) to it, the tenants
      it C(held), the numbers of its C(incidents), its C(jobs), and whether it C(distrusted) the report.
  returned: with O(dnsbl), not in check mode
  type: dict
  sample:
    listed: [mail2.example.com]
    cleared: []
    stopped: [mail2.example.com]
    started: []
    held: []
    incidents: [12]
    again: false
    distrusted: false
    unknown: []
    jobs: [6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl.report import lean
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "applied": {
        "type": "dict",
        "options": {
            "revision": {"type": "int", "required": True},
            "keys": {"type": "list", "elements": "dict", "default": [], "no_log": False},
            "gone": {"type": "list", "elements": "str", "default": []},
            "waiting": {"type": "dict", "default": {}},
        },
    },
    "accounting": {
        "type": "dict",
        "options": {
            "mta": {"type": "str", "required": True},
            "report": {"type": "dict", "required": True},
        },
    },
    "dns": {
        "type": "dict",
        "options": {
            "checked_at": {"type": "str", "required": True},
            "senders": {"type": "list", "elements": "dict", "required": True},
        },
    },
    "dnsbl": {
        "type": "dict",
        "options": {
            "checked_at": {"type": "str", "required": True},
            "round": {"type": "str", "choices": ["first", "again"], "required": True},
            "resolver": {"type": "dict", "required": True},
            "lists": {"type": "list", "elements": "dict", "required": True},
            "controls": {"type": "list", "elements": "dict", "required": True},
            "senders": {"type": "list", "elements": "dict", "required": True},
        },
    },
}

# What the engine did by a report on blocklists, by the keys of its answer.
DONE = ("listed", "cleared", "stopped", "started", "held", "incidents", "jobs")


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. Raises FleetError."""
    engine = engine_api.of(params)
    if check_mode:
        return {"changed": False}
    if params["applied"] is not None:
        answer = engine.ask("POST", "/fleet:applied", params["applied"])
        return {"changed": bool(answer["retired"]), "retired": answer["retired"]}
    if params["accounting"] is not None:
        told = params["accounting"]
        answer = engine.ask("POST", "/accounting", {**told["report"], "mta": told["mta"]})
        return {"changed": bool(answer["rows"] or answer["overshot"]), "accounting": answer}
    if params["dnsbl"] is not None:
        answer = engine.ask("POST", "/checks/dnsbl", lean(params["dnsbl"]))
        return {
            "changed": any(answer[key] for key in DONE),
            "started": answer["started"],
            "again": answer["again"],
            "dnsbl": answer,
        }
    answer = engine.ask("POST", "/checks/dns", params["dns"])
    return {"changed": bool(answer["started"]), "started": answer["started"], "job": answer.get("job")}


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[("applied", "accounting", "dns", "dnsbl")],
        required_one_of=[("applied", "accounting", "dns", "dnsbl")],
    )
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
