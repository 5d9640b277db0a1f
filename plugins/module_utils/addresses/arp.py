# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARP frames: to ask whether another machine owns an address, and to tell the neighbours that this one does (RFC 5227)."""

from __future__ import annotations

import ipaddress
import struct

ETHERTYPE = 0x0806
_BROADCAST = b"\xff" * 6
_FORMAT = struct.Struct("!6s6sHHHBBH6s4s6s4s")


def probe(mac: str, ip: str) -> bytes:
    """A request with the sender's address all zero: it asks without claiming (RFC 5227, 1.1)."""
    return _request(mac, "0.0.0.0", ip)


def announcement(mac: str, ip: str) -> bytes:
    """A request for one's own address: caches that still hold the former owner are corrected (RFC 5227, 2.3)."""
    return _request(mac, ip, ip)


def claim(frame: bytes) -> tuple[str, str] | None:
    """``(ip, mac)`` of the machine that this ARP frame says owns an address; None for other frames and for probes."""
    if len(frame) < _FORMAT.size:
        return None
    fields = _FORMAT.unpack_from(frame)
    ethertype, hardware, protocol, operation = fields[2], fields[3], fields[4], fields[7]
    if (ethertype, hardware, protocol) != (ETHERTYPE, 1, 0x0800) or operation not in (1, 2) or not any(fields[9]):
        return None
    return str(ipaddress.IPv4Address(fields[9])), ":".join(f"{byte:02x}" for byte in fields[8])


def _request(mac: str, sender: str, target: str) -> bytes:
    own = bytes.fromhex(mac.replace(":", ""))
    addresses = (own, _packed(sender), bytes(6), _packed(target))
    return _FORMAT.pack(_BROADCAST, own, ETHERTYPE, 1, 0x0800, 6, 4, 1, *addresses)


def _packed(ip: str) -> bytes:
    return ipaddress.IPv4Address(ip).packed
