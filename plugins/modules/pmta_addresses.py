#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_addresses
short_description: Bind all sending addresses of a host, and keep them bound
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Binds every address as a C(/32) on the real interface with scope C(host), so that the kernel never picks one as the host's own source address;
    only a program that binds to it, as an MTA does, sends from it. One call for all addresses, one C(ip -batch) for all changes.
  - Only what is missing is added and only what this module bound itself is removed. Nothing else is touched, so no address flaps because of another.
  - An address that something else bound on the asked interface is left as it is, kept bound, and never removed.
  - A range behind another gateway gets a routing table and one rule for each address.
  - Persists by two systemd units of its own, whatever configures the network. C(email-engine-addresses.service) binds at boot, before
    C(pmta.service). C(email-engine-addresses-watch.service) binds again within a second what something takes away, as systemd-networkd does with
    addresses it does not know when it restarts or reconfigures a link.
requirements:
  - iproute2 5.0 or later and Python 3.9 or later as C(/usr/bin/python3) on the host
notes:
  - The kernel does not answer ARP for these addresses where C(net.ipv4.conf.*.arp_ignore) is 3, which is no system's default.
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  addresses:
    description: The addresses this host has to own. Those of an earlier call that are no longer listed are removed.
    type: list
    elements: dict
    required: true
    suboptions:
      ip:
        description: IPv4 address.
        type: str
        required: true
      interface:
        description: Where to bind it, if not on O(interface).
        type: str
      gateway:
        description: Router of the range, if it is not the host's default one.
        type: str
      table:
        description:
          - Number of the routing table with the way by O(addresses[].gateway). Without a number it is derived from the gateway.
          - Without a gateway, a table that exists already and has a default route.
        type: int
  interface:
    description: Interface of the addresses that name none. Without it, the one with the default route.
    type: str
  management:
    description:
      - Addresses that must never be taken for sending, besides those that the host is seen to use for itself (the first one of the
        interface with the default route, the source of the default route, the one this connection came to).
    type: list
    elements: str
    default: []
  duplicate_check:
    description:
      - Whether to ask by ARP, for addresses to be added, if another machine on the link has them, and to fail if so.
      - Set to V(false) in networks whose router answers ARP for everything (proxy ARP).
    type: bool
    default: true
  duplicate_timeout:
    description: Seconds to wait for such an answer, once for all addresses.
    type: float
    default: 1.5
  root:
    description:
      - Put before the path of every file this module writes. Anything but V(/) prepares a system that does not run yet, so no unit is started.
    type: path
    default: /
"""

EXAMPLES = r"""
- name: Bind the sending addresses
  email_engine.fleet.pmta_addresses:
    addresses:
      - ip: 198.19.0.1
      - ip: 198.19.0.2
      - ip: 198.19.1.1
        gateway: 198.19.1.254
        table: 100
    interface: eth0
"""

RETURN = r"""
added:
  description: Addresses that were bound, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["198.19.0.1"]
removed:
  description: Addresses that were taken away, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: []
foreign:
  description: Wanted addresses that something else on the host had bound already; they are left to it.
  returned: success
  type: list
  elements: str
  sample: []
commands:
  description: Lines given to C(ip -batch), or that would be in check mode.
  returned: success
  type: list
  elements: str
  sample: ["address add 198.19.0.1/32 dev eth0 scope host"]
