# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up's part of the policy: numbers that an inventory may set, what they are where it says nothing, and what is unsound.

Sources: the schedule is the operator's own table. x1.4 a day: SendGrid's automated warm-up. 200 before a ratio counts: coss.com. 30 idle
days: SendGrid and MailWizz warm up again then. 14 idle days, x0.7 on the way down, x1.1 while a line is not excluded: own choice.
"""

from __future__ import annotations

import typing as t
from fractions import Fraction

from ..problems import FleetError, Problem

TABLE, GEOMETRIC = "table", "geometric"
#: How much a table may rise in one step: above SOFT it is told of, above HARD it is refused.
SOFT, HARD = Fraction(2), Fraction(5, 2)
_VARIABLE = "policy_warmup"

DEFAULTS: dict[str, t.Any] = {
    "schedule": TABLE,
    "phase_days": 7,
    "growth": 1.4,
    "slow": 1.1,
    "use": 0.9,
    "delivered": 0.9,
    "thresholds": {"bounce": 0.05, "complaint": 0.001, "open": 0.1, "sample": 200, "days": 7},
    "idle": {"step_back": 14, "restart": 30},
    "down": {"days": 5, "factor": 0.7},
    "providers": {},
}

# (smallest, largest) of each number; days and messages are whole, the others may be fractions.
_WHOLE = {
    ("phase_days",): (1, 90),
    ("thresholds", "sample"): (1, 1_000_000),
    ("thresholds", "days"): (1, 14),
    ("idle", "step_back"): (1, 365),
    ("idle", "restart"): (1, 365),
    ("down", "days"): (1, 60),
}
_NUMBERS = {
    ("growth",): ("1.05", "2"),
    ("slow",): ("1", "2"),
    ("use",): ("0.1", "1"),
    ("delivered",): ("0.1", "1"),
    ("thresholds", "bounce"): ("0.0001", "1"),
    ("thresholds", "complaint"): ("0.0001", "1"),
    ("thresholds", "open"): ("0", "1"),
    ("down", "factor"): ("0.1", "0.99"),
}


class Thresholds(t.NamedTuple):
    """Lines that shares of a sender's last *days* may not cross; no verdict below *sample* messages."""

    bounce: Fraction
    complaint: Fraction
    open: Fraction
    sample: int
    days: int


class Policy(t.NamedTuple):
    """phases: (name, messages a day), in order. target: messages a day at the end of the growth. Ratios are exact, so that a cap is the
    same number everywhere. providers: share of the cap by provider."""

    phases: tuple[tuple[str, int], ...]
    target: int
    schedule: str
    phase_days: int
    growth: Fraction
    slow: Fraction
    use: Fraction
    delivered: Fraction
    thresholds: Thresholds
    idle_step_back: int
    idle_restart: int
    down_days: int
    down_factor: Fraction
    providers: t.Mapping[str, Fraction]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _unused in self.phases)

    def cap(self, phase: str | None) -> int:
        """Messages a day of a phase; without one, the target."""
        return dict(self.phases).get(phase, self.target) if phase else self.target


def read(policy: t.Mapping) -> Policy:
    """The declared policy's ``phases``, ``active_daily_quota`` and ``warmup``. Raises FleetError with every problem."""
    found = problems(policy)
    if not policy.get("phases"):
        found.append(Problem("policy_phases", "is empty", "Give at least one phase, such as week_1: 50."))
    if found:
        raise FleetError(found)
    said = _merged(policy.get("warmup") or {})
    lines = said["thresholds"]
    return Policy(
        tuple((name, int(quota)) for name, quota in policy["phases"].items()),
        policy["active_daily_quota"],
        said["schedule"],
        said["phase_days"],
        *(_exact(said[key]) for key in ("growth", "slow", "use", "delivered")),
        Thresholds(*(_exact(lines[key]) for key in ("bounce", "complaint", "open")), lines["sample"], lines["days"]),
        said["idle"]["step_back"],
        said["idle"]["restart"],
        said["down"]["days"],
        _exact(said["down"]["factor"]),
        {name: _exact(share) for name, share in said["providers"].items()},
    )


def shares(policy: t.Mapping) -> dict[str, Fraction]:
    """Share of the cap by provider, of those that ``providers`` has: a host's own policy may have others."""
    said = (policy.get("warmup") or {}).get("providers") or {}
    return {name: _exact(share) for name, share in said.items() if name in policy["providers"]}


def problems(policy: t.Mapping) -> list[Problem]:
    """What is unsound in ``phases`` and ``warmup``; ``providers`` says which receivers there are. Other faults of phases are `sound_policy`'s."""
    said = policy.get("warmup")
    if said is None:
        said = {}
    if not isinstance(said, t.Mapping):
        return [Problem(_VARIABLE, "is not a dictionary", "Write it as key: value lines.")]
    found = [*_unknown(_VARIABLE, said, DEFAULTS)]
    for key in ("thresholds", "idle", "down", "providers"):
        part = said.get(key, {})
        if not isinstance(part, t.Mapping):
            found.append(Problem(f"{_VARIABLE}.{key}", "is not a dictionary", "Write it as key: value lines."))
        elif key != "providers":
            found += _unknown(f"{_VARIABLE}.{key}", part, DEFAULTS[key])
    if found:
        return found
    whole = _merged(said)
    if whole["schedule"] not in (TABLE, GEOMETRIC):
        remedy = f"Choose {TABLE} or {GEOMETRIC}."
        found.append(Problem(f"{_VARIABLE}.schedule", f"{whole['schedule']!r} is no schedule", remedy))
    found += _numbers(whole)
    if not found and whole["idle"]["restart"] < whole["idle"]["step_back"]:
        what = f"is {whole['idle']['restart']}, before the step back after {whole['idle']['step_back']} days"
        found.append(Problem(f"{_VARIABLE}.idle.restart", what, "Give at least as many days as for step_back."))
    if not found and _exact(whole["slow"]) > _exact(whole["growth"]):
        what = f"is {whole['slow']}, more than the growth of {whole['growth']}"
        found.append(Problem(f"{_VARIABLE}.slow", what, "Give a smaller factor than growth."))
    return [*found, *_table(policy), *_shares(policy, whole["providers"])]


