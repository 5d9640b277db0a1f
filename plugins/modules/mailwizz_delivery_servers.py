#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_delivery_servers
short_description: Give each sender its delivery server in a MailWizz
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - One delivery server for each sender (for each pool, where a tenant has one), owned by the tenant's customer, of type C(smtp-pmta), with the
    sender's From forced, its quota and its weight. All senders of all tenants of the host in one call.
  - A sender that may not be given new mail has its server disabled; its campaigns that run or wait are paused before that, because MailWizz
    would draw the rest of them from the tenant's other servers. They stay paused until a person resumes them.
  - A server of this module that the fleet no longer wants is disabled, never deleted.
  - A server that this module did not make is never touched. One that a tenant's mail could leave through is a fault, and a warning.
requirements:
  - The tenants have their place in MailWizz (M(email_engine.fleet.mailwizz_tenants))
notes:
  - Passwords are never shown. In a diff, C(password) is said to differ or not.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  fleet:
    description: The fleet document.
    type: dict
    required: true
  tenants:
    description: Names of the tenants that this MailWizz holds.
    type: list
    elements: str
    required: true
  mtas:
    description:
      - Where each PowerMTA host takes mail from its feeders, C(address) and C(port) by the host's name in the inventory.
      - The filter P(email_engine.fleet.mailwizz_doors#filter) makes it.
    type: dict
    required: true
  logins:
    description:
      - C(user) and C(password) by tenant, with which MailWizz logs in to PowerMTA; both empty where its address says who it is.
      - The filter P(email_engine.fleet.mailwizz_logins#filter) makes it.
    type: dict
    default: {}
  stopped:
    description: Virtual MTAs that PowerMTA holds although the document says nothing of it; C(stops) of M(email_engine.fleet.pmta_config).
    type: list
    elements: str
    default: []
  protocol:
    description: How MailWizz talks to PowerMTA; empty for plain SMTP, on a private link.
    type: str
    choices: ["", tls, ssl, starttls]
    default: ""
"""

EXAMPLES = r"""
- name: Give each sender its delivery server
  email_engine.fleet.mailwizz_delivery_servers:
    fleet: "{{ fleet_document }}"
    tenants: [sos-holidays]
    mtas:
      vps2: {address: 192.0.2.20, port: 2525}
    logins: "{{ fleet_document | email_engine.fleet.mailwizz_logins(passwords) }}"
"""

RETURN = r"""
created:
  description: Names of the servers that were made, or would be.
  returned: success
  type: list
  elements: str
  sample: [mail6.example.com]
updated:
  description: Names of the servers of which something was set right.
  returned: success
  type: list
  elements: str
  sample: [mail2.example.com]
disabled:
  description: Names of the servers that were disabled.
  returned: success
  type: list
  elements: str
  sample: [mail3.example.com]
campaigns:
  description: Campaigns that were paused before that, C(uid), C(name) and C(sender).
  returned: success
  type: list
  elements: dict
  sample: [{uid: ab123cd456ef7, name: November, sender: mail3.example.com}]
foreign:
  description: Servers of these tenants that somebody else made, and servers that their mail could leave through. C(fault) is empty for the harmless.
  returned: success
  type: list
  elements: dict
  sample: [{id: 7, name: smtp.example.net, tenant: sos-holidays, status: active, fault: "active in the customer of sos-holidays"}]
servers:
  description: Numbers of the servers by the name of the sender (of the pool); null for those that check mode would make.
  returned: success
  type: dict
  sample: {mail1.example.com: 12}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_changes import converge
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import reconcile, servers
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **mailwizz_program.ARGUMENTS,
    "fleet": {"type": "dict", "required": True},
    "tenants": {"type": "list", "elements": "str", "required": True},
    "mtas": {"type": "dict", "required": True},
    "logins": {"type": "dict", "default": {}, "no_log": True},
    "stopped": {"type": "list", "elements": "str", "default": []},
    "protocol": {"type": "str", "choices": ["", "tls", "ssl", "starttls"], "default": ""},
}


def run(params: dict, check_mode: bool, program: mailwizz_program.Program) -> dict:
    """The module without Ansible."""
    wanted = servers.wanted(
        params["fleet"],
        params["tenants"],
        params["mtas"],
        params["logins"],
        protocol=params["protocol"],
        stopped=params["stopped"],
    )
    tenants = params["tenants"]
    return converge(program, check_mode, lambda found: reconcile.plan(wanted, tenants, found, predict=check_mode))


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    # The users are no secrets; as parts of the senders' names they would be masked in the result.
    logins = [login for login in module.params["logins"].values() if isinstance(login, dict)]
    module.no_log_values -= {login.get("user") for login in logins} - {login.get("password") for login in logins}
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
