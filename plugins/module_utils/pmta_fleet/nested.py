# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``<domain>`` tags inside virtual MTAs: a stopped one reaches nobody, a delivering one keeps its sender's share of a provider.

Whether a virtual MTA's ``<domain *>`` beats a global ``<domain gmail.com>`` is not documented (only that the virtual MTA beats the
global scope, and an exact pattern beats ``*``). What is written here holds either way: wherever the policy has a pattern that
could win, the virtual MTA has the same pattern.
"""

from __future__ import annotations

import functools
import typing as t

from ..pmta_config import Directive, Section, quote
from ..pmta_config.effective import DEFAULT_VMTA, Effective
from . import caps
from .policy import HOSTS, domains, nodes, rollup_of
from .settings import directives

# Nothing listens on the discard port of the loopback address, so a connection is refused at once and nothing leaves
# the host. This holds mail even where a pause was forgotten: PowerMTA does not document that pauses survive a restart.
NOWHERE = "[127.0.0.1]:9"

RATE = "max-msg-rate"
BACKOFF_RATE = "backoff-max-msg-rate"
# What sends a queue's mail another way or bounces it, and what in a stopped virtual MTA undoes it.
_UNDONE = {
    "disable-mx-rollup": "yes",
    "route": quote(NOWHERE),
    "queue-to": quote(""),
    "type": "smtp",
    "bounce-upon-transfer-failure": "no",
    "bounce-upon-no-mx": "no",
}
# Each of these at a receiver's pattern could let a stopped sender's mail go, or bounce it early.
_COUNTERED = frozenset((*_UNDONE, HOSTS, "bounce-after"))
_SAMPLE = "sample"


class Nested:
    """The nested tags of one policy; what is the same for many virtual MTAs is made once."""

    def __init__(self, policy: t.Mapping):
        self._policy = policy
        self._stopped: list[Section] | None = None
        self._effective: Effective | None = None
        self._rules: dict[str, tuple] = {}
        self._caps: dict[tuple[str, str], dict[str, dict[str, str]]] = {}

    def stopped(self) -> list[Section]:
        """For a virtual MTA that must deliver nothing: every queue is held until `quarantine_hold`."""
        if self._stopped is None:
            self._stopped = self._hold()
        return self._stopped

    def _hold(self) -> list[Section]:
        found: dict[str, Section] = {}
        # A list: the text must be the same in every process.
        rolled = [rollup_of(name) for name, one in self._policy["providers"].items() if one.get("mx")]
        targets = {target.lower(): target for target in [*rolled, *(one["to"] for one in self._policy["mx_rollups"])]}
        for section in domains(self._policy):
            pattern = section.value
            names = {line.name.lower() for line in section.nodes if isinstance(line, Directive)}
            for line in section.nodes:
                if isinstance(line, Directive) and line.name.lower() == "queue-to" and line.values[0]:
                    targets.setdefault(line.values[0].lower(), line.values[0])
            if pattern == "*":
                # Whether a roll-up by IP honours smtp-hosts is not documented: what comes in now is not rolled up.
                names |= {"retry-after", "bounce-after", *(("disable-mx-rollup",) if targets else ())}
            if pattern == "*" or names & _COUNTERED:
                found[pattern.lower()] = self._held(pattern, names)
        for key, target in targets.items():
            found.setdefault(key, self._held(target, ()))
        return [found.pop("*"), *found.values()]

    def _held(self, pattern: str, names: t.Collection[str]) -> Section:
        lines = {"retry-after": "10m", "bounce-after": self._policy["quarantine_hold"], **_UNDONE}
        undone = [Directive(name, value) for name, value in lines.items() if name in names]
        return Section("domain", pattern, [Directive(HOSTS, quote(NOWHERE)), *undone])

    def delivering(self, provider_quota: t.Mapping[str, int]) -> list[Section]:
        """The policy's own nested tags, with the sender's caps on providers.

        A cap that is not stricter than every rule of the policy adds nothing; one that is added is never looser than any of them.
        """
        found = {key: dict(settings or {}) for key, settings in self._policy["virtual_mta_domains"].items()}
        for name, quota in provider_quota.items():
            for pattern, settings in self._cap(name, caps.daily(quota)).items():
                known = next((key for key in found if key.lower() == pattern.lower()), pattern)
                found[known] = {**found.get(known, {}), **settings}
        return [Section("domain", pattern, directives(settings)) for pattern, settings in found.items()]

    def _cap(self, name: str, quota: str) -> dict[str, dict[str, str]]:
        """Pattern -> settings that keep one provider's mail within *quota*."""
        if (name, quota) not in self._caps:
            self._caps[name, quota] = self._limited(name, quota)
        return self._caps[name, quota]

    def _limited(self, name: str, quota: str) -> dict[str, dict[str, str]]:
        if name not in self._rules:
            self._rules[name] = self._ruled(name)
        patterns, rules, slow = self._rules[name]
        if all(caps.stricter(one, quota) == one for one in [*rules, *slow]):
            return {}
        rate = functools.reduce(caps.stricter, rules, quota)
        settings = {RATE: rate}
        if slow:
            # Without a value of its own it is the rate above (User's Guide).
            settings[BACKOFF_RATE] = functools.reduce(caps.stricter, slow, rate)
        return dict.fromkeys(patterns, settings)

    def _ruled(self, name: str) -> tuple[list[str], list[str | None], list[str]]:
        """Patterns that have to repeat a cap on a provider; the policy's rates, and those of backoff, for its queues (None: no rule)."""
        effective = self._whole()
        members = effective.domains(f"${name}")
        queues = [*members, *self._rollups(name, members)]
        # Whichever scope decides: what the global one says, and what holds with the nested tags on top.
        scopes = (DEFAULT_VMTA, _SAMPLE)
        queues = list(dict.fromkeys([*queues, *(effective.queue(one, vmta=vmta) for one in queues for vmta in scopes)]))
        found = [effective.settings(queue, vmta) for queue in queues for vmta in scopes]
        patterns = [f"${name}", *(queue for queue in queues if queue not in members)]
        patterns += [member for member in members if self._named_elsewhere(member, f"${name}")]
        # Lists, in an order that is the same in every run: equal rates may be written differently.
        rules, slow = ([settings.get(rate, (None,))[-1] for settings in found] for rate in (RATE, BACKOFF_RATE))
        return patterns, list(dict.fromkeys(rules)), [rate for rate in dict.fromkeys(slow) if rate is not None]

    def _rollups(self, name: str, members: t.Sequence[str]) -> t.Iterator[str]:
        """Queues into which the provider's domains are rolled up: its own, and others that deliver to its hosts."""
        if self._policy["providers"][name].get("mx"):
            yield rollup_of(name)
        for one in self._policy["mx_rollups"]:
            target = one["to"].lower()
            hosts = " ".join(self._whole().settings(target).get(HOSTS, ())).lower()
            if target == rollup_of(name).lower() or any(f"lookup-mx:{member}" in hosts.split() for member in members):
                yield target

    def _named_elsewhere(self, domain: str, own: str) -> bool:
        """Whether another exact pattern speaks about the domain: it could win over the provider's macro."""
        others = [*self._policy["domains"], *self._policy["virtual_mta_domains"]]
        return any(
            pattern.lower() != own.lower() and domain in self._whole().domains(pattern)
            for pattern in others
            if not pattern.startswith(("*", "["))
        )

    def _whole(self) -> Effective:
        if self._effective is None:
            inside = [
                Section("domain", pattern, directives(settings or {}))
                for pattern, settings in self._policy["virtual_mta_domains"].items()
            ]
            self._effective = Effective([*nodes(self._policy), Section("virtual-mta", _SAMPLE, inside)])
        return self._effective