def warnings(policy: t.Mapping) -> list[str]:
    """Steps of the table that are steep, and yet allowed; each a line for an operator."""
    steep = [
        f"policy_phases.{name}: rises from {before} to {quota}, more than x{SOFT} in one step; receivers may defer mail then"
        for before, (name, quota) in _steps(policy)
        if before * SOFT < quota <= before * HARD
    ]
    growth = _exact(_merged(policy.get("warmup") or {})["growth"])
    ends = [quota for _unused, quota in _sound(policy)][
        :: 1 if _merged(policy.get("warmup") or {})["schedule"] == GEOMETRIC else -1
    ]
    if ends and int(ends[0] * growth) == ends[0] < policy["active_daily_quota"]:
        steep.append(
            f"policy_phases: {ends[0]} x{float(growth):g} is {ends[0]}, rounded down; the quota will not grow from there"
        )
    return steep


def _merged(said: t.Mapping) -> dict[str, t.Any]:
    return {
        key: {**value, **(said.get(key) or {})} if isinstance(value, dict) else said.get(key, value)
        for key, value in DEFAULTS.items()
    }


def _exact(number: float | str | Fraction) -> Fraction:
    # By its text: 1.4 is 7/5, and not the nearest binary number.
    return number if isinstance(number, Fraction) else Fraction(str(number))


def _unknown(where: str, said: t.Mapping, known: t.Mapping) -> list[Problem]:
    return [
        Problem(f"{where}.{key}", "is not a key that is known here", f"Known keys: {', '.join(sorted(known))}.")
        for key in said
        if key not in known
    ]


def _numbers(whole: t.Mapping) -> list[Problem]:
    found = []
    for path, (low, high) in _WHOLE.items():
        value = _at(whole, path)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            what = f"must be a whole number between {low} and {high}, found {value!r}"
            found.append(Problem(".".join((_VARIABLE, *path)), what, "Write it without quotes."))
    for path, bounds in _NUMBERS.items():
        value = _at(whole, path)
        if not _number(value) or not Fraction(bounds[0]) <= _exact(value) <= Fraction(bounds[1]):
            what = f"must be a number between {bounds[0]} and {bounds[1]}, found {value!r}"
            found.append(Problem(".".join((_VARIABLE, *path)), what, "Write it without quotes, and without %."))
    return found


def _at(whole: t.Mapping, path: tuple[str, ...]) -> object:
    value: t.Any = whole
    for key in path:
        value = value[key]
    return value


def _number(value: object) -> bool:
    # NaN and the infinities are floats, and no numbers.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _steps(policy: t.Mapping) -> list[tuple[int, tuple[str, int]]]:
    """(messages of the phase before, (name, messages)) of each phase but the first; phases that hold no number are left out."""
    sound = _sound(policy)
    return [(before, after) for (_unused, before), after in zip(sound, sound[1:])]


def _sound(policy: t.Mapping) -> list[tuple[str, int]]:
    phases = policy.get("phases")
    return [
        (str(name), quota)
        for name, quota in (phases.items() if isinstance(phases, t.Mapping) else ())
        if isinstance(quota, int) and not isinstance(quota, bool) and quota >= 1
    ]


def _table(policy: t.Mapping) -> list[Problem]:
    found = []
    for before, (name, quota) in _steps(policy):
        where = f"policy_phases.{name}"
        if quota < before:
            found.append(
                Problem(where, f"falls from {before} to {quota}", "A warm-up never falls: give at least as many.")
            )
        elif quota > before * HARD:
            what = f"rises from {before} to {quota}, more than x{float(HARD):g} in one step"
            found.append(Problem(where, what, "Put a phase between the two."))
    return found


def _shares(policy: t.Mapping, shares: t.Mapping) -> list[Problem]:
    found = []
    providers = policy.get("providers")
    known = providers if isinstance(providers, t.Mapping) else {}
    smallest = min((quota for _unused, quota in _sound(policy)), default=0)
    for name, share in shares.items():
        where = f"{_VARIABLE}.providers.{name}"
        if name not in known:
            remedy = f"Known: {', '.join(sorted(map(str, known))) or 'none'}."
            found.append(Problem(where, "is no provider of policy_providers", remedy))
        elif not _one_queue(known[name]):
            what = "has several domains, each with a queue and a limit of its own"
            found.append(Problem(where, what, "Give the provider mx, so that they are one queue, or no share."))
        if not _number(share) or not 0 < share <= 1:
            found.append(Problem(where, f"must be a share between 0 and 1, found {share!r}", "Write 0.4 for 40 %."))
        elif _exact(share) * smallest < 1:
            what = f"is {share}, less than one message of the {smallest} of the smallest phase"
            found.append(Problem(where, what, "Give a larger share, or none: the total holds for all receivers."))
    if not found and sum(map(_exact, shares.values())) > 1:
        total = float(sum(map(_exact, shares.values())))
        found.append(
            Problem(f"{_VARIABLE}.providers", f"is {total:g} of the cap in sum", "Shares are at most 1 together.")
        )
    return found


def _one_queue(provider: object) -> bool:
    # Only a policy of the platform says which domains there are; one that does not is not judged by it.
    if not isinstance(provider, t.Mapping) or "domains" not in provider:
        return True
    return bool(provider.get("mx")) or len(provider["domains"] or ()) < 2
