#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_stops
short_description: Stop senders on a PowerMTA host at once, and let them go on
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Records the stop in C(stops.json), pauses the queues of the virtual MTAs, and reads back that they are paused. A converge that runs at this
    moment, the next one, and the next start of PowerMTA keep what is recorded.
  - Waits for no converge. Needs neither the inventory nor an engine; whom a name, a tenant or O(everything) means is read from what
    M(email_engine.fleet.pmta_config) recorded as applied.
  - With O(state=absent), takes the stop out of the record, resumes the queues and has their mail tried at once. A virtual MTA that something else
    stops (another stop made at run time, or the fleet document) stays stopped, and RV(held) says by what.
  - A sender can be stopped by itself, with its tenant, and with everything; each is lifted by itself. So is what the engine decides
    (O(engine=true)), which later lifts its own stop, never a person's.
requirements:
  - Python 3.9 or later, systemd and coreutils on the host
notes:
  - Mail on the wire at this moment still leaves. Queues that PowerMTA makes later, for receivers it had no mail for, may not be held by a
    pause; the next converge renders the virtual MTA so that it reaches nobody, where the inventory or the engine says that the sender is stopped.
  - Where PowerMTA does not run, the stop is recorded, and C(email-engine-stops.service) pauses the queues after its start.
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  state:
    description: Whether they are stopped (V(present)) or no longer (V(absent)).
    type: str
    choices: [present, absent]
    default: present
  senders:
    description: Names of senders, or of their virtual MTAs, as recorded on this host. Those that are not are returned as RV(unknown).
    type: list
    elements: str
  tenant:
    description: All recorded senders of this tenant.
    type: str
  everything:
    description: All recorded senders.
    type: bool
    default: false
  engine:
    description: The stop of O(senders) is the engine's own, for a listing or until a moment; no person's stop is touched.
    type: bool
    default: false
  vmtas:
    description: Virtual MTAs, recorded as somebody's or not. Wildcards are refused.
    type: list
    elements: str
  reason:
    description: Why, for whoever wonders later. Required with O(state=present).
    type: str
  by:
    description: Who, for the same reader.
    type: str
    default: ''
  pmta:
    description: PowerMTA's command.
    type: path
    default: /usr/sbin/pmta
  service:
    description: Name of the systemd service.
    type: str
    default: pmta
  state_dir:
    description: Directory of the records.
    type: path
    default: /var/lib/email-engine
"""

EXAMPLES = r"""
- name: Stop one sender
  email_engine.fleet.pmta_stops:
    senders: [mail3.example.com]
    reason: complaints at gmail
    by: ops

- name: Let a tenant go on
  email_engine.fleet.pmta_stops:
    tenant: sos-holidays
    state: absent
"""

RETURN = r"""
senders:
  description: Whom it was about, as far as recorded on this host.
  returned: always
  type: list
  elements: dict
  sample: [{name: mail3.example.com, vmta: vmta-mail3, tenant: sos-holidays}]
unknown:
  description: Names of O(senders) that nobody recorded on this host has.
  returned: always
  type: list
  elements: str
  sample: []
runtime_stops:
  description: Every virtual MTA that is stopped at run time, and by which stops.
  returned: always
  type: dict
  sample: {vmta-mail3: {sender: {reason: complaints at gmail, since: "2026-11-22T10:00:00Z", by: ops}}}
held:
  description: Virtual MTAs that stay stopped although this stop was lifted, and by what.
  returned: always
  type: dict
  sample: {vmta-mail3: [everything, declared]}
resumed:
  description: Virtual MTAs whose queues were resumed.
  returned: always
  type: list
  elements: str
  sample: []
read_back:
  description:
    - Whether PowerMTA lists every queue of the stopped virtual MTAs as paused (V(yes)), or could not be asked or understood (V(unknown)).
    - V(none) where nothing had to be read back.
  returned: always
  type: str
  sample: "yes"
