# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All senders judged at once: finds the servers of each name, asks them, and hands the answers to the judges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..dns_text import is_under, longest_suffix
from ..dns_verdict import edges, validation
from ..dns_verdict.answers import CIRCLE, NODATA, SILENT_ZONE, UNKNOWN, Answer, Blind, Look, Question, Wanted
from ..dns_verdict.edges import EDGES, Edge, View, combine, green
from ..dns_verdict.facts import Facts
from ..dns_verdict.judges import Judge, judges
from ..dns_verdict.mta import Hosts
from .name_servers import ALIAS, MOST_ALIASES, REFERRAL, Server
from .spf_evaluation import evaluate


@dataclass(frozen=True)
class Given:
    """Servers that the caller names for what lies under ``suffix``: ``(label, address, port)`` each. complete: they are
    all; otherwise those of the zone's NS records are asked too, on ``port``."""

    suffix: str
    servers: tuple[tuple[str, str, int], ...]
    complete: bool
    port: int


_HIDDEN = Answer(UNKNOWN, why=SILENT_ZONE, detail="the zone's servers cannot be found")


@dataclass(frozen=True)
class Zone:
    """The zone of a name with its authoritative servers, or the answer that hides them."""

    name: str = ""
    servers: tuple[Server, ...] = ()
    trouble: Blind | None = None


@dataclass(frozen=True)
class Sight:
    """One view: a server, and the zones for which it is asked itself; for all other names it is the resolver's view."""

    server: Server
    zones: frozenset[str] = frozenset()

    def serves(self, name: str) -> bool:
        return longest_suffix(name, self.zones) is not None


# What was asked for a verdict, and the verdict.
Known = list[tuple[dict[Question, Answer], Edge]]


