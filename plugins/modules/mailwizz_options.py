#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_options
short_description: Set options of a MailWizz
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Sets options through MailWizz's own options component. Options that are not named are left alone.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  options:
    description: Values by name. MailWizz stores them as text; write V(yes) and V(no) in quotes.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write https into mail
  email_engine.fleet.mailwizz_options:
    options:
      system.urls.scheme: https
      system.common.clean_urls: 1
"""

RETURN = r"""
options:
  description: Names of the options that were changed, or would be.
  returned: success
  type: list
  elements: str
  sample: [system.urls.scheme]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import options as rules
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {**mailwizz_program.ARGUMENTS, "options": {"type": "dict", "required": True}}


def run(params: dict, check_mode: bool, program: mailwizz_program.Program) -> dict:
    """The module without Ansible."""
    wanted = rules.wanted(params["options"])
    there = not check_mode or program.ready()
    found = program.ask("options", {"names": list(wanted)})["options"] if there else {}
    changes = rules.changes(wanted, found)
    if changes and not check_mode:
        program.ask("options", {"set": changes})
    return {"changed": bool(changes), "options": sorted(changes), "diff": rules.diff(changes, found)}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode, mailwizz_program.of(module))
    except FleetError as error:
        module.fail_json(msg=str(error))
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
