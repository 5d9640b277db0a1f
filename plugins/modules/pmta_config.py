#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_config
short_description: Apply a PowerMTA configuration as a transaction
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Checks the configuration, writes it, has PowerMTA test and load it, and reads back what PowerMTA then knows. When any of it fails, the
    last good files are put back and loaded again, so that a broken file never stays on disk.
  - Read back are the names of O(expect_vmtas), that virtual MTAs whose C(<domain *>) has C(smtp-hosts) got it, and C(max-smtp-msg-rate) of at most
    20 virtual MTAs whose section changed. An answer that cannot be read gives a warning.
  - A run that was killed between writing and loading leaves a marker. The next run, and the next start of the service when
    C(email-engine-recover) is its C(ExecStartPre), put the last good files back.
  - A virtual MTA with queued mail is never removed, because PowerMTA bounces that mail.
  - Records which virtual MTAs are stopped, and pauses their queues again on every run. Stops that were made at run time and are recorded under
    V(runtime) in C(stops.json) are kept.
requirements:
  - Python 3.9 or later, systemd and coreutils on the host
  - PowerMTA 4.5 or later
notes:
  - The first line of the file holds a generation number and the SHA-256 of the body. Both move only when the body or the secrets do.
  - Passwords in the configuration that is replaced are masked in the diff. The secrets file is never shown, nor its digest.
  - In check mode nothing is written, not even a lock; the configuration is checked and the diff is real.
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  content:
    description: The configuration, without the header line that this module adds.
    type: str
    required: true
  secrets:
    description:
      - Content of the file that O(content) includes for passwords and keys.
      - When not set, that file is left alone.
    type: str
  path:
    description: The configuration file.
    type: path
    default: /etc/pmta/config
  secrets_path:
    description: The file with the secrets, mode C(0640).
    type: path
    default: /etc/pmta/fleet-secrets
  owner:
    description: Owner of the files.
    type: str
    default: root
  group:
    description: Group of the files.
    type: str
    default: pmta
  mode:
    description: Mode of the configuration file, in octal.
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
  stops:
    description:
      - Virtual MTAs whose queues have to be paused.
      - Those that an earlier call listed and this one does not are resumed and their mail is scheduled at once, unless a stop made at run time
        holds them.
    type: list
    elements: str
    default: []
  fleet:
    description: What to record as applied, in the same transaction. When not set, the record is left alone.
    type: dict
  state_dir:
    description: Directory of the lock, the last good files and the records.
    type: path
    default: /var/lib/email-engine
  lock_timeout:
    description: Seconds to wait for another run to end.
    type: int
    default: 60
  expect_vmtas:
    description: Virtual MTAs that PowerMTA has to report once the configuration is loaded.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Apply the configuration
  email_engine.fleet.pmta_config:
    content: |
      postmaster ops@example.com
      log-file /var/log/pmta/log
      <spool /var/spool/pmta>
      </spool>
      include /etc/pmta/fleet-secrets
      <virtual-mta vmta-mail1>
          smtp-source-host 192.0.2.10 mail1.example.com
      </virtual-mta>
      <source 198.51.100.7>
          always-allow-relaying yes
          default-virtual-mta vmta-mail1
      </source>
    secrets: "{{ vault_pmta_secrets }}"
    stops: []
    expect_vmtas: [vmta-mail1]
"""

RETURN = r"""
generation:
  description: Number of the configuration on disk; it grows by one with each change of the body or the secrets.
  returned: always
  type: int
  sample: 4
sha256:
  description: Digest of the body.
  returned: always
  type: str
  sample: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
reloaded:
  description: Whether PowerMTA loaded the new configuration.
  returned: always
  type: bool
  sample: true
started:
  description: Whether the service was not running and was started.
  returned: always
  type: bool
  sample: false
restored:
  description: Whether the last good files were put back because the new ones failed.
  returned: always
  type: bool
  sample: false
recovered:
  description: Whether an earlier run had been killed half-way, and the last good files were put back before this run did anything.
  returned: always
  type: bool
  sample: false
drifted:
  description: Whether somebody had edited the file since it was applied; the diff shows what was replaced.
  returned: always
  type: bool
  sample: false
