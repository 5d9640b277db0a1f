# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes a plan of delivery servers and campaigns real; makes a new one where MailWizz moved meanwhile."""

from __future__ import annotations

import secrets
import time
import typing as t

from ..mailwizz import marks
from ..mailwizz.reconcile import Plan
from ..mailwizz.stops import Whom
from ..mailwizz.stops import plan as plan_stop
from ..problems import FleetError, Problem
from .mailwizz_program import Program

#: A campaign may start between the look and the change; then both are done again.
TRIES = 5
#: A job of MailWizz may write a status back from its memory at the end of its batch. While one is under way, seconds between two looks, and looks.
STEP, LOOKS = 5.0, 12


class Unfinished(FleetError):
    """Some of it was done; ``result`` says what."""

    def __init__(self, problems: t.Sequence[Problem], result: dict):
        super().__init__(list(problems))
        self.result = result


def look(program: Program, predict: bool = False) -> dict:
    """What is there (see ``mailwizz.marks``), and the nonce of the passwords' digests. predict: a MailWizz may not be there yet."""
    nonce = secrets.token_hex(16)
    if predict and not program.ready():
        return {**marks.NOTHING, "nonce": nonce}
    return {**program.ask("state", {"emails": [], "keys": False, "servers": True, "nonce": nonce}), "nonce": nonce}


def converge(program: Program, check_mode: bool, make: t.Callable[[dict], Plan]) -> dict:
    """All of the plan, or, where one of it fails, none. What it paused and disabled is looked at again."""
    first, result = _reach(program, check_mode, make)
    if not check_mode:
        _settle(first, lambda: _reach(program, False, make)[0])
    return result


def _reach(program: Program, check_mode: bool, make: t.Callable[[dict], Plan]) -> tuple[Plan, dict]:
    for _attempt in range(TRIES):
        found = look(program, check_mode)
        plan = make(found)
        ids = dict(plan.ids)
        if plan.changed and not check_mode:
            told = program.ask("servers", {**plan.orders(found), "whole": True})
            if told.get("stale"):
                continue
            # Of those that were made; a copy that was disabled has the same sender as the one that stays.
            ids = {name: told["ids"][name] if number is None else number for name, number in ids.items()}
        return plan, {
            "changed": plan.changed,
            "created": plan.created,
            "updated": plan.updated,
            "disabled": plan.disabled,
            "campaigns": _campaigns(plan),
            "foreign": plan.foreign,
            "servers": ids,
            "diff": plan.diff(),
            "warnings": [*plan.warnings, *plan.faults],
        }
    raise _restless()


def halt(program: Program, whom: Whom, reason: str, check_mode: bool) -> dict:
    """As much of a stop as MailWizz lets happen: one campaign that cannot be paused holds up no other. Raises Unfinished.

    What it paused and disabled is looked at again.
    """
    first, result = _stop(program, whom, reason, check_mode)
    if not check_mode:
        try:
            _settle(first, lambda: _stop(program, whom, reason, False)[0])
        except FleetError as error:
            raise Unfinished(error.problems, result) from error
    return result


def _stop(program: Program, whom: Whom, reason: str, check_mode: bool) -> tuple[Plan, dict]:
    for _attempt in range(TRIES):
        found = look(program)
        plan, unknown = plan_stop(whom, reason, found)
        result = {
            "changed": plan.changed,
            "servers": [one.sender for one in plan.changes],
            "campaigns": _campaigns(plan),
            "unknown": unknown,
            "diff": plan.diff(),
        }
        if not plan.changed or check_mode:
            return plan, result
        told = program.ask("servers", {**plan.orders(found), "whole": False})
        if told.get("stale"):
            continue
        paused, saved = set(told["paused"]), set(told["saved"])
        result["campaigns"] = [
            {key: about[key] for key in ("uid", "name", "sender")}
            for number, about in plan.pause.items()
            if number in paused
        ]
        result["servers"] = [one.sender for one in plan.changes if one.id in saved]
        result["changed"] = bool(result["campaigns"] or result["servers"])
        if told["failed"]:
            raise Unfinished([Problem(one["where"], one["what"], one["remedy"]) for one in told["failed"]], result)
        return plan, result
    raise _restless()


def _settle(first: Plan, again: t.Callable[[], Plan]) -> None:
    """Does it again where MailWizz undid it: at once, and while a job that was under way may still do so. Raises FleetError.

    again: looks and does. A job has had its say once something that was in its hands has come back.
    """
    if not (first.pause or first.disabled):
        return
    held = first.held
    for number in range(LOOKS + 1):
        plan = again()
        back = plan.pause or plan.disabled
        if not back and not held:
            return
        held = held - plan.undone | plan.held
        if number < LOOKS:
            time.sleep(STEP)
    if back:
        names = ", ".join([*(one["name"] for one in plan.pause.values()), *plan.disabled])
        raise FleetError(
            [
                Problem(
                    "MailWizz",
                    f"sets back what was paused or disabled, also after {LOOKS * STEP:.0f} s: {names}",
                    "See which job of it (cron, send-campaigns) does not end, stop it, and run this again.",
                )
            ]
        )


def _campaigns(plan: Plan) -> list[dict]:
    return [{key: about[key] for key in ("uid", "name", "sender")} for about in plan.pause.values()]


def _restless() -> FleetError:
    return FleetError(
        [
            Problem(
                "MailWizz",
                f"campaigns started each of the {TRIES} times between the look and the change",
                "Nothing was changed. Run it again.",
            )
        ]
    )
