# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job has to tell, gathered from ansible-runner's events or told by its function: its log, how far it is, what changed, why it failed."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from email_engine.redaction import HIDDEN, Redactor

#: Of one line of the log, of all changes: more tells nobody more.
LONGEST, MOST_CHANGES = 20_000, 2_000
# A terminal's: colours, carriage returns, the stars that fill a headline.
_TRIMMINGS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r(?=\n)|\r$| \*{3,}(?=\r?$)", re.MULTILINE)
_DETAILS = ("stderr", "module_stderr", "stdout", "module_stdout")
_OUTCOMES = {
    "runner_on_ok": "ok",
    "runner_on_failed": "failed",
    "runner_on_unreachable": "unreachable",
    "runner_on_skipped": "skipped",
    "runner_item_on_ok": "ok",
    "runner_item_on_failed": "failed",
    "runner_item_on_skipped": "skipped",
}
_REMEDIES = (
    (
        r"host key verification failed|remote host identification",
        "The host's key is not the one this engine was told of. If the host was reinstalled, run site.yml from the control node.",
    ),
    (
        r"permission denied",
        "The host does not take the engine's key: run site.yml from the control node, which installs the account and its key.",
    ),
    (r"sudo", "The engine's account may not become root there: run site.yml from the control node."),
    (
        r"unreachable|timed out|no route|refused|failed to connect",
        "Is the host up, and does it answer ssh from the engine? When it does, ask for the job again.",
    ),
    (
        r"decrypt",
        "The engine's vault password does not open the inventory: correct engine_vault_password, run site.yml.",
    ),
    (r"older than", "Another checkout of the inventory is newer: bring it here with site.yml."),
)


class Failure(NamedTuple):
    """Of a task on a host. message: without secrets."""

    host: str
    task: str
    message: str

    def __str__(self) -> str:
        return f"{self.host}, task {self.task}: {self.message}" if self.task else f"{self.host}: {self.message}"


def remedy(message: str) -> str:
    """What to do about it, where that is known; else an empty text."""
    found = (advice for pattern, advice in _REMEDIES if re.search(pattern, message, re.IGNORECASE))
    return next(found, "")


