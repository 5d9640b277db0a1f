#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_drift
short_description: Compare a running PowerMTA, its files and its records with what is wanted
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Names every difference between the wanted configuration and the file on disk, the running PowerMTA (virtual MTAs, effective settings, paused
    queues, disabled sources) and the records of M(email_engine.fleet.pmta_config). Changes nothing.
  - The file is compared directive by directive, also when an edit damaged it. Of the secrets file only that it differs is told.
  - A file that is right and not loaded is told apart from a file that is wrong.
  - What cannot be looked at, or whose answer cannot be read, is listed as unknown. Unknown never counts as "no drift".
  - Settings are asked for one queue or virtual MTA at a time, so not for all. Asked are, in this order, virtual MTAs whose section on disk is another one,
    every stopped one, every receiver with rules of its own, each kind of rules that virtual MTAs have for receivers, and the limits of every
    virtual MTA. Which virtual MTA answers for many changes from hour to hour.
requirements:
  - Python 3.9 or later, systemd and coreutils on the host
notes:
  - Whether a queue is in backoff is no drift; replies of receivers decide that.
  - Stops recorded under V(runtime) in C(stops.json) are somebody's decision and no drift. They are returned as RV(runtime_stops).
seealso:
  - module: email_engine.fleet.pmta_config
  - module: email_engine.fleet.pmta_info
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  content:
    description: The wanted configuration, without the header line that M(email_engine.fleet.pmta_config) adds.
    type: str
    required: true
  secrets:
    description: The wanted content of the secrets file. When not set, that file is not compared.
    type: str
  stops:
    description: Virtual MTAs that must be stopped.
    type: list
    elements: str
    default: []
  vmtas:
    description: Virtual MTAs that PowerMTA must have, and no others.
    type: list
    elements: str
    required: true
  fleet:
    description: The wanted record, C(senders) with the senders of this host. When not set, the record is not compared.
    type: dict
  path:
    description: The configuration file.
    type: path
    default: /etc/pmta/config
  secrets_path:
    description: The file with the secrets.
    type: path
    default: /etc/pmta/fleet-secrets
  owner:
    description: Wanted owner of both files.
    type: str
    default: root
  group:
    description: Wanted group of both files.
    type: str
    default: pmta
  mode:
    description: Wanted mode of the configuration file, in octal. That of the secrets file is C(0640).
    type: str
    default: "0640"
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
  max_questions:
    description: At most so many settings commands are run. What they leave out is counted as unknown of the kind V(not-asked).
    type: int
    default: 300
  ignore:
    description:
      - Kinds of differences and unknowns that are expected here. They are returned as RV(ignored) and count for nothing.
      - The runbook C(docs/runbooks/drift.md) lists the kinds.
    type: list
    elements: str
    default: []
  fail_on_drift:
    description: Fail, with everything returned, unless RV(in_sync) is true.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Compare
  email_engine.fleet.pmta_drift:
    content: "{{ wanted.content }}"
    secrets: "{{ wanted.secrets }}"
    stops: "{{ wanted.stops }}"
    vmtas: "{{ wanted.vmtas }}"
    fail_on_drift: true
"""

RETURN = r"""
in_sync:
  description:
    - Whether everything was looked at and nothing differs.
    - V(null) where nothing differs as far as could be seen; RV(verdict) then is V(unknown).
  returned: always
  type: bool
  sample: false
verdict:
  description: V(in_sync), V(drift) or V(unknown).
  returned: always
  type: str
  sample: drift
differences:
  description: Each difference, with its C(kind), C(what), C(where), C(wanted), C(found), C(remedy), and all of it as C(message).
  returned: always
  type: list
  elements: dict
  sample:
    - kind: file-value
      what: "virtual-mta vmta-mail1: max-smtp-msg-rate"
      where: /etc/pmta/config:84
      wanted: 50/d
      found: 500/d
      remedy: Run site.yml; it replaces the file
      message: "/etc/pmta/config:84: virtual-mta vmta-mail1: max-smtp-msg-rate wanted 50/d, found 500/d (file-value). Run site.yml; it replaces the file"
unknown:
  description: What could not be looked at, with its C(kind), C(where), C(why), C(remedy) and C(message).
  returned: always
  type: list
  elements: dict
  sample: []
ignored:
  description: Differences and unknowns of the kinds in O(ignore).
  returned: always
  type: list
  elements: dict
  sample: []
counts:
  description: How many differences there are of each kind.
  returned: always
  type: dict
  sample: {file-value: 1}
asked:
  description: The settings commands that were run.
  returned: always
  type: list
  elements: str
  sample: [show settings example.com/vmta-mail1, show vmta-settings vmta-mail1]
