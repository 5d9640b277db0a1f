# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at what a configuration needs of this host: files, addresses, and what the DNS says.

Of a private key only its public half leaves this file.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import pwd
import re
import stat
from collections.abc import Iterable
from typing import NamedTuple

from ..pmta_config import host, rsa
from ..pmta_config.host import Needed, Observed, Path, Unknown
from ..relaying import is_private
from .config_files import read_text, trouble
from .resolver import Resolver

KEY_BYTES = 2**20
# Of one virtual MTA whose source is a network.
MOST_ADDRESSES = 256
_LEAF = re.compile(r"\|-- (\S+)")
_LOCAL = re.compile(r"/(\d+) \S+ LOCAL")
_BITS = {host.FILE: 4, host.DIRECTORY: 3, host.PROGRAM: 1}
_IS = {host.FILE: stat.S_ISREG, host.DIRECTORY: stat.S_ISDIR, host.PROGRAM: stat.S_ISREG}


class User(NamedTuple):
    """Who asks for access: number and groups."""

    uid: int
    groups: frozenset[int]


_NOBODY = User(-1, frozenset())


def observe(needed: Needed, resolver: Resolver) -> Observed:
    """Everything that is asked for, in bounded time; what cannot be seen is Unknown."""
    user = _user(needed.user)
    kinds = {**needed.paths, **dict.fromkeys(needed.keys, host.FILE)}
    bound = bound_here()
    here = () if isinstance(bound, Unknown) else bound
    local = {network: _public(host.local_in(network, here)) for network in needed.networks}
    addresses = [address for found in local.values() for address in found]
    answers = resolver.ask_all(
        [
            *((name, "TXT") for name in needed.txt),
            *((ipaddress.ip_address(address).reverse_pointer, "PTR") for address in addresses),
            *(
                (name, "AAAA" if ":" in address else "A")
                for network, names in needed.networks.items()
                for address in local[network]
                for name in names
            ),
        ]
    )
    return Observed(
        paths={path: _look(path, kind, user) for path, kind in kinds.items()},
        keys={path: _key(path) for path in needed.keys},
        bound=bound,
        txt={name: answers[name, "TXT"] for name in needed.txt},
        reverse={address: answers[ipaddress.ip_address(address).reverse_pointer, "PTR"] for address in addresses},
        forward=_forward(answers),
    )


def _public(addresses: list[str]) -> list[str]:
    return [address for address in addresses if not is_private(ipaddress.ip_network(address))][:MOST_ADDRESSES]


def _forward(answers: dict) -> dict[str, list[str] | Unknown]:
    """Addresses of both families, by host name; unknown if either is."""
    found: dict[str, list[str] | Unknown] = {}
    for (name, kind), answer in answers.items():
        if kind in ("A", "AAAA"):
            known = found.get(name, [])
            dark = [part for part in (known, answer) if isinstance(part, Unknown)]
            found[name] = dark[0] if dark else known + answer
    return found


# Files ------------------------------------------------------------------------------------------------------------------


def _user(name: str) -> User | Unknown:
    if name == host.ROOT:
        return User(0, frozenset((0,)))
    try:
        entry = pwd.getpwnam(name)
        return User(entry.pw_uid, frozenset(os.getgrouplist(name, entry.pw_gid)))
    except (KeyError, OSError):
        return Unknown(f"this machine has no user {name}")


def _look(path: str, kind: str, user: User | Unknown) -> Path:
    try:
        found = os.stat(path)
        if not _IS[kind](found.st_mode):
            return Path(there=False)
        real = os.path.realpath(path)
        allowed = user if isinstance(user, Unknown) else _may(user, real, _BITS[kind])
        return Path(there=True, allowed=allowed, exposed=_may(_NOBODY, real, 4) is True)
    except (FileNotFoundError, NotADirectoryError):
        return Path(there=False)
    except ValueError:
        return Path(there=False)
    except OSError as error:
        return Path(there=Unknown(trouble(error).what))


def _may(user: User, path: str, bits: int) -> bool | Unknown:
    """Whether *user* has *bits* (4 read, 2 write, 1 execute) on a path, and may pass every directory above it."""
    above = os.path.dirname(path)
    if above != path:
        passed = _may(user, above, 1)
        if passed is not True:
            return passed
    found = os.stat(path)
    if user.uid == 0:
        # Root reads and writes everything, and executes what somebody may execute.
        return not (bits == 1 and stat.S_ISREG(found.st_mode)) or bool(found.st_mode & 0o111)
    if _has_list(path):
        return Unknown(f"an access list (ACL) decides about {path}")
    if user.uid == found.st_uid:
        granted = found.st_mode >> 6
    elif found.st_gid in user.groups:
        granted = found.st_mode >> 3
    else:
        granted = found.st_mode
    return granted & bits == bits


def _has_list(path: str) -> bool:
    try:
        return bool(os.getxattr(path, "system.posix_acl_access"))
    except OSError as error:
        return error.errno not in (errno.ENODATA, errno.ENOTSUP, errno.ENOSYS, errno.EPERM)


def _key(path: str) -> rsa.Public | str | Unknown:
    try:
        return rsa.public_of_private(read_text(path, only_regular=True, most=KEY_BYTES))
    except ValueError as error:
        return str(error)
    except OSError as error:
        return Unknown(trouble(error).what)


# Addresses --------------------------------------------------------------------------------------------------------------


def bound_here() -> tuple[str, ...] | Unknown:
    """What the kernel takes for itself, as networks: addresses on links, and routes of the local table."""
    try:
        with open("/proc/net/fib_trie", encoding="ascii", errors="replace") as file:
            found = _ipv4(file)
        if os.path.exists("/proc/net/if_inet6"):
            with open("/proc/net/if_inet6", encoding="ascii", errors="replace") as file:
                found += [str(ipaddress.ip_network(bytes.fromhex(line.split()[0]))) for line in file]
    except (OSError, ValueError, IndexError):
        return Unknown("this system does not tell its addresses (/proc/net)")
    return tuple(dict.fromkeys(found))


def _ipv4(lines: Iterable[str]) -> list[str]:
    """The local routes in the kernel's own listing: an address on one line, what it is on those below."""
    found, address = [], ""
    for line in lines:
        leaf = _LEAF.search(line)
        if leaf:
            address = leaf.group(1)
            continue
        local = _LOCAL.search(line)
        if local:
            found.append(f"{address}/{local.group(1)}")
    return found
