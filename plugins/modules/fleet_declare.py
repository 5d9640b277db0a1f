#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_declare
short_description: Declare the inventory to the engine, and take the fleet document from it
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Tells the engine what the inventory says its senders are, and returns the fleet as the engine then has it, with the status, quota and stops
    that the engine decides.
  - A declaration touches only what the inventory owns. Senders that were added through the API stay as they are and are returned as
    RV(strangers), with the lines that would make them the inventory's.
  - The engine refuses a declaration that is older than the last one, and one that is empty or in which too many senders vanish; each problem is
    told with its remedy, and nothing is stored.
  - A sender with status V(retired) is declared by being left out.
notes:
  - In check mode the engine judges and answers, and stores nothing.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  fleet:
    description: The inventory's fleet document, as P(email_engine.fleet.fleet_document#filter) gives it.
    type: dict
    required: true
  policy:
    description:
      - What senders are made by that come through the API, with the keys C(phases), C(active_daily_quota), C(sender_defaults), C(providers),
        C(dmarc), C(operator) and C(prefixes).
      - And what the engine decides by, C(warmup), C(signals) and C(brakes), each of which may be left out.
    type: dict
    required: true
  mtas:
    description: The hosts of the inventory group C(powermta).
    type: list
    elements: str
    required: true
  revision:
    description: Of the inventory's checkout, see M(email_engine.fleet.inventory_revision).
    type: str
    required: true
  made_at:
    description: When the inventory was last changed, as ISO 8601 with a time zone. An older declaration than the last one is refused.
    type: str
    required: true
  declared_from:
    description:
      - Name of the computer that declares.
      - When not set, its host name.
    type: str
  confirm_removal:
    description: Whether an empty declaration, or one in which many senders vanish, is meant.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Learn how old the inventory is
  email_engine.fleet.inventory_revision:
    directory: "{{ inventory_dir }}"
  register: revision

- name: Declare it
  email_engine.fleet.fleet_declare:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    fleet: "{{ fleet_document }}"
    policy: "{{ fleet_policy }}"
    mtas: "{{ groups['powermta'] }}"
    revision: "{{ revision.revision }}"
    made_at: "{{ revision.made_at }}"
  register: agreed
"""

RETURN = r"""
fleet:
  description: The fleet document as the engine has it after the declaration, or, in check mode, would have it.
  returned: success
  type: dict
  sample: {version: 1, tenants: [], senders: [], gone: []}
revision:
  description: The engine's count of changes; it grows with each.
  returned: success
  type: int
  sample: 41
new:
  description: Names of senders that the engine did not know.
  returned: success
  type: list
  elements: str
  sample: [mail6.example.com]
redeclared:
  description: Names of the inventory's senders that are now something else.
  returned: success
  type: list
  elements: str
  sample: []
adopted:
  description: Names of senders that were the API's and are now the inventory's.
  returned: success
  type: list
  elements: str
  sample: []
leaving:
  description: Names of senders that are no longer declared. They go when their queue is empty.
  returned: success
  type: list
  elements: str
  sample: []
strangers:
  description: Senders that were added through the API and are not in the inventory, with the lines of C(senders) of their tenant that adopt them.
  returned: success
  type: list
  elements: dict
  sample: [{name: mail7.example.com, tenant: sos-holidays, lines: ["# tenant sos-holidays, senders:", "- ip: 192.0.2.7", "  domain: mail7.example.com"]}]
"""

import json
import socket

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet import declaring
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

_SHARED = ("policy", "mtas", "revision", "made_at", "confirm_removal")


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. Raises FleetError; nothing was stored then, unless the engine fell silent after it was told."""
    engine = engine_api.of(params)
    before = engine.ask("GET", "/fleet")
    answer = engine.ask(
        "PUT",
        "/fleet",
        {
            **{key: params[key] for key in _SHARED},
            "fleet": declaring.declaration(params["fleet"]),
            "declared_from": params["declared_from"] or socket.gethostname(),
            "dry_run": check_mode,
        },
    )
    after = answer["fleet"]
    old, new = declaring.differences(before, after)
    for name in answer["adopted"]:
        old.setdefault(f"sender {name}", {})["owner"] = "api"
        new.setdefault(f"sender {name}", {})["owner"] = "inventory"
    return {
        "changed": bool(old or new),
        "fleet": after,
        "revision": answer["revision"],
        "new": answer["new"],
        "redeclared": answer["changed"],
        "adopted": answer["adopted"],
        "leaving": answer["leaving"],
        "strangers": declaring.strangers(answer["strangers"], after),
        "diff": {
            "before": _text(old),
            "after": _text(new),
            "before_header": "the engine",
            "after_header": "the engine",
        },
    }


def _text(found: dict) -> str:
    return json.dumps(found, indent=2, sort_keys=True, ensure_ascii=False) + "\n" if found else ""


ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "fleet": {"type": "dict", "required": True},
    "policy": {"type": "dict", "required": True},
    "mtas": {"type": "list", "elements": "str", "required": True},
    "revision": {"type": "str", "required": True},
    "made_at": {"type": "str", "required": True},
    "declared_from": {"type": "str"},
    "confirm_removal": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