runtime_stops:
  description: Virtual MTAs that somebody stopped at run time.
  returned: always
  type: list
  elements: str
  sample: []
generation:
  description: Number of the configuration on disk, 0 without the header line.
  returned: always
  type: int
  sample: 4
sha256:
  description: Digest of the body, as the header line has it.
  returned: always
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
edited:
  description: Whether the file was edited since it was applied; V(null) where the header line is missing.
  returned: always
  type: bool
  sample: true
"""

import collections
import contextlib
import fcntl
import glob
import grp
import json
import os
import pwd
import stat
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli
from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.drift import applied, questions, running
from ansible_collections.email_engine.fleet.plugins.module_utils.drift.difference import (
    DIFFERENCES,
    IN_SYNC,
    UNKNOWN,
    UNKNOWNS,
    Difference,
    Unknown,
    difference,
    unknown,
    verdict,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.drift.outline import Outline, outline
from ansible_collections.email_engine.fleet.plugins.module_utils.local.pmta_host import Command, read
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

ANSWER_SECONDS = 60
# So many unreadable answers of one kind, and no more of it are asked for.
PATIENCE = 3
SHOWN = 40


class Drift:
    def __init__(self, params: dict, command: Command):
        self.params, self.command = params, command
        self.path, self.secrets_path = params["path"], params["secrets_path"]
        self.differences: list[Difference] = []
        self.unknown: list[Unknown] = []
        self.asked: list[str] = []
        self.body: str = params["content"]
        self.stopped: set[str] = set(params["stops"])
        self.runtime: list[str] = []
        self.result: dict[str, t.Any] = {"generation": 0, "sha256": "", "edited": None}

    def at(self, name: str) -> str:
        return os.path.join(self.params["state_dir"], name)

    def ask(self, *words: str) -> tuple[int, str, str]:
        return self.command(["timeout", str(ANSWER_SECONDS), self.params["pmta"], *words])

    def run(self) -> dict:
        self.look_for_converge()
        on_disk = self.files()
        self.records()
        if not os.access(self.params["pmta"], os.X_OK):
            self.unknown.append(unknown("not-installed", self.params["pmta"], "PowerMTA's command is not there"))
        elif not self.running():
            self.unknown.append(unknown("not-running", self.params["service"], "PowerMTA does not run"))
        else:
            wanted = outline(self.body)
            file = outline(on_disk) if on_disk is not None else None
            mtas = self.vmtas(file)
            self.pauses(mtas)
            self.sources()
            self.settings(wanted, file, on_disk, mtas)
        return self.told()

    def told(self) -> dict:
        ignore = set(self.params["ignore"])
        ignored = [one for one in (*self.differences, *self.unknown) if one.kind in ignore]
        differences = [one for one in self.differences if one.kind not in ignore]
        unknowns = [one for one in self.unknown if one.kind not in ignore]
        found = verdict(differences, unknowns)
        return {
            "changed": False,
            "verdict": found,
            "in_sync": None if found == UNKNOWN else found == IN_SYNC,
            "differences": [one.as_dict() for one in differences],
            "unknown": [one.as_dict() for one in unknowns],
            "ignored": [one.as_dict() for one in ignored],
            "counts": dict(collections.Counter(one.kind for one in differences)),
            "asked": self.asked,
            "runtime_stops": self.runtime,
            **self.result,
        }

    # Files and records -------------------------------------------------------------------------------------------------

    def look_for_converge(self) -> None:
        """What a converge is changing at this moment is neither the old nor the new state."""
        with contextlib.suppress(OSError), open(self.at(tx.LOCK), encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = lock.read(500).strip() or "a process that left no name"
                self.unknown.append(unknown("converging", self.at(tx.LOCK), f"a converge runs: {holder}"))

    def readable(self, path: str) -> tuple[bool, str | None]:
        try:
            return True, read(path)
        except OSError as error:
            self.unknown.append(unknown("unreadable-file", path, f"cannot be read: {error.strerror or error}"))
            return False, None

    def files(self) -> str | None:
        """The text of the configuration on disk, None where there is none to be read."""
        fine, text = self.readable(self.path)
        if fine:
            found = applied.judge_file(text, self.body, self.path)
            self.differences += found.differences
            self.result.update(generation=found.generation, sha256=found.sha256, edited=found.edited)
        # Where none are wanted, passwords that lie there are those of yesterday.
        if self.params["secrets"] is not None:
            fine, secrets = self.readable(self.secrets_path)
            if fine:
                self.differences += applied.judge_secrets(secrets, self.params["secrets"], self.secrets_path)
        self.attributes()
        return text

    def attributes(self) -> None:
        modes = [(self.path, int(self.params["mode"], 8))]
        if self.params["secrets"]:
            modes.append((self.secrets_path, 0o640))
        wanted_owner = f"{self.params['owner']}:{self.params['group']}"
        for path, mode in modes:
            with contextlib.suppress(OSError):
                about = os.stat(path)
                wanted = f"{wanted_owner} {mode:04o}"
                found = f"{_user(about.st_uid)}:{_group(about.st_gid)} {stat.S_IMODE(about.st_mode):04o}"
                if wanted != found:
                    self.differences.append(difference("file-mode", "owner and mode", path, wanted, found))

    def records(self) -> None:
        if os.path.exists(self.at(tx.PENDING)):
            self.differences.append(
                difference("record-unfinished", "marker of a run", self.at(tx.PENDING), None, "there")
            )
        path = self.at(tx.STOPS)
        try:
            stops = tx.read_stops(read(path))
        except (FleetError, OSError) as error:
            why = error.problems[0].what if isinstance(error, FleetError) else f"cannot be read: {error.strerror}"
            self.unknown.append(unknown("unreadable-record", path, why))
        else:
            self.differences += applied.judge_stops(stops, self.params["stops"], path)
            self.runtime = sorted(stops.runtime)
            self.stopped |= set(stops.runtime)
        if self.params["fleet"] is not None:
            self.senders()

    def senders(self) -> None:
        path = self.at(tx.FLEET)
        try:
            recorded = json.loads(read(path) or '{"senders": []}')["senders"]
            found = applied.judge_senders(recorded, self.params["fleet"].get("senders", []), path)
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            self.unknown.append(unknown("unreadable-record", path, f"cannot be read ({type(error).__name__})"))
        else:
            self.differences += found

    # PowerMTA ----------------------------------------------------------------------------------------------------------

    def running(self) -> bool:
        code, out, _err = self.command(["systemctl", "is-active", self.params["service"]])
        return code == 0 or out.strip() in ("active", "reloading")

    def vmtas(self, file: Outline | None) -> pmta_cli.Listing | None:
        code, out, err = self.ask("show", "vmtas", f"--maxitems={pmta_cli.max_items(len(self.params['vmtas']))}")
        listing = pmta_cli.vmtas(out)
        if code or not listing.complete:
            self.unknown.append(unknown("unreadable-vmtas", "pmta show vmtas", _said(code, out, err)))
            return None
        on_disk = file.named("virtual-mta") if file else ()
        self.differences += running.compare_vmtas(listing, self.params["vmtas"], on_disk)
        return listing

    def pauses(self, mtas: pmta_cli.Listing | None) -> None:
        paused = self.queues("--paused")
        if paused is None:
            return
        self.differences += running.extra_pauses(paused, self.stopped)
        held = {name.lower() for name in self.stopped}
        full = [row.name for row in mtas.rows if row.recipients and row.name.lower() in held] if mtas else None
        if full == []:
            return
        # One list, unless few virtual MTAs have to be looked at.
        lists = [self.queues(f"--vmta={name}") for name in full] if full and len(full) <= 5 else [self.queues()]
        waiting = [queue for found in lists if found is not None for queue in found]
        self.differences += running.missing_pauses(waiting, paused, self.stopped)

    def queues(self, *options: str) -> list[str] | None:
        """Names of queues; the one without mail that is listed because it is paused, too."""
        words = ("show", "queues", *options)
        code, out, err = self.ask(*words, f"--maxitems={pmta_cli.max_items(0)}")
        listing = pmta_cli.queues(out)
        if code or not listing.complete:
            where = f"pmta {' '.join(words)}"
            self.unknown.append(unknown("unreadable-queues", where, _said(code, out, err)))
            return None
        return [name for name, _recipients in listing.rows]

    def sources(self) -> None:
        words = ("show", "disabled", "sources")
        code, out, err = self.ask(*words, f"--maxitems={pmta_cli.max_items(0)}")
        if code:
            # That the option works here is not documented.
            code, out, err = self.ask(*words)
        listing = pmta_cli.disabled_sources(out)
        if code or not listing.complete:
            self.unknown.append(unknown("unreadable-sources", f"pmta {' '.join(words)}", _said(code, out, err)))
        if not code:
            self.differences += running.disabled_sources(listing.rows)

    def settings(
        self, wanted: Outline, file: Outline | None, on_disk: str | None, mtas: pmta_cli.Listing | None
    ) -> None:
        effective = Effective(self.body, self.included_as_wanted)
        reported = {row.name.lower() for row in mtas.rows} if mtas else None
        turn = int(time.time() // 3600)
        most = self.params["max_questions"]
        plan = questions.plan(wanted, effective, self.stopped, _suspects(wanted, file), most, turn)
        if plan.left_out:
            self.unknown.append(
                unknown("not-asked", "pmta show settings", f"{plan.left_out} questions are more than {most}")
            )
        found = running.Settings(
            (wanted, effective), None if file is None else (file, Effective(on_disk or "", self.included))
        )
        failures: dict[str, int] = {}
        for question in plan.questions:
            missing = reported is not None and question.vmta.lower() not in reported
            if missing or failures.get(question.subcommand, 0) >= PATIENCE:
                continue
            self.asked.append(f"show {question.subcommand} {question.argument}")
            code, out, err = self.ask("show", question.subcommand, question.argument)
            if code or not found.take(question, pmta_cli.settings(out)):
                failures[question.subcommand] = failures.get(question.subcommand, 0) + 1
                kind = "unreadable-settings" if question.subcommand == questions.SETTINGS else "unreadable-rates"
                where = f"pmta show {question.subcommand} {question.argument}"
                # An answer that is no list of settings is not shown: it may hold a password.
                self.unknown.append(unknown(kind, where, _said(code, out, err) if code else "no list of settings"))
        differences, unknowns = found.judge()
        self.differences += differences
        self.unknown += unknowns

    def included_as_wanted(self, pattern: str, from_file: str) -> list[tuple[str, str]] | None:
        if pattern == self.secrets_path and self.params["secrets"] is not None:
            return [(pattern, self.params["secrets"])]
        return self.included(pattern, from_file)

    def included(self, pattern: str, _from_file: str) -> list[tuple[str, str]] | None:
        found = []
        for name in sorted(glob.glob(os.path.join(os.path.dirname(self.path), pattern))):
            with contextlib.suppress(OSError):
                found.append((name, read(name) or ""))
        return found or None


def _suspects(wanted: Outline, file: Outline | None) -> list[str]:
    """Virtual MTAs whose section, or one inside it, is another one on disk."""
    if file is None:
        return []

    def drawn(config: Outline) -> dict[str, list]:
        found: dict[str, list] = {}
        for key, part in config.parts.items():
            if key and key[0][0] == "virtual-mta":
                found.setdefault(key[0][1], []).append((key, [line[:2] for line in part.lines]))
        return found

    here, there = drawn(wanted), drawn(file)
    return [name for name in here if sorted(map(repr, here[name])) != sorted(map(repr, there.get(name, [])))]


def _said(code: int, out: str, err: str) -> str:
    """PowerMTA's answer for a message. Not for answers with values of the configuration."""
    text = (err or out).strip().splitlines()
    if code == 124:
        return f"no answer within {ANSWER_SECONDS} seconds"
    if code:
        return f"code {code}: {text[0][:200] if text else 'nothing was said'}"
    return f"the answer cannot be read: {text[-1][:200]}" if text else "the answer was empty"


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def run(params: dict, command: Command) -> dict:
    """The module without Ansible. Raises FleetError for parameters that make no sense."""
    strange = sorted(set(params["ignore"]) - {*DIFFERENCES, *UNKNOWNS})
    if strange:
        what = f"{', '.join(strange)}: no such kind"
        raise FleetError([Problem("ignore", what, f"Known are {', '.join([*DIFFERENCES, *UNKNOWNS])}")])
    tx.stop_names(params["stops"])
    return Drift(params, command).run()


