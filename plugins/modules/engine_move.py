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
  - All senders are tried, also after one was refused; then it fails, and says what was done. One that is there already stays as it is, so
    that a call can be repeated.
notes:
  - No more than C(moves_least) or C(moves_share) of RV(ignore:policy_brakes) leave service in a day; the engine refuses what is beyond that.
extends_documentation_fragment:
  - email_engine.fleet.engine
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
attributes:
  check_mode:
    support: partial
    details: The engine is asked for each sender, and names and moves that its status does not allow are refused. What the engine demands besides,
      of its DNS, of lists and of its queue, is not predicted.
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
  description: Status of each sender that was moved; in check mode the one that it would have.
  returned: success, and where some were refused
  type: dict
  sample: {mail2.example.com: warming}
unchanged:
  description: Status of each sender that is there already.
  returned: success, and where some were refused
  type: dict
  sample: {}
lines:
  description: The same for people.
  returned: success, and where some were refused
  type: list
  elements: str
  sample: ["mail2.example.com: warming"]
jobs:
  description: IDs of the jobs that bring it to the hosts.
  returned: success, and where some were refused
  type: list
  elements: str
  sample: [6a0c6c8e-7f0a-4e6e-9c5b-2f0f6a3b1c11]
refused:
  description: What was refused, and why, with C(where), C(what) and C(remedy).
  returned: where some were refused
  type: list
  elements: dict
"""

import datetime
import urllib.parse
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.engine_answers import Away
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.wishes import judge
from ansible_collections.email_engine.fleet.plugins.module_utils.local import engine_api
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

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


class Moving:
    """One call. problems: what was refused; the rest was done."""

    def __init__(self, params: dict, check_mode: bool):
        self.params, self.check_mode = params, check_mode
        self.engine = engine_api.of(params)
        self.moved: dict[str, str] = {}
        self.unchanged: dict[str, str] = {}
        self.lines: list[str] = []
        self.jobs: list[str] = []
        self.problems: list[Problem] = []

    def result(self) -> dict:
        jobs = list(dict.fromkeys(self.jobs))
        done = {"moved": self.moved, "unchanged": self.unchanged, "lines": self.lines, "jobs": jobs}
        return {"changed": bool(self.moved), **done}

    def all(self) -> None:
        """One that is refused keeps no other from being tried; an engine that is away does."""
        try:
            going = self._going() if self.params["event"] in ("retire", "stay") else set()
            for name in dict.fromkeys(self.params["senders"]):
                try:
                    self._one(name, going)
                except Away:
                    raise
                except FleetError as error:
                    self.problems += error.problems
        except FleetError as error:
            self.problems += error.problems

    def _going(self) -> set[str]:
        """The senders that send less each day already."""
        found, after = set(), 0
        while after is not None:
            page = self.engine.ask("GET", f"/warmup?limit=500&after={after}")
            found |= {one["name"] for one in page["items"] if one["down_until"] is not None}
            after = page["next"]
        return found

    def _one(self, name: str, going: set[str]) -> None:
        place, event = f"/ips/{urllib.parse.quote(name, safe='')}", self.params["event"]
        sender, now = self.engine.ask("GET", place), datetime.datetime.now(datetime.timezone.utc)
        wish = judge(sender, event, now, sender["name"] in going, self.params["days"])
        if wish.done:
            self.unchanged[name] = sender["status"]
            self.lines.append(f"{name}: {shown(sender['status'], sender['name'] in going)} already")
            return
        if wish.reasons:
            remedy = "Nothing of it was changed."
            raise FleetError([Problem(name, reason, remedy) for reason in wish.reasons])
        self.moved[name] = wish.target if self.check_mode else self._ask(place)
        self.lines.append(f"{name}: {shown(self.moved[name], wish.less)}")

    def _ask(self, place: str) -> str:
        """The status afterwards."""
        body = {"reason": self.params["reason"]}
        if self.params["event"] == "retire":
            verb, body["days"] = "retire", self.params["days"]
        else:
            verb, body["event"] = "move", self.params["event"]
        answer = self.engine.ask("POST", f"{place}:{verb}", body)
        if answer["job"]:
            self.jobs.append(answer["job"]["id"])
        return answer["sender"]["status"]


def shown(status: str, less: bool) -> str:
    return f"{status}, less each day" if less else status


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        moving = Moving(module.params, module.check_mode)
    except FleetError as error:
        module.fail_json(msg=str(error))
    moving.all()
    if moving.problems:
        refused = [asdict(problem) for problem in moving.problems]
        module.fail_json(msg=str(FleetError(moving.problems)), refused=refused, **moving.result())
    module.exit_json(**moving.result())


if __name__ == "__main__":
    main()