"""

import hashlib
import importlib.util
import os
import select
import subprocess
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.addresses import arp, install, keeper
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.host import Host
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.plan import Plan, plan
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.reconcile import missing, surplus
from ansible_collections.email_engine.fleet.plugins.module_utils.addresses.record import Entry, Record
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

_SYSTEMD = "/run/systemd/system"  # there while systemd runs (sd_booted)
_PACKAGE = "ansible_collections.email_engine.fleet.plugins.module_utils.addresses"


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "addresses": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "ip": {"type": "str", "required": True},
                    "interface": {"type": "str"},
                    "gateway": {"type": "str"},
                    "table": {"type": "int"},
                },
            },
            "interface": {"type": "str"},
            "management": {"type": "list", "elements": "str", "default": []},
            "duplicate_check": {"type": "bool", "default": True},
            "duplicate_timeout": {"type": "float", "default": 1.5},
            "root": {"type": "path", "default": "/"},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except FleetError as error:
        module.fail_json(msg=str(error), problems=[vars(problem) for problem in error.problems])
    except (OSError, subprocess.SubprocessError) as error:
        module.fail_json(msg=f"cannot read or change the host's addresses: {error}")


def run(module: AnsibleModule) -> dict:
    """Looks, decides, and unless in check mode changes; the result for Ansible."""
    root = module.params["root"]
    path = os.path.join(root, keeper.RECORD.lstrip("/"))
    # Check mode takes no lock: it must not make the directory that the lock is in.
    if module.check_mode:
        return settle(module, root, path)[0]
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    with keeper.locked(path):
        result, stale, idle = settle(module, root, path)
    # The units take the same lock.
    if stale or idle:
        start_units(module, root, stale)
    return result


def settle(module: AnsibleModule, root: str, path: str) -> tuple[dict, bool, bool]:
    """One look at the host, one plan, one change; whether files were written, and whether units have to be started."""
    options = module.params
    try:
        before = keeper.recall(path)
    except ValueError as error:
        raise FleetError(
            [Problem(path, str(error), "Restore the file, or remove it: then nothing is removed.")]
        ) from error
    host = keeper.look()
    made = plan(options["addresses"], options["interface"], before, host, [*options["management"], *connection()])
    if options["duplicate_check"]:
        check_duplicates(made.added, host, options["duplicate_timeout"])
    stale = stale_files(root)
    idle = idle_units(module) if root == "/" else []
    result = {
        "changed": bool(made.commands or stale or idle or made.after != before),
        "added": [entry.ip for entry in made.added],
        "removed": list(made.removed),
        "foreign": list(made.foreign),
        "commands": list(made.commands),
    }
    if module._diff:
        result["diff"] = diff(made, stale)
    if not module.check_mode:
        carry_out(made, path, host)
        write_files(stale)
    return result, bool(stale), bool(idle)


def carry_out(made: Plan, path: str, host: Host) -> None:
    """Record first, then the kernel, then the record without what is gone: cut off anywhere, the next run knows what is ours."""
    leaving = tuple(entry for entry in made.before.all() if entry not in made.after.wanted)
    unfinished = Record(made.after.wanted, leaving)
    if made.before not in (unfinished, made.after):
        keeper.remember(path, unfinished)
    failed = keeper.carry_out(made.commands)
    # Judged by what is there afterwards: with the last address of a link the kernel drops its routes, so a command may come too late.
    now = keeper.look()
    rest = [*surplus(unfinished, made.after.wanted, now), *missing(made.after.wanted, now)]
    if rest:
        what = f"these were not carried out: {'; '.join(rest[:5])} ({failed or 'no error reported'})"
        raise FleetError([Problem("ip -batch", what, "Mend the cause; the next run continues from here.")])
    if made.before != made.after:
        keeper.remember(path, made.after)
    keeper.announce(made.added, host)


def connection() -> list[str]:
    """The address of this host that the control node connected to, where ssh says so (not below sudo)."""
    return os.environ.get("SSH_CONNECTION", "").split()[2:3]


def check_duplicates(added: t.Sequence[Entry], host: Host, seconds: float) -> None:
    """Raises FleetError when another machine answers for an address that is to be bound (RFC 5227). One wait for all."""
    wires = {}
    asked = {}
    claims = {}
    try:
        for name in {entry.interface for entry in added}:
            link = host.links[name]
            if link.mac and link.arp:
                wires[name] = keeper.arp_socket(name)
        for _attempt in range(2):
            for entry in added:
                if entry.interface in wires:
                    asked[entry.ip] = entry.interface
                    wires[entry.interface].send(arp.probe(host.links[entry.interface].mac, entry.ip))
            end = time.monotonic() + seconds / 2
            while wires and time.monotonic() < end:
                for wire in select.select(list(wires.values()), [], [], max(0.0, end - time.monotonic()))[0]:
                    ip, mac = arp.claim(wire.recv(2048)) or ("", "")
                    if ip in asked and mac not in {link.mac for link in host.links.values()}:
                        claims[ip] = mac
    finally:
        for wire in wires.values():
            wire.close()
    if claims:
        remedy = "Take it off that machine first, or set duplicate_check: false if it is a router that answers for everything."
        raise FleetError(
            [
                Problem(f"addresses, {ip}", f"another machine on {asked[ip]} has it ({claims[ip]})", remedy)
                for ip in claims
            ]
        )


def stale_files(root: str) -> dict[str, tuple[str, int | None]]:
    """``{path: (text, mode)}`` of the files that are missing or differ, and with mode None ``(target)`` of the links that do."""
    stale: dict[str, tuple[str, int | None]] = {}
    for name, (text, mode) in install.files({name: source(name) for name in install.PROGRAM}).items():
        path = os.path.join(root, name.lstrip("/"))
        if read(path) != text or os.stat(path).st_mode & 0o777 != mode:
            stale[path] = (text, mode)
    for name, target in install.links().items():
        path = os.path.join(root, name.lstrip("/"))
        if not os.path.islink(path) or os.readlink(path) != target:
            stale[path] = (target, None)
    return stale


def source(name: str) -> str:
    """The text of a part of the address package, from wherever this module was loaded (a zip file, on the host)."""
    part = _PACKAGE if name == "__init__" else f"{_PACKAGE}.{name}"
    return importlib.util.find_spec(part).loader.get_source(part)


def read(path: str) -> str | None:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def write_files(stale: dict[str, tuple[str, int | None]]) -> None:
    for path, (text, mode) in stale.items():
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        if mode is not None:
            keeper.write_atomically(path, text, mode)
            continue
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(text, path)


def idle_units(module: AnsibleModule) -> list[str]:
    """The units that should run and do not; none where no systemd runs, as there they start with the host."""
    if not os.path.isdir(_SYSTEMD):
        return []
    systemctl = module.get_bin_path("systemctl", required=True)
    return [
        unit
        for unit in (install.BOOT, install.WATCH)
        if module.run_command([systemctl, "is-active", "--quiet", unit])[0]
    ]


def start_units(module: AnsibleModule, root: str, renewed: bool) -> None:
    """From now on, not from the next boot; a watch with an old program is replaced."""
    if root != "/" or not os.path.isdir(_SYSTEMD):
        return
    systemctl = module.get_bin_path("systemctl", required=True)
    if renewed:
        module.run_command([systemctl, "daemon-reload"], check_rc=True)
    module.run_command([systemctl, "start", install.BOOT], check_rc=True)
    module.run_command([systemctl, "restart" if renewed else "start", install.WATCH], check_rc=True)


def diff(made: Plan, stale: dict) -> list[dict]:
    changes = [
        {
            "before_header": "sending addresses",
            "after_header": "sending addresses",
            "before": state(entry for entry in made.before.wanted if entry.ip not in {new.ip for new in made.added}),
            "after": state(made.after.wanted),
        }
    ]
    for path, (text, mode) in stale.items():
        old = (os.readlink(path) if os.path.islink(path) else "") if mode is None else read(path) or ""
        if path.endswith(".py"):
            old, text = digest(old), digest(text)
        changes.append({"before_header": path, "after_header": path, "before": old, "after": text})
    return changes


def digest(text: str) -> str:
    """A program's place in a diff: hundreds of lines of it would hide the addresses."""
    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}\n" if text else ""


def state(entries: t.Iterable[Entry]) -> str:
    """One line for each address, as ``ip`` would write it."""
    lines = []
    for entry in entries:
        way = f" via {entry.gateway}" if entry.gateway else ""
        table = f" table {entry.table}" if entry.table else ""
        lines.append(f"{entry.ip}/32 dev {entry.interface}{way}{table}{'' if entry.ours else ' (bound by others)'}\n")
    return "".join(lines)


if __name__ == "__main__":
    main()
