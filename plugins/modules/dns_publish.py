#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_publish
short_description: Publish the DNS records of the whole fleet in one call
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Compares what is wanted with what the zones hold, shows the plan, applies it with dynamic updates (RFC 2136, TSIG,
    TCP) and reads it back from every authoritative server.
  - The plans of all zones are made, and every server is asked whether it would take an update, before the first one is
    sent.
  - Only what O(records) and O(absent) name is owned. At a name that others use too, TXT values that do not start with
    the record's O(records[].match) stay.
  - Zones with many wanted names are read by one transfer (AXFR) where the server allows it, others by parallel queries.
requirements:
  - dnspython >= 2.3 (where the module runs, usually the control node)
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  servers:
    description: The primary servers that take updates.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: What messages call it.
        type: str
        required: true
      address:
        description: IP address of the server that takes updates.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        default: 53
      key_name:
        description: Name of the TSIG key. Without one, messages are not signed.
        type: str
      key_algorithm:
        description: Algorithm of the TSIG key.
        type: str
        choices: [hmac-sha224, hmac-sha256, hmac-sha384, hmac-sha512, hmac-sha1]
        default: hmac-sha256
      key_secret:
        description: The TSIG key, base64.
        type: str
      authoritative:
        description:
          - Addresses of all authoritative servers of its zones, as V(address) or V(address@port).
          - Without it, the NS records of each zone are followed. The server itself is always read back.
        type: list
        elements: str
      suffixes:
        description:
          - The domains it serves, reverse ones included. A name belongs to the server with the longest matching suffix.
          - Zones may lie deeper; they are found by their SOA.
        type: list
        elements: str
        required: true
  records:
    description: What has to be published, one entry per record set.
    type: list
    elements: dict
    default: []
    suboptions: &record
      name:
        description: Absolute name, with or without final dot.
        type: str
        required: true
      type:
        description: Record type.
        type: str
        choices: [A, AAAA, MX, PTR, TXT]
        required: true
      ttl:
        description: Time to live in seconds.
        type: int
        default: 3600
      values:
        description: The values; TXT as joined text, MX as V(10 mail.example.com.).
        type: list
        elements: str
        default: []
      match:
        description: Own only TXT values that start with this word, V(v=spf1) for example. The whole set when empty.
        type: str
        default: ""
      sender:
        description: The sender it is for.
        type: str
        default: ""
      purpose:
        description: What it is for.
        type: str
        default: ""
      optional:
        description: Leave it out, and list it in RV(not_served), when no server in O(servers) has a suffix for it.
        type: bool
        default: false
  absent:
    description:
      - What has to go. Entries that O(records) also has are kept.
      - Without values, every value that matches goes.
    type: list
    elements: dict
    default: []
    suboptions: *record
  max_change_share:
    description: Stop when more than this share of the owned record sets of a zone (10 or more) would be changed or
      deleted.
    type: float
    default: 0.3
  confirm:
    description: Carry out a plan that exceeds O(max_change_share) or replaces what somebody else published.
    type: bool
    default: false
  timeout:
    description: How many seconds secondary servers have to catch up.
    type: int
    default: 60
  query_timeout:
    description: How many seconds one query may take; a query over UDP is sent twice.
    type: int
    default: 5
seealso:
  - module: email_engine.fleet.dkim_keys
"""

EXAMPLES = r"""
- name: Publish the records of the fleet
  email_engine.fleet.dns_publish:
    servers:
      - name: ns1
        address: 192.0.2.53
        key_name: fleet.
        key_secret: "{{ vault_dns_key }}"
        suffixes: [example.com, 2.0.192.in-addr.arpa]
    records:
      - name: mail1.example.com
        type: A
        values: [192.0.2.10]
      - name: mail1.example.com
        type: TXT
        match: v=spf1
        values: ["v=spf1 ip4:192.0.2.10 -all"]
    absent:
      - name: mail9.example.com
        type: A
"""

RETURN = r"""
changes:
  description: The plan, one entry per record set that changes.
  returned: success, and failure after planning
  type: list
  elements: dict
  contains:
    zone:
      description: The zone.
      type: str
    name:
      description: The name.
      type: str
    type:
      description: Record type.
      type: str
    action:
      description: V(create), V(update) or V(delete) of what is owned there.
      type: str
    before:
      description: All values before, others' included.
      type: list
      elements: str
    after:
      description: All values afterwards.
      type: list
      elements: str
applied:
  description: Names (with type) that were changed and read back from the primary server.
  returned: success, and failure after planning
  type: list
  elements: str
not_applied:
  description: Names (with type) that were not changed.
  returned: success, and failure after planning
  type: list
  elements: str
not_served:
  description: Optional records that no server has a suffix for, to be published by somebody else.
  returned: success
  type: list
  elements: dict
readback:
  description: One entry per zone and authoritative server.
  returned: success, and failure after sending
  type: list
  elements: dict
  contains:
    zone:
      description: The zone.
      type: str
    server:
      description: Address of the server.
      type: str
    missing:
      description: Names (with type) that it does not hold as planned.
      type: list
      elements: str
    trouble:
      description: Why it could not be asked, or empty.
      type: str
