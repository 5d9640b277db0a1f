# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Name servers asked many questions at once, and what they answered as the judges of dns_verdict read it. Needs dnspython."""

from __future__ import annotations

import asyncio
import ipaddress
import traceback
from collections.abc import Iterable

from .. import dns_trouble
from ..dns_text import is_under, plain_name
from ..dns_verdict import validation
from ..dns_verdict.answers import BOGUS, FOUND, LAME, NODATA, NXDOMAIN, UNKNOWN, Answer
from ..dns_verdict.edges import YES

DNSPYTHON_IMPORT_ERROR = None
try:
    import dns.asyncquery
    import dns.edns
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.rcode
    import dns.rdatatype
    import dns.resolver
except ImportError:
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()

UDP_SIZE = 1232  # what passes through every network unfragmented
MOST_ALIASES = 8
# A server that never answered is given up after a few questions; one that did may lose some.
GIVE_UP_NEW, GIVE_UP_KNOWN = 3, 20

ALIAS, REFERRAL = "alias", "referral"  # states of an authoritative answer that tell where to ask on


def endpoint(text: str, port: int = 53) -> tuple[str, int]:
    """``192.0.2.53`` or ``192.0.2.53@5353`` -> (address, port). Raises ValueError."""
    address, at, given = text.partition("@")
    if at and not (given.isdigit() and 0 < int(given) < 65536):
        raise ValueError(f"{text} is not an address, or address@port")
    return str(ipaddress.ip_address(address)), int(given) if at else port


def host_resolvers() -> list[tuple[str, int]]:
    """The resolvers of this host. Raises ValueError when it has none."""
    try:
        found = dns.resolver.Resolver(configure=True).nameservers
    except dns.exception.DNSException as error:
        raise ValueError(f"this host has no resolver ({error})") from None
    return [endpoint(str(address)) for address in found]


_NOBODY = Answer(UNKNOWN, why=dns_trouble.UNREACHABLE, detail="it has no address")


class Server:
    """One view of the DNS: an authoritative server, or a resolver, which may stand for several that are asked in turn.

    label: how reports call it. zones: the zones (or suffixes) it is authoritative for. asked: queries sent. negative_ttls:
    for how many seconds others may remember at most that a name of a zone is not there (RFC 2308 5), as far as it was told.
    validation: of a resolver, what is found out while it is asked already."""

    def __init__(
        self,
        label: str,
        endpoints: Iterable[tuple[str, int]],
        authoritative: bool,
        timeout: float,
        turns,
    ):
        self.label, self.endpoints, self.authoritative = label, list(endpoints), authoritative
        self.unchecked = False
        self.validation: asyncio.Future | None = None
        self.timeout, self.turns = timeout, turns
        self.zones: set[str] = set()
        self.negative_ttls: dict[str, int] = {}
        self.asked = 0
        self._silent = dict.fromkeys(self.endpoints, 0)
        self._heard: set[tuple[str, int]] = set()

    def without_validation(self) -> Server:
        """The same resolver, told not to validate (CD), which finds the servers of zones whose chain is broken, too."""
        twin = Server(self.label, self.endpoints, self.authoritative, self.timeout, self.turns)
        twin.unchecked, twin._silent, twin._heard = True, self._silent, self._heard
        return twin

    async def ask(self, name: str, rtype: str) -> Answer:
        """The answer; UNKNOWN, never an exception, when there is none. Of an authoritative server also ALIAS and
        REFERRAL."""
        answer = Answer(UNKNOWN, why=dns_trouble.UNREACHABLE, detail="it has no address")
        for place in self.endpoints:
            answer, _reply = await self._ask_one(place, name, rtype, self._flags())
            if answer.why == dns_trouble.SERVFAIL and self.validation is not None:
                answer = await self._look_closer(place, name, rtype, answer)
            if not answer.unknown:
                break
        return answer

    def _flags(self) -> int:
        if self.authoritative:
            return 0
        return dns.flags.RD | dns.flags.CD if self.unchecked else dns.flags.RD

    async def validate(self, signed: str, broken: str) -> validation.Validation:
        """Whether this resolver validates, by the names of a zone that is signed and of one whose chain is broken."""
        found = validation.judge(self.label, signed, _NOBODY, False, broken, _NOBODY)
        for place in self.endpoints:
            (vouched, reply), (refused, _reply) = await asyncio.gather(
                self._ask_one(place, signed, "SOA", dns.flags.RD | dns.flags.AD),
                self._ask_one(place, broken, "SOA", dns.flags.RD),
            )
            authentic = reply is not None and bool(reply.flags & dns.flags.AD)
            found = validation.judge(self.label, signed, vouched, authentic, broken, refused)
            if not vouched.unknown:
                break
        return found

    async def _look_closer(self, place: tuple[str, int], name: str, rtype: str, failed: Answer) -> Answer:
        """Why a resolver says SERVFAIL: one that validates, gives the answer when it is not to check it, and fails again
        when it is, refuses it for its DNSSEC chain. What was only a moment's trouble is over when it is asked again."""
        if (await self.validation).validating != YES:
            return failed
        unchecked, _reply = await self._ask_one(place, name, rtype, dns.flags.RD | dns.flags.CD)
        again, _reply = await self._ask_one(place, name, rtype, dns.flags.RD)
        if again.why == dns_trouble.SERVFAIL and not unchecked.unknown:
            return Answer(UNKNOWN, why=BOGUS, detail=f"{again.detail}, and an answer when it is told not to validate")
        return again

    async def _ask_one(self, place: tuple[str, int], name: str, rtype: str, flags: int) -> tuple[Answer, object]:
        """(the answer, the message or None)."""
        try:
            query = dns.message.make_query(
                dns.name.from_text(name.rstrip(".") + "."), rtype, use_edns=0, payload=UDP_SIZE, flags=flags
            )
        except (dns.exception.DNSException, ValueError):
            return Answer(NXDOMAIN, detail="no name that could exist"), None
        async with self.turns:
            if self._silent[place] >= (GIVE_UP_KNOWN if place in self._heard else GIVE_UP_NEW):
                return Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="it does not answer"), None
            try:
                reply = await self._exchange(query, *place)
            except (dns.exception.Timeout, asyncio.TimeoutError):
                self._silent[place] += 1
                return Answer(UNKNOWN, why=dns_trouble.TIMEOUT, detail="it does not answer"), None
            except (OSError, EOFError) as error:
                self._silent[place] += 1
                reason = getattr(error, "strerror", None) or "it closes the connection"
                return Answer(UNKNOWN, why=dns_trouble.UNREACHABLE, detail=f"it cannot be reached ({reason})"), None
            except (dns.exception.DNSException, ValueError) as error:
                detail = f"an unreadable answer ({type(error).__name__})"
                return Answer(UNKNOWN, why=dns_trouble.BROKEN, detail=detail), None
        self._heard.add(place)
        self._silent[place] = 0
        for rrset in (*reply.answer, *reply.authority):
            if rrset.rdtype == dns.rdatatype.SOA:
                self.negative_ttls[plain_name(rrset.name.to_text())] = rrset[0].minimum
        return read(reply, name.rstrip("."), rtype, self.authoritative, self.zones), reply

    async def _exchange(self, query, address: str, port: int):
        """Over UDP; once more over TCP when the answer is lost, cut off or not one to this question."""
        self.asked += 1
        lost = None
        try:
            reply = await dns.asyncquery.udp(query, address, self.timeout, port, ignore_unexpected=True)
            if not reply.flags & dns.flags.TC:
                return reply
        except (dns.exception.Timeout, asyncio.TimeoutError) as error:
            lost = error
        except (OSError, dns.exception.FormError):
            pass
        self.asked += 1
        try:
            return await dns.asyncquery.tcp(query, address, self.timeout, port)
        except (OSError, EOFError):
            if lost is not None:
                raise lost from None  # that it takes no TCP either is not what matters
            raise


