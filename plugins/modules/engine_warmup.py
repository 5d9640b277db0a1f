#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: engine_warmup
short_description: Close the day of the warm-up in the engine
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Asks the engine to close every day that is over, and to decide for each sender by what the accounting says of it.
  - Whether a sender goes on, grows, rests or steps back is the engine's decision, by the policy that was declared to it.
  - A second run of the same day changes nothing. A sender whose accounting is not complete waits for the next run.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    support: partial
    details: Each plan is shown as it is; no day is closed, and what the engine would decide is not predicted.
  diff_mode:
    support: none
options:
  day:
    description:
      - The last day to close, as V(2026-01-31), UTC.
      - When not set, yesterday.
    type: str
"""

EXAMPLES = r"""
- name: Close the day
  email_engine.fleet.engine_warmup:
    url: https://engine.example.org
    key: "{{ engine_admin_key }}"
"""

RETURN = r"""
day:
  description: The last day that was to be closed.
  returned: success, not in check mode
  type: str
  sample: "2026-01-31"
senders:
  description: Each sender that had a day to close, with C(name), C(decision), C(changed), C(status), C(phase), C(daily_quota), C(reasons) and
    the numbers behind it, C(evidence).
  returned: success, not in check mode
  type: list
  elements: dict
lines:
  description: The same for people, those that changed first; in check mode each plan as it is.
  returned: success
  type: list
  elements: str
  sample: ["mail1.example.com: advance, week_2, 100 a day (7 of 7 qualifying days of week_1)"]
job:
  description: The job that brings it to the hosts; null where no sender changed.
  returned: success, not in check mode
  type: str
  sample: 6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ARGUMENTS = {**engine_api.ARGUMENTS, "day": {"type": "str"}}


def run(params: dict, check_mode: bool) -> dict:
    """The module without Ansible. Raises FleetError."""
    engine = engine_api.of(params)
    if check_mode:
        return {"changed": False, "lines": [plan(one) for one in plans(engine)]}
    answer = engine.ask("POST", "/warmup", {"day": params["day"]} if params["day"] else {})
    senders = answer["senders"]
    return {
        "changed": any(one["changed"] for one in senders),
        "day": answer["day"],
        "senders": senders,
        "lines": [line(one) for one in sorted(senders, key=lambda one: not one["changed"])],
        "job": answer["job"],
    }


def plans(engine: engine_api.Engine) -> list[dict]:
    """The warm-up of each sender, as it is."""
    found, after = [], 0
    while after is not None:
        page = engine.ask("GET", f"/warmup?limit=500&after={after}")
        found += page["items"]
        after = page["next"]
    return found


def plan(one: dict) -> str:
    counted = (
        f"{one['qualifying']} of {one['needed']} qualifying days"
        if one["needed"] is not None
        else "no days are counted"
    )
    why = "; ".join([counted, *one["hold"], f"closed until {one['closed_day'] or 'no day yet'}"])
    return f"{one['name']}: {one['phase'] or one['status']}, {one['daily_quota']} a day ({why})"


def line(one: dict) -> str:
    phase = one["phase"] or one["status"]
    return f"{one['name']}: {one['decision']}, {phase}, {one['daily_quota']} a day ({'; '.join(one['reasons'])})"


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        result = run(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