zones:
  description: The zones found, each with the server that takes its updates.
  returned: success, and failure after planning
  type: dict
queries:
  description: How many messages and transfers the call took.
  returned: always
  type: int
problems:
  description: What is wrong, and what to do.
  returned: failure
  type: list
  elements: dict
  contains:
    where:
      description: The server, zone, name or option.
      type: str
    what:
      description: What is wrong.
      type: str
    remedy:
      description: What to do.
      type: str
"""

import base64
import binascii
import ipaddress
import socket
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils import dns_plan, dns_trouble
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import (
    dotted,
    is_under,
    longest_suffix,
    plain_name,
    zone_value,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

DNSPYTHON_IMPORT_ERROR = None
try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype
    import dns.resolver
    import dns.tsig
    import dns.update
    import dns.xfr
    import dns.zone
except ImportError:
    DNSPYTHON_IMPORT_ERROR = traceback.format_exc()

TRANSFER_FROM = 20  # a zone with fewer wanted names is asked name by name
WORKERS = 24
READ_TYPES = ("A", "AAAA", "MX", "PTR", "TXT", "CNAME")


class Trouble(Exception):
    """A server did not do what it was asked. kind: one of dns_trouble's."""

    def __init__(self, kind: str, detail: str = ""):
        super().__init__(f"{kind} {detail}".strip())
        self.kind = kind
        self.detail = detail


class Server:
    """One DNS server as seen from here: address, port, the key to sign with (or None), counts of what was asked."""

    def __init__(self, label: str, address: str, port: int, key, timeout: float):
        self.label = f"{label} ({address}{'' if port == 53 else f' port {port}'})"
        self.address, self.port, self.key, self.timeout = address, port, key, timeout
        self.asked = 0
        self.proven = False  # an answer came that was signed with the key

    def _call(self, send):
        """Run ``send`` and turn everything a network and a server can do into Trouble."""
        self.asked += 1
        try:
            return send()
        except (dns.tsig.PeerBadKey, dns.message.UnknownTSIGKey):
            raise Trouble(dns_trouble.BADKEY) from None
        except (dns.tsig.PeerBadTime, dns.tsig.BadTime):
            raise Trouble(dns_trouble.BADTIME) from None
        except (dns.tsig.PeerError, dns.tsig.BadSignature, dns.tsig.BadKey, dns.tsig.BadAlgorithm):
            raise Trouble(dns_trouble.BADSIG) from None
        except (dns.exception.Timeout, socket.timeout):
            raise Trouble(dns_trouble.TIMEOUT) from None
        except dns.xfr.TransferError as error:
            kind, text = dns_trouble.kind_of_rcode(error.rcode), dns.rcode.to_text(error.rcode)
            raise Trouble(kind, f"transfer: {text}") from None
        except EOFError:
            raise Trouble(dns_trouble.UNREACHABLE, "it closed the connection") from None
        except OSError as error:
            raise Trouble(dns_trouble.UNREACHABLE, error.strerror or str(error)) from None
        except dns.exception.DNSException as error:
            raise Trouble(dns_trouble.BROKEN, type(error).__name__) from None

    def _signed(self, message):
        if self.key is not None:
            message.use_tsig(self.key)
        return message

    def _parse(self, message, wire: bytes):
        """The response in ``wire``. A refusal may come unsigned; good news that is not signed is none."""
        if len(wire) < 12 or wire[:2] != message.id.to_bytes(2, "big"):
            raise Trouble(dns_trouble.BROKEN, "not an answer to the question")
        try:
            response = dns.message.from_wire(wire, keyring=message.keyring, request_mac=message.mac)
        except dns.exception.FormError:
            response = dns.message.from_wire(
                wire
            )  # newer dnspython versions refuse what is not signed before we see it
        if self.key is not None and not response.had_tsig:
            if response.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                raise Trouble(dns_trouble.UNSIGNED)
            raise Trouble(dns_trouble.kind_of_rcode(response.rcode()), dns.rcode.to_text(response.rcode()))
        if not message.is_response(response):
            raise Trouble(dns_trouble.BROKEN, "not an answer to the question")
        self.proven = self.proven or response.had_tsig
        return response

    def _family(self):
        return socket.AF_INET6 if ":" in self.address else socket.AF_INET

    def _over_udp(self, wire: bytes) -> bytes:
        # A connected socket takes answers from this server only, and learns at once that nobody listens.
        with socket.socket(self._family(), socket.SOCK_DGRAM) as link:
            link.settimeout(self.timeout)
            link.connect((self.address, self.port))
            for attempt in (1, 2):
                link.send(wire)
                try:
                    while True:
                        answer = link.recv(65535)
                        if answer[:2] == wire[:2]:
                            return answer
                except socket.timeout:
                    if attempt == 2:
                        raise
        raise AssertionError

    def _over_tcp(self, wire: bytes, timeout: float) -> bytes:
        with socket.socket(self._family(), socket.SOCK_STREAM) as link:
            link.settimeout(timeout)
            link.connect((self.address, self.port))
            link.sendall(len(wire).to_bytes(2, "big") + wire)
            return self._receive(link, int.from_bytes(self._receive(link, 2), "big"))

    def _receive(self, link, count: int) -> bytes:
        received = b""
        while len(received) < count:
            piece = link.recv(count - len(received))
            if not piece:
                raise EOFError
            received += piece
        return received

    def ask(self, name: str, rtype: str):
        """The answer to one query, over UDP and, when it does not fit, TCP."""
        query = dns.message.make_query(dotted(name), rtype, use_edns=0, payload=1232)
        query.flags &= ~dns.flags.RD
        wire = self._signed(query).to_wire()

        def send():
            answer = self._over_udp(wire)
            if len(answer) > 2 and answer[2] & 0x02:  # truncated
                answer = self._over_tcp(wire, self.timeout)
            return self._parse(query, answer)

        return self._call(send)

    def transfer(self, zone: str):
        """The whole zone (a dnspython Zone)."""
        content = dns.zone.Zone(dotted(zone), relativize=False)

        def send():
            query, _serial = dns.xfr.make_query(content, serial=None, keyring=self.key)
            dns.query.inbound_xfr(
                self.address, content, query, port=self.port, timeout=self.timeout, lifetime=12 * self.timeout
            )

        try:
            self._call(send)
        except Trouble as error:
            raise self._refusal(error) from None
        return content

    def _refusal(self, error: Trouble) -> Trouble:
        """Some servers call the key unknown, or themselves not authoritative, when the key may not do this here; but
        the zone was found there, with that key."""
        if error.kind == dns_trouble.NOTAUTH or (error.kind == dns_trouble.BADKEY and self.proven):
            return Trouble(dns_trouble.REFUSED, "NOTAUTH")
        return error

    def update(self, message) -> None:
        """Send one update over TCP. Raises Trouble unless the server says it is done."""
        wire = self._signed(message).to_wire(max_size=65535)
        try:
            response = self._call(lambda: self._parse(message, self._over_tcp(wire, 4 * self.timeout)))
            if response.rcode() != dns.rcode.NOERROR:
                raise Trouble(dns_trouble.kind_of_rcode(response.rcode()), dns.rcode.to_text(response.rcode()))
        except Trouble as error:
            raise self._refusal(error) from None

    def serial(self, zone: str) -> int:
        """The zone's serial number there."""
        for rrset in self.ask(zone, "SOA").answer:
            if rrset.rdtype == dns.rdatatype.SOA:
                return rrset[0].serial
        raise Trouble(dns_trouble.NOT_SERVED)


