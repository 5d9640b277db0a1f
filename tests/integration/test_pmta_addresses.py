# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""pmta_addresses on a real kernel: a host, its neighbour and a second router, each a network namespace.

The module runs through ``ansible`` as it does in production (packed, on Python of the host), in the host's namespace, with
``root`` in a temporary directory: no file and no unit of this machine is touched. Needs root and iproute2.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

ANSIBLE = Path(sys.executable).with_name("ansible")
OWN = "10.99.0.2"
NEIGHBOUR = "10.99.0.1"
SECOND_ROUTER = "10.98.0.1"


def sh(*command: str, check: bool = True) -> str:
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


class Net:
    """``host`` has eth0 to ``peer`` (its default gateway) and eth1 to ``side`` (another router)."""

    def __init__(self, root: Path):
        self.root = root
        token = uuid.uuid4().hex[:6]
        self.host, self.peer, self.side = (f"ee{token}{role}" for role in ("h", "p", "s"))
        self.names = (self.host, self.peer, self.side)

    def up(self) -> None:
        for name in self.names:
            sh("ip", "netns", "add", name)
            sh("ip", "-n", name, "link", "set", "lo", "up")
        for device, other in (("eth0", self.peer), ("eth1", self.side)):
            sh("ip", "-n", self.host, "link", "add", device, "type", "veth", "peer", "name", "eth0", "netns", other)
            sh("ip", "-n", other, "link", "set", "eth0", "up")
            sh("ip", "-n", self.host, "link", "set", device, "up")
        self.ip("address", "add", f"{OWN}/24", "dev", "eth0")
        self.ip("route", "add", "default", "via", NEIGHBOUR)
        sh("ip", "-n", self.peer, "address", "add", f"{NEIGHBOUR}/24", "dev", "eth0")
        sh("ip", "-n", self.peer, "route", "add", "10.97.0.0/16", "dev", "eth0")
        sh("ip", "-n", self.side, "address", "add", f"{SECOND_ROUTER}/24", "dev", "eth0")

    def down(self) -> None:
        for name in self.names:
            sh("ip", "netns", "del", name, check=False)

    def ip(self, *arguments: str) -> str:
        return sh("ip", "-n", self.host, *arguments)

    def bound(self, device: str = "eth0") -> list[str]:
        links = json.loads(self.ip("-4", "-j", "address", "show", "dev", device))
        return [f"{entry['local']}/{entry['prefixlen']}" for link in links for entry in link.get("addr_info", [])]

    def source(self, destination: str, *extra: str) -> str:
        return json.loads(self.ip("-j", "route", "get", destination, *extra))[0]["prefsrc"]

    def module(self, *addresses: str | dict, flags: tuple[str, ...] = (), env: dict | None = None, **options) -> dict:
        """One run of the module on the host; its result, with ``diff`` when asked for by flags."""
        options["addresses"] = [{"ip": entry} if isinstance(entry, str) else entry for entry in addresses]
        options["root"] = str(self.root)
        options.setdefault("duplicate_timeout", 0.4)
        done = subprocess.run(
            ["ip", "netns", "exec", self.host, ANSIBLE, "localhost", "-i", "localhost,", "-c", "local"]
            + ["-m", "email_engine.fleet.pmta_addresses", "-a", json.dumps(options), *flags],
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_STDOUT_CALLBACK": "minimal",
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
                "ANSIBLE_NOCOLOR": "1",
                **(env or {}),
            },
        )
        head, _brace, result = done.stdout.partition("=> {")
        return {"failed": "FAILED" in head, **json.loads("{" + result)}

    def keeper(self, *arguments: str) -> subprocess.CompletedProcess:
        """What the unit's ExecStart runs, from where the module installed it."""
        return subprocess.run(
            ["ip", "netns", "exec", self.host, *self.exec_start("email-engine-addresses.service"), *arguments],
            capture_output=True,
            text=True,
            check=False,
        )

    def exec_start(self, unit: str) -> list[str]:
        text = (self.root / "etc/systemd/system" / unit).read_text()
        command = next(line for line in text.splitlines() if line.startswith("ExecStart=")).partition("=")[2].split()
        return [f"{self.root}{command[0]}", *command[1:], "--record", f"{self.root}/etc/email-engine/addresses.json"]


@pytest.fixture
def net(tmp_path):
    machines = Net(tmp_path)
    try:
        machines.up()
        yield machines
    finally:
        machines.down()


