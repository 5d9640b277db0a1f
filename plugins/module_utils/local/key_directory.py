# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory of the DKIM keys on the host that signs: its lock, its registry, its files."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .. import dkim_registry
from ..dkim import domain_of_file, key_file_name
from ..problems import FleetError, Problem

TEMPORARY = ".new-"


@contextmanager
def locked(directory: str, timeout: float) -> Iterator[None]:
    """One run at a time per directory. The directory itself is locked, so that no lock file is left and check mode writes
    nothing. Raises FleetError after *timeout* seconds."""
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + timeout
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    remedy = "Wait until it has finished, or raise lock_timeout"
                    raise FleetError([Problem(directory, "another run holds the lock", remedy)]) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def sync(directory: str) -> None:
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_registry(directory: str) -> dict:
    """The registry there, an empty one where there is none. Raises FleetError."""
    path = os.path.join(directory, dkim_registry.REGISTRY_NAME)
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return dkim_registry.load(stream.read(), path)
    except FileNotFoundError:
        return dkim_registry.empty()
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise FleetError([Problem(path, what, "Correct its access rights")]) from None


def write_registry(directory: str, registry: dict) -> None:
    """In the place of the one there, with its owner and mode; whole or not at all."""
    path = os.path.join(directory, dkim_registry.REGISTRY_NAME)
    before = os.stat(path)
    handle, temporary = tempfile.mkstemp(prefix=TEMPORARY, dir=directory)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(dkim_registry.dump(registry))
            stream.flush()
            os.fchown(stream.fileno(), before.st_uid, before.st_gid)
            os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync(directory)


def selectors_on_disk(directory: str) -> dict[str, list[str]]:
    """``{domain: selectors}`` of the key files there, recorded or not."""
    found: dict[str, list[str]] = {}
    with suppress(FileNotFoundError):
        for name in os.listdir(directory):
            pair = domain_of_file(name)
            if pair:
                found.setdefault(pair[1], []).append(pair[0])
    return found


def destroy(directory: str, domain: str, record: dict) -> bool:
    """Delete the private key of a record; whether it was still there. Raises FleetError for a file with other content."""
    path = os.path.join(directory, key_file_name(record["selector"], domain))
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise FleetError([Problem(path, "not a regular file", "Look what it is, and move it away")])
        with open(path, "rb") as stream:
            content = stream.read()
    except FileNotFoundError:
        return False
    if hashlib.sha256(content).hexdigest() != record["sha256"]:
        remedy = "Look whose it is; move it away, or name it in dkim_keys to adopt it"
        raise FleetError([Problem(path, "holds another key than the one that was retired", remedy)])
    os.unlink(path)
    sync(directory)
    return True
