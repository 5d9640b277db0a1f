#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_accounting_info
short_description: Ask the engine how far the accounting files of an MTA were counted
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks for what M(email_engine.fleet.pmta_accounting) needs to read on. Changes nothing.
  - The answer holds the key of the recipients' hashes; keep it out of logs with C(no_log=true).
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  mta:
    description: The MTA's name in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Ask how far the accounting files were counted
  email_engine.fleet.engine_accounting_info:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    mta: vps2
  register: counted
  no_log: true
"""

RETURN = r"""
cursors:
  description: The files that are known, each with C(identity), C(name), C(position) and C(anchor).
  returned: success
  type: list
  elements: dict
  sample: []
former:
  description:
    - Senders that left this MTA in the last 35 days, or were called otherwise there, the latest first.
    - Each has C(name), C(vmta), C(domain) and C(ip).
  returned: success
  type: list
  elements: dict
  sample: []
tracked:
  description: Names of this MTA's senders whose recipients are told one by one, because they are in warm-up.
  returned: success
  type: list
  elements: str
  sample: [mail1.example.com]
salt:
  description: Key of the recipients' hashes.
  returned: success
  type: str
  sample: 9f3c...
"""

import urllib.parse

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


def main() -> None:
    arguments = {**engine_api.ARGUMENTS, "mta": {"type": "str", "required": True}}
    module = AnsibleModule(arguments, supports_check_mode=True)
    try:
        mta = urllib.parse.quote(module.params["mta"], safe="")
        known = engine_api.of(module.params).ask("GET", f"/accounting/cursors?mta={mta}")
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, **{name: known[name] for name in ("cursors", "former", "tracked", "salt")})


if __name__ == "__main__":
    main()