secrets_changed:
  description: Whether the secrets file was replaced.
  returned: always
  type: bool
  sample: false
stops:
  description: Every virtual MTA that is stopped, declared or at run time.
  returned: always
  type: list
  elements: str
  sample: [vmta-mail3]
resumed:
  description: Virtual MTAs whose stop was lifted.
  returned: always
  type: list
  elements: str
  sample: []
findings:
  description: Warnings of the linter.
  returned: always
  type: list
  elements: dict
  sample: []
"""

import contextlib
import errno
import fcntl
import glob
import grp
import os
import pwd
import socket
import stat
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli
from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.local.pmta_host import Command, Pmta, read, stops_lock
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet import read_back
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

# Seconds for PowerMTA to answer at all after a start.
START_SECONDS = 60
READ_BACK_TRIES = 4
PAUSE_BETWEEN = 0.5
STARTUP_ERRORS = "/var/log/pmta/pmta-startuperr.log"
TEMPORARY = ".email-engine-"


class Failed(Exception):
    """The apply failed after it touched something; `result` says in which state that left the host."""

    def __init__(self, message: str):
        super().__init__(message)
        self.result: dict = {}


class Wanted(t.NamedTuple):
    """One file as it has to be."""

    target: str
    text: str
    mode: int


# Files -----------------------------------------------------------------------------------------------------------------


def sync_directory(path: str) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_beside(target: str, text: str, mode: int, uid: int, gid: int) -> str:
    """A finished, synced file in the target's directory, ready to be renamed; its name."""
    name = os.path.join(os.path.dirname(target), f".{os.path.basename(target)}{TEMPORARY}{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name)
    try:
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            # Ownership first: the mode that lets the group read must not meet the wrong group.
            os.fchown(file.fileno(), uid, gid)
            os.fchmod(file.fileno(), mode)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise
    return name


def write(target: str, text: str, mode: int, uid: int, gid: int) -> None:
    name = write_beside(target, text, mode, uid, gid)
    os.rename(name, target)
    sync_directory(os.path.dirname(target))


def remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
        sync_directory(os.path.dirname(path))


def explained(error: OSError, what: str) -> FleetError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    where = error.filename or what
    return FleetError(
        [
            Problem(
                str(where),
                f"{what}: {error.strerror or error}",
                "Free space on that file system; the files in place were not touched"
                if full
                else "Nothing was changed",
            )
        ]
    )


# The transaction -------------------------------------------------------------------------------------------------------


class Apply:
    def __init__(self, params: dict, command: Command):
        self.params = params
        self.command = command
        self.pmta = Pmta(command, params["pmta"], params["service"])
        self.path = os.path.realpath(params["path"])
        self.secrets_path = os.path.realpath(params["secrets_path"])
        self.state = params["state_dir"]
        self.fleet_path = self.at(tx.FLEET)
        self.body = params["content"]
        self.secrets = params["secrets"]
        self.declared = sorted(set(tx.stop_names(params["stops"])))
        self.uid = self.gid = 0
        self.read_includes: set[str] = set()
        self.replaced = ""
        self.result: dict[str, t.Any] = {
            "changed": False,
            "generation": 0,
            "sha256": "",
            "reloaded": False,
            "started": False,
            "restored": False,
            "recovered": False,
            "drifted": False,
            "secrets_changed": False,
            "stops": [],
            "resumed": [],
            "findings": [],
            "diff": [],
            "warnings": [],
        }

    def at(self, name: str) -> str:
        return os.path.join(self.state, name)

    # Both modes --------------------------------------------------------------------------------------------------------

    def predict(self) -> dict:
        """Check mode: what `converge` would do, with nothing touched."""
        pending = read(self.at(tx.PENDING))
        copies = {}
        if pending is not None:
            copies = {saved.target: saved.copy for saved in tx.read_pending(pending)}
            self.result["recovered"] = self.result["changed"] = True
        made = self.prepare(copies)
        active = os.path.exists(self.pmta.program) and self.pmta.running()
        if active:
            self.guard_queues(made, copies)
        self.result["reloaded" if active else "started"] = made.text is not None
        stops = tx.read_stops(read(self.at(tx.STOPS)))
        self.note_stops(stops)
        fleet = self.params["fleet"]
        if made.text is not None or tuple(self.declared) != tuple(sorted(stops.declared)):
            self.result["changed"] = True
        if fleet is not None and tx.write_fleet(fleet) != self.current(self.fleet_path, copies):
            self.result["changed"] = True
        with contextlib.suppress(FleetError):
            self.uid, self.gid = self.owner()
            if self.wrong_attributes():
                self.result["changed"] = True
        return self.result

    def converge(self) -> dict:
        self.uid, self.gid = self.owner()
        if not os.access(self.pmta.program, os.X_OK):
            raise FleetError(
                [Problem(self.pmta.program, "PowerMTA's command is not there", "Install the operator's package first")]
            )
        try:
            if not os.path.isdir(self.state):
                os.makedirs(self.state, mode=0o750)
                os.chown(self.state, self.uid, self.gid)
            handle = os.open(self.at(tx.LOCK), os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise explained(error, "the state directory cannot be used") from error
        with os.fdopen(handle, "r+") as lock:
            self.take(lock)
            self.recover()
            self.transact()
        return self.result

    def prepare(self, copies: dict[str, str | None]) -> tx.Plan:
        """Lint, and decide what has to be written. copies: where to read files from that a killed run replaced."""
        # With the header, so that line numbers are those of the file and of PowerMTA's own messages.
        text = tx.with_header(1, self.body)
        findings = lint(text, self.params["path"], self.included, whole=True)
        if self.secrets is not None and self.secrets_path not in self.read_includes:
            # Nobody reads it, and still it must not hold nonsense.
            findings += lint(self.secrets, self.params["secrets_path"], self.included, whole=False)
            self.result["warnings"].append(f"the configuration does not include {self.params['secrets_path']}")
        problems = tx.refusals(findings, self.params["secrets_path"])
        if problems:
            raise FleetError(problems)
        self.result["findings"] = [found.as_dict() for found in findings if found.file != self.params["secrets_path"]]
        current = self.current(self.path, copies)
        secrets = self.current(self.secrets_path, copies)
        changed = self.secrets is not None and secrets != self.secrets
        made = tx.plan(current, self.body, changed)
        self.result.update(
            generation=made.generation, sha256=made.sha256, drifted=made.drifted, secrets_changed=changed
        )
        if made.text is not None:
            self.result["changed"] = True
            self.result["diff"] = [
                {
                    "before_header": self.params["path"],
                    "after_header": self.params["path"],
                    "before": tx.masked(current or ""),
                    "after": tx.masked(made.text),
                }
            ]
        return made

    def current(self, target: str, copies: dict[str, str | None]) -> str | None:
        if target not in copies:
            return read(target)
        return read(copies[target]) if copies[target] else None

    def included(self, pattern: str, _from_file: str) -> list[tuple[str, str]] | None:
        """Files that the configuration includes, as they will be once it is applied."""
        if os.path.realpath(pattern) == self.secrets_path and self.secrets is not None:
            self.read_includes.add(self.secrets_path)
            return [(self.params["secrets_path"], self.secrets)]
        found = []
        for name in sorted(glob.glob(os.path.join(os.path.dirname(self.path), pattern))):
            with contextlib.suppress(OSError):
                found.append((name, read(name) or ""))
        return found or None

    def owner(self) -> tuple[int, int]:
        try:
            return pwd.getpwnam(self.params["owner"]).pw_uid, grp.getgrnam(self.params["group"]).gr_gid
        except KeyError as error:
            raise FleetError(
                [
                    Problem(
                        "owner or group",
                        str(error).strip("'\""),
                        "PowerMTA's package makes the group; install it first",
                    )
                ]
            ) from error

    # Lock and recovery -------------------------------------------------------------------------------------------------

    def take(self, lock: t.TextIO) -> None:
        end = time.monotonic() + self.params["lock_timeout"]
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if error.errno not in (errno.EAGAIN, errno.EACCES):
                    raise explained(error, "the lock cannot be taken") from error
            if time.monotonic() >= end:
                lock.seek(0)
                holder = lock.read(500).strip() or "a process that left no name"
                raise FleetError(
                    [
                        Problem(
                            self.at(tx.LOCK),
                            f"another run holds the lock: {holder}",
                            f"Wait for it to end (waited {self.params['lock_timeout']} s), or raise lock_timeout",
                        )
                    ]
                )
            time.sleep(0.2)
        lock.seek(0)
        lock.truncate()
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        lock.write(f"process {os.getpid()} on {socket.gethostname()} since {since}, applying {self.params['path']}\n")
        lock.flush()

    def recover(self) -> None:
        """What a killed run left: put the last good files back before anything else."""
        for target in (self.path, self.secrets_path, self.fleet_path):
            for left in glob.glob(os.path.join(glob.escape(os.path.dirname(target)), f".*{TEMPORARY}*")):
                remove(left)
        if os.path.exists(self.at(tx.RECOVERED)):
            self.result["recovered"] = True
            self.result["warnings"].append(
                "A start of PowerMTA found a configuration that was written but never proven, and put the last good files back"
            )
            remove(self.at(tx.RECOVERED))
        pending = read(self.at(tx.PENDING))
        if pending is None:
            return
        self.put_back(tx.read_pending(pending))
        self.result["recovered"] = self.result["changed"] = True
        self.result["warnings"].append(
            "An earlier run ended after it wrote the configuration and before it was proven; the last good files were put back"
        )
        if self.pmta.running():
            outcome = pmta_cli.judge_reload(*self.pmta.ask("reload"))
            if not outcome.ok:
                self.result["warnings"].append(f"PowerMTA did not reload the restored files: {outcome.message}")

    def put_back(self, files: list[tx.Saved]) -> None:
        for saved in files:
            if saved.copy is None:
                remove(saved.target)
                continue
            text = read(saved.copy)
            if text is None:
                raise Failed(f"{saved.copy} is missing: the last good {saved.target} cannot be put back")
            about = os.stat(saved.copy)
            write(saved.target, text, stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)
        remove(self.at(tx.PENDING))

    # Writing -----------------------------------------------------------------------------------------------------------

    def transact(self) -> None:
        made = self.prepare({})
        fleet = self.params["fleet"]
        mode = int(self.params["mode"], 8)
        files = []
        if made.text is not None:
            files.append(Wanted(self.path, made.text, mode))
        if self.result["secrets_changed"]:
            # First, so that a configuration which includes it never stands without it.
            files.insert(0, Wanted(self.secrets_path, self.secrets, 0o640))
        if fleet is not None and tx.write_fleet(fleet) != read(self.fleet_path):
            files.append(Wanted(self.fleet_path, tx.write_fleet(fleet), 0o640))
        active = self.pmta.running()
        if made.text is not None and active:
            self.guard_queues(made, {})
        stops = self.record_stops()
        if made.text is None:
            for wanted in files:
                self.write_one(wanted)
            fixed = self.fix_attributes()
            self.result["changed"] = bool(files) or fixed or self.result["changed"]
        else:
            self.replace(files, active)
            active = True
        self.enforce(stops, active)

    def write_one(self, wanted: Wanted) -> None:
        try:
            write(wanted.target, wanted.text, wanted.mode, self.uid, self.gid)
        except OSError as error:
            raise explained(error, "the file cannot be written") from error

    def wrong_attributes(self) -> list[tuple[str, int]]:
        """Files whose owner, group or mode is another one, with the mode they should have."""
        wrong = []
        for path, mode in ((self.path, int(self.params["mode"], 8)), (self.secrets_path, 0o640)):
            if not os.path.exists(path) or (path == self.secrets_path and self.secrets is None):
                continue
            about = os.stat(path)
            if (about.st_uid, about.st_gid, stat.S_IMODE(about.st_mode)) != (self.uid, self.gid, mode):
                wrong.append((path, mode))
        return wrong

    def fix_attributes(self) -> bool:
        wrong = self.wrong_attributes()
        for path, mode in wrong:
            os.chown(path, self.uid, self.gid)
            os.chmod(path, mode)
        return bool(wrong)

    def replace(self, files: list[Wanted], active: bool) -> None:
        """Everything that needs space is written before the first file in place is touched."""
        fresh: list[tuple[str, str]] = []
        self.replaced = tx.read_header(read(self.path) or "").body
        try:
            saved = self.save([wanted.target for wanted in files])
            for wanted in files:
                fresh.append((write_beside(wanted.target, wanted.text, wanted.mode, self.uid, self.gid), wanted.target))
            write(self.at(tx.PENDING), tx.write_pending(saved), 0o600, os.geteuid(), os.getegid())
        except OSError as error:
            for name, _target in fresh:
                remove(name)
            with contextlib.suppress(OSError):
                remove(self.at(tx.PENDING))
            raise explained(error, "the new files cannot be written") from error
        try:
            for name, target in fresh:
                os.rename(name, target)
            for directory in {os.path.dirname(target) for _name, target in fresh}:
                sync_directory(directory)
            self.prove(active)
        except BaseException as error:
            failure = self.undone(error, saved)
            raise failure from (None if failure is error else error)
        remove(self.at(tx.PENDING))

    def save(self, targets: list[str]) -> list[tx.Saved]:
        """Copies of what stands now, owner and mode included."""
        directory = self.at(tx.LAST_GOOD)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        saved = []
        for number, target in enumerate(targets):
            text = read(target)
            if text is None:
                saved.append(tx.Saved(target, None))
                continue
            copy = os.path.join(directory, f"{number}-{os.path.basename(target)}")
            about = os.stat(target)
            write(copy, text, stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid)
            saved.append(tx.Saved(target, copy))
        return saved

    def undone(self, error: BaseException, saved: list[tx.Saved]) -> BaseException:
        """Put the last good files back and have PowerMTA load them again; the failure to raise."""
        message = str(error) or type(error).__name__
        try:
            self.put_back(saved)
            self.result["restored"] = True
            message += "\nThe last good files were put back"
            if self.pmta.running():
                outcome = pmta_cli.judge_reload(*self.pmta.ask("reload"))
                message += " and loaded." if outcome.ok else f", but PowerMTA did not load them: {outcome.message}"
            else:
                message += "; the service is not running."
        except (OSError, Failed, FleetError) as second:
            message += f"\nThe last good files could not be put back: {second}. The next run, and the next start of the service, try again."
        self.result.update(reloaded=False, changed=not self.result["restored"])
        # With the files back, what they say is what is on disk.
        header = tx.read_header(read(self.path) or "")
        self.result.update(generation=header.generation, sha256=header.sha256)
        if not isinstance(error, Exception):
            return error
        return Failed(message)

    # Proving -----------------------------------------------------------------------------------------------------------

    def prove(self, active: bool) -> None:
        self.test(active)
        if active:
            outcome = pmta_cli.judge_reload(*self.pmta.ask("reload"))
            if not outcome.ok:
                raise Failed(f"PowerMTA refused to load the configuration: {outcome.message}")
            self.result["reloaded"] = True
        else:
            self.start()
        self.read_back()
        self.read_back_settings()

    def test(self, active: bool) -> None:
        version = pmta_cli.version("\n".join(self.pmta.ask("show", "version")[1:]))
        if version is not None and not version.has_test_config:
            return
        outcome = pmta_cli.judge_test(*self.pmta.ask("test", "config"), running=active)
        if outcome.ok is False:
            raise Failed(f"PowerMTA found the configuration wrong: {outcome.message}")

    def start(self) -> None:
        began = time.time()
        code, out, err = self.command(["systemctl", "start", self.params["service"]])
        if code != 0:
            raise Failed(
                f"the service {self.params['service']} does not start: {(err or out).strip()}{self.startup_errors(began)}"
            )
        self.result["started"] = True
        end = time.monotonic() + START_SECONDS
        while True:
            code, out, err = self.pmta.ask("show", "vmtas", "--maxitems=1")
            if code == 0 and pmta_cli.vmtas(out).total is not None:
                return
            if time.monotonic() >= end or not self.pmta.running():
                raise Failed(
                    f"PowerMTA does not answer after its start: {(err or out).strip()}{self.startup_errors(began)}"
                )
            time.sleep(PAUSE_BETWEEN)

    def startup_errors(self, since: float) -> str:
        try:
            if os.stat(STARTUP_ERRORS).st_mtime >= since - 1:
                return f"\n{(read(STARTUP_ERRORS) or '')[-2000:].strip()}"
        except OSError:
            pass
        return ""

    def reported(self) -> pmta_cli.Listing:
        expected = len(self.params["expect_vmtas"])
        code, out, err = self.pmta.ask("show", "vmtas", f"--maxitems={pmta_cli.max_items(expected)}")
        if code != 0:
            raise Failed(f"pmta show vmtas failed: {(err or out).strip()}")
        return pmta_cli.vmtas(out)

    def read_back(self) -> None:
        wanted = {name.lower(): name for name in self.params["expect_vmtas"]}
        if not wanted:
            return
        for attempt in range(READ_BACK_TRIES):
            listing = self.reported()
            missing = sorted(set(wanted) - {row.name.lower() for row in listing.rows})
            if not missing:
                return
            if attempt < READ_BACK_TRIES - 1:
                time.sleep(PAUSE_BETWEEN)
        names = ", ".join(wanted[name] for name in missing[:10])
        raise Failed(f"PowerMTA loaded the configuration and does not report {len(missing)} virtual MTAs: {names}")

    def read_back_settings(self) -> None:
        """Values that PowerMTA must not ignore. An answer nobody can read is told and stands in nobody's way."""
        wanted = read_back.expected(self.replaced, self.body)
        for attempt in range(READ_BACK_TRIES):
            wrong: list[tuple[read_back.Expected, str]] = []
            unreadable: dict[str, str] = {}
            for one in wanted:
                # One answer that cannot be read stands for all of its kind.
                if one.directive in unreadable:
                    continue
                outcome = self.reported_setting(one)
                if outcome.ok is None:
                    unreadable[one.directive] = (
                        f"{one.directive} of {one.vmta} could not be read back: {outcome.message}"
                    )
                elif not outcome.ok:
                    wrong.append((one, outcome.message))
            if not wrong:
                self.result["warnings"] += unreadable.values()
                return
            wanted = [one for one, _said in wrong]
            if attempt < READ_BACK_TRIES - 1:
                time.sleep(PAUSE_BETWEEN)
        told = "; ".join(f"{one.vmta} has {said} instead of {one.value}" for one, said in wrong[:10])
        raise Failed(f"PowerMTA loaded the configuration and ignores {len(wrong)} of its values: {told}")

    def reported_setting(self, wanted: read_back.Expected) -> pmta_cli.Outcome:
        for subcommand, argument in wanted.questions:
            outcome = read_back.judge(*self.pmta.ask("show", subcommand, argument), wanted, subcommand)
            if outcome.ok is not None:
                break
        return outcome

    def guard_queues(self, made: tx.Plan, copies: dict[str, str | None]) -> None:
        """Nobody's queued mail is bounced because its virtual MTA goes."""
        if made.text is None:
            return
        try:
            listing = self.reported()
            queued = {row.name: row.recipients for row in listing.rows} if listing.complete else None
        except Failed:
            queued = None
        problems = tx.removal_refusals(self.current(self.path, copies), self.body, queued)
        if problems:
            raise FleetError(problems)

    # Stops -------------------------------------------------------------------------------------------------------------

    def record_stops(self) -> tx.Stops:
        """Record what has to be stopped before anything is loaded. Lifted stops stay recorded until all else went well."""
        with stops_lock(self.state):
            stops = tx.read_stops(read(self.at(tx.STOPS)))
            self.note_stops(stops)
            both = {*stops.declared, *self.declared}
            text = tx.write_stops(stops.record, both)
            if text != read(self.at(tx.STOPS)) and (both or stops.record.get("runtime")):
                self.write_one(Wanted(self.at(tx.STOPS), text, 0o640))
        if set(self.declared) != set(stops.declared):
            self.result["changed"] = True
        return stops

    def note_stops(self, stops: tx.Stops) -> None:
        self.result["stops"] = sorted({*self.declared, *stops.runtime})
        self.result["resumed"] = sorted(set(stops.declared) - set(self.declared) - set(stops.runtime))

    def enforce(self, before: tx.Stops, active: bool) -> None:
        """Pause what is stopped, resume what no longer is, and let the record say so."""
        known = {name.lower() for name in tx.virtual_mtas(self.body)}
        wrong: list[str] = []
        unresumed: set[str] = set()
        with stops_lock(self.state):
            # A stop may have come in meanwhile; it holds.
            stops = tx.read_stops(read(self.at(tx.STOPS)))
            lifted = set(before.declared) - set(self.declared) - set(stops.runtime)
            if active:
                for name in sorted({*self.declared, *stops.runtime}):
                    if name.lower() not in known:
                        self.result["warnings"].append(
                            f"{name} is stopped and not in the configuration; nothing to pause"
                        )
                        continue
                    outcome = self.pmta.pause(name)
                    if not outcome.ok:
                        wrong.append(f"{name} could not be paused: {outcome.message}")
                for name in sorted(lifted):
                    if name.lower() not in known:
                        continue
                    outcome = self.pmta.resume(name)
                    if not outcome.ok:
                        wrong.append(f"{name} could not be resumed: {outcome.message}")
                        unresumed.add(name)
                    elif outcome.message:
                        self.result["warnings"].append(outcome.message)
            text = tx.write_stops(stops.record, {*self.declared, *unresumed})
            old = read(self.at(tx.STOPS))
            if text != old and (old is not None or self.declared):
                self.write_one(Wanted(self.at(tx.STOPS), text, 0o640))
            self.result["stops"] = sorted({*self.declared, *stops.runtime})
            self.result["resumed"] = sorted(lifted - unresumed)
        if wrong:
            # Putting an older configuration back would stop nobody: the new one stays.
            raise Failed("The configuration is applied, but: " + "; ".join(wrong))


def run(params: dict, check_mode: bool, command: Command) -> dict:
    """The module without Ansible. Raises FleetError (nothing was touched) or Failed."""
    apply = Apply(params, command)
    try:
        return apply.predict() if check_mode else apply.converge()
    except Failed as error:
        error.result = apply.result
        raise
    except OSError as error:
        failed = Failed(f"{error.filename or apply.state}: {error.strerror or error}")
        failed.result = apply.result
        raise failed from error
    except FleetError as error:
        if not apply.result["recovered"] or check_mode:
            raise
        # What was put back before the refusal has to be told.
        failed = Failed("\n".join([str(error), *apply.result["warnings"]]))
        failed.result = apply.result
        raise failed from error


ARGUMENTS = {
    "content": {"type": "str", "required": True},
    "secrets": {"type": "str", "no_log": True},
    "path": {"type": "path", "default": "/etc/pmta/config"},
    "secrets_path": {"type": "path", "default": "/etc/pmta/fleet-secrets", "no_log": False},
    "owner": {"type": "str", "default": "root"},
    "group": {"type": "str", "default": "pmta"},
    "mode": {"type": "str", "default": "0640"},
    "pmta": {"type": "path", "default": "/usr/sbin/pmta"},
    "service": {"type": "str", "default": "pmta"},
    "stops": {"type": "list", "elements": "str", "default": []},
    "fleet": {"type": "dict"},
    "state_dir": {"type": "path", "default": "/var/lib/email-engine"},
    "lock_timeout": {"type": "int", "default": 60},
    "expect_vmtas": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)

    def command(words: list[str]) -> tuple[int, str, str]:
        return module.run_command(words, environ_update={"LC_ALL": "C", "LANGUAGE": "C"})

    try:
        result = run(module.params, module.check_mode, command)
    except FleetError as error:
        module.fail_json(msg=str(error))
    except Failed as error:
        result = error.result
        for warning in result.pop("warnings"):
            module.warn(warning)
        if not module._diff:
            result.pop("diff")
        module.fail_json(msg=str(error), **result)
    for warning in result.pop("warnings"):
        module.warn(warning)
    if result["drifted"]:
        module.warn(f"{module.params['path']} had been edited since it was applied; the edits were replaced")
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
