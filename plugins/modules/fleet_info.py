#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_info
short_description: Take the fleet document from the engine
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks the engine for the fleet as it has it. Declares nothing and changes nothing.
options:
  waiting:
    description: Ask as well who waits for its DNS before it sends.
    type: bool
    default: false
  incidents:
    description: Ask as well for the open incidents.
    type: bool
    default: false
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
"""

EXAMPLES = r"""
- name: Take the fleet document
  email_engine.fleet.fleet_info:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
  register: known
"""

RETURN = r"""
fleet:
  description: The fleet document.
  returned: success
  type: dict
  sample: {version: 1, tenants: [], senders: [], gone: []}
waiting:
  description: Names of the senders that send as soon as their DNS is green.
  returned: with O(waiting=true)
  type: list
  elements: str
  sample: [mail6.example.com]
incidents:
  description: The open incidents, each with C(id), C(kind), C(sender), C(tenant) and C(summary).
  returned: with O(incidents=true)
  type: list
  elements: dict
  sample: [{id: 12, kind: listing, sender: mail2.example.com, tenant: sos-holidays, summary: zen lists 192.0.2.2}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "waiting": {"type": "bool", "default": False},
    "incidents": {"type": "bool", "default": False},
}


def pages(engine: engine_api.Engine, path: str) -> list[dict]:
    """All rows of a list. path: with a query or without. Raises FleetError."""
    rows, after = [], 0
    while after is not None:
        page = engine.ask("GET", f"{path}{'&' if '?' in path else '?'}limit=500&after={after}")
        rows += page["items"]
        after = page["next"]
    return rows


def waiting(engine: engine_api.Engine) -> list[str]:
    """Who is declared to send, or was added through the API, and waits; a reserve waits for a person. Raises FleetError."""
    standing = pages(engine, "/ips?status=standby")
    return [one["name"] for one in standing if one["declared"] and not one["reserve"]]


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        engine = engine_api.of(module.params)
        result = {"fleet": engine.ask("GET", "/fleet")}
        if module.params["waiting"]:
            result["waiting"] = waiting(engine)
        if module.params["incidents"]:
            result["incidents"] = pages(engine, "/incidents")
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
