# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lines of a configuration mean together: names, references, order, mandatory settings."""

from __future__ import annotations

from typing import Any

from . import values
from .errors import ConfigError
from .model import DEFAULT_VMTA, Config
from .tree import Block, Setting

_FIELDS = {
    "d": "type timeLogged timeQueued totalSecondsQueued orig rcpt orcpt dsnAction dsnStatus dsnDiag dsnMta bounceCat srcType srcMta dlvType "
    "dlvSourceIp dlvDestinationIp dlvEsmtpAvailable dlvSize vmta jobId envId queue vmtaPool userString dlvTlsProtocol dlvTlsCipher rcvSmtpUser",
    "tq": "type timeLogged queue vmta dsnStatus dsnDiag dsnMta dlvType dlvSourceIp dlvDestinationIp userString",
    "r": "type timeLogged orig rcpt orcpt srcType srcMta rcvSourceIp rcvDestinationIp vmta vmtaPool jobId envId userString rcvSmtpUser",
    "rb": "type timeLogged orig rcpt orcpt dsnStatus dsnDiag dsnMta dsnReportingMta bounceCat srcType srcMta envId format",
    "rs": "type timeLogged orig rcpt orcpt dsnAction dsnStatus dsnDiag dsnMta bounceCat srcType srcMta envId format",
    "f": "type timeLogged repSourceIp feedbackType format userAgent envId orig rcpt reportingMta dlvSourceIp reportedDomain",
}
FIELDS = {kind: text.split() for kind, text in _FIELDS.items()}
FIELDS["b"] = FIELDS["t"] = FIELDS["d"]


def refuse(message: str, where: Block | Setting) -> None:
    raise ConfigError(message, where.path, where.line)


def unique_names(top: Block) -> None:
    """VMTAs and pools share one name space; case rules are not stated, so names that differ by case only are refused too."""
    seen: dict[str, Block] = {}
    for block in sorted(top.inside("virtual-mta") + top.inside("virtual-mta-pool"), key=lambda b: b.order):
        if block.name.lower() in seen:
            refuse(f"the name {block.name} was already given to <{seen[block.name.lower()].tag}>", block)
        seen[block.name.lower()] = block


def mandatory(config: Config) -> None:
    top, path = config.top, config.top.path
    if not top.all("postmaster"):
        raise ConfigError("postmaster missing", path)
    if not top.all("log-file"):
        raise ConfigError("log-file missing", path)
    if not top.inside("spool") and not top.all("spool"):
        raise ConfigError("spool missing", path)
    relaying = any(block.get("always-allow-relaying") for block in top.inside("source"))
    if not relaying and not top.all("relay-domain") and not top.all("relay-address"):
        raise ConfigError("no relaying configured (always-allow-relaying, relay-domain or relay-address)", path)


def pools(config: Config) -> None:
    with_domains: dict[str, str] = {}
    for pool in config.top.inside("virtual-mta-pool"):
        if not pool.all("virtual-mta"):
            refuse(f"pool {pool.name} has no virtual-mta", pool)
        seen = set()
        for setting in pool.all("virtual-mta"):
            name = setting.args[0]
            defined_above(config, name, setting, pools_too=False)
            if name in seen:
                refuse(f"virtual-mta {name} stands twice in pool {pool.name}", setting)
            seen.add(name)
            if pool.inside("domain"):
                if name in with_domains:
                    refuse(
                        f"virtual-mta {name} is in two pools with <domain> tags: {with_domains[name]}, {pool.name}",
                        setting,
                    )
                with_domains[name] = pool.name


def defined_above(config: Config, name: str, where: Setting, pools_too: bool = True) -> None:
    """A VMTA (or pool) that stands above the line; only ``cold-virtual-mta`` and reroutes may look forward."""
    tags = ("virtual-mta", "virtual-mta-pool") if pools_too else ("virtual-mta",)
    found = next((b for tag in tags for b in config.top.inside(tag) if b.name == name), None)
    if found is None:
        if name != DEFAULT_VMTA or not pools_too:
            refuse(f"undefined virtual MTA{' or pool' if pools_too else ''}: {name}", where)
    elif found.order > where.order:
        refuse(f"{name} is used before its definition in line {found.line}", where)