def name_text(name) -> str:
    return plain_name(name.to_text())


def value_text(rdata) -> str:
    if rdata.rdtype == dns.rdatatype.TXT:
        return b"".join(rdata.strings).decode("utf-8", "surrogateescape")
    if rdata.rdtype == dns.rdatatype.MX:
        return f"{rdata.preference} {rdata.exchange.to_text().lower()}"
    return rdata.to_text().lower()


def set_of(rdataset) -> dict:
    return {"ttl": rdataset.ttl, "values": [value_text(rdata) for rdata in rdataset]}


def zone_of_answer(response, name: str) -> str | None:
    """The zone ``name`` lies in, by the answer to a query for its SOA; None when an alias hides it. Raises Trouble."""
    rcode = response.rcode()
    if rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        kind = dns_trouble.kind_of_rcode(rcode)
        raise Trouble(dns_trouble.NOT_SERVED if kind == dns_trouble.NOTAUTH else kind, dns.rcode.to_text(rcode))
    if not response.flags & dns.flags.AA:
        for rrset in response.authority:
            if rrset.rdtype == dns.rdatatype.NS:
                raise Trouble(dns_trouble.DELEGATED, ", ".join(sorted(name_text(item.target) for item in rrset)))
        raise Trouble(dns_trouble.NOT_SERVED)
    for rrset in response.answer:
        if name_text(rrset.name) == name and rrset.rdtype == dns.rdatatype.CNAME:
            return None
    for rrset in (*response.answer, *response.authority):
        if rrset.rdtype == dns.rdatatype.SOA and is_under(name, name_text(rrset.name)):
            return name_text(rrset.name)
    raise Trouble(dns_trouble.NOT_SERVED, "no SOA in its answer")