def summary(result: dict) -> str:
    """One line for each thing, at most SHOWN of them."""
    lines = [one["message"] for one in (*result["differences"], *result["unknown"])]
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    head = f"{len(result['differences'])} differences, {len(result['unknown'])} things unknown"
    return "\n".join([head, *lines[:SHOWN], *more])


ARGUMENTS = {
    "content": {"type": "str", "required": True},
    "secrets": {"type": "str", "no_log": True},
    "stops": {"type": "list", "elements": "str", "default": []},
    "vmtas": {"type": "list", "elements": "str", "required": True},
    "fleet": {"type": "dict"},
    "path": {"type": "path", "default": "/etc/pmta/config"},
    "secrets_path": {"type": "path", "default": "/etc/pmta/fleet-secrets", "no_log": False},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "pmta"},
    "mode": {"type": "str", "default": "0640"},
    "pmta": {"type": "path", "default": "/usr/sbin/pmta"},
    "service": {"type": "str", "default": "pmta"},
    "state_dir": {"type": "path", "default": "/var/lib/email-engine"},
    "max_questions": {"type": "int", "default": 300},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "fail_on_drift": {"type": "bool", "default": False},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)

    def command(words: list[str]) -> tuple[int, str, str]:
        return module.run_command(words, environ_update={"LC_ALL": "C", "LANGUAGE": "C"})

    try:
        result = run(module.params, command)
    except FleetError as error:
        module.fail_json(msg=str(error))
    if module.params["fail_on_drift"] and result["verdict"] != IN_SYNC:
        module.fail_json(msg=summary(result), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