def _storable(value: Any) -> Any:
    """PostgreSQL has no NUL in texts, and UTF-8 no lone surrogates."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {_storable(key): _storable(one) for key, one in value.items()}
    return [_storable(one) for one in value] if isinstance(value, (list, tuple)) else value


class Report:
    """Of one attempt at a job. result: of the attempts before. Events come from one thread, `take` may be asked by another."""

    def __init__(self, playbooks: Sequence[str], step: int, result: Mapping[str, Any] | None):
        known = dict(result or {})
        self.playbooks = playbooks
        self.step = step
        self.result = {
            **known,
            "hosts": dict(known.get("hosts", {})),
            "changes": list(known.get("changes", [])),
            "steps": list(known.get("steps", [])),
        }
        self.progress: dict[str, Any] = {"step": step, "steps": len(playbooks), "hosts": {}}
        self._redactor = Redactor()
        self._before: dict[str, Any] = {}
        self._failures: dict[str, Failure] = {}
        self._said: list[str] = []
        self._lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def begin(self, redactor: Redactor) -> None:
        """The next playbook starts; *redactor* takes the secrets out of whatever it says."""
        with self._lock:
            self._redactor = redactor
            self._before = {host: dict(counts) for host, counts in self.result["hosts"].items()}
            self._failures, self._said = {}, []
            self.progress = {
                "step": self.step + 1,
                "steps": len(self.playbooks),
                "playbook": self.playbooks[self.step],
                "play": None,
                "task": None,
                "hosts": {},
            }

    def end(self, seconds: float, status: str) -> None:
        """The playbook ended. status: succeeded, failed or stopped."""
        with self._lock:
            self.result["steps"].append(
                {"playbook": self.playbooks[self.step], "status": status, "seconds": round(seconds, 1)}
            )
            if status == "succeeded":
                self.step += 1

    def say(self, text: str) -> None:
        """A line of the worker's own."""
        with self._lock:
            self._line(text)

    def tell(self, progress: Mapping[str, Any]) -> None:
        """How far a function is."""
        with self._lock:
            self.progress |= {name: self._text(one) if isinstance(one, str) else one for name, one in progress.items()}

    def found(self, result: Mapping[str, Any]) -> None:
        """What a function has to show."""
        with self._lock:
            told = _storable(self._redactor.value(dict(result)))
            self.result |= {name: one for name, one in told.items() if name not in ("hosts", "changes", "steps")}

    def event(self, event: Mapping[str, Any]) -> None:
        """One of ansible-runner's. Nothing of it is kept but what passed the redactor."""
        with self._lock:
            kind, data = event.get("event", ""), event.get("event_data") or {}
            host, task = data.get("host"), data.get("task")
            outcome = _OUTCOMES.get(kind)
            result = data.get("res") or {}
            if outcome == "ok" and isinstance(result, Mapping) and result.get("changed"):
                outcome = "changed"
            text = _TRIMMINGS.sub("", event.get("stdout") or "").strip("\n")
            if text:
                self._line(text, host if outcome else None, task, outcome)
            if kind == "playbook_on_play_start":
                self.progress |= {"play": self._text(data.get("play") or data.get("name") or ""), "task": None}
            elif kind in ("playbook_on_task_start", "playbook_on_handler_task_start"):
                self.progress["task"] = self._text(task or "")
            elif kind == "playbook_on_stats":
                self._stats(data)
            elif outcome and host and kind.startswith("runner_on"):
                self._count(host, task, outcome, bool(data.get("ignore_errors")), result)
            elif kind == "runner_item_on_failed" and host:
                self._fail(host, task, result)
            elif kind in ("verbose", "error", "warning") and text:
                self._said = [*self._said[-19:], self._text(text)]

    def take(self) -> list[dict[str, Any]]:
        """The lines since the last call; give them back with `untake` when they could not be stored."""
        with self._lock:
            taken, self._lines = self._lines, []
            return taken

    def untake(self, lines: list[dict[str, Any]]) -> None:
        with self._lock:
            self._lines = [*lines, *self._lines]

    def state(self) -> dict[str, Any]:
        """step, progress and result as they are now."""
        with self._lock:
            hosts = {host: dict(counts) for host, counts in self.progress["hosts"].items()}
            result = {**self.result, "changes": list(self.result["changes"]), "steps": list(self.result["steps"])}
            result["hosts"] = {host: dict(counts) for host, counts in self.result["hosts"].items()}
            return {"step": self.step, "progress": {**self.progress, "hosts": hosts}, "result": result}

    def error(self, status: int) -> str:
        """Why the playbook that just ended failed, for an operator. status: its exit status."""
        with self._lock:
            name = self.playbooks[self.step]
            if self._failures:
                told = [str(one) for one in self._failures.values()]
            elif self._said:
                told = ["\n".join(self._said)]
            else:
                told = ["it said nothing; the journal of the worker may tell more"]
            advice = dict.fromkeys(filter(None, map(remedy, told)))
            return "\n".join([f"Playbook {name} failed (exit status {status}).", *told, *advice])[:LONGEST]

    def _text(self, text: str) -> str:
        return _storable(self._redactor.text(text))

    def _line(self, text: str, host: str | None = None, task: str | None = None, outcome: str | None = None) -> None:
        safe = self._text(text)
        # Ansible wraps its warnings, and a secret in two halves would pass.
        for glue in ("", " ") if "\n" in text else ():
            if self._text(re.sub(r"\s*\n\s*", glue, text)).count(HIDDEN) > safe.count(HIDDEN):
                safe = "(a text with a secret in it)"
        if len(safe) > LONGEST:
            safe = f"{safe[:LONGEST]}\n({len(safe) - LONGEST} characters more)"
        self._lines.append(
            {
                "step": self.step,
                "host": host,
                "task": self._text(task) if task else None,
                "outcome": outcome,
                "text": safe,
            }
        )

    def _fail(self, host: str, task: str | None, result: Any) -> None:
        said = result if isinstance(result, Mapping) else {}
        parts = [said.get("msg"), next(filter(None, map(said.get, _DETAILS)), None)]
        message = "\n".join(str(part).strip() for part in parts if part) or "it failed without a message"
        self._failures[host] = Failure(host, self._text(task or ""), self._text(message)[:2000])

    def _count(self, host: str, task: str | None, outcome: str, ignored: bool, result: Any) -> None:
        counts = self.progress["hosts"].setdefault(host, {"ok": 0, "changed": 0, "failed": 0})
        if outcome in ("ok", "changed") or (outcome == "failed" and ignored):
            counts["ok"] += 1
        if outcome == "changed":
            counts["changed"] += 1
            if len(self.result["changes"]) < MOST_CHANGES:
                changed = {"host": host, "task": self._text(task or ""), "playbook": self.playbooks[self.step]}
                self.result["changes"].append(changed)
        if outcome in ("failed", "unreachable") and not ignored:
            counts["failed"] += 1
            # What the items said is more than that one of them failed.
            if host not in self._failures or not (isinstance(result, Mapping) and "results" in result):
                self._fail(host, task, result)
        self._sum()

    def _stats(self, data: Mapping[str, Any]) -> None:
        """Ansible's own sums at the end know what was rescued."""
        for host in {one for kind in ("ok", "failures", "dark", "changed") for one in data.get(kind) or {}}:
            failed = sum((data.get(kind) or {}).get(host, 0) for kind in ("failures", "dark"))
            self.progress["hosts"][host] = {
                "ok": (data.get("ok") or {}).get(host, 0),
                "changed": (data.get("changed") or {}).get(host, 0),
                "failed": failed,
            }
            if not failed:
                self._failures.pop(host, None)
        self._sum()
        told = (data.get("artifact_data") or {}).get("email_engine_job")
        if isinstance(told, Mapping):
            told = _storable(self._redactor.value(dict(told)))
            self.result |= {key: value for key, value in told.items() if key not in ("hosts", "changes", "steps")}

    def _sum(self) -> None:
        hosts = {host: dict(counts) for host, counts in self._before.items()}
        for host, counts in self.progress["hosts"].items():
            known = hosts.setdefault(host, {"ok": 0, "changed": 0, "failed": 0})
            hosts[host] = {kind: known.get(kind, 0) + counts[kind] for kind in counts}
        self.result["hosts"] = hosts