class Primary:
    """A configured server with the names that belong to it: finds their zones and reads what they hold."""

    def __init__(self, options: dict, timeout: float, pool):
        self.options, self.pool = options, pool
        self.key = self._key()
        self.server = Server(options["name"], address_of(options["address"]), options["port"], self.key, timeout)
        self.suffixes = {plain_name(suffix) for suffix in options["suffixes"]}
        self.zone_of: dict[str, str] = {}
        self.observed: dict[tuple[str, str], dict] = {}
        self.transferred: set[str] = set()
        self.troubles: dict[tuple[str, str, str], list[str]] = {}  # (kind, detail, action) -> names
        self.dead = False

    def _key(self):
        name, secret = self.options["key_name"], self.options["key_secret"]
        if name is None and secret is None:
            return None
        where = f"servers, {self.options['name']}"
        if not name or not secret:
            raise FleetError([Problem(where, "key_name and key_secret belong together", "Give both, or neither")])
        try:
            # Decoded here, strictly: dnspython skips what is not base64, and the server would only say "bad signature".
            raw = base64.b64decode("".join(secret.split()), validate=True)
            return dns.tsig.Key(dotted(name), raw, self.options["key_algorithm"])
        except (binascii.Error, ValueError, dns.exception.DNSException):
            # The message of the exception could quote the secret.
            remedy = "Give the key as the server's configuration has it"
            raise FleetError([Problem(where, "key_secret is not base64 or key_name no name", remedy)]) from None

    def note(self, error: Trouble, action: str, name: str) -> None:
        self.troubles.setdefault((error.kind, error.detail, action), []).append(name)
        self.dead = self.dead or error.kind in dns_trouble.OF_SERVER

    def problems(self, optional: set[str]) -> tuple[list[Problem], set[str]]:
        """(problems, names of ``optional`` that turned out to be somebody else's)."""
        problems, foreign = [], set()
        for (kind, detail, action), names in self.troubles.items():
            others = optional.intersection(names) if kind in dns_trouble.NOT_OURS else set()
            foreign |= others
            rest = sorted(set(names) - others)
            if rest:
                problems.append(dns_trouble.explain(kind, self.server.label, action, rest, detail))
        return problems, foreign

    def each(self, function, jobs, action: str):
        """[(job, result)] of ``function`` over ``jobs`` in parallel; failures are noted and left out."""

        def attempt(job):
            if self.dead:
                return job, None, None
            try:
                return job, function(job), None
            except Trouble as error:
                # Set here already, so that the jobs still waiting do not each run into their own timeout.
                self.dead = self.dead or error.kind in dns_trouble.OF_SERVER
                return job, None, error

        results = []
        for job, result, error in self.pool.map(attempt, jobs):
            if error is not None:
                self.note(error, action, job[0] if isinstance(job, tuple) else job)
            elif result is not None:
                results.append((job, result))
        return results

    # -- which zone ----------------------------------------------------------------------------------------------------

    def soa(self, name: str) -> tuple[str, str | None]:
        """(zone, target of the alias at ``name`` or None)."""
        response = self.server.ask(name, "SOA")
        zone, alias = zone_of_answer(response, name), None
        if zone is None:
            alias = next(
                value_text(rrset[0])
                for rrset in response.answer
                if rrset.rdtype == dns.rdatatype.CNAME and name_text(rrset.name) == name
            )
            zone = self.soa(name.partition(".")[2])[0]
        return zone, alias

    def read(self, wanted: dict[str, set[str]]) -> None:
        """Find the zone of every name of ``wanted`` ({name: types}) and what stands there.

        One name is asked for first; the zone that answers is transferred when many wanted names lie in it, which also
        shows where it ends. Names that remain are asked for in groups, one label deeper each round, so that a hundred
        zones take a few rounds."""
        unassigned = set(wanted)
        depth = 0
        while unassigned and not self.dead:
            asked: dict[str, str] = {}
            for name in sorted(unassigned):
                suffix = longest_suffix(name, self.suffixes)
                labels = (name[: -len(suffix) - 1] if suffix else name).split(".") if name != suffix else []
                asked.setdefault(".".join([*labels[max(0, len(labels) - depth) :], suffix]) if depth else suffix, name)
            found = self.each(self.soa, asked.values(), "find a zone")
            unassigned -= set(asked.values())
            by_zone: dict[str, list[str]] = {}
            zones = {zone for _name, (zone, _alias) in found}
            representative = {name: zone for name, (zone, _alias) in found}
            for name in (*representative, *unassigned):
                zone = longest_suffix(name, zones)
                if zone is not None:
                    by_zone.setdefault(zone, []).append(name)
            unassigned -= self.read_zones(by_zone, wanted)
            for name in representative:
                if name not in self.zone_of and not self.dead:
                    self.ask_names([name], wanted)
            depth += 1

    def read_zones(self, by_zone: dict[str, list[str]], wanted: dict[str, set[str]]) -> set[str]:
        """Read the names of ``by_zone``; returns those that are settled (found, or in trouble)."""
        many = [zone for zone, names in by_zone.items() if len(names) >= TRANSFER_FROM]
        settled: set[str] = set()
        contents = {}
        for zone, content in self.pool.map(self._try_transfer, many):
            if content is not None:
                contents[zone] = content
        for zone, content in contents.items():
            settled |= self.take(zone, content, by_zone[zone])
        few = [name for zone, names in by_zone.items() if zone not in contents for name in names]
        self.ask_names(few, wanted)
        return settled | set(few)

    def _try_transfer(self, zone: str):
        if self.dead:
            return zone, None
        try:
            return zone, self.server.transfer(zone)
        except Trouble as error:
            if error.kind in (dns_trouble.BADKEY, dns_trouble.BADSIG, dns_trouble.BADTIME):
                self.note(error, "transfer the zone", zone)
            return zone, None  # not allowed, or not over TCP: the names are asked for one by one

    def take(self, zone: str, content, names: list[str]) -> set[str]:
        """Keep what the transferred zone says about ``names``; those beyond a delegation are not its own and stay
        unsettled."""
        sets: dict[str, list] = {}
        cuts = set()
        for owner, rdataset in content.iterate_rdatasets():
            if rdataset.rdtype == dns.rdatatype.NS:
                cuts.add(name_text(owner))
            elif rdataset.rdtype != dns.rdatatype.SOA:
                sets.setdefault(name_text(owner), []).append(rdataset)
        cuts.discard(zone)
        self.transferred.add(zone)
        inside = {name for name in names if longest_suffix(name, cuts) is None}
        for name in inside:
            self.zone_of[name] = zone
            for rdataset in sets.get(name, ()):
                rtype = dns.rdatatype.to_text(rdataset.rdtype)
                if rtype in READ_TYPES:
                    self.observed[name, rtype] = set_of(rdataset)
        return inside

    def ask_names(self, names: list[str], wanted: dict[str, set[str]]) -> None:
        """Zone and content of single names, by queries. The SOA query also shows an alias and the exact zone."""
        jobs = []
        for name, (zone, alias) in self.each(self.soa, names, "find a zone"):
            self.zone_of[name] = zone
            if alias is not None:
                self.observed[name, "CNAME"] = {"ttl": 0, "values": [alias]}
            else:
                jobs += [(name, rtype) for rtype in wanted[name]]
        for (name, rtype), found in self.each(lambda job: read_set(self.server, *job), jobs, "read records"):
            if found["values"]:
                self.observed[name, rtype] = found


