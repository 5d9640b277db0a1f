# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``run-as-root no``: become the user pmta, keeping only the right to bind low ports."""

from __future__ import annotations

import ctypes
import os
import pwd

_PR_SET_KEEPCAPS, _PR_CAP_AMBIENT = 8, 47
_VERSION_3 = 0x20080522
_NET_BIND_SERVICE = 10


def drop(user: str, owned: list[str]) -> None:
    """Hand what this start made as root (log, socket) to the user, then leave root for good."""
    account = pwd.getpwnam(user)
    for path in owned:
        os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
    os.initgroups(user, account.pw_gid)
    os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
    os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
    mask = 1 << _NET_BIND_SERVICE
    header = (ctypes.c_uint32 * 2)(_VERSION_3, 0)
    data = (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)
    if libc.capset(header, data):
        raise OSError(ctypes.get_errno(), "capset")
