# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replacing a file in one step: a reader sees the old text or the new one, also after a crash."""

from __future__ import annotations

import os
import tempfile


def replace_file(path: str, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
    """Write *text* (UTF-8, line ends as they are) to *path*, whose directory exists. owner: (uid, gid), None for the writer's own.

    Raises OSError, and then the file is as it was.
    """
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            if owner is not None:
                os.fchown(stream.fileno(), *owner)
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