def read_set(server: Server, name: str, rtype: str) -> dict:
    """``{"ttl", "values"}`` of one record set at one server; values are empty when there is none. Raises Trouble."""
    response = server.ask(name, rtype)
    if response.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise Trouble(dns_trouble.kind_of_rcode(response.rcode()), dns.rcode.to_text(response.rcode()))
    for rrset in response.answer:
        if name_text(rrset.name) == name and dns.rdatatype.to_text(rrset.rdtype) == rtype:
            return set_of(rrset)
    return {"ttl": 0, "values": []}


def read_sets(server: Server, jobs: list[tuple[str, str]]) -> dict[tuple[str, str], dict]:
    """:func:`read_set` of many (name, type) in parallel; the first trouble ends it, so that a dead server costs one
    timeout."""
    stopped: list[Trouble] = []

    def attempt(job):
        if stopped:
            return job, None
        try:
            return job, read_set(server, *job)
        except Trouble as error:
            stopped.append(error)
            return job, None

    with ThreadPoolExecutor(max_workers=8) as pool:
        found = dict(pool.map(attempt, jobs))
    if stopped:
        raise stopped[0]
    return found


def address_of(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise FleetError(
            [Problem("servers", f"{text!r} is not an IP address", "Give an address, not a name")]
        ) from None


def message_for(zone: str, changes, prerequisites: bool):
    """One update message (RFC 2136): what was read must still stand, then values go and come."""
    message = dns.update.UpdateMessage(dotted(zone))
    for change in changes:
        name = dns.name.from_text(dotted(change.name))

        def texts(values, rtype=change.type):
            return [zone_value(rtype, value) for value in values]

        if prerequisites and change.before:
            message.present(name, change.type, *texts(change.before))
        elif prerequisites:
            message.absent(name, change.type)
        if change.whole:
            if change.before:
                message.delete(name, change.type)
            for text in texts(change.after):
                message.add(name, change.ttl, change.type, text)
        else:
            if change.remove:
                message.delete(name, change.type, *texts(change.remove))
            for text in texts(change.add):
                message.add(name, change.ttl, change.type, text)
    return message


def label_of(change) -> str:
    return f"{change.name} {change.type}"


class Publication:
    """The whole call: read, plan, probe, send, read back."""

    def __init__(self, module: AnsibleModule, pool):
        self.module, self.pool, self.options = module, pool, module.params
        self.problems: list[Problem] = []
        self.servers: dict[tuple[str, int], Server] = {}
        self.not_served: list[dict] = []
        self.plan = dns_plan.Plan()
        self.applied: list[str] = []
        self.not_applied: list[str] = []
        self.readback: list[dict] = []
        self.sent = False

    def run(self) -> None:
        self.prepare()
        self.stop_on_problems()
        self.read()
        self.stop_on_problems()
        self.make_plan()
        self.stop_on_problems()
        self.find_authoritative()
        self.probe()
        self.stop_on_problems()
        if not self.module.check_mode:
            failed = self.send()
            self.read_back(failed)

    def stop_on_problems(self) -> None:
        if self.problems:
            raise FleetError(self.problems)

    # -- reading -------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        timeout = self.options["query_timeout"]
        self.primaries: list[Primary] = []
        self.wanted, self.absent = [], []
        for options in self.options["servers"]:
            try:
                self.primaries.append(Primary(options, timeout, self.pool))
            except FleetError as error:
                self.problems.extend(error.problems)
        for option in ("records", "absent"):
            try:
                checked = dns_plan.check_records(self.options[option], option)
            except FleetError as error:
                self.problems.extend(error.problems)
                continue
            if option == "records":
                self.wanted = checked
            else:
                self.absent = checked
        self.by_suffix: dict[str, Primary] = {}
        for primary in self.primaries:
            for suffix in primary.suffixes:
                other = self.by_suffix.setdefault(suffix, primary)
                if other is not primary:
                    what = f"servers {other.options['name']} and {primary.options['name']} both serve it"
                    self.problems.append(
                        Problem(f"servers, suffix {suffix}", what, "A zone has one primary: remove one")
                    )

    def read(self) -> None:
        """Hand every name to its server; all servers are read at once by the same workers."""
        names: dict[int, dict[str, set[str]]] = {}
        orphans: dict[str, None] = {}
        for option, records in (("records", self.wanted), ("absent", self.absent)):
            for record in records:
                suffix = longest_suffix(record["name"], self.by_suffix)
                if suffix is not None:
                    primary = self.by_suffix[suffix]
                    names.setdefault(id(primary), {}).setdefault(record["name"], set()).add(record["type"])
                elif not record["optional"]:
                    orphans[record["name"]] = None
                elif option == "records":
                    self.not_served.append(told(record))
        if orphans:
            listed = list(orphans)
            shown = ", ".join(listed[:5]) + (f" and {len(listed) - 5} more" if len(listed) > 5 else "")
            remedy = "Add the domain to the suffixes of the server that holds its zone"
            self.problems.append(Problem("servers", f"no server has a suffix for {shown}", remedy))
            return
        required = {record["name"] for record in (*self.wanted, *self.absent) if not record["optional"]}
        optional = {record["name"] for record in (*self.wanted, *self.absent)} - required
        foreign: set[str] = set()
        for primary in self.primaries:
            primary.read(names.get(id(primary), {}))
            problems, others = primary.problems(optional)
            self.problems.extend(problems)
            foreign |= others
        self.not_served += [told(record) for record in self.wanted if record["name"] in foreign]

    def make_plan(self) -> None:
        zone_of, observed = {}, {}
        self.primary_of: dict[str, Primary] = {}
        for primary in self.primaries:
            zone_of.update(primary.zone_of)
            observed.update(primary.observed)
            for zone in primary.zone_of.values():
                other = self.primary_of.setdefault(zone, primary)
                if other is not primary:
                    what = f"servers {other.options['name']} and {primary.options['name']} both hold it"
                    self.problems.append(Problem(f"zone {zone}", what, "A zone has one primary: correct the suffixes"))
        self.plan = dns_plan.make_plan(
            self.wanted,
            self.absent,
            zone_of,
            observed,
            self.options["max_change_share"],
            self.options["confirm"],
        )
        self.not_applied = [label_of(change) for change in self.plan.changes]
        self.problems.extend(self.plan.problems)
        for warning in self.plan.warnings:
            self.module.warn(warning)

    # -- before sending ------------------------------------------------------------------------------------------------

    def find_authoritative(self) -> None:
        """The servers each zone is read back from: {zone: [Server]}, its primary first."""
        self.authoritative: dict[str, list[Server]] = {}
        self.addresses: dict[tuple[int, str], list[str]] = {}
        for zone, found in self.pool.map(self._authoritative_of, self.primary_of):
            if isinstance(found, Problem):
                self.problems.append(found)
            else:
                self.authoritative[zone] = found

    def _authoritative_of(self, zone: str):
        primary = self.primary_of[zone]
        given = primary.options["authoritative"]
        found = {(primary.server.address, primary.server.port): primary.server}
        try:
            if given is not None:
                for text in given:
                    address, _at, port = text.partition("@")
                    self._add_server(found, text, address_of(address), int(port or primary.server.port))
                return zone, list(found.values())
            for host in read_set_of_names(primary.server, zone):
                addresses = self._addresses(primary, host)
                if not addresses:
                    what = f"its name server {host} has no address that can be found"
                    return zone, Problem(f"zone {zone}", what, "List the addresses in authoritative of its server")
                for address in addresses:
                    self._add_server(found, host, address, primary.server.port)
        except Trouble as error:
            return zone, dns_trouble.explain(
                error.kind, primary.server.label, "list name servers", [zone], error.detail
            )
        except (ValueError, FleetError) as error:
            return zone, Problem("servers, authoritative", str(error), "Write an address, or address@port")
        return zone, list(found.values())

    def _add_server(self, found: dict, label: str, address: str, port: int) -> None:
        if (address, port) not in found:
            # Secondaries seldom know the update key, and public data needs none.
            fresh = Server(label, address, port, None, self.options["query_timeout"])
            found[address, port] = self.servers.setdefault((address, port), fresh)

    def _addresses(self, primary: Primary, host: str) -> list[str]:
        known = self.addresses.get((id(primary), host))
        if known is None:
            known = []
            for rtype in ("A", "AAAA"):
                try:
                    known += read_set(primary.server, host, rtype)["values"]
                except Trouble:
                    continue  # not its zone: the resolver knows
            if not known:
                for rtype in ("A", "AAAA"):
                    try:
                        known += [item.address for item in dns.resolver.resolve(dotted(host), rtype)]
                    except dns.exception.DNSException:
                        continue
            self.addresses[id(primary), host] = known
        return known

    def probe(self) -> None:
        """Ask for an update of each zone that changes nothing: a refusal is known before anything was sent."""
        changes = self.plan.by_zone()

        def attempt(zone: str):
            try:
                self.primary_of[zone].server.update(message_for(zone, [], False))
            except Trouble as error:
                return zone, error
            return zone, None

        refused: dict[tuple[str, str, str], list[str]] = {}
        for zone, error in self.pool.map(attempt, changes):
            if error is not None:
                label = self.primary_of[zone].server.label
                refused.setdefault((error.kind, label, error.detail), []).append(zone)
        for (kind, label, detail), zones in refused.items():
            self.problems.append(dns_trouble.explain(kind, label, "update zones", zones, detail))

    # -- sending -------------------------------------------------------------------------------------------------------

    def send(self) -> dict[str, Trouble]:
        """Send every batch; a zone stops at its first failure, the others go on. Returns {zone: Trouble}."""
        changes = self.plan.by_zone()
        self.sent = bool(changes)

        def attempt(zone: str):
            primary = self.primary_of[zone]
            for batch in dns_plan.batches(changes[zone]):
                try:
                    primary.server.update(message_for(zone, batch, zone in primary.transferred))
                except Trouble as error:
                    return zone, error
            return zone, None

        return {zone: error for zone, error in self.pool.map(attempt, changes) if error is not None}

    # -- reading back --------------------------------------------------------------------------------------------------

    def read_back(self, failed: dict[str, Trouble]) -> None:
        changes = self.plan.by_zone()
        deadline = time.monotonic() + self.options["timeout"]
        lacking = self._primary_state(changes)
        self.applied, self.not_applied = [], []
        for change in self.plan.changes:
            gone_wrong = label_of(change) in lacking[change.zone]
            (self.not_applied if gone_wrong else self.applied).append(label_of(change))
        for zone, error in failed.items():
            primary = self.primary_of[zone]
            names = [label for label in self.not_applied if label in {label_of(change) for change in changes[zone]}]
            self.problems.append(
                dns_trouble.explain(error.kind, primary.server.label, "update", names or [zone], error.detail)
            )
        for zone in changes:
            if zone not in failed and lacking[zone]:
                server = self.primary_of[zone].server.label
                what = f"accepted the update but does not hold {shorten(lacking[zone])}"
                remedy = "Look into its log; another writer may have changed the zone at the same time"
                self.problems.append(Problem(f"server {server}, zone {zone}", what, remedy))
        jobs = [
            (zone, server)
            for zone in self.authoritative
            if zone not in failed
            for server in self.authoritative[zone][1:]
        ]
        with ThreadPoolExecutor(max_workers=max(1, min(WORKERS, len(jobs)))) as waiters:
            results = list(
                waiters.map(lambda job: self._secondary_state(*job, changes.get(job[0], []), deadline), jobs)
            )
        behind: dict[str, list[str]] = {}
        silent: dict[tuple[str, str, bool], list[str]] = {}
        for (zone, server), (missing, trouble) in zip(jobs, results):
            self.readback.append({"zone": zone, "server": server.label, "missing": missing, "trouble": trouble})
            if missing:
                behind.setdefault(server.label, []).extend(missing)
            elif trouble:
                silent.setdefault((server.label, trouble, zone in changes), []).append(zone)
        for label, missing in behind.items():
            what = f"does not hold {shorten(missing)} after {self.options['timeout']} seconds"
            remedy = "Check that it is notified of changes and may transfer the zones; raise timeout if it is just slow"
            self.problems.append(Problem(f"server {label}", what, remedy))
        for (label, trouble, concerned), zones in silent.items():
            if concerned:
                what = f"zones {shorten(zones)} cannot be read back: it {trouble}"
                remedy = "Repair it, or list the servers that count in authoritative"
                self.problems.append(Problem(f"server {label}", what, remedy))
            else:
                self.module.warn(f"server {label} {trouble}; nothing had to be changed in {shorten(zones)}")

    def _primary_state(self, changes: dict) -> dict[str, list[str]]:
        """{zone: names its primary does not hold as planned}; a zone that cannot be read counts as not applied."""

        def attempt(zone: str):
            server = self.primary_of[zone].server
            try:
                return zone, lacking_at(server, zone, changes[zone])
            except Trouble:
                return zone, [label_of(change) for change in changes[zone]]

        state = dict(self.pool.map(attempt, changes))
        for zone, missing in state.items():
            label = self.primary_of[zone].server.label
            self.readback.append({"zone": zone, "server": label, "missing": missing, "trouble": ""})
        return state

    def _secondary_state(self, zone: str, server: Server, changes, deadline: float) -> tuple[list[str], str]:
        """(names it lacks, why it could not be asked), once it has caught up or the time is over.

        Where nothing was changed and the serial numbers agree, the contents agree, too.
        """
        pause = 0.1
        changed = bool(changes)
        changes = changes or self._claims(zone)
        while True:
            missing, trouble = [], ""
            try:
                if changed or server.serial(zone) != self.primary_of[zone].server.serial(zone):
                    missing = lacking_at(server, zone, changes)
            except Trouble as error:
                trouble = dns_trouble.explain(error.kind, server.label, "show its records", (), error.detail).what
            if not (missing or trouble) or time.monotonic() >= deadline:
                return missing, trouble
            if trouble and not changed:
                return missing, trouble
            changes = [change for change in changes if trouble or label_of(change) in missing]
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    def _claims(self, zone: str):
        """What a zone that needed no change should hold everywhere, as changes with nothing to do."""
        claims = []
        primary = self.primary_of[zone]
        for record in self.wanted:
            name, rtype, values = record["name"], record["type"], tuple(record["values"])
            if primary.zone_of.get(name) == zone:
                ttl = primary.observed[name, rtype]["ttl"]
                claims.append(dns_plan.Change(zone, name, rtype, "none", values, values, (), (), ttl, ttl, False))
        return claims

    # -- the result ----------------------------------------------------------------------------------------------------

    def result(self) -> dict:
        result = {
            "changed": bool(self.plan.changes) if self.module.check_mode else bool(self.applied),
            "changes": [change.as_dict() for change in self.plan.changes],
            "applied": self.applied,
            "not_applied": self.not_applied,
            "not_served": self.not_served,
            "readback": self.readback,
            "zones": {
                zone: primary.options["name"] for zone, primary in sorted(getattr(self, "primary_of", {}).items())
            },
            "queries": sum(primary.server.asked for primary in self.primaries)
            + sum(server.asked for server in self.servers.values()),
        }
        if self.module._diff:
            result["diff"] = dns_plan.diff_of(self.plan.changes)
        return result


def read_set_of_names(server: Server, zone: str) -> list[str]:
    """The zone's NS names."""
    for rrset in server.ask(zone, "NS").answer:
        if rrset.rdtype == dns.rdatatype.NS:
            return sorted(name_text(item.target) for item in rrset)
    return []


def lacking_at(server: Server, zone: str, changes) -> list[str]:
    """Names (with type) that a server does not hold as planned: by one transfer when there are many, else by
    queries."""
    seen: dict[tuple[str, str], dict] = {}
    read = False
    if len(changes) >= TRANSFER_FROM:
        try:
            for owner, rdataset in server.transfer(zone).iterate_rdatasets():
                rtype = dns.rdatatype.to_text(rdataset.rdtype)
                if rtype in READ_TYPES:
                    seen[name_text(owner), rtype] = set_of(rdataset)
            read = True
        except Trouble:
            seen = {}
    if not read:
        seen = read_sets(server, [(change.name, change.type) for change in changes])
    return [label_of(change) for change in changes if dns_plan.missing(change, seen.get((change.name, change.type)))]


def told(record: dict) -> dict:
    """A record as the result shows it."""
    return {key: record[key] for key in ("name", "type", "ttl", "values")}


def shorten(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def main() -> None:
    record_options = {
        "name": {"type": "str", "required": True},
        "type": {"type": "str", "choices": list(dns_plan.TYPES), "required": True},
        "ttl": {"type": "int", "default": 3600},
        "values": {"type": "list", "elements": "str", "default": []},
        "match": {"type": "str", "default": ""},
        "sender": {"type": "str", "default": ""},
        "purpose": {"type": "str", "default": ""},
        "optional": {"type": "bool", "default": False},
    }
    algorithms = ["hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha1"]
    module = AnsibleModule(
        argument_spec={
            "servers": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "name": {"type": "str", "required": True},
                    "address": {"type": "str", "required": True},
                    "port": {"type": "int", "default": 53},
                    "key_name": {"type": "str", "no_log": False},
                    "key_algorithm": {"type": "str", "choices": algorithms, "default": "hmac-sha256", "no_log": False},
                    "key_secret": {"type": "str", "no_log": True},
                    "authoritative": {"type": "list", "elements": "str"},
                    "suffixes": {"type": "list", "elements": "str", "required": True},
                },
            },
            "records": {"type": "list", "elements": "dict", "default": [], "options": record_options},
            "absent": {"type": "list", "elements": "dict", "default": [], "options": record_options},
            "max_change_share": {"type": "float", "default": 0.3},
            "confirm": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 60},
            "query_timeout": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    if DNSPYTHON_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython >= 2.3"), exception=DNSPYTHON_IMPORT_ERROR)
    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        publication = Publication(module, pool)
        try:
            publication.run()
            publication.stop_on_problems()
        except FleetError as error:
            fail(module, publication, error.problems)
        module.exit_json(**publication.result())


def fail(module: AnsibleModule, publication: Publication, problems) -> None:
    result = publication.result()
    head = "Nothing was published"
    if publication.sent:
        head = f"{len(publication.applied)} record sets were published, {len(publication.not_applied)} were not"
    module.fail_json(
        msg=head + ":\n" + "\n".join(str(problem) for problem in problems),
        problems=[{"where": problem.where, "what": problem.what, "remedy": problem.remedy} for problem in problems],
        **result,
    )


if __name__ == "__main__":
    main()
