#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mailwizz_info
short_description: Say what is in a MailWizz
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Says whether MailWizz is installed, in which version, how many rows it holds, and which addresses it writes into mail.
  - A MailWizz that is not installed is an answer. A database that cannot be reached is an error.
extends_documentation_fragment:
  - email_engine.fleet.mailwizz
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
"""

EXAMPLES = r"""
- name: Look at MailWizz
  email_engine.fleet.mailwizz_info:
    root: /var/www/mailwizz
  register: mailwizz
"""

RETURN = r"""
installed:
  description: Whether the configuration names a database, which holds MailWizz's version and at least one user.
  returned: success
  type: bool
  sample: true
reason:
  description: Why it does not count as installed; empty where it does.
  returned: success
  type: str
  sample: ""
version:
  description: Version that the database says.
  returned: success
  type: str
  sample: 2.1.13
file_version:
  description: Version that the files say; differs from RV(version) while an upgrade is half done.
  returned: success
  type: str
  sample: 2.1.13
prefix:
  description: Prefix of the tables' names.
  returned: success
  type: str
  sample: mw_
counts:
  description: Rows of each kind; null where this version has no such table.
  returned: success
  type: dict
  sample: {users: 1, customers: 2, lists: 0, subscribers: 0, templates: 0, campaigns: 0, delivery_servers: 100}
urls:
  description: Addresses that MailWizz writes into mail, as stored by its first web request.
  returned: success
  type: dict
  sample: {frontend: "https://mail.example.com/", backend: "https://mail.example.com/backend/"}
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_program
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

NOTHING = {"installed": False, "version": None, "file_version": None, "prefix": None, "counts": {}, "urls": {}}


def run(program: mailwizz_program.Program, check_mode: bool) -> dict:
    """The module without Ansible."""
    missing = program.missing() if check_mode else None
    if missing:
        # Check mode before the first real run.
        return {"changed": False, **NOTHING, "reason": f"{missing.where} is not there"}
    return {"changed": False, **program.ask("info", {})}


def main() -> None:
    module = AnsibleModule(dict(mailwizz_program.ARGUMENTS), supports_check_mode=True)
    try:
        result = run(mailwizz_program.of(module), module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
