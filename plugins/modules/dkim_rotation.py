#!/usr/bin/python
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_rotation
short_description: Keep the books of DKIM keys that replace each other, on the host that signs
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Says what is due for the keys of all domains, by the dates in V(keys.json), and writes down what was done. Each call may be
    the first one after an interruption.
  - It publishes nothing and configures nothing; V(playbooks/rotate_dkim.yml) does, with the roles that converge.
  - New keys are made by M(email_engine.fleet.dkim_keys), with C(current) V(false) and the selector of step V(make).
requirements:
  - cryptography >= 38 (for O(act=probe))
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  act:
    description:
      - V(plan) says what is due, and writes nothing.
      - V(begin) dates keys that have no dates yet, and marks the records that are due to be revoked or deleted; the next
        publication carries it out.
      - V(published) takes O(seen), and dates the new keys that every server shows.
      - V(probe) returns a message signed with each new key that may sign, for M(email_engine.fleet.dkim_verify).
      - V(switch) makes the keys current that O(proven) names. PowerMTA signs with them when it is configured the next time.
      - V(destroy) deletes the private keys that sign no more. One that O(config) still names is refused.
      - V(withdrawn) takes O(records), and dates the records that every server shows to be void, or gone.
    type: str
    choices: [plan, begin, published, probe, switch, destroy, withdrawn]
    default: plan
  domains:
    description: The signing domains of this host.
    type: list
    elements: str
    required: true
  rotate:
    description: Those of them that get a new key whatever the age of theirs. Others of the fleet are ignored.
    type: list
    elements: str
    default: []
  again:
    description: Whether also those get one that changed their key only lately, so that its record is still kept.
    type: bool
    default: false
  rules:
    description: Days, as the variable C(policy_dkim_rotation) has them.
    type: dict
    default: {}
    suboptions:
      age:
        description: Keys that are older are replaced; 0 for only those in O(rotate).
        type: int
        default: 180
      keep:
        description: How long the record of a key stays after it stopped signing, at least 14.
        type: int
        default: 14
      revoked:
        description: How long the record then says that the key is void.
        type: int
        default: 30
  seen:
    description: For V(published), by domain what M(email_engine.fleet.dns_check) says about the new key.
    type: dict
    default: {}
  records:
    description: For V(withdrawn), what M(email_engine.fleet.dns_check) returns as RV(email_engine.fleet.dns_check#module:withdrawn).
    type: dict
    default: {}
  wait:
    description: For V(published), for how many seconds resolvers may remember that the record was not there.
    type: int
    default: 3600
  proven:
    description: For V(switch), the domains whose probe was verified.
    type: list
    elements: str
    default: []
  config:
    description: For V(destroy), PowerMTA's configuration.
    type: path
    default: /etc/pmta/config
  directory:
    description: Where keys and V(keys.json) lie.
    type: path
    default: /etc/pmta/dkim
  lock_timeout:
    description: How many seconds to wait for another run in the same directory.
    type: int
    default: 300
seealso:
  - module: email_engine.fleet.dkim_keys
  - module: email_engine.fleet.dkim_verify
"""

EXAMPLES = r"""
- name: Say what is due
  email_engine.fleet.dkim_rotation:
    domains: [mail1.example.com, mail2.example.com]
    rotate: [mail1.example.com]
  register: rotation
"""

RETURN = r"""
steps:
  description:
    - What is due or waited for afterwards, each with C(domain), C(step), C(selector), C(due) (empty for now) and C(why).
    - C(step) is V(make), V(publish), V(wait), V(switch), V(destroy), V(keep), V(revoke) or V(remove).
  returned: success
  type: list
  elements: dict
lines:
  description: The same for people.
  returned: success
  type: list
  elements: str
done:
  description: What this call wrote down, as lines.
  returned: success
  type: list
  elements: str
next_keys:
  description: The keys that will sign, as RV(email_engine.fleet.dkim_keys#module:keys) has them.
  returned: success
  type: list
  elements: dict
new:
  description: What M(email_engine.fleet.dkim_keys) takes as O(email_engine.fleet.dkim_keys#module:domains) to make the keys of the steps V(make).
  returned: success
  type: list
  elements: dict
withdrawing:
  description: Names of the records that are to be seen void or gone, for O(email_engine.fleet.dns_check#module:withdrawn).
  returned: success
  type: list
  elements: str
waiting:
  description: In how many seconds the last of the new keys that are published may sign; 0 when all of them may.
  returned: success
  type: int
probes:
  description: For O(act=probe), each with C(domain), C(selector) and C(message).
  returned: success
  type: list
  elements: dict
unproven:
  description: For O(act=probe), the new keys that may sign and cannot, each with C(domain), C(selector) and C(why).
  returned: success
  type: list
  elements: dict
problems:
  description: What keeps the call from being carried out, each with C(where), C(what) and C(remedy).
  returned: failure
  type: list
  elements: dict
"""

import os
import time
from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils import dkim_registry
from ansible_collections.email_engine.fleet.plugins.module_utils import dkim_rotation as rotation
from ansible_collections.email_engine.fleet.plugins.module_utils.dkim import key_file_name
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import plain_name
from ansible_collections.email_engine.fleet.plugins.module_utils.local import key_directory
from ansible_collections.email_engine.fleet.plugins.module_utils.local.dkim_signing import (
    CRYPTOGRAPHY_IMPORT_ERROR,
    signed_probe,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem


def key_name(selector: str, domain: str) -> str:
    return f"{selector}._domainkey.{domain}"


class Books:
    """One call. now: the moment that counts for all of it."""

    def __init__(self, params: dict, check_mode: bool, now: float):
        self.params, self.check_mode, self.clock = params, check_mode, now
        self.now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
        self.directory = params["directory"]
        self.domains = list(dict.fromkeys(plain_name(name) for name in params["domains"]))
        self.rules = rotation.Rules(**{name: value for name, value in params["rules"].items() if value is not None})
        self.before = self.registry = key_directory.read_registry(self.directory)
        self.done: list[str] = []
        self.probes: list[dict] = []
        self.unproven: list[dict] = []

    def act(self) -> dict:
        """The module's result. Raises FleetError."""
        rotation.check_rules(self.rules)
        self.registry = rotation.settle(self.registry, self.now)
        getattr(self, f"_{self.params['act']}")()
        writes = self.params["act"] not in ("plan", "probe")
        changed = writes and dkim_registry.dump(self.registry) != dkim_registry.dump(self.before)
        if changed and not self.check_mode:
            key_directory.write_registry(self.directory, self.registry)
        plan = [step.as_dict() for step in self._steps()]
        return {
            "changed": changed,
            "steps": plan,
            "lines": rotation.lines(plan),
            "done": self.done,
            "next_keys": self._next_keys(),
            "new": [
                {"domain": step["domain"], "selector": step["selector"], "current": False}
                for step in plan
                if step["step"] == rotation.MAKE
            ],
            "withdrawing": [
                key_name(selector, domain) for domain, selector in rotation.withdrawing(self.registry, self.domains)
            ],
            "waiting": self._waiting(plan),
            "probes": self.probes,
            "unproven": self.unproven,
        }

    def _waiting(self, plan: list[dict]) -> int:
        usable = [rotation.moment(step["due"]) for step in plan if step["step"] == rotation.WAIT]
        return int((max(usable) - rotation.moment(self.now)).total_seconds()) if usable else 0

    def _steps(self) -> list[rotation.Step]:
        return rotation.steps(
            self.registry,
            self.domains,
            self.now,
            self.rules,
            {plain_name(name) for name in self.params["rotate"]},
            self.params["again"],
            key_directory.selectors_on_disk(self.directory),
        )

    def _next_keys(self) -> list[dict]:
        found = []
        for domain in self.domains:
            entry = self.registry["domains"].get(domain, {"current": None, "keys": {}})
            for selector, key in entry["keys"].items():
                if rotation.role(entry, selector) == rotation.NEXT:
                    path = os.path.join(self.directory, key_file_name(selector, domain))
                    found.append({"domain": domain, "selector": selector, "path": path, "public": key["public"]})
        return found

    def _due(self, step: str) -> list[rotation.Step]:
        return [one for one in self._steps() if one.step == step and rotation.is_due(one)]

    def _plan(self) -> None:
        """Nothing is written."""

    def _begin(self) -> None:
        self.registry, taken = rotation.due_dates(self.registry, self.domains, self.now, self.rules)
        self.done += [f"{step.domain}: {step.step} {step.selector}" for step in taken]

    def _published(self) -> None:
        for key in self._next_keys():
            domain, verdict = key["domain"], self.params["seen"].get(key["domain"])
            known = self.registry["domains"][domain]["keys"][key["selector"]].get("published")
            if verdict == "ok" and not known:
                self.registry = rotation.published(self.registry, domain, self.now, self.params["wait"])
                self.done.append(f"{domain}: {key['selector']} is published")
            elif verdict in ("wrong", "missing") and known:
                self.registry = rotation.unpublished(self.registry, domain)
                self.done.append(f"{domain}: {key['selector']} is not published any more")

    def _probe(self) -> None:
        """A key that does not sign is one that is not proven; the others go on."""
        for step in self._due(rotation.SWITCH):
            path = os.path.join(self.directory, key_file_name(step.selector, step.domain))
            try:
                with open(path, "rb") as stream:
                    message = signed_probe(stream.read(), step.domain, step.selector, self.clock)
            except (OSError, ValueError) as error:
                remedy = "Restore it from a backup, or make another next key with dkim_keys"
                why = str(Problem(path, f"the next key does not sign: {error}", remedy))
                self.unproven.append({"domain": step.domain, "selector": step.selector, "why": why})
                continue
            self.probes.append({"domain": step.domain, "selector": step.selector, "message": message})

    def _switch(self) -> None:
        proven = {plain_name(name) for name in self.params["proven"]}
        for step in self._due(rotation.SWITCH):
            if step.domain in proven:
                self.registry = rotation.switched(self.registry, step.domain, self.now)
                self.done.append(f"{step.domain}: {step.selector} signs")

    def _destroy(self) -> None:
        due = self._due(rotation.DESTROY)
        if not due:
            return
        try:
            with open(self.params["config"], encoding="utf-8", errors="replace") as stream:
                configured = stream.read()
        except OSError as error:
            what = f"cannot be read ({error.strerror or error}), so nobody knows which keys it names"
            raise FleetError([Problem(self.params["config"], what, "Converge first")]) from None
        problems = []
        for step in due:
            name = key_file_name(step.selector, step.domain)
            if name in configured:
                what = f"still signs with {name}, which was replaced"
                problems.append(Problem(self.params["config"], what, "Converge (site.yml), then run this again"))
                continue
            record = self.registry["domains"][step.domain]["keys"][step.selector]
            try:
                if not self.check_mode:
                    key_directory.destroy(self.directory, step.domain, record)
            except FleetError as error:
                problems += error.problems
                continue
            self.registry = rotation.destroyed(self.registry, step.domain, step.selector, self.now)
            self.done.append(f"{step.domain}: private key {step.selector} is destroyed")
        if problems:
            # What was destroyed is written down all the same.
            if not self.check_mode:
                key_directory.write_registry(self.directory, self.registry)
            raise FleetError(problems)

    def _withdrawn(self) -> None:
        for domain, selector in rotation.withdrawing(self.registry, self.domains):
            seen_as = self.params["records"].get(key_name(selector, domain), "unknown")
            before, self.registry = (
                self.registry,
                rotation.withdrawn(self.registry, domain, selector, seen_as, self.now),
            )
            if self.registry["domains"] != before["domains"]:
                self.done.append(f"{domain}: the record of {selector} is {seen_as}")


def main() -> None:
    days = {"type": "int"}
    module = AnsibleModule(
        argument_spec={
            "act": {
                "type": "str",
                "choices": ["plan", "begin", "published", "probe", "switch", "destroy", "withdrawn"],
                "default": "plan",
            },
            "domains": {"type": "list", "elements": "str", "required": True},
            "rotate": {"type": "list", "elements": "str", "default": []},
            "again": {"type": "bool", "default": False},
            "rules": {
                "type": "dict",
                "default": {},
                "options": {
                    "age": {**days, "default": 180},
                    "keep": {**days, "default": 14},
                    "revoked": {**days, "default": 30},
                },
            },
            "seen": {"type": "dict", "default": {}},
            "records": {"type": "dict", "default": {}},
            "wait": {"type": "int", "default": 3600},
            "proven": {"type": "list", "elements": "str", "default": []},
            "config": {"type": "path", "default": "/etc/pmta/config"},
            "directory": {"type": "path", "default": "/etc/pmta/dkim"},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    if CRYPTOGRAPHY_IMPORT_ERROR and module.params["act"] == "probe":
        module.fail_json(msg=missing_required_lib("cryptography >= 38"), exception=CRYPTOGRAPHY_IMPORT_ERROR)
    try:
        if not os.path.isdir(module.params["directory"]):
            where = module.params["directory"]
            raise FleetError([Problem(where, "there are no keys", "Converge first (site.yml), which makes them")])
        with key_directory.locked(module.params["directory"], module.params["lock_timeout"]):
            result = Books(module.params, module.check_mode, time.time()).act()
    except FleetError as error:
        module.fail_json(msg=f"{error}", problems=[asdict(problem) for problem in error.problems])
    module.exit_json(**result)


if __name__ == "__main__":
    main()
