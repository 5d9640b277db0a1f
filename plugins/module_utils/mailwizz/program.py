# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the PHP program says, out of all that MailWizz may print beside it."""

from __future__ import annotations

import json
import typing as t

from ..problems import FleetError, Problem

#: Before the program's own answer, on a line of its own.
MARKER = "email_engine.fleet: "
#: Characters of what else was printed that an error repeats.
SHOWN = 400


def answer(command: str, code: int, out: str, err: str) -> t.Any:
    """The document that the program answered. Raises FleetError with its error, or with what else came out."""
    lines = [line[len(MARKER) :] for line in out.splitlines() if line.startswith(MARKER)]
    document = None
    if lines:
        try:
            document = json.loads(lines[-1])
        except ValueError:
            document = None
    if not isinstance(document, dict):
        noise = " ".join((err or out).split())[:SHOWN] or "nothing"
        raise FleetError(
            [
                Problem(
                    f"MailWizz's program, command {command}",
                    f"gave no answer (exit {code}), but: {noise}",
                    "Run it by hand as the web server's user, and look in apps/common/runtime.",
                )
            ]
        )
    if "error" in document:
        told = document["error"]
        raise FleetError(
            [Problem(str(told.get("where")), str(told.get("what")), str(told.get("remedy") or "Nothing was changed."))]
        )
    return document