"""

import os
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli, pmta_stops
from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.drift import running
from ansible_collections.email_engine.fleet.plugins.module_utils.local.pmta_host import (
    Command,
    Pmta,
    read,
    recorded_senders,
    recorded_stops,
    stops_lock,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.local.writing import replace_file
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

# A converge that resumes queues holds the record's lock; a stop pauses without waiting longer than this.
PATIENCE = 1.0
# A queue may be made between the pause and the look.
READ_BACK_TRIES = 3


class Failed(Exception):
    """The record says what is wanted, and PowerMTA did not do it."""


class Stops:
    def __init__(self, params: dict, check_mode: bool, command: Command):
        self.params, self.check_mode = params, check_mode
        self.state = params["state_dir"]
        self.path = os.path.join(self.state, tx.STOPS)
        self.pmta = Pmta(command, params["pmta"], params["service"])
        self.scope = pmta_stops.ENGINE if params["engine"] else pmta_stops.SENDER
        if params["tenant"] is not None:
            self.scope = pmta_stops.TENANT
        elif params["everything"]:
            self.scope = pmta_stops.EVERYTHING
        self.result: dict[str, t.Any] = {
            "changed": False,
            "senders": [],
            "unknown": [],
            "runtime_stops": {},
            "held": {},
            "resumed": [],
            "read_back": "none",
            "diff": {"before_header": self.path, "after_header": self.path, "before": "", "after": ""},
            "warnings": [],
        }

    def run(self) -> None:
        vmtas = self.choose()
        if not vmtas:
            self.result["runtime_stops"] = pmta_stops.scopes(recorded_stops(self.state))
            return
        active = os.access(self.pmta.program, os.X_OK) and self.pmta.running()
        if self.params["state"] == "present":
            self.stop(vmtas, active)
        else:
            self.release(vmtas, active)

    def choose(self) -> list[str]:
        given = self.params["vmtas"]
        if given is not None:
            return tx.stop_names(given)
        chosen = pmta_stops.choose(
            recorded_senders(self.state),
            self.params["senders"] or (),
            self.params["tenant"],
            self.params["everything"],
        )
        self.result.update(senders=list(chosen.senders), unknown=list(chosen.unknown))
        return tx.stop_names(sender["vmta"] for sender in chosen.senders)

    # Stopping ----------------------------------------------------------------------------------------------------------

    def stop(self, vmtas: list[str], active: bool) -> None:
        if self.check_mode:
            self.record_stop(vmtas, recorded_stops(self.state))
            self.result["changed"] = self.result["changed"] or bool(active and self.missing(vmtas))
            return
        with stops_lock(self.state, PATIENCE) as held:
            if held:
                self.record_stop(vmtas, recorded_stops(self.state))
        if not held:
            # Whoever holds the lock may resume one of these meanwhile: paused now, recorded and paused again after that.
            if active:
                self.pause(vmtas)
            with stops_lock(self.state):
                self.record_stop(vmtas, recorded_stops(self.state))
        if not active:
            self.result["warnings"].append(
                "PowerMTA does not run: the stop is recorded, and its queues are paused after its start"
            )
            return
        if not self.result["changed"] and self.missing(vmtas):
            self.result["changed"] = True
        self.pause(vmtas)
        self.read_back(vmtas)

    def record_stop(self, vmtas: list[str], stops: tx.Stops) -> None:
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        about = {"reason": self.params["reason"] or "", "since": since, "by": self.params["by"]}
        self.write(stops, pmta_stops.stopped(stops, vmtas, self.scope, about))

    def pause(self, vmtas: list[str]) -> None:
        outcomes = {name: self.pmta.pause(name) for name in vmtas}
        wrong = [
            f"{name} could not be paused: {outcome.message}" for name, outcome in outcomes.items() if not outcome.ok
        ]
        if wrong:
            raise Failed("The stop is recorded, but: " + "; ".join(wrong))

    def missing(self, vmtas: list[str]) -> list[str] | None:
        """Queues that are not paused; None where PowerMTA gives no readable answer."""
        found = []
        for options in (["--paused"], []):
            code, out, _err = self.pmta.ask("show", "queues", *options, f"--maxitems={pmta_cli.max_items(0)}")
            listing = pmta_cli.queues(out)
            if code or not listing.complete:
                return None
            found.append([row[0] for row in listing.rows])
        paused, every = found
        return [difference.where for difference in running.missing_pauses(every, paused, vmtas)]

    def read_back(self, vmtas: list[str]) -> None:
        for attempt in range(READ_BACK_TRIES):
            missing = self.missing(vmtas)
            if missing is None:
                self.result["read_back"] = "unknown"
                self.result["warnings"].append(
                    "PowerMTA took the pauses, and its list of paused queues could not be read"
                )
                return
            if not missing:
                self.result["read_back"] = "yes"
                return
            if attempt < READ_BACK_TRIES - 1:
                self.pause(vmtas)
        raise Failed(f"The stop is recorded, and PowerMTA does not list as paused: {'; '.join(missing[:10])}")

    # Going on ----------------------------------------------------------------------------------------------------------

    def release(self, vmtas: list[str], active: bool) -> None:
        if self.check_mode:
            found = pmta_stops.released(recorded_stops(self.state), vmtas, self.scope)
            self.result.update(held=found.held, resumed=list(found.free) if active else [])
            self.write(recorded_stops(self.state), found.runtime)
            return
        wrong = []
        # Held while queues are resumed: a stop that comes in meanwhile is recorded after that, and pauses again.
        with stops_lock(self.state):
            stops = recorded_stops(self.state)
            found = pmta_stops.released(stops, vmtas, self.scope)
            runtime = dict(found.runtime)
            for name in found.free if active else ():
                outcome = self.pmta.resume(name)
                if not outcome.ok:
                    wrong.append(f"{name}: {outcome.message}")
                    # What is still paused stays recorded, or nobody would know why.
                    runtime[name] = pmta_stops.scopes(stops)[name]
                    continue
                self.result["resumed"].append(name)
                if outcome.message:
                    self.result["warnings"].append(outcome.message)
            self.result["held"] = found.held
            self.write(stops, runtime)
        if wrong:
            raise Failed(f"Still recorded as stopped, because PowerMTA did not resume them: {'; '.join(wrong)}")

    # The record --------------------------------------------------------------------------------------------------------

    def write(self, stops: tx.Stops, runtime: dict) -> None:
        """Write the record if it changes."""
        self.result["runtime_stops"] = runtime
        before = pmta_stops.scopes(stops)
        if runtime == before:
            return
        self.result["changed"] = True
        text = tx.write_stops({**stops.record, "runtime": runtime}, stops.declared)
        self.result["diff"].update(before=read(self.path) or "", after=text)
        if not self.check_mode:
            about = os.stat(self.state)
            replace_file(self.path, text, 0o640, (about.st_uid, about.st_gid))


def run(params: dict, check_mode: bool, command: Command) -> dict:
    """The module without Ansible. Raises FleetError (nothing was done) or Failed, with the result so far as ``result``."""
    stops = Stops(params, check_mode, command)
    try:
        if not os.path.isdir(stops.state):
            if params["vmtas"] is None:
                stops.result["unknown"] = list(params["senders"] or ())
                return stops.result
            raise FleetError([Problem(stops.state, "is not there", "Nothing was deployed to this host: run site.yml")])
        stops.run()
    except Failed as error:
        error.result = stops.result
        raise
    except OSError as error:
        failed = Failed(f"{error.filename or stops.path}: {error.strerror or error}")
        failed.result = stops.result
        raise failed from error
    return stops.result


ARGUMENTS = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "senders": {"type": "list", "elements": "str"},
    "tenant": {"type": "str"},
    "everything": {"type": "bool", "default": False},
    "engine": {"type": "bool", "default": False},
    "vmtas": {"type": "list", "elements": "str"},
    "reason": {"type": "str"},
    "by": {"type": "str", "default": ""},
    "pmta": {"type": "path", "default": "/usr/sbin/pmta"},
    "service": {"type": "str", "default": "pmta"},
    "state_dir": {"type": "path", "default": "/var/lib/email-engine"},
}
EXCLUSIVE = [("senders", "tenant", "everything", "vmtas")]


def main() -> None:
    module = AnsibleModule(
        ARGUMENTS,
        supports_check_mode=True,
        mutually_exclusive=EXCLUSIVE,
        required_if=[("state", "present", ["reason"]), ("everything", False, ["senders", "tenant", "vmtas"], True)],
    )

    def command(words: list[str]) -> tuple[int, str, str]:
        return module.run_command(words, environ_update={"LC_ALL": "C", "LANGUAGE": "C"})

    def told(result: dict) -> dict:
        for warning in result.pop("warnings"):
            module.warn(warning)
        if not module._diff:
            result.pop("diff")
        return result

    try:
        module.exit_json(**told(run(module.params, module.check_mode, command)))
    except FleetError as error:
        module.fail_json(msg=str(error))
    except Failed as error:
        module.fail_json(msg=str(error), **told(error.result))


if __name__ == "__main__":
    main()
