# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole platform after site.yml, looked at from outside the roles."""

from __future__ import annotations

import json
import re

SENDERS = {f"198.19.0.{n}": f"mail{n}.sos-holidays.test" for n in range(1, 6)}


def test_forward_and_reverse_agree(host):
    for ip, name in SENDERS.items():
        assert host.addr(name).ipv4_addresses == [ip]
        found = host.check_output(f"python3 -c \"import socket;print(socket.gethostbyaddr('{ip}')[0])\"")
        assert found == name


def test_the_host_owns_the_addresses(host):
    shown = json.loads(host.check_output("ip -json -4 address show dev host0"))
    bound = {address["local"] for link in shown for address in link["addr_info"]}
    assert set(SENDERS) <= bound


def test_the_file_says_which_generation_it_is(host):
    config = host.file("/etc/pmta/config").content_string
    assert re.search(r"generation \d+", config.splitlines()[0] + config.splitlines()[1])


def test_nothing_waits(host):
    rows = [line.split() for line in host.check_output("pmta show vmtas --maxitems=100").splitlines()]
    counts = {row[0]: row[2] for row in rows if row and row[0].startswith(("vmta-", "unrouted-"))}
    assert set(counts) == {f"vmta-mail{n}" for n in range(1, 6)} | {"unrouted-sos-holidays"}
    assert set(counts.values()) == {"0"}
