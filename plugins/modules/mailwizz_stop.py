#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_stop
short_description: Stop senders in a MailWizz at once
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Pauses the campaigns of the senders, then disables their delivery servers. In this order, because MailWizz would draw the rest of a campaign
    from the tenant's other servers.
  - Needs neither the inventory nor the fleet document; whom a name, a tenant or O(everything) means is read from the servers that
    M(email_engine.fleet.mailwizz_delivery_servers) made. What others made is not touched.
  - With O(tenant) and O(everything), all campaigns of these customers that run or wait are paused.
  - A campaign that cannot be paused keeps its server as it is, and no other; the module then fails, with all that it did in the result.
  - Where no MailWizz is installed (the installer has not written C(apps/common/config/main-custom.php)), there is nobody to stop; a warning says so.
notes:
  - What was paused and disabled is looked at again; while a batch is under way, for up to a minute, because its end may set statuses back.
  - Is no replacement for M(email_engine.fleet.pmta_stops), which holds the mail that PowerMTA already has. Stop there first.
  - M(email_engine.fleet.mailwizz_delivery_servers) enables the servers again once the fleet document, and PowerMTA's stops, allow it.
    The campaigns stay paused until a person resumes them.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  senders:
    description: Names of senders, or of their virtual MTAs. Those that have no server here are returned as RV(unknown).
    type: list
    elements: str
  tenant:
    description: All senders of this tenant.
    type: str
  everything:
    description: All senders of all tenants.
    type: bool
    default: false
  reason:
    description: Why; kept with the server for whoever wonders later.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Stop one sender
  email_engine.fleet.mailwizz_stop:
    senders: [mail3.example.com]
    reason: complaints at gmail
"""

RETURN = r"""
servers:
  description: Names of the servers that were disabled, or would be.
  returned: always
  type: list
  elements: str
  sample: [mail3.example.com]
campaigns:
  description: Campaigns that were paused, C(uid), C(name) and C(sender).
  returned: always
  type: list
  elements: dict
  sample: [{uid: ab123cd456ef7, name: November, sender: mail3.example.com}]
unknown:
  description: Names of O(senders) that no server here has.
  returned: always
  type: list
  elements: str
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_changes import Unfinished, halt
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import stops
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **mailwizz_program.ARGUMENTS,
    "senders": {"type": "list", "elements": "str"},
    "tenant": {"type": "str"},
    "everything": {"type": "bool", "default": False},
    "reason": {"type": "str", "required": True},
}


def run(params: dict, check_mode: bool, program: mailwizz_program.Program) -> dict:
    """The module without Ansible. Raises FleetError (nothing was done) or Unfinished, with the result so far as ``result``."""
    if not program.installed():
        nothing = {"before": "", "after": ""}
        told = f"no MailWizz is installed in {program.root}: nobody was stopped there"
        return {
            "changed": False,
            "servers": [],
            "campaigns": [],
            "unknown": list(params["senders"] or ()),
            "diff": nothing,
            "warnings": [told],
        }
    whom = stops.Whom(tuple(params["senders"] or ()), params["tenant"], params["everything"])
    return {**halt(program, whom, params["reason"], check_mode), "warnings": []}


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=[("senders", "tenant", "everything")],
        required_if=[("everything", False, ["senders", "tenant"], True)],
    )

    def shown(result: dict) -> dict:
        return result if module._diff else {name: value for name, value in result.items() if name != "diff"}

    try:
        result = run(module.params, module.check_mode, mailwizz_program.of(module))
        for warning in result.pop("warnings"):
            module.warn(warning)
        module.exit_json(**shown(result))
    except Unfinished as error:
        module.fail_json(msg=str(error), **shown(error.result))
    except FleetError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
