# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables of the import that the inventory says again where it beats the import: a whole rule set would be gone without a word."""

from __future__ import annotations

import re
import typing as t

from .files import POLICY_FILE, REPORT_FILE, VAULT_FILE

_ENDINGS = (".yml", ".yaml", ".json")
_KEY = re.compile(r"""^(?:\{?\s*["'])?(\w+)["']?\s*:""", re.MULTILINE)


def beats(name: str) -> bool:
    """Whether Ansible takes a variable of this file of group_vars or host_vars (relative to the inventory) rather than the import's."""
    place, owner, *within = parts = name.split("/")
    if name in (POLICY_FILE, REPORT_FILE, VAULT_FILE) or any(one.startswith(".") or one.endswith("~") for one in parts):
        return False
    if within and "." in within[-1] and not within[-1].endswith(_ENDINGS):
        return False
    if (place, owner) == ("group_vars", "all") and within:
        # Files of a directory are read in the order of their names.
        return parts > POLICY_FILE.split("/")
    # Other groups, and hosts, beat `all`. Next to the directory `all`, a file all.yml is not read.
    return place == "host_vars" or owner not in {f"all{ending}" for ending in ("", *_ENDINGS)}


def said_again(policy: t.Iterable[str], inventory: t.Mapping[str, str]) -> list[str]:
    """A sentence for each file of the inventory ({name: text}) that replaces variables of the policy."""
    wanted, said = set(policy), []
    for name in sorted(filter(beats, inventory)):
        again = sorted(wanted.intersection(_KEY.findall(inventory[name])))
        if again:
            said.append(
                f"{name} is read later and replaces what was imported as {', '.join(again)}: "
                "take that out there, unless it is meant"
            )
    return said
