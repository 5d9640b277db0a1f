# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine's host in small, for jobs: a collection whose playbooks do little and wait when told to, an inventory, workers as processes.

The playbooks write what they do to `journal`; two of lane converge at once would write OVERLAP. `hold-NAME` makes playbook NAME wait.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from ansible.parsing.vault import VaultLib, VaultSecret
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from email_engine.jobs import waking
from email_engine.settings import Settings
from email_engine.store import jobs
from email_engine.store.audit import Actor
from email_engine.store.connection import connect
from email_engine.store.models import Alert, Job, JobLine
from servers import HERE, tell

#: Everything secret about it begins so; `VAULTED` is what the inventory's vault holds.
MARK = "s3cr3t"
VAULTED = f"{MARK}-of-the-inventory"
VAULT_PASSWORD = f"{MARK}-of-the-vault"
_PLAYBOOK = """
- name: Play of {name}
  hosts: vps1, vps2
  gather_facts: false
  tasks:
    - name: Begin
      ansible.builtin.shell: |
        echo {name} begins on {{{{ inventory_hostname }}}} >> {place}/journal
        exec 8< {place}/inventory
        flock -n 8 || echo {overlap} >> {place}/journal
        while [ -e {place}/hold-{name} ]; do sleep 0.05; done
      when: inventory_hostname == 'vps1'
      changed_when: false
    - name: Apply
      ansible.builtin.command:
        cmd: tee {place}/{name}-{{{{ inventory_hostname }}}}
        stdin: "{{{{ [stop_senders | default(none), stop_reason | default(none), dns_check_senders | default(none)] | to_json }}}}"
    - name: Show
      ansible.builtin.debug:
        msg: {{password: "{{{{ password }}}}", in_base64: "{{{{ password | b64encode }}}}", fleet_in_job: "{{{{ fleet_in_job }}}}"}}
    - name: Fail
      ansible.builtin.fail:
        msg: "{{{{ password }}}} was refused"
      when: fail | default(false)
    - name: Tell
      ansible.builtin.set_stats:
        data: {{email_engine_job: {{told_by_{name}: "{{{{ password }}}} and more"}}}}
    - name: End
      ansible.builtin.shell: echo {name} ends >> {place}/journal
      when: inventory_hostname == 'vps1'
      changed_when: false
"""


class Site:
    """place: a directory whose path is short. Settings are for workers and for who asks for jobs."""

    def __init__(self, place: Path, database: str, redis: str):
        self.place = place
        inventory = place / "inventory"
        (inventory / "group_vars" / "all").mkdir(parents=True)
        (inventory / "hosts.yml").write_text("all:\n  vars: {ansible_connection: local}\n  hosts: {vps1: , vps2: }\n")
        vault = VaultLib([("default", VaultSecret(VAULT_PASSWORD.encode()))])
        whole = vault.encrypt(f"password: {VAULTED}\n")
        (inventory / "group_vars" / "all" / "vault.yml").write_bytes(
            whole if isinstance(whole, bytes) else whole.encode()
        )
        (place / "password").write_text(f"{VAULT_PASSWORD}\n")
        playbooks = place / "collections" / "ansible_collections" / "email_engine" / "fleet" / "playbooks"
        playbooks.mkdir(parents=True)
        for name in ("converge", "resume", "dns_check", "stop"):
            overlap = "twice" if name == "stop" else "OVERLAP"
            (playbooks / f"{name}.yml").write_text(_PLAYBOOK.format(name=name, place=place, overlap=overlap))
        self.settings = {
            "database": database,
            "redis": redis,
            "key_pepper": f"{MARK}-pepper",
            "session_secret": f"{MARK}-session",
            "log_level": "DEBUG",
            "collections": place / "collections",
            "inventory": inventory,
            "work": place / "work",
            "vault_password_file": place / "password",
            "job_beat": 0.1,
            "job_silence": 1,
            "job_sweep": 0.5,
            "job_grace": 3,
        }
        self.engine = connect(database, 4)
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)
        waking.install(self.sessions, redis)
        self.workers: list[Worker] = []

    def known(self, **changes: object) -> Settings:
        return Settings(**{**self.settings, **changes})

    def worker(self, lane: str = "converge", **changes: object) -> Worker:
        self.workers.append(Worker(self.place, lane, {**self.settings, **changes}, len(self.workers)))
        return self.workers[-1]

    def ask(self, kind: str = "converge", **more: object) -> Job:
        with self.sessions() as session, session.begin():
            return jobs.enqueue(session, Actor("test"), kind, **more)

    def job(self, job: Job) -> Job:
        with Session(self.engine) as session:
            return session.get_one(Job, job.id)

    def lines(self, job: Job) -> list[JobLine]:
        with Session(self.engine) as session:
            return list(session.scalars(select(JobLine).where(JobLine.job_id == job.id).order_by(JobLine.id)))

    def until(self, job: Job, *states: str, seconds: float = 90) -> Job:
        """The job, once it has one of these states."""
        return wait(
            lambda: found if (found := self.job(job)).state in states else None, seconds, lambda: self._tell(job)
        )

    def _tell(self, job: Job) -> str:
        found = self.job(job)
        said = "\n".join(worker.output[-3000:] for worker in self.workers)
        return f"{found.state} {found.error} {found.progress}\n{self.journal}\n{said}"

    def told(self, key: str) -> bool:
        """Whether a receiver took the alert *key*, and that is written down."""
        with self.sessions() as session:
            return bool(session.scalar(select(Alert.told_at).where(Alert.key == key)))

    def hold(self, name: str = "converge") -> None:
        (self.place / f"hold-{name}").touch()

    def go_on(self, name: str = "converge") -> None:
        (self.place / f"hold-{name}").unlink()

    def begun(self, name: str = "converge", times: int = 1) -> None:
        """Wait until playbook *name* has begun so many times."""
        wait(
            lambda: self.journal.count(f"{name} begins on vps1") >= times,
            40,
            lambda: str(self.journal),
        )

    @property
    def journal(self) -> list[str]:
        path = self.place / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def alive(self, what: str = "cmdline") -> list[str]:
        """The playbooks' processes that are there: their command lines, or environments."""
        mine = (f"{self.place}/work", f"{self.place}/journal")
        return [said[what] for said in processes() if any(one in said["cmdline"] for one in mine)]

    def close(self) -> None:
        for path in self.place.glob("hold-*"):
            path.unlink()
        for worker in self.workers:
            worker.kill()
        self.engine.dispose()


def processes() -> list[dict[str, str]]:
    """Command line and environment of every process."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                said = {what: (one / what).read_bytes() for what in ("cmdline", "environ")}
            except OSError:
                continue
            found.append({what: text.replace(b"\0", b" ").decode(errors="replace") for what, text in said.items()})
    return found


class Worker:
    """A worker's process; output: its log."""

    def __init__(self, place: Path, lane: str, settings: dict[str, object], number: int):
        self._output = place / f"worker-{lane}-{number}.log"
        program = f"from email_engine.jobs.worker import run; raise SystemExit(run({lane!r}))"
        more = {f"EMAIL_ENGINE_{name.upper()}": str(value) for name, value in settings.items()}
        with self._output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", program],
                env={**os.environ, "PYTHONPATH": str(HERE.parent), **more},
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=place,
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    def kill(self) -> None:
        """Only the worker itself: what it started has to end by itself."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(60)

    def tell(self, what: signal.Signals) -> None:
        tell(self.process.pid, what)


def wait(condition, seconds=40, told=lambda: ""):
    """The first true answer of *condition*."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds} s in vain: {told()}")
        time.sleep(0.05)
