# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Load and check a whole configuration: the one door for ``pmta test config``, start and reload."""

from __future__ import annotations

import ipaddress
import os

from . import check, localaddr, machine, values
from .domains import DomainTable
from .errors import ConfigError
from .model import Config, Pool, Vmta
from .parser import Parser
from .paths import CONFIG, DEFAULTS, Paths
from .tree import Block


def load(paths: Paths) -> Config:
    """The accepted configuration, or ConfigError with the place of the first mistake."""
    parser = Parser(paths)
    defaults = parser.parse(DEFAULTS) if os.path.exists(paths.real(DEFAULTS)) else Block("global", "", DEFAULTS, 0, 0)
    top = parser.parse(CONFIG)
    check.unique_names(top)
    config = Config(top, defaults, parser.files)
    known = localaddr.addresses()
    ring = machine.KeyRing(paths)
    config.keys = ring.keys(top)
    config.hosts = machine.source_hosts(top, known)
    for block in top.inside("virtual-mta"):
        config.vmtas[block.name] = Vmta(
            block.name,
            block,
            machine.source_hosts(block, known),
            DomainTable(block.inside("domain"), config.macros),
            ring.keys(block),
        )
    for block in top.inside("domain-key-list"):
        ring.keys(block)
    for rule in check.ALL:
        rule(config)
    for block in top.inside("virtual-mta-pool"):
        members = [setting.args[0] for setting in block.all("virtual-mta")]
        domains = DomainTable(block.inside("domain"), config.macros)
        pool = Pool(block.name, block, members, domains, ring.keys(block))
        config.pools[block.name] = pool
        for name in members:
            config.vmtas[name].pools.append(pool)
    machine.check_files(top, paths)
    _listeners(config, known)
    if config.glob("run-as-root", True) is False:
        _unprivileged(config, paths)
    return config


def _unprivileged(config: Config, paths: Paths) -> None:
    """With ``run-as-root no`` the daemon reads and writes everything as the user pmta, at a reload too."""
    places: dict[str, tuple[int, str, str, int]] = {}
    for block in config.top.walk():
        for setting in block.all("domain-key"):
            path = setting.args[0].path
            places.setdefault(paths.real(path), (os.R_OK, f"cannot read key {path}", setting.path, setting.line))
        if block.tag == "spool":
            places.setdefault(paths.real(block.name), (os.W_OK, f"cannot write {block.name}", block.path, block.line))
        if block.tag == "acct-file" and not block.name.startswith("|"):
            folder = os.path.dirname(block.name)
            places.setdefault(paths.real(folder), (os.W_OK, f"cannot write {folder}", block.path, block.line))
    for setting in config.top.all("spool"):
        places.setdefault(
            paths.real(setting.args[0]), (os.W_OK, f"cannot write {setting.args[0]}", setting.path, setting.line)
        )
    for path in config.files:
        places.setdefault(paths.real(path), (os.R_OK, f"cannot read {path}", path, 0))
    for path in machine.denied(machine.USER, [(path, place[0]) for path, place in places.items()]):
        _, what, where, line = places[path]
        raise ConfigError(f"run-as-root is no and the user {machine.USER} {what}", where, line)


def _listeners(config: Config, known: set) -> None:
    seen: dict[tuple[str, int], int] = {}
    found = [(setting, setting.args[0]) for setting in config.top.all("smtp-listener")]
    found += [(block, values.listener(block.name)) for block in config.top.inside("smtp-listener")]
    for where, (network, port) in found:
        key = (str(network), port)
        if key in seen:
            raise ConfigError(
                f"smtp-listener {network}:{port} was already given in line {seen[key]}", where.path, where.line
            )
        seen[key] = where.line
        if not bindable(network, known):
            raise ConfigError(f"no such local address: {network.network_address}", where.path, where.line)


def bindable(network: ipaddress.IPv4Network | ipaddress.IPv6Network, known: set) -> list[str]:
    """The addresses a listener binds: the wildcard for 0/0, else the machine's own inside the CIDR."""
    if network.prefixlen == 0:
        return [str(network.network_address)]
    if network.num_addresses == 1 and int(network.network_address) == 0:
        return [str(network.network_address)]
    return [str(address) for address in localaddr.matching(network, known)]