class Survey:
    """One check of many senders. resolvers: the views of receivers; the first also finds zones and foreign names.

    only: the edges to judge. signed, broken: names by which it is found out whether the resolvers validate. mtas: what was
    seen on the MTA hosts."""

    def __init__(
        self,
        resolvers: Sequence[Sequence[tuple[str, int]]],
        given: Iterable[Given] = (),
        timeout: float = 3,
        concurrency: int = 100,
        only: Sequence[str] = EDGES,
        signed: str = validation.SIGNED,
        broken: str = validation.BROKEN,
        mtas: Hosts | None = None,
    ):
        self.only, self.signed, self.broken = only, signed, broken
        self.timeout, self.turns = timeout, asyncio.Semaphore(concurrency)
        self.workers = max(4, concurrency // 4)
        self.resolvers = [
            self._server(f"resolver {' or '.join(_place(*place) for place in places)}", places, False)
            for places in resolvers
        ]
        self.finder = self.resolvers[0].without_validation()
        self.given = {one.suffix: one for one in given}
        self.authoritative: dict[tuple[str, int], Server] = {}
        self.answers: dict[tuple[Server, str, str], Answer] = {}
        self.pending: dict[object, asyncio.Future] = {}
        self.judges = judges(evaluate, mtas or {})

    async def run(self, senders: Sequence[Facts]) -> list[dict]:
        """``[{"name", "green", "edges": {edge: {...}}}]``, in the order of *senders*."""
        for server in self.resolvers:
            server.validation = asyncio.ensure_future(server.validate(self.signed, self.broken))
        waiting = iter(enumerate(senders))
        found: dict[int, dict] = {}

        async def work() -> None:
            for index, facts in waiting:
                found[index] = await self._sender(facts)

        # So many keep all turns busy; starting a thousand at once would only keep the event loop busy.
        await asyncio.gather(*(work() for _worker in range(self.workers)), *(one.validation for one in self.resolvers))
        return [found[index] for index in range(len(senders))]

    async def shown(self, names: Sequence[str], rtype: str) -> dict[str, list[Answer]]:
        """By name, what each of its zone's servers shows; empty where they cannot be found."""

        async def one(name: str) -> list[Answer]:
            zone = await self._zone(name)
            if zone.trouble is not None:
                return []
            return list(await asyncio.gather(*(self._fetch(server, name, rtype) for server in zone.servers)))

        return dict(zip(names, await asyncio.gather(*map(one, names))))

    @property
    def validation(self) -> dict:
        """Of the resolvers, after the run; as validation.together has it."""
        return validation.together([server.validation.result() for server in self.resolvers])

    @property
    def negative_ttls(self) -> dict[str, int]:
        """``{zone: seconds}`` for which others may remember that a name is not there; the most that a server said."""
        found: dict[str, int] = {}
        for server in (self.finder, *self.authoritative.values()):
            for zone, seconds in server.negative_ttls.items():
                found[zone] = max(seconds, found.get(zone, 0))
        return found

    @property
    def asked(self) -> int:
        """Queries sent."""
        return sum(server.asked for server in (self.finder, *self.resolvers, *self.authoritative.values()))

    async def _sender(self, facts: Facts) -> dict:
        told = await asyncio.gather(*(self._edge(facts, self.judges[edge]) for edge in self.only))
        found = dict(zip(self.only, told))
        return {
            "name": facts.name,
            "green": green(found, self.only),
            "edges": {name: edge.as_dict() for name, edge in found.items()},
        }

    # -- one edge ------------------------------------------------------------------------------------------------------

    async def _edge(self, facts: Facts, judge: Judge) -> Edge:
        names = judge.names(facts)
        if not names:
            return judge.judge(facts, lambda _name, _rtype: Answer(UNKNOWN))
        known: Known = []
        *received, zones = await asyncio.gather(
            *(self._view(facts, judge, Sight(server), known) for server in self.resolvers),
            asyncio.gather(*(self._zone(name) for name in names)),
        )
        # An alias hands the name over to another zone, whose servers count as well.
        targets = {
            alias
            for seen, _edge in known
            for (name, _rtype), answer in seen.items()
            if name in names
            for alias in answer.aliases
        }
        zones += await asyncio.gather(*(self._zone(target) for target in sorted(targets)))
        serving: dict[Server, set[str]] = {}
        for zone in zones:
            for server in zone.servers:
                serving.setdefault(server, set()).add(zone.name)
        told = await asyncio.gather(
            *(self._view(facts, judge, Sight(server, frozenset(own)), known) for server, own in serving.items())
        )
        views = [View(server.label, True, edge) for server, edge in zip(serving, told)]
        for zone in zones:
            if zone.trouble is not None:
                edge = edges.blind(received[0].wanted, zone.trouble)
                views.append(View(self.resolvers[0].label, False, edge))
        views += [View(server.label, False, edge) for server, edge in zip(self.resolvers, received)]
        return combine(views)

    async def _view(self, facts: Facts, judge: Judge, sight: Sight, known: Known) -> Edge:
        """The verdict of one view. known: those of earlier views of this edge; equal answers give equal verdicts."""
        await self._settle(sight, judge.questions(facts))
        for seen, edge in list(known):
            await self._settle(sight, seen)
            if all(self._look(sight, *question) == answer for question, answer in seen.items()):
                return edge
        while True:
            seen: dict[Question, Answer] = {}
            try:
                edge = judge.judge(facts, self._remembering(sight, seen))
            except Wanted as wanted:
                await self._fetch(*wanted.question)
                continue
            known.append((seen, edge))
            return edge

    def _remembering(self, sight: Sight, seen: dict[Question, Answer]) -> Look:
        """A look that keeps in *seen* what it was told."""

        def look(name: str, rtype: str) -> Answer:
            question = name, rtype
            if question not in seen:
                seen[question] = self._look(sight, name, rtype)
            return seen[question]

        return look

    # -- the view of one server ----------------------------------------------------------------------------------------

    async def _settle(self, sight: Sight, questions: Iterable[Question]) -> None:
        """Fetch what is needed to answer all of *questions*."""
        while True:
            wanted = set()
            for question in questions:
                try:
                    self._look(sight, *question)
                except Wanted as missing:
                    wanted.add(missing.question)
            if not wanted:
                return
            await asyncio.gather(*(self._fetch(*one) for one in wanted))

    def _look(self, sight: Sight, name: str, rtype: str) -> Answer:
        """What a receiver would learn if the server were the only one of its zones. Raises Wanted((server, name, rtype))."""
        if rtype == "CNAME" and not sight.server.authoritative:
            return Answer(NODATA)  # a resolver has it from the zone's servers, which are asked themselves
        aliases: list[str] = []
        for _step in range(MOST_ALIASES):
            answer = self._own(sight, name, rtype)
            aliases += answer.aliases
            if answer.state == ALIAS or (
                answer.aliases and not sight.serves(name) and sight.serves(answer.aliases[-1])
            ):
                name = answer.aliases[-1]
                continue
            return Answer(answer.state, answer.values, tuple(aliases), answer.why, answer.detail)
        return Answer(UNKNOWN, why=CIRCLE, detail="its aliases do not end")

    def _own(self, sight: Sight, name: str, rtype: str) -> Answer:
        if sight.serves(name):
            answer = self._known(sight.server, name, rtype)
            if answer.state != REFERRAL:
                return answer
        return self._known(self.resolvers[0] if sight.server.authoritative else sight.server, name, rtype)

    def _known(self, server: Server, name: str, rtype: str) -> Answer:
        try:
            return self.answers[server, name, rtype]
        except KeyError:
            raise Wanted((server, name, rtype)) from None

    async def _fetch(self, server: Server, name: str, rtype: str) -> Answer:
        key = server, name, rtype
        if key not in self.answers:
            self.answers[key] = await self._once(key, lambda: server.ask(name, rtype))
            self.pending.pop(key, None)
        return self.answers[key]

    async def _once(self, key: object, work) -> object:
        """The result of *work*, which runs once for all who want it."""
        if key not in self.pending:
            self.pending[key] = asyncio.ensure_future(work())
        return await self.pending[key]

    # -- who is authoritative ------------------------------------------------------------------------------------------

    async def _zone(self, name: str) -> Zone:
        """The zone of *name* with its servers."""
        suffix = longest_suffix(name, self.given)
        given = self.given[suffix] if suffix is not None else None
        trouble, apex = None, ""
        try:
            apex = await self._apex(name)
        except Blind as error:
            trouble = error
        # Without its zone a given server is taken at the caller's word for this name, but for nothing above it.
        servers = [self._authority(*server, apex or name) for server in given.servers] if given else []
        if given and given.complete:
            return Zone(apex or name, tuple(servers))
        if apex:
            try:
                servers += await self._once(("NS", apex), lambda: self._name_servers(apex, given.port if given else 53))
            except Blind as error:
                trouble = error
        return Zone(apex or name, tuple(dict.fromkeys(servers)), trouble)

    async def _apex(self, name: str) -> str:
        """The zone *name* lies in. Raises Blind."""
        answer = Answer(NODATA)
        rest = name
        while rest:
            answer = await self._fetch(self.finder, rest, "SOA")
            if answer.unknown:
                raise Blind(rest, "SOA", answer)
            # The SOA that comes with an alias is of the zone it leads to.
            if answer.values and not answer.aliases and answer.values[0] and is_under(rest, answer.values[0]):
                return answer.values[0]
            rest = rest.partition(".")[2]
        raise Blind(name, "SOA", _HIDDEN)

    async def _name_servers(self, apex: str, port: int) -> list[Server]:
        """All servers of a zone, by its NS records: each IPv4 address, or each IPv6 one where there is no other."""
        resolver = self.finder
        answer = await self._fetch(resolver, apex, "NS")
        if answer.unknown or not answer.values:
            raise Blind(apex, "NS", answer if answer.unknown else _HIDDEN)
        found = []
        for host in answer.values:
            addresses = (await self._fetch(resolver, host, "A")).values
            addresses = addresses or (await self._fetch(resolver, host, "AAAA")).values
            found += [self._authority(host, address, port, apex) for address in addresses or ("",)]
        return found

    def _authority(self, label: str, address: str, port: int, zone: str) -> Server:
        """The server at this address, "" for one that has none."""
        place = (address, port) if address else (label, port)
        if place not in self.authoritative:
            places = [(address, port)] if address else []
            text = f"{label} ({_place(address, port)})" if address else label
            self.authoritative[place] = self._server(text, places, True)
        self.authoritative[place].zones.add(zone)
        return self.authoritative[place]

    def _server(self, label: str, places: Sequence[tuple[str, int]], authoritative: bool) -> Server:
        return Server(label, places, authoritative, self.timeout, self.turns)


def _place(address: str, port: int) -> str:
    return address if port == 53 else f"{address} port {port}"
