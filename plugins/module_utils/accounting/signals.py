# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which signals are fed, which are not to be had, and which have fallen silent. No data is None, and never 0 %."""

from __future__ import annotations

import typing as t

from ..problems import Problem

FED, UNAVAILABLE, SILENT = "fed", "not_available", "silent"
SIGNALS = ("bounces", "complaints", "opens")
_DEFAULT, _AFTER = "default", "silent_after"
#: What holds where the policy says nothing. Hours after which a fed signal counts as silent: bounces come with the accounting, every ten
#: minutes; complaints by day; opens with each campaign. Own choices.
DEFAULTS: dict[str, dict[str, t.Any]] = {
    "bounces": {_DEFAULT: FED},
    "complaints": {_DEFAULT: UNAVAILABLE},
    "opens": {_DEFAULT: UNAVAILABLE},
    _AFTER: {"bounces": 3, "complaints": 168, "opens": 72},
}
_LONGEST = 24 * 60


def check(policy: t.Mapping[str, t.Any], providers: t.Collection[str], where: str = "policy_signals") -> list[Problem]:
    """What is wrong with *policy*: {signal: {"default" or provider: "fed" or "not_available"}, "silent_after": {signal: hours}}."""
    problems = []
    if not isinstance(policy, dict):
        return [Problem(where, f"{policy!r} is no dictionary", "See docs/accounting.md.")]
    for signal, told in policy.items():
        if signal not in DEFAULTS:
            problems.append(Problem(f"{where}.{signal}", "is no signal", f"Known are {', '.join(DEFAULTS)}."))
        elif not isinstance(told, dict):
            problems.append(Problem(f"{where}.{signal}", f"{told!r} is no dictionary", "See docs/accounting.md."))
        elif signal == _AFTER:
            problems += [
                Problem(
                    f"{where}.{_AFTER}.{name}", f"{hours!r} hours", f"Give {', '.join(SIGNALS)} 1 to {_LONGEST} hours."
                )
                for name, hours in told.items()
                if name not in SIGNALS
                or isinstance(hours, bool)
                or not isinstance(hours, int)
                or not 1 <= hours <= _LONGEST
            ]
        else:
            known = (_DEFAULT, "other", *providers)
            for name, state in told.items():
                if name not in known:
                    problems.append(
                        Problem(f"{where}.{signal}.{name}", "is no provider", f"Known are {', '.join(known)}.")
                    )
                elif state not in (FED, UNAVAILABLE):
                    what = f"{state!r} is neither {FED} nor {UNAVAILABLE}"
                    problems.append(Problem(f"{where}.{signal}.{name}", what, "Say fed where something reports it."))
    return problems


def declared(policy: t.Mapping[str, t.Any], signal: str, provider: str) -> str:
    """`FED` or `UNAVAILABLE`."""
    told = {**DEFAULTS[signal], **(policy.get(signal) or {})}
    return str(told.get(provider, told[_DEFAULT]))


def patience(policy: t.Mapping[str, t.Any], signal: str) -> int:
    """Hours."""
    return int({**DEFAULTS[_AFTER], **(policy.get(_AFTER) or {})}[signal])


def state(policy: t.Mapping[str, t.Any], signal: str, provider: str, age: float | None, expected: bool) -> str:
    """Of a signal now. age: hours since it was last heard of, None for never. expected: mail that it would tell of was delivered in the
    time that it may be silent for."""
    if declared(policy, signal, provider) != FED:
        return UNAVAILABLE
    limit = patience(policy, signal)
    return SILENT if expected and (age is None or age > limit) else FED
