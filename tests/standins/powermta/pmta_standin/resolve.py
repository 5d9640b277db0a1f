# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a queue to the hosts to try: ``smtp-hosts`` or the domain's MX, by preference, as addresses."""

from __future__ import annotations

import ipaddress
import os
import random
import time
from typing import NamedTuple

import dns.exception
import dns.resolver

from . import rollup
from .compound import Host
from .model import Config


class Target(NamedTuple):
    name: str
    ip: str
    port: int


class Unroutable(Exception):
    """``permanent`` bounces the mail, else the queue is retried."""

    def __init__(self, status: str, text: str, permanent: bool) -> None:
        super().__init__(text)
        self.status, self.text, self.permanent = status, text, permanent


class Resolver:
    """The system's resolver, or the configuration's ``name-server`` lines. PMTA_STANDIN_DNS=IP:PORT is for tests."""

    def __init__(self, config: Config) -> None:
        test = os.environ.get("PMTA_STANDIN_DNS", "")
        servers = [str(setting.args[0]) for setting in config.top.all("name-server")]
        self._resolver = dns.resolver.Resolver(configure=not test and not servers)
        if test:
            address, _, port = test.partition(":")
            self._resolver.nameservers, self._resolver.port = [address], int(port or 53)
        elif servers:
            self._resolver.nameservers = servers
        self._resolver.lifetime = 8.0
        self._known: dict[str, tuple[float, list[str]]] = {}

    def mx_names(self, domain: str) -> list[str]:
        """The MX names of a domain, lower case; none where the answer is no or missing. Remembered for a minute."""
        until, names = self._known.get(domain, (0.0, []))
        if until < time.monotonic():
            try:
                answer = self._resolver.resolve(domain, "MX")
                names = [mx.exchange.to_text(omit_final_dot=True).lower() for mx in answer]
            except dns.exception.DNSException:
                names = []
            self._known[domain] = (time.monotonic() + 60, names)
        return names

    def targets(
        self, config: Config, domain: str, vmta: str, version: int = 4, recipient: str | None = None
    ) -> list[Target]:
        """Hosts in the order to try them. recipient: whose own hosts to take, in a queue rolled up by IP."""
        levels = config.setting(domain, vmta, "smtp-hosts") or config.setting(domain, vmta, "route")
        port = config.setting(domain, vmta, "default-smtp-port")
        if levels and isinstance(levels, list):
            found: list[Target] = []
            for level in levels:
                hosts = random.sample(level, len(level))
                found += [target for host in hosts for target in self._host(host, port, version)]
            if not found:
                raise Unroutable("4.4.4", f"no address for smtp-hosts of {domain}", False)
            return found
        if domain.startswith("["):
            return [Target(domain, domain.strip("[]").removeprefix("IPv6:"), port)]
        if domain.endswith(rollup.SUFFIX):
            if recipient:
                return self._mx(recipient, port, version)
            found = [one for name in rollup.hosts(config, domain) for one in self._addresses(name, port, version)]
            if not found:
                raise Unroutable("4.4.4", f"no hosts for {domain}: smtp-hosts missing", False)
            return found
        return self._mx(domain, port, version)

    def _host(self, host: Host, port: int, version: int) -> list[Target]:
        if host.kind == "ip":
            return [Target(host.where, host.where, host.port or port)]
        if host.kind == "lookup-mx":
            return self._mx(host.where, port, version)
        return self._addresses(host.where, host.port or port, version)

    def _mx(self, domain: str, port: int, version: int) -> list[Target]:
        try:
            answer = self._resolver.resolve(domain, "MX")
            records = sorted(answer, key=lambda mx: (mx.preference, random.random()))
            names = [mx.exchange.to_text(omit_final_dot=True) for mx in records]
        except dns.resolver.NXDOMAIN:
            raise Unroutable("5.1.2", f"no such domain: {domain}", True) from None
        except dns.resolver.NoAnswer:
            names = [domain]
        except dns.exception.DNSException as problem:
            raise Unroutable("4.4.3", f"DNS error for {domain}: {type(problem).__name__}", False) from None
        if names in ([""], ["."]):
            raise Unroutable("5.1.10", f"{domain} has a null MX", True)
        found = [target for name in names for target in self._addresses(name, port, version)]
        if not found:
            raise Unroutable("4.4.4", f"no address for {domain}", names == [domain])
        return found

    def _addresses(self, name: str, port: int, version: int) -> list[Target]:
        try:
            answer = self._resolver.resolve(name, "A" if version == 4 else "AAAA")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as problem:
            raise Unroutable("4.4.3", f"DNS error for {name}: {type(problem).__name__}", False) from None
        return [Target(name, record.address, port) for record in answer]


def is_ourselves(target: Target, local: set, listening: list[tuple[str, int]]) -> bool:
    """True when the target is one of this daemon's own listeners: mail would come round again."""
    address = ipaddress.ip_address(target.ip)
    here = address in local or address.is_loopback
    return any(
        target.port == port and (target.ip == ip or here and int(ipaddress.ip_address(ip)) == 0)
        for ip, port in listening
    )