@contextlib.contextmanager
def monitor(net: Net):
    """Every change of addresses, links, rules and routes while the block runs, as ``ip monitor`` prints it."""
    events: list[str] = []
    watcher = subprocess.Popen(
        ["ip", "-n", net.host, "-o", "-4", "monitor", "address", "link", "route", "rule"],
        stdout=subprocess.PIPE,
        text=True,
    )
    time.sleep(0.3)
    try:
        yield events
        time.sleep(0.3)
    finally:
        watcher.terminate()
        events += watcher.communicate()[0].splitlines()


def test_first_run_binds_and_the_second_does_nothing(net):
    first = net.module("198.19.0.1", "198.19.0.2")
    assert first["changed"] is True
    assert first["added"] == ["198.19.0.1", "198.19.0.2"]
    assert set(net.bound()) == {f"{OWN}/24", "198.19.0.1/32", "198.19.0.2/32"}
    with monitor(net) as events:
        second = net.module("198.19.0.1", "198.19.0.2")
    assert second["changed"] is False
    assert second["commands"] == []
    assert events == []


def test_check_mode_tells_the_same_and_changes_nothing(net):
    predicted = net.module("198.19.0.1", flags=("--check", "--diff"))
    assert net.bound() == [f"{OWN}/24"]
    assert list(net.root.iterdir()) == []
    real = net.module("198.19.0.1")
    for key in ("changed", "added", "removed", "commands"):
        assert predicted[key] == real[key]
    again = net.module("198.19.0.1", flags=("--check",))
    assert again["changed"] is False


def test_adding_one_touches_no_other(net):
    net.module("198.19.0.1", "198.19.0.2")
    with monitor(net) as events:
        result = net.module("198.19.0.1", "198.19.0.2", "198.19.0.3")
    assert result["added"] == ["198.19.0.3"]
    told = [line for line in events if "inet " in line or "Deleted" in line or "link" in line]
    assert told
    assert all("198.19.0.3" in line and "Deleted" not in line for line in events)


def test_only_own_addresses_are_removed(net):
    net.ip("address", "add", "198.19.0.9/32", "dev", "eth0")
    net.module("198.19.0.1", "198.19.0.2", "198.19.0.9")
    result = net.module("198.19.0.1")
    assert result["removed"] == ["198.19.0.2"]
    assert set(net.bound()) == {f"{OWN}/24", "198.19.0.1/32", "198.19.0.9/32"}


def test_an_address_bound_by_others_is_left_to_them(net):
    net.ip("address", "add", "198.19.0.9/24", "dev", "eth0")
    result = net.module("198.19.0.9", "198.19.0.1")
    assert result["added"] == ["198.19.0.1"]
    assert result["foreign"] == ["198.19.0.9"]
    assert "198.19.0.9/24" in net.bound()
    assert net.module("198.19.0.9", "198.19.0.1")["changed"] is False


def test_the_kernel_never_chooses_a_sending_address(net):
    """Through a gateway, on the link, and on a link route that names no source: with and after the host's own address."""
    net.ip("route", "add", "10.50.0.0/16", "dev", "eth0")
    net.module("198.19.0.1", "10.99.0.50", "10.50.0.7")
    destinations = ("1.1.1.1", NEIGHBOUR, "10.50.0.1", "10.99.0.77")
    assert {net.source(destination) for destination in destinations} == {OWN}
    net.ip("address", "del", f"{OWN}/24", "dev", "eth0")
    net.ip("address", "add", f"{OWN}/24", "dev", "eth0")
    net.ip("route", "replace", "default", "via", NEIGHBOUR)
    net.ip("route", "replace", "10.50.0.0/16", "dev", "eth0")
    assert {net.source(destination) for destination in destinations} == {OWN}


