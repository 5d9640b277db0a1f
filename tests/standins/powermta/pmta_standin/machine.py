# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the configuration asks of this machine: addresses that exist, files that can be read, keys that are keys."""

from __future__ import annotations

import os
import pwd

from dkim.crypto import UnparsableKeyError, parse_pem_private_key

from . import localaddr
from .compound import DomainKey
from .errors import ConfigError
from .model import Key, SourceHost
from .paths import Paths
from .tree import Block, Setting

USER = "pmta"


def source_hosts(block: Block, known: set) -> list[SourceHost]:
    """``smtp-source-host`` lines as addresses; one that is not on this machine is refused."""
    hosts = []
    for setting in block.all("smtp-source-host"):
        network, host = setting.args
        found = localaddr.matching(network, known)
        if not found:
            raise ConfigError(f"no such local address: {setting.raw.split()[0]}", setting.path, setting.line)
        hosts += [SourceHost(str(address), host) for address in found]
    return hosts


class KeyRing:
    """Reads each key file once."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._read: dict[str, bytes] = {}

    def keys(self, block: Block) -> list[Key]:
        return [self._key(setting) for setting in block.all("domain-key")]

    def _key(self, setting: Setting) -> Key:
        wanted: DomainKey = setting.args[0]
        if wanted.path not in self._read:
            try:
                with open(self._paths.real(wanted.path), "rb") as source:
                    pem = source.read()
                key = parse_pem_private_key(pem)
                if key["modulus"].bit_length() < 1024:
                    raise ValueError("fewer than 1024 bits")
            except OSError as problem:
                raise ConfigError(
                    f"cannot read key {wanted.path}: {problem.strerror}", setting.path, setting.line
                ) from None
            except (UnparsableKeyError, ValueError, KeyError, IndexError, TypeError) as problem:
                raise ConfigError(
                    f"not a private RSA key: {wanted.path} ({problem})", setting.path, setting.line
                ) from None
            self._read[wanted.path] = pem
        return Key(wanted.selector, wanted.domain, self._read[wanted.path])


def check_files(top: Block, paths: Paths) -> None:
    """Every file or directory a directive names must exist and be readable."""
    from . import table

    rows = table.rows()
    for block in top.walk():
        for setting in block.settings:
            types = rows[block.tag, setting.name].type.split()
            for kind, value in zip(types, setting.args):
                real = paths.real(value) if kind in ("file", "directory", "path") else ""
                if kind == "file" and not os.access(real, os.R_OK) or kind == "file" and os.path.isdir(real):
                    raise ConfigError(f"cannot read file {value}", setting.path, setting.line)
                if kind == "directory" and not os.path.isdir(real):
                    raise ConfigError(f"no such directory: {value}", setting.path, setting.line)
                if kind == "path" and not os.path.isdir(os.path.dirname(real)):
                    raise ConfigError(f"no such directory: {os.path.dirname(value)}", setting.path, setting.line)
        if block.tag == "spool" and not os.path.isdir(paths.real(block.name)):
            raise ConfigError(f"no such directory: {block.name}", block.path, block.line)
        if (
            block.tag == "acct-file"
            and not block.name.startswith("|")
            and not os.path.isdir(os.path.dirname(paths.real(block.name)))
        ):
            raise ConfigError(f"no such directory: {os.path.dirname(block.name)}", block.path, block.line)


def denied(user: str, wanted: list[tuple[str, int]]) -> list[str]:
    """Which of the (path, os.R_OK or os.W_OK) an unprivileged user lacks; asked in a child that has become that user."""
    if os.geteuid() != 0:
        return [path for path, mode in wanted if not os.access(path, mode)]
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return []
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reader)
            os.initgroups(user, account.pw_gid)
            os.setresgid(account.pw_gid, account.pw_gid, account.pw_gid)
            os.setresuid(account.pw_uid, account.pw_uid, account.pw_uid)
            lacking = "".join(path + "\n" for path, mode in wanted if not os.access(path, mode))
            with os.fdopen(writer, "w") as out:
                out.write(lacking)
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader) as source:
        said = source.read().splitlines()
    os.waitpid(child, 0)
    return said
