# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The addresses configured on this machine's interfaces (what a socket may really bind)."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from typing import Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")


def addresses() -> set[Address]:
    """Read once per load. A local route (``ip route add local``) is not an address: the product wants real ones."""
    said = subprocess.run(["ip", "-json", "address", "show"], check=True, capture_output=True, text=True)
    return {
        ipaddress.ip_address(info["local"])
        for link in json.loads(said.stdout or "[]")
        for info in link.get("addr_info", [])
        if "local" in info
    }


def present(address: Address, known: set[Address]) -> bool:
    """True when the address is on this machine; all of 127/8 is, on every Linux."""
    return address in known or (address.version == 4 and address in _LOOPBACK)


def matching(network: ipaddress.IPv4Network | ipaddress.IPv6Network, known: set[Address]) -> list[Address]:
    """The machine's addresses inside a CIDR. 127.0.0.1 only when it is asked for by itself."""
    if network.num_addresses == 1:
        only = network.network_address
        return [only] if present(only, known) else []
    found = [a for a in known if a.version == network.version and a in network and str(a) != "127.0.0.1"]
    return sorted(found, key=int)
