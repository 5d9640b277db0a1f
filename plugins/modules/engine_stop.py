#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_stop
short_description: Tell the engine that senders are stopped, or go on
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - The engine then gives them no campaign, and its fleet document says that they are paused, until they are resumed.
  - It stops nothing by itself; M(email_engine.fleet.pmta_stops) does, on the PowerMTA host.
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
  state:
    description: Whether they are stopped (V(present)) or no longer (V(absent)).
    type: str
    choices: [present, absent]
    default: present
  senders:
    description: Names of senders.
    type: list
    elements: str
  tenant:
    description: All senders of this tenant.
    type: str
  everything:
    description: All senders.
    type: bool
    default: false
  reason:
    description: Why, for the audit log and for whoever wonders later.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Tell the engine that a tenant is stopped
  email_engine.fleet.engine_stop:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    tenant: sos-holidays
    reason: complaints at gmail
"""

RETURN = r"""
told:
  description: What the engine was told about, and whether that was news.
  returned: success, not in check mode
  type: dict
  sample: {mail3.example.com: true}
"""

import urllib.parse

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.engine_answers import Away
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "senders": {"type": "list", "elements": "str"},
    "tenant": {"type": "str"},
    "everything": {"type": "bool", "default": False},
    "reason": {"type": "str", "required": True},
}


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. One that the engine refuses keeps it from no other; then raises FleetError with all refusals."""
    engine = engine_api.of(params)
    if params["everything"]:
        places = {"everything": "/fleet"}
    elif params["tenant"] is not None:
        places = {params["tenant"]: f"/tenants/{urllib.parse.quote(params['tenant'], safe='')}"}
    else:
        places = {name: f"/ips/{urllib.parse.quote(name, safe='')}" for name in params["senders"]}
    if check_mode:
        return {"changed": False}
    verb = "pause" if params["state"] == "present" else "resume"
    told, problems = {}, []
    for name, place in places.items():
        try:
            told[name] = engine.ask("POST", f"{place}:{verb}", {"reason": params["reason"]})["changed"]
        except Away:
            raise
        except FleetError as error:
            problems += error.problems
    if problems:
        raise FleetError(problems)
    return {"changed": any(told.values()), "told": told}


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[("senders", "tenant", "everything")],
        required_if=[("everything", False, ["senders", "tenant"], True)],
    )
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
