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
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


def main() -> None:
    module = AnsibleModule(dict(engine_api.ARGUMENTS), supports_check_mode=True)
    try:
        fleet = engine_api.of(module.params).ask("GET", "/fleet")
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, fleet=fleet)


if __name__ == "__main__":
    main()
