# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program between a worker and its playbook: no process of the playbook outlives either.

    guard.py WORKER GRACE LOCK_FILE COMMAND...

WORKER: the parent's process ID; when it ends, however it does, so does the playbook. A SIGTERM ends it too: COMMAND gets one, and
after GRACE seconds everything that is left is killed, also processes that made a session of their own, as Ansible's do.
LOCK_FILE: held from before COMMAND starts until the last process is gone, even if the guard itself is killed; "-" for none.
Exit status: COMMAND's, 128 + N after signal N.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_LIBC = ctypes.CDLL(None, use_errno=True)


class Told(BaseException):
    """To end."""


def _told(_number: int, _frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise Told


def _die_with(parent: int, how: signal.Signals) -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, how)
    if os.getppid() != parent:  # it ended before the kernel knew that we care
        os.kill(os.getpid(), how)


def _alone(path: str) -> None:
    """Wait until nobody else holds the lock."""
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    waiting = False
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Inherited by the playbook: whatever of it lives, holds.
            os.set_inheritable(held, True)
            return
        except OSError as fault:
            if fault.errno not in (errno.EAGAIN, errno.EACCES):
                raise
        if not waiting:
            print(f"waiting for the playbook that holds {path}", flush=True)
            waiting = True
        time.sleep(0.1)


def children() -> list[int]:
    """Of this process, without theirs."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit():
            try:
                parent = int((one / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == os.getpid():
                found.append(int(one.name))
    return found


def _clear(seconds: float) -> None:
    """Kill all that is left. Grandchildren become children when their parent ends, so it goes round until there are none."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for one in children():
            try:
                os.kill(one, signal.SIGKILL)
            except OSError:
                continue
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.02)


def main(worker: str, grace: str, lock_file: str, *command: str) -> int:
    signal.signal(signal.SIGTERM, _told)
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1)
    process = None
    try:
        _die_with(int(worker), signal.SIGTERM)
        if lock_file != "-":
            _alone(lock_file)
        me = os.getpid()
        process = subprocess.Popen(command, close_fds=False, preexec_fn=lambda: _die_with(me, signal.SIGKILL))
        status = process.wait()
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    except Told:
        status = -signal.SIGTERM
        if process is not None:
            process.terminate()
            try:
                process.wait(float(grace))
            except subprocess.TimeoutExpired:
                process.kill()
    _clear(5)
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
