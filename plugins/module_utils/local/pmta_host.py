# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PowerMTA host as modules meet it: its commands, and its record of stops, which has a lock of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
import typing as t

from .. import pmta_cli
from .. import pmta_transaction as tx
from ..problems import FleetError, Problem

#: Runs a command: its words to (code, stdout, stderr).
Command = t.Callable[[list], tuple]

# Seconds for one answer of PowerMTA.
ANSWER_SECONDS = 120


def read(path: str) -> str | None:
    """None where there is no such file. One that cannot be read is not a missing one: raises OSError."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_or_refuse(path: str) -> str | None:
    """The same; raises FleetError for a file that cannot be read."""
    try:
        return read(path)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise FleetError([Problem(path, what, "Repair the file system, or run with become: true")]) from error


class Pmta(t.NamedTuple):
    """PowerMTA's command and its service."""

    command: Command
    program: str
    service: str

    def ask(self, *words: str) -> tuple[int, str, str]:
        """A command of PowerMTA; one that hangs is ended, and code 124 says so."""
        code, out, err = self.command(["timeout", str(ANSWER_SECONDS), self.program, *words])
        if code == 124:
            err = f"{err}\npmta {' '.join(words)} did not answer within {ANSWER_SECONDS} seconds".strip()
        return code, out, err

    def running(self) -> bool:
        code, out, _err = self.command(["systemctl", "is-active", self.service])
        return code == 0 or out.strip() in ("active", "activating", "reloading")

    def pause(self, vmta: str) -> pmta_cli.Outcome:
        return pmta_cli.judge_pause(*self.ask("pause", "queue", f"*/{vmta}"))

    def resume(self, vmta: str) -> pmta_cli.Outcome:
        """With a warning as message, when it is resumed and its mail waits for a retry that was set while nothing could be reached."""
        outcome = pmta_cli.judge_resume(*self.ask("resume", "queue", f"*/{vmta}"))
        if not outcome.ok:
            return outcome
        code, out, err = self.ask("schedule", f"*/{vmta}")
        late = f"the mail of {vmta} waits for its next retry: {(err or out).strip()}" if code else ""
        return pmta_cli.Outcome(True, late)


@contextlib.contextmanager
def stops_lock(state: str, seconds: float | None = None) -> t.Iterator[bool]:
    """Stopping takes no converge lock; the record has one of its own, held while it is read and written, and while queues are resumed.

    seconds: how long to wait for it, None for as long as it takes. What it gives: whether it is held.
    """
    with open(os.path.join(state, tx.STOPS_LOCK), "a", encoding="utf-8") as lock:
        if seconds is None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield True
            return
        end = time.monotonic() + seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held = True
                break
            except BlockingIOError:
                held = False
            if time.monotonic() >= end:
                break
            time.sleep(0.05)
        yield held


def recorded_stops(state: str) -> tx.Stops:
    """Raises FleetError, with the file's whole path, for a record that is damaged or cannot be read."""
    path = os.path.join(state, tx.STOPS)
    try:
        return tx.read_stops(read_or_refuse(path))
    except FleetError as error:
        raise FleetError([Problem(path, problem.what, problem.remedy) for problem in error.problems]) from error


def recorded_senders(state: str) -> list[dict]:
    """The senders last applied on this host; none where nothing was. Raises FleetError for a damaged record: it is not an empty one."""
    path = os.path.join(state, tx.FLEET)
    text = read_or_refuse(path)
    if text is None:
        return []
    try:
        senders = json.loads(text)["senders"]
        if not (isinstance(senders, list) and all(isinstance(sender, dict) for sender in senders)):
            raise TypeError("senders is not a list of senders")
        return senders
    except (ValueError, KeyError, TypeError) as error:
        what = f"the record of the senders on this host is damaged ({type(error).__name__}: {error})"
        remedy = (
            "Restore the file from a backup. Removing it makes this host forget which senders it holds: those that are not in the"
            " inventory then count as unknown, and the run refuses while mail waits in them"
        )
        raise FleetError([Problem(path, what, remedy)]) from error