def read(reply, name: str, rtype: str, authoritative: bool, zones: Iterable[str] = ()) -> Answer:
    """A dnspython message as an Answer; the value of an SOA is the name of its zone, also where it says that there is
    nothing else. zones: what an authoritative server is asked as: a referral below one of them is a
    delegation, anything else without authority is lame."""
    rcode = reply.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        kind = dns_trouble.kind_of_rcode(rcode)
        return Answer(UNKNOWN, why=kind, detail=dns.rcode.to_text(rcode) + _extended(reply))
    values, aliases = _chase(reply, name, rtype)
    if rtype == "SOA" and not values:
        values = [plain_name(rrset.name.to_text()) for rrset in reply.authority if rrset.rdtype == dns.rdatatype.SOA]
    chain = tuple(aliases)
    if authoritative and not reply.flags & dns.flags.AA:
        cuts = [plain_name(rrset.name.to_text()) for rrset in reply.authority if rrset.rdtype == dns.rdatatype.NS]
        if not reply.answer and any(
            is_under(name, cut) and any(cut != zone and is_under(cut, zone) for zone in zones) for cut in cuts
        ):
            return Answer(REFERRAL)
        return Answer(UNKNOWN, why=LAME, detail="it is not authoritative")
    if not authoritative and not reply.flags & (dns.flags.RA | dns.flags.AA):
        return Answer(UNKNOWN, why=LAME, detail="it does not resolve names for this host")
    if values:
        return Answer(FOUND, tuple(sorted(values)), chain)
    if chain and authoritative:
        return Answer(ALIAS, (), chain)
    return Answer(NXDOMAIN if rcode == dns.rcode.NXDOMAIN else NODATA, (), chain)


def _chase(reply, name: str, rtype: str) -> tuple[list[str], list[str]]:
    """(values at the end of the aliases, the aliases)."""
    sets = {(plain_name(rrset.name.to_text()), rrset.rdtype): rrset for rrset in reply.answer}
    wanted, aliases, owner = dns.rdatatype.from_text(rtype), [], plain_name(name)
    while True:
        if (owner, wanted) in sets:
            return [owner if rtype == "SOA" else value_text(rdata) for rdata in sets[owner, wanted]], aliases
        alias = sets.get((owner, dns.rdatatype.CNAME))
        if alias is None or len(aliases) >= MOST_ALIASES:
            return [], aliases
        owner = plain_name(alias[0].target.to_text())
        aliases.append(owner)


def value_text(rdata) -> str:
    """A value as Answer has it."""
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings).decode("utf-8", "surrogateescape")
    if rdata.rdtype == dns.rdatatype.MX:
        return f"{rdata.preference} {rdata.exchange.to_text().lower()}"
    if rdata.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        return str(ipaddress.ip_address(rdata.address))
    return plain_name(rdata.to_text())


def _extended(reply) -> str:
    """What the server adds in words (RFC 8914), a broken DNSSEC chain for example."""
    told = [str(option.text or option.code.name) for option in reply.options if isinstance(option, dns.edns.EDEOption)]
    return f" ({', '.join(told)})" if told else ""