def test_a_program_that_binds_sends_from_it(net):
    """The neighbour sees the sending address, so ARP and TCP work in both directions; and OWN from one that does not bind."""
    net.module("10.99.0.50")
    server = subprocess.Popen(
        ["ip", "netns", "exec", net.peer, sys.executable, "-c", _SERVER, NEIGHBOUR], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout.readline() == "listening\n"
    for address in ("10.99.0.50", ""):
        sh("ip", "netns", "exec", net.host, sys.executable, "-c", _CLIENT, NEIGHBOUR, address)
    assert server.communicate(timeout=10)[0].split() == ["10.99.0.50", OWN]


_SERVER = """
import socket, sys
server = socket.create_server((sys.argv[1], 2525))
server.settimeout(10)
print("listening", flush=True)
for _ in range(2):
    print(server.accept()[1][0], flush=True)
"""
_CLIENT = """
import socket, sys
socket.create_connection((sys.argv[1], 2525), timeout=5, source_address=(sys.argv[2], 0) if sys.argv[2] else None)
"""


def test_a_range_behind_another_gateway_leaves_by_it(net):
    ranged = [{"ip": f"10.98.0.{n}", "interface": "eth1", "gateway": SECOND_ROUTER, "table": 100} for n in (10, 11)]
    net.module("198.19.0.1", *ranged)
    way = json.loads(net.ip("-j", "route", "get", "1.1.1.1", "from", "10.98.0.10"))[0]
    assert (way["gateway"], way["dev"]) == (SECOND_ROUTER, "eth1")
    assert json.loads(net.ip("-j", "route", "get", "1.1.1.1", "from", "198.19.0.1"))[0]["gateway"] == NEIGHBOUR
    assert net.source("1.1.1.1") == OWN
    assert net.module("198.19.0.1", *ranged)["changed"] is False
    with monitor(net) as events:
        net.module("198.19.0.1", ranged[0])
    assert not [line for line in events if "10.98.0.10" in line or "default" in line]
    net.module("198.19.0.1")
    assert net.ip("rule", "show").count("lookup 100") == 0
    assert net.ip("route", "show", "table", "all").count("table 100") == 0
    assert net.bound("eth1") == []


def test_a_changed_gateway_is_replaced(net):
    entry = {"ip": "10.98.0.10", "interface": "eth1", "gateway": SECOND_ROUTER, "table": 100}
    net.module(entry)
    result = net.module({**entry, "gateway": "10.98.0.2"})
    assert result["added"] == []
    assert result["commands"] == ["route replace default via 10.98.0.2 dev eth1 table 100 onlink"]
    assert "via 10.98.0.2" in net.ip("route", "show", "table", "100")


def test_an_address_moves_to_another_interface(net):
    net.module("198.19.0.1")
    result = net.module({"ip": "198.19.0.1", "interface": "eth1"})
    assert result["changed"] is True
    assert net.bound("eth1") == ["198.19.0.1/32"]
    assert net.bound("eth0") == [f"{OWN}/24"]


def test_a_reboot_brings_everything_back(net):
    net.module("198.19.0.1", {"ip": "10.98.0.10", "interface": "eth1", "gateway": SECOND_ROUTER})
    before = [net.ip(*what) for what in (("rule",), ("-4", "route", "show", "table", "all"))]
    addresses = (sorted(net.bound("eth0")), net.bound("eth1"))
    net.ip("address", "flush", "dev", "eth0", "scope", "host")
    net.ip("address", "flush", "dev", "eth1")
    net.ip("rule", "flush")
    for priority, table in ((32766, "main"), (32767, "default")):
        net.ip("rule", "add", "lookup", table, "priority", str(priority))
    net.ip("route", "flush", "table", str(20001))
    done = net.keeper()
    assert (done.returncode, done.stderr) == (0, "")
    assert (sorted(net.bound("eth0")), net.bound("eth1")) == addresses
    assert [sorted(text.split("\n")) for text in before] == [
        sorted(net.ip(*what).split("\n")) for what in (("rule",), ("-4", "route", "show", "table", "all"))
    ]
    assert net.keeper().stdout == ""


def test_at_boot_one_missing_interface_does_not_hold_up_the_others(net):
    net.module("198.19.0.1", {"ip": "198.19.0.2", "interface": "eth1"})
    net.ip("address", "flush", "dev", "eth0", "scope", "host")
    net.ip("link", "del", "eth1")
    done = net.keeper()
    assert done.returncode == 1
    assert "198.19.0.2: interface eth1 does not exist" in done.stderr
    assert "198.19.0.1/32" in net.bound()


def test_the_watch_puts_back_what_others_take_away(net):
    net.module("198.19.0.1", {"ip": "10.98.0.10", "interface": "eth1", "gateway": SECOND_ROUTER, "table": 100})
    watch = subprocess.Popen(
        ["ip", "netns", "exec", net.host, *net.exec_start("email-engine-addresses-watch.service")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(1.0)
        net.ip("address", "flush", "dev", "eth0", "scope", "host")
        assert eventually(lambda: "198.19.0.1/32" in net.bound())
        net.ip("link", "set", "eth1", "down")
        time.sleep(0.5)
        assert "default" not in net.ip("route", "show", "table", "all", "dev", "eth1")
        net.ip("link", "set", "eth1", "up")
        assert eventually(lambda: "table 100" in net.ip("route", "show", "table", "all"))
        net.ip("rule", "del", "priority", "11000")
        assert eventually(lambda: "lookup 100" in net.ip("rule"))
        # What the module takes away stays away.
        assert net.module("198.19.0.1")["removed"] == ["10.98.0.10"]
        time.sleep(1.5)
        assert net.bound("eth1") == []
        assert "lookup 100" not in net.ip("rule")
    finally:
        watch.terminate()
        watch.wait(timeout=5)


def eventually(condition, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_machine_that_already_has_it_is_found(net):
    sh("ip", "-n", net.peer, "address", "add", "198.19.0.2/32", "dev", "eth0")
    result = net.module("198.19.0.1", "198.19.0.2")
    assert result["failed"] is True
    assert "198.19.0.2: another machine on eth0 has it" in result["msg"]
    assert "198.19.0.1:" not in result["msg"]
    assert net.bound() == [f"{OWN}/24"]
    assert not (net.root / "etc/systemd").exists()
    assert net.module("198.19.0.1", "198.19.0.2", duplicate_check=False)["changed"] is True
    # Once bound it is not asked for again.
    assert net.module("198.19.0.1", "198.19.0.2")["changed"] is False


def test_neighbours_learn_that_an_address_moved(net):
    """The neighbour's cache holds another machine's Ethernet address; binding corrects it without waiting for it to age."""
    sh(
        "ip",
        "-n",
        net.peer,
        "neighbour",
        "add",
        "10.99.0.50",
        "lladdr",
        "02:00:00:00:00:99",
        "nud",
        "stale",
        "dev",
        "eth0",
    )
    net.module("10.99.0.50")
    mac = json.loads(net.ip("-j", "link", "show", "eth0"))[0]["address"]
    assert eventually(lambda: mac in sh("ip", "-n", net.peer, "neighbour", "show", "10.99.0.50"))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (OWN, "is this host's own address"),
        ("2001:db8::1", "is an IPv6 address"),
        ({"ip": "198.19.0.1", "interface": "eth7"}, "'eth7' does not exist"),
        ({"ip": "198.19.0.66", "interface": "eth0"}, "is bound on eth1"),
        ({"ip": "198.19.0.1", "gateway": "10.99.0.9", "table": 254}, "table 254 is the kernel's own"),
    ],
)
def test_faults_are_told_before_anything_changes(net, address, said):
    net.ip("address", "add", "198.19.0.66/32", "dev", "eth1")
    with monitor(net) as events:
        result = net.module("198.19.0.5", address)
    assert result["failed"] is True
    assert said in result["msg"]
    assert events == []
    assert not (net.root / "etc/systemd").exists()


def test_the_managed_address_is_refused_wherever_it_is(net):
    net.ip("address", "add", "198.19.0.77/32", "dev", "eth1")
    entry = {"ip": "198.19.0.77", "interface": "eth1"}
    assert "own address" in net.module(entry, management=["198.19.0.77"])["msg"]
    assert "own address" in net.module(entry, env={"SSH_CONNECTION": "10.99.0.1 5000 198.19.0.77 22"})["msg"]
    assert net.module(entry)["foreign"] == ["198.19.0.77"]


def test_a_lost_record_is_rebuilt_without_touching_the_kernel(net):
    net.module("198.19.0.1", "198.19.0.2")
    (net.root / "etc/email-engine/addresses.json").unlink()
    with monitor(net) as events:
        assert net.module("198.19.0.1", "198.19.0.2")["commands"] == []
    assert events == []
    assert net.module("198.19.0.1")["removed"] == ["198.19.0.2"]


def test_a_thousand_in_one_call(net):
    addresses = [f"198.19.{n // 250}.{n % 250 + 1}" for n in range(1000)]
    began = time.monotonic()
    assert len(net.module(*addresses)["added"]) == 1000
    first = time.monotonic() - began
    began = time.monotonic()
    assert net.module(*addresses)["changed"] is False
    second = time.monotonic() - began
    print(f"1000 addresses: {first:.1f} s, nothing to do: {second:.1f} s")
    assert first < 30
    assert second < 15
