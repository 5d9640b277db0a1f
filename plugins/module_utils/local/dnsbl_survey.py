# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All targets at all lists in one go: tests the resolvers, then each list, and asks what is left worth asking."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import Iterable, Sequence

from .. import dns_trouble
from ..dns_verdict.answers import NXDOMAIN, Answer
from ..dnsbl import resolvers as fitness
from ..dnsbl.catalogue import IP
from ..dnsbl.lists import Blocklist
from ..dnsbl.names import IPV6_CLEAN, IPV6_LISTED, query_name
from ..dnsbl.pace import end, pace
from ..dnsbl.report import Checked
from ..dnsbl.verdict import BLIND, FAILED, HEALTHY, LISTED, UNKNOWN, Health, Verdict, judge_list, read, unknown
from .dns_asker import Asker

# Names that are answered with the address that asks for them.
IDENTITIES = (("whoami.akamai.net", "A"), ("o-o.myaddr.l.google.com", "TXT"))
# So many questions in a row without an answer, and the list is left alone for this time.
SILENCES = 8


class Survey:
    """One check. places: the resolvers, as (address, port), asked in turn. own: addresses of this host and those that its resolvers
    ask from. whoami: the names that show the latter, as (name, type). absent: a domain below which a random name does not exist. spacing,
    jitter: seconds between two questions to one list, the latter at random on top. within: seconds that asking one list may take in
    all: both are reduced to that, and what was not asked by then is unknown."""

    def __init__(
        self,
        places: Sequence[tuple[str, int]],
        *,
        own: Iterable[str] = (),
        whoami: Sequence[tuple[str, str]] = IDENTITIES,
        absent: str = "com",
        spacing: float = 0,
        jitter: float = 0,
        within: float = 1200,
        timeout: float = 5,
        concurrency: int = 300,
    ):
        self.places, self.own, self.whoami, self.absent = list(places), list(own), list(whoami), absent
        self.spacing, self.jitter, self.within = spacing, jitter, within
        self.timeout, self.concurrency = timeout, concurrency
        self.asked = 0

    async def run(self, lists: Sequence[Blocklist], targets: Sequence[str]) -> Checked:
        """The verdicts on all targets at all lists that take them."""
        fit = await asyncio.gather(*(self._fitness(place) for place in self.places))
        checked = Checked(lists, fit)
        places = [place for place, one in zip(self.places, fit) if one.fit]
        if not places:
            blind = unknown("was not asked: no resolver is fit")
            checked.verdicts.update({(one.name, t): blind for one in lists for t in targets if one.takes(t)})
            return checked
        asker = Asker(places, self.timeout)
        try:
            share = max(2, self.concurrency // max(1, len(lists)))
            await asyncio.gather(*(_Round(self, asker, one, checked, share).run(targets) for one in lists))
        finally:
            asker.close()
            self.asked += asker.asked
        return checked

    async def _fitness(self, place: tuple[str, int]) -> fitness.Fitness:
        public = fitness.is_public(place[0])
        if public:
            return public
        asker = Asker([place], self.timeout)
        try:
            absent, *identities = await asyncio.gather(
                asker.ask(f"{secrets.token_hex(10)}.{self.absent}"),
                *(asker.ask(name, rtype) for name, rtype in self.whoami),
            )
        finally:
            asker.close()
            self.asked += asker.asked
        return fitness.judge(fitness.Resolver(place[0], absent, tuple(identities)), self.own)


class _Round:
    """One list in one check."""

    def __init__(self, survey: Survey, asker: Asker, blocklist: Blocklist, checked: Checked, share: int):
        self.survey, self.asker, self.blocklist, self.checked, self.share = survey, asker, blocklist, checked, share
        self.stranger = ""
        self.silences, self.stopped, self.pause, self.jitter = 0, None, 0.0, 0.0
        self.until = self.next = 0.0

    async def run(self, targets: Sequence[str]) -> None:
        mine = [target for target in targets if self.blocklist.takes(target)]
        six = [target for target in mine if self.blocklist.kind == IP and ":" in target]
        four = [target for target in mine if target not in set(six)]
        if self.survey.spacing:
            wanted = max(self.survey.spacing, self.blocklist.spacing)
            self.pause, self.jitter = pace(len(mine), wanted, self.survey.jitter, self.survey.within)
        self.until = time.monotonic() + end(self.survey.within)
        # Its own tests first, also where there is nothing to ask: what the list is worth is told on each check.
        told: list[Health] = []
        for members, tests in self._families(four, six):
            health = await self._test(*tests)
            if health.state == HEALTHY and members:
                health = await self._ask_all(members, tests)
            if health.state != HEALTHY:
                self._void(members, health)
            else:
                self.checked.strangers.append((self.blocklist.name, self.stranger))
            told.append(health)
        self.checked.health[self.blocklist.name] = _both(*told)

    def _families(self, four: list[str], six: list[str]):
        """What is asked, with the points that are tested before: (listed, clean, fresh)."""
        if four or not six:
            listed, clean = self.blocklist.listed_test, self.blocklist.clean_test
            yield four, (listed, clean, _stranger if self.blocklist.kind == IP else _no_domain)
        if six:
            yield six, (IPV6_LISTED, IPV6_CLEAN, _stranger_six)

    async def _wait(self) -> None:
        """Until the next question may begin, counted from where the last one did."""
        if self.pause:
            await asyncio.sleep(self.next - time.monotonic())
            self.next = time.monotonic() + self.pause + random.uniform(0, self.jitter)

    async def _test(self, listed: str, clean: str, fresh) -> Health:
        points = (listed, clean, fresh())
        self.stranger = points[2]
        if not self.pause:
            answers = await asyncio.gather(*(self._ask(point) for point in points))
            return judge_list(self.blocklist, *answers, points=(listed, clean))
        answers = []
        for point in points:
            await self._wait()
            answers.append(await self._ask(point))
        return judge_list(self.blocklist, *answers, points=(listed, clean))

    async def _ask(self, target: str) -> Answer:
        return await self.asker.ask(query_name(self.blocklist, target))

    async def _ask_all(self, targets: Sequence[str], tests: tuple) -> Health:
        """Ask about all, in no order; the list's health afterwards."""
        waiting = iter(random.sample(targets, len(targets)))
        # With spacing one at a time, or the questions would still come in bursts.
        await asyncio.gather(*(self._work(waiting) for _worker in range(1 if self.pause else self.share)))
        if self.stopped:
            # What it answered before stands; what it was not asked is unknown.
            self._void([t for t in targets if (self.blocklist.name, t) not in self.checked.verdicts], self.stopped)
            self._void_listings(targets, self.stopped)
            return self.stopped
        late = [target for target in targets if (self.blocklist.name, target) not in self.checked.verdicts]
        slow = f"it answers too slowly: {len(late)} of {len(targets)} were not asked in time" if late else None
        self.checked.verdicts.update({(self.blocklist.name, target): unknown(slow or "") for target in late})
        if any(self._verdict(target).verdict == LISTED for target in targets):
            # A list that dies between two questions begins to list everybody, while caches still know it as it was.
            await self._wait()
            answer = await self._ask(tests[2]())
            if answer.state != NXDOMAIN:
                what = (
                    f"lists what cannot be listed ({', '.join(answer.values)})" if answer.values else "is out of order"
                )
                return Health(
                    FAILED if answer.values else UNKNOWN, f"{what} after it listed somebody: nothing it said counts"
                )
        return Health(HEALTHY, slow)

    def _verdict(self, target: str) -> Verdict:
        return self.checked.of(self.blocklist, target)

    async def _work(self, waiting) -> None:
        for target in waiting:
            await self._wait()
            if self.stopped or time.monotonic() > self.until:
                return
            try:
                answer = await self._ask(target)
            except ValueError as error:
                self.checked.verdicts[self.blocklist.name, target] = unknown(str(error))
                continue
            found = read(self.blocklist, answer)
            self.checked.verdicts[self.blocklist.name, target] = found
            if found.refused:
                self.stopped = Health(BLIND, found.detail, found.public)
            self.silences = self.silences + 1 if answer.unknown and answer.why in _SILENT else 0
            if self.silences >= SILENCES:
                self.stopped = Health(UNKNOWN, f"{SILENCES} questions in a row got no answer")

    def _void(self, targets: Iterable[str], health: Health) -> None:
        words = {BLIND: "the list refuses to be asked from here", FAILED: "the list failed its test"}
        found = unknown(f"{words.get(health.state, 'the list is out of reach')}: {health.detail}")
        for target in targets:
            self.checked.verdicts[self.blocklist.name, target] = found

    def _void_listings(self, targets: Sequence[str], health: Health) -> None:
        """A listing that was not confirmed by a last test does not count."""
        self._void([target for target in targets if self._verdict(target).verdict == LISTED], health)


_SILENT = (dns_trouble.TIMEOUT, dns_trouble.SERVFAIL, dns_trouble.UNREACHABLE)


def _both(health: Health, of_six: Health | None = None) -> Health:
    """A list that fails with IPv6 addresses may still be right about the others."""
    if of_six is None or of_six.state == HEALTHY or health.state != HEALTHY:
        return health
    return Health(HEALTHY, f"of IPv6 addresses it says nothing ({of_six.state}): {of_six.detail}", of_six.public)


def _number() -> int:
    return 1 + secrets.randbelow(254)


def _stranger() -> str:
    """An address that nobody can have, and that no list of networks that are not routed needs to bear."""
    return f"127.{_number()}.{_number()}.{_number()}"


def _stranger_six() -> str:
    # Not an IPv4 address in IPv6 form, as the other two points are: servers look those up among the IPv4 addresses. RFC 6666.
    return f"100::{secrets.token_hex(2)}:{secrets.token_hex(2)}:{secrets.token_hex(2)}"


def _no_domain() -> str:
    return f"{secrets.token_hex(10)}.invalid"
