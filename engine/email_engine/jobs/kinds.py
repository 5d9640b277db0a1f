# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of jobs: which playbooks or which function each runs, in which lane, and what its arguments mean to playbooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

COLLECTION = "email_engine.fleet"
_STOP = {
    "senders": "stop_senders",
    "tenant": "stop_tenant",
    "everything": "stop_everything",
    "by_engine": "stop_by_engine",
    "reason": "stop_reason",
}


class Kind(NamedTuple):
    """playbooks: of the collection, in order; each is safe to run again. variables: argument to the playbooks' variable. minutes: that
    it may take at least, whatever is set for all. function: "module:name" of what runs instead of playbooks, see `functions`; safe to
    run again as well."""

    playbooks: tuple[str, ...] = ()
    lane: str = "converge"
    variables: Mapping[str, str] = {}
    minutes: int | None = None
    function: str | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        """What it consists of, in words: its playbooks, or the last part of its function's module."""
        return self.playbooks or ((self.function or "").partition(":")[0].rpartition(".")[2],)


KINDS = {
    "converge": Kind(("converge",)),
    "add_sender": Kind(("converge", "dns_check"), variables={"senders": "dns_check_senders"}),
    # The first run takes the sender's mail away from it, the second one what is left of an emptied sender.
    "retire_sender": Kind(("converge", "converge")),
    # Checks only look; what follows from them is jobs of the other lanes.
    "dns_check": Kind(("dns_check",), "check", {"senders": "dns_check_senders"}),
    "dnsbl_check": Kind(("rbl_check",), "check", {"senders": "rbl_check_senders"}, minutes=60),
    "collect": Kind(("collect",), "check"),
    "warmup": Kind(("warmup",), "check"),
    "recheck": Kind(("recheck",), "check"),
    "stop": Kind(("stop",), "stop", _STOP),
    "resume": Kind(("resume", "converge"), variables=_STOP),
    # Large lists take as long as they take: a batch that was answered is never sent again.
    "inject": Kind(lane="mail", function="email_engine.campaigns.inject:run", minutes=1440),
    "withdraw": Kind(lane="mail", function="email_engine.campaigns.withdraw:run", minutes=60),
    "campaign": Kind(lane="mail", function="email_engine.campaigns.campaign:run", minutes=1440),
    "campaign_follow": Kind(lane="mail", function="email_engine.campaigns.follow:run", minutes=30),
    "campaign_stats": Kind(lane="mail", function="email_engine.campaigns.stats:run", minutes=30),
}


def variables(kind: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a job's playbooks."""
    return {name: arguments[key] for key, name in KINDS[kind].variables.items() if key in arguments}
