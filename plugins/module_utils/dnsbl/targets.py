# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked about: the addresses and domains of senders, and control addresses that nobody lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..fleet.status import exists_in_mta
from ..problems import FleetError, Problem
from .names import domains_of, is_address, plain_address, plain_domain

_NEEDED = ("name", "ip", "domain", "status")


@dataclass(frozen=True)
class Sender:
    """One sender with all that a list may name: its address, its domains and those they lie under."""

    name: str
    targets: tuple[str, ...]


def senders_of(document: Mapping, names: Iterable[str] | None = None) -> list[Sender]:
    """The senders that exist in the MTA, or those of them that are named, in the order of the fleet document.

    Raises FleetError for a document that is none, for names it does not have, for addresses and domains that are none."""
    if not isinstance(document.get("senders"), list):
        remedy = "Give the whole fleet document, as fleet_document or the engine makes it"
        raise FleetError([Problem("fleet", "has no list of senders", remedy)])
    problems: list[Problem] = []
    senders = []
    for index, sender in enumerate(document["senders"]):
        lacking = [key for key in _NEEDED if not isinstance(sender, Mapping) or not sender.get(key)]
        if lacking:
            what = f"lacks {', '.join(lacking)}"
            problems.append(Problem(f"fleet.senders[{index}]", what, "Give the whole fleet document"))
        elif exists_in_mta(sender):
            senders.append((index, sender))
    if names is not None and not problems:
        asked = set(names)
        unknown = sorted(asked - {sender["name"] for _index, sender in senders})
        if unknown:
            what = f"the fleet has no sender {', '.join(unknown[:5])}{' ...' if len(unknown) > 5 else ''}"
            problems.append(Problem("senders", what, "Name senders of the fleet document that are not retired"))
        senders = [(index, sender) for index, sender in senders if sender["name"] in asked]
    found = []
    for index, sender in senders:
        try:
            found.append(Sender(sender["name"], tuple(targets_of(sender))))
        except (ValueError, AttributeError) as error:
            what = f"its address or domain cannot be used: {error}"
            problems.append(Problem(f"fleet.senders[{index}]", what, "Correct it in the inventory"))
    if problems:
        raise FleetError(problems[:25])
    return found


def targets_of(sender: Mapping) -> list[str]:
    """What lists may name of a sender. Raises ValueError."""
    found = [plain_address(sender["ip"])]
    names = [sender["domain"], sender.get("from_email", "").rpartition("@")[2], sender.get("hostname")]
    for name in dict.fromkeys(name for name in names if name):
        found += domains_of(plain_domain(name))
    return list(dict.fromkeys(found))


def controls_of(given: Sequence[str]) -> list[str]:
    """Addresses and domains that have to be clean. Raises FleetError."""
    found, problems = [], []
    for index, text in enumerate(given):
        try:
            found.append(plain_address(text) if is_address(text.strip()) else plain_domain(text))
        except ValueError as error:
            problems.append(Problem(f"controls[{index}]", str(error), "Write addresses of hosts, or domains"))
    if problems:
        raise FleetError(problems)
    return list(dict.fromkeys(found))