def references(config: Config) -> None:
    top = config.top
    known = {block.name for tag in ("virtual-mta", "virtual-mta-pool") for block in top.inside(tag)}
    vmtas = {block.name for block in top.inside("virtual-mta")}
    lists = ("pattern-list", "smtp-pattern-list", "rewrite-list", "source-group", "proxy", "address-list")
    sections = {tag: {b.name: b for b in top.inside(tag)} for tag in lists}
    sources = {block.name for block in top.inside("source")}
    position = {block.name: block.order for tag in ("virtual-mta", "virtual-mta-pool") for block in top.inside(tag)}
    for block in top.walk():
        for setting in block.settings:
            value = setting.args[0] if setting.args else None
            name = setting.name
            if block.tag == "pattern-list":
                _pattern_entry(setting, position, sections["pattern-list"])
            elif (
                name == "default-virtual-mta"
                and value not in ("by-smtp-source-ip", DEFAULT_VMTA)
                or name == "invalid-virtual-mta-fallback"
            ):
                _above(value, position, setting, "virtual MTA or pool")
            elif name == "cold-virtual-mta" and value not in vmtas:
                refuse(f"undefined virtual MTA: {value}", setting)
            elif name in ("reroute-to-virtual-mta", "backoff-reroute-to-virtual-mta") and value and value not in known:
                refuse(f"undefined virtual MTA or pool: {value}", setting)
            elif name in ("pattern-list", "smtp-pattern-list") and value:
                found = sections[name].get(value)
                if found is None:
                    refuse(f"undefined {name}: {value}", setting)
                elif found.order > setting.order:
                    refuse(f"{name} {value} is used before its definition in line {found.line}", setting)
            elif name in ("rewrite-list", "source-group") and value not in sections[name]:
                refuse(f"undefined {name}: {value}", setting)
            elif name == "suppression-lists" or name == "use-proxy":
                for one in value:
                    if one not in sections["address-list" if name == "suppression-lists" else "proxy"]:
                        refuse(f"undefined name in {name}: {one}", setting)
            elif name == "source" and value not in sources:
                refuse(f"undefined source: {value}", setting)
            elif name == "smtp-listener" and len(setting.args) > 1 and setting.args[1] not in sources:
                refuse(f"undefined source: {setting.args[1]}", setting)


def _above(name: str, position: dict[str, int], where: Setting, what: str) -> None:
    if name not in position:
        refuse(f"undefined {what}: {name}", where)
    if position[name] > where.order:
        refuse(f"{name} is used before its definition", where)


def _pattern_entry(setting: Setting, position: dict[str, int], lists: dict[str, Block]) -> None:
    result: dict[str, Any] = {} if setting.inner else setting.args[-1]
    target = result.get("virtual-mta")
    if target and target != DEFAULT_VMTA:
        _above(target, position, setting, "virtual MTA or pool")
    call = result.get("call-to")
    if call:
        found = lists.get(call)
        if found is None:
            refuse(f"undefined pattern-list: {call}", setting)
        elif found.order > setting.order or found.line == setting.line:
            refuse(f"pattern-list {call} is used before its definition", setting)
        elif any(one is setting for block in found.walk() for one in block.settings):
            refuse(f"pattern-list {call} calls itself", setting)


def sections(config: Config) -> None:
    """Rules inside one section."""
    top = config.top
    for block in top.inside("pattern-list"):
        for setting in block.all("*"):
            refuse("* stands only in a nested pattern-list", setting)
        if not block.settings:
            refuse(f"pattern-list {block.name} is empty", block)
    for block in top.inside("smtp-user"):
        if (block.get("authentication-method") or "password") == "password" and not block.all("password"):
            refuse(f"smtp-user {block.name} has no password", block)
    for block in top.inside("virtual-mta"):
        for setting in block.all("cold-virtual-mta"):
            if setting.args[0] == block.name:
                refuse("a virtual MTA cannot be its own cold-virtual-mta", setting)
    for block in top.inside("mx-rollup-list"):
        for setting in block.all("mx"):
            target = setting.args[1]
            inner = next((b for b in top.inside("domain") if b.name == target), None)
            if setting.args[0].startswith("*") and len(setting.args) < 3 and not (inner and inner.get("smtp-hosts")):
                refuse(f"a wildcard roll-up needs rollup-by-ip, or smtp-hosts in <domain {target}>", setting)
    for block in top.inside("bounce-processor") + top.inside("feedback-loop-processor"):
        if block.get("deliver-unmatched-email") is False and block.all("forward-unmatched-to"):
            refuse("forward-unmatched-to needs deliver-unmatched-email yes", block.all("forward-unmatched-to")[0])
    for block in top.inside("acct-file"):
        _acct_file(block)


def _acct_file(block: Block) -> None:
    size = block.get("max-size")
    if size is not None and size < 1024 * 1024:
        refuse("max-size is at least 1M", block.all("max-size")[0])
    seen = set()
    for setting in block.all("record-fields"):
        kind, wanted = setting.args
        if kind in seen:
            refuse(f"record-fields {kind} was already given", setting)
        seen.add(kind)
        for one in wanted:
            plain = one.removeprefix("!")
            if plain != "*" and not plain.startswith(("header_", "arf_")) and plain not in FIELDS[kind]:
                refuse(f"unknown field of {kind} records: {plain}", setting)
    for setting in block.all("records"):
        if len(set(setting.args[0])) != len(setting.args[0]):
            refuse("a record type stands twice", setting)


def http(config: Config) -> None:
    port = config.top.get("http-mgmt-port")
    if port is not None:
        try:
            values.integer(str(port), "0-65535")
        except ValueError as problem:
            refuse(str(problem), config.top.all("http-mgmt-port")[0])


ALL = (mandatory, pools, references, sections, http)
