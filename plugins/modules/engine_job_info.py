#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_job_info
short_description: See how jobs of the engine fare, and wait for their end
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Reads jobs of the engine. With O(wait), until all of them are over, or that time is.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  jobs:
    description: IDs of the jobs.
    type: list
    elements: str
    required: true
  wait:
    description: Seconds to wait for their end.
    type: int
    default: 0
"""

EXAMPLES = r"""
- name: Wait for a converge
  email_engine.fleet.engine_job_info:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    jobs: ["{{ told.job }}"]
    wait: 600
  register: converge
  failed_when: converge.failed
"""

RETURN = r"""
jobs:
  description: For each job C(id), C(kind), C(state), C(error) and what else the engine tells of it.
  returned: success
  type: list
  elements: dict
  sample: [{id: 6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11, kind: converge, state: succeeded, error: null}]
over:
  description: Whether all of them are.
  returned: success
  type: bool
  sample: true
wrong:
  description: What failed or was cancelled, with its reason, and what was not over in time.
  returned: success
  type: list
  elements: str
  sample: []
"""

import time
import urllib.parse

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "jobs": {"type": "list", "elements": "str", "required": True},
    "wait": {"type": "int", "default": 0},
}
OVER = ("succeeded", "failed", "cancelled")
# Seconds between two looks.
EVERY = 2.0


def run(params: dict) -> dict:
    """The module without Ansible. Raises FleetError."""
    engine = engine_api.of(params)
    end = time.monotonic() + params["wait"]
    found: dict[str, dict] = {}
    while True:
        for job in params["jobs"]:
            if found.get(job, {}).get("state") not in OVER:
                found[job] = engine.ask("GET", f"/jobs/{urllib.parse.quote(job, safe='')}")
        over = all(one["state"] in OVER for one in found.values())
        if over or time.monotonic() >= end:
            break
        time.sleep(EVERY)
    wrong = [
        f"job {one['number']} ({one['kind']}) is {one['state']}: {one['error'] or 'its log tells more'}"
        for one in found.values()
        if one["state"] != "succeeded"
    ]
    return {"changed": False, "jobs": list(found.values()), "over": over, "wrong": wrong}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
