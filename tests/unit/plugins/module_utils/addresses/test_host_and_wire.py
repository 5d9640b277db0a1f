# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What iproute2 prints, and what goes over the wire."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.addresses import arp, install
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.host import (
    Bound,
    Link,
    Route,
    Rule,
    read_host,
)

PACKAGE = Path(install.__file__).parent


def test_reading_what_ip_prints():
    """Output of iproute2 6.1 with -N; older ones print names for numbers."""
    host = read_host(
        links=[
            {"ifname": "lo", "flags": ["LOOPBACK", "UP"], "link_type": "loopback", "address": "00:00:00:00:00:00"},
            {"ifname": "eth0", "flags": ["BROADCAST", "UP"], "link_type": "ether", "address": "02:00:00:00:00:01"},
            {"ifname": "tun0", "flags": ["NOARP"], "link_type": "none"},
            {},
        ],
        addresses=[
            {
                "ifname": "eth0",
                "addr_info": [
                    {"family": "inet", "local": "10.9.0.77", "prefixlen": 32, "scope": "254"},
                    {"family": "inet", "local": "10.9.0.78", "prefixlen": 32, "scope": "host"},
                    {"family": "inet", "local": "10.9.0.2", "prefixlen": 24, "scope": "global"},
                    {"family": "inet", "local": "10.9.0.3", "prefixlen": 24, "scope": "0", "secondary": True},
                    {"family": "inet6", "local": "fe80::1", "prefixlen": 64, "scope": "link"},
                ],
            },
            {},
        ],
        routes=[
            {"dst": "default", "gateway": "10.9.0.254", "dev": "eth0", "table": "20254", "flags": ["onlink"]},
            {"dst": "default", "gateway": "10.9.0.1", "dev": "eth0", "prefsrc": "10.9.0.2", "flags": []},
            {"dst": "10.9.0.0/24", "dev": "eth0", "protocol": "2", "scope": "253", "prefsrc": "10.9.0.2"},
            {"type": "7", "dst": "default", "table": "66"},
        ],
        rules=[
            {"priority": 0, "src": "all", "table": "local"},
            {"priority": 11000, "src": "10.9.0.77", "table": "20254"},
            {"priority": 11001, "src": "10.9.0.0", "srclen": 24, "table": "20254"},
            {"priority": 12000, "src": "all", "table": "vendor"},
        ],
    )
    assert host.links["eth0"] == Link("eth0", "02:00:00:00:00:01", up=True, arp=True)
    assert (host.links["lo"].mac, host.links["tun0"].arp, host.links["tun0"].up) == (None, False, False)
    assert [(bound.ip, bound.prefix, bound.scope, bound.secondary) for bound in host.bound] == [
        ("10.9.0.77", 32, 254, False),
        ("10.9.0.78", 32, 254, False),
        ("10.9.0.2", 24, 0, False),
        ("10.9.0.3", 24, 0, True),
    ]
    assert host.on("10.9.0.2") == [Bound("10.9.0.2", 24, "eth0", 0)]
    assert host.defaults == (Route(20254, "10.9.0.254", "eth0"), Route(254, "10.9.0.1", "eth0", "10.9.0.2"))
    assert host.rules == (Rule(0, "all", 255), Rule(11000, "10.9.0.77", 20254), Rule(12000, "all", -1))


# Byte for byte as RFC 826 and RFC 5227 lay it out.
PROBE = bytes.fromhex("ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 00000000 000000000000 c6130001")
ANNOUNCEMENT = bytes.fromhex(
    "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 020000000001 c6130001 000000000000 c6130001"
)
REPLY = bytes.fromhex("020000000001 02000000000a 0806 0001 0800 06 04 0002 02000000000a c6130001 020000000001 00000000")


def test_frames_are_those_of_the_standard():
    assert arp.probe("02:00:00:00:00:01", "198.19.0.1") == PROBE
    assert arp.announcement("02:00:00:00:00:01", "198.19.0.1") == ANNOUNCEMENT


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (REPLY, ("198.19.0.1", "02:00:00:00:00:0a")),
        (REPLY + bytes(18), ("198.19.0.1", "02:00:00:00:00:0a")),  # padded to the least size of an Ethernet frame
        (ANNOUNCEMENT, ("198.19.0.1", "02:00:00:00:00:01")),
        (PROBE, None),  # asks, claims nothing
        (REPLY[:41], None),
        (REPLY[:12] + b"\x08\x00" + REPLY[14:], None),
        (REPLY[:20] + b"\x00\x03" + REPLY[22:], None),
        (b"", None),
    ],
)
def test_who_claims_what(frame, said):
    assert arp.claim(frame) == said


def test_the_installed_program_is_complete():
    """Each part imports only parts that are installed with it, before it, or the standard library."""
    known = set()
    for name in install.PROGRAM:
        for node in ast.walk(ast.parse((PACKAGE / f"{name}.py").read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                assert node.level == 1
                assert {node.module} <= known or {alias.name for alias in node.names} <= known
        known.add(name)


def test_installed_files():
    files = install.files({name: f"# {name}\n" for name in install.PROGRAM})
    start = files["/usr/local/sbin/email-engine-addresses"]
    assert start[1] == 0o755
    compile(start[0], "start", "exec")
    units = {path.rpartition("/")[2]: text for path, (text, _mode) in files.items() if path.endswith(".service")}
    assert set(install.links().values()) == {f"/etc/systemd/system/{unit}" for unit in units}
    for text in units.values():
        assert re.search(r"^ExecStart=/usr/local/sbin/email-engine-addresses (apply|watch)$", text, re.MULTILINE)
    boot = units["email-engine-addresses.service"]
    for line in ("Type=oneshot", "Before=pmta.service", "After=network-online.target", "Wants=network-online.target"):
        assert f"\n{line}\n" in boot
