#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_tenants
short_description: Give tenants their place in a MailWizz
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Each tenant gets a customer group C(fleet-TENANT), one customer in it, and one API key C(email_engine).
  - The group's options keep tenants apart; where somebody changed them, they are put right. A customer of such a group never sends through the
    servers of the system, adds no delivery servers of its own, may use the API, and may choose delivery servers for a campaign.
  - What is there under these names is taken over. A customer with the wanted address in another group is somebody else's, and nothing is changed.
  - A tenant that is not named is left alone.
notes:
  - The result holds API keys. Set C(no_log) on the task.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  tenants:
    description: The tenants.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the tenant, as in the fleet document.
        type: str
        required: true
      email:
        description: Address of its customer, which is the login.
        type: str
        required: true
      first_name:
        description: First name of its customer.
        type: str
        required: true
      last_name:
        description: Last name of its customer.
        type: str
        required: true
      timezone:
        description: Time zone of its customer, in which MailWizz reads the times of campaigns.
        type: str
        default: UTC
      password:
        description:
          - Password of a customer that is made. One that is there keeps its own.
          - When not set, a random one that nobody is told; a person sets another in the backend.
        type: str
"""

EXAMPLES = r"""
- name: Give the tenants their place
  email_engine.fleet.mailwizz_tenants:
    tenants:
      - name: sos-holidays
        email: mail@sos-holidays.example
        first_name: SOS
        last_name: Holidays
  register: mailwizz
  no_log: true
"""

RETURN = r"""
tenants:
  description: What each tenant has; what check mode would make is null.
  returned: success
  type: dict
  sample: {sos-holidays: {customer_id: 1, customer_uid: ab123cd456ef7, group_id: 1, key: "40 characters"}}
created:
  description: What was made, or would be.
  returned: success
  type: list
  elements: str
  sample: [group fleet-sos-holidays, customer mail@sos-holidays.example, key of sos-holidays]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import marks
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import tenants as rules
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **mailwizz_program.ARGUMENTS,
    "tenants": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "email": {"type": "str", "required": True},
            "first_name": {"type": "str", "required": True},
            "last_name": {"type": "str", "required": True},
            "timezone": {"type": "str", "default": "UTC"},
            "password": {"type": "str", "no_log": True},
        },
    },
}


def run(params: dict, check_mode: bool, program: mailwizz_program.Program) -> dict:
    """The module without Ansible."""
    wanted = rules.wanted(params["tenants"])
    question = rules.question(wanted)
    found = marks.NOTHING if check_mode and not program.ready() else program.ask("state", question)
    plan = rules.plan(wanted, found)
    if plan.changed and not check_mode:
        program.ask("tenants", plan.orders(wanted))
        found = program.ask("state", question)
    return {
        "changed": plan.changed,
        "tenants": rules.places(wanted, found, plan.changed and check_mode),
        "created": list(plan.created),
        "diff": plan.diff(),
        "warnings": list(plan.warnings),
    }


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode, mailwizz_program.of(module))
    except FleetError as error:
        module.fail_json(msg=str(error))
    for warning in result.pop("warnings"):
        module.warn(warning)
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
