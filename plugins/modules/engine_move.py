#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_move
short_description: Move senders through their life, by the engine
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks the engine to release, start, rest or retire senders. The engine decides by what is known of each, and says what is missing.
  - What follows on the hosts is done by jobs of the engine, whose IDs are returned.
notes:
  - No more than C(moves_least) or C(moves_share) of RV(ignore:policy_brakes) leave service in a day; the engine refuses what is beyond that.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    support: partial
    details: Nothing is sent, and whether the engine would allow it is not predicted.
  diff_mode:
    support: none
options:
  senders:
    description: Names of senders.
    type: list
    elements: str
    required: true
  event:
    description:
      - What happens to them. V(release) ends a quarantine, V(start) begins the warm-up of a standby, V(rest) stops for seven days,
        V(retire) ends a sender's life, V(listed) stops it as if a list had named it, V(stay) takes a retirement back.
    type: str
    required: true
    choices: [release, start, rest, retire, listed, stay]
  days:
    description: With O(event=retire), days in which the volume is taken back before it; V(0) retires at once. The policy's unless given.
    type: int
  reason:
    description: Why, for the audit log and for whoever wonders later.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Release a sender whose listing is over
  email_engine.fleet.engine_move:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
    senders: [mail2.example.com]
    event: release
    reason: a bought list was removed, and Spamhaus delisted it
"""

RETURN = r"""
moved:
  description: Status of each sender afterwards.
  returned: success, not in check mode
  type: dict
  sample: {mail2.example.com: warming}
jobs:
  description: IDs of the jobs that bring it to the hosts.
  returned: success, not in check mode
  type: list
  elements: str
  sample: [6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11]
"""

import urllib.parse

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.engine_answers import Away
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {
    **engine_api.ARGUMENTS,
    "senders": {"type": "list", "elements": "str", "required": True},
    "event": {
        "type": "str",
        "required": True,
        "choices": ["release", "start", "rest", "retire", "listed", "stay"],
    },
    "days": {"type": "int"},
    "reason": {"type": "str", "required": True},
}


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. One that the engine refuses keeps it from no other; then raises FleetError with all refusals."""
    engine = engine_api.of(params)
    if check_mode:
        return {"changed": False}
    moved, jobs, problems = {}, [], []
    for name in params["senders"]:
        place = f"/ips/{urllib.parse.quote(name, safe='')}"
        body = {"reason": params["reason"]}
        if params["event"] == "retire":
            verb, body["days"] = "retire", params["days"]
        else:
            verb, body["event"] = "move", params["event"]
        try:
            answer = engine.ask("POST", f"{place}:{verb}", body)
        except Away:
            raise
        except FleetError as error:
            problems += error.problems
            continue
        moved[name] = answer["sender"]["status"]
        if answer["job"]:
            jobs.append(answer["job"]["id"])
    if problems:
        raise FleetError(problems)
    return {"changed": bool(moved), "moved": moved, "jobs": list(dict.fromkeys(jobs))}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
