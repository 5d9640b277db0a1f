#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_accounting
short_description: Sum up PowerMTA's accounting files from where they were left
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Reads PowerMTA's accounting files by the names in their header line, and sums them per sender, provider and day.
  - Changes nothing, and remembers nothing. Where reading ended is part of the report; whoever keeps the sums keeps that with them, and gives it
    back as O(cursors) the next time. So each row counts once, also when files are rotated, renamed, copied or sent again.
  - No address leaves the host. Recipients of senders in warm-up are told by a keyed hash.
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  files:
    description:
      - The accounting files by path, with their directives, as C(powermta_accounting) of the role P(email_engine.fleet.powermta#role) has them.
      - The numbered files of each path are read, in its directory and in that of its C(move-to). Of a record type that stands in several files, the
        first file counts.
    type: dict
    required: true
  cursors:
    description: How far each file was counted, as the engine keeps it, each with C(identity), C(name), C(position) and C(anchor).
    type: list
    elements: dict
    default: []
  senders:
    description: The senders of this host, each with C(name), C(vmta), C(domain) and C(ip), as the fleet document has them.
    type: list
    elements: dict
    required: true
  former:
    description:
      - The same of senders that left this host lately, and of what its senders were called before, the latest first, as the engine keeps it.
      - Their last rows count for them, unless a sender of today has the virtual MTA, domain or address now.
    type: list
    elements: dict
    default: []
  providers:
    description: The providers by name, each with its C(domains), as C(policy_providers) has them. Every other domain counts as V(other).
    type: dict
    default: {}
  tracked:
    description: Names of the senders whose recipients are told one by one, because they are in warm-up.
    type: list
    elements: str
    default: []
  recipient_salt:
    description: Key of the recipients' hashes; the same one in every run. Required with O(tracked).
    type: str
  since:
    description:
      - Rows logged before this day, as V(2026-01-31), are left out. The default is 35 days ago.
      - A file whose cursor was forgotten in the meantime is older than that, and so counts nothing again.
    type: str
  max_rows:
    description: The call ends soon after so many rows; RV(more) then says that there are others.
    type: int
    default: 250000
  max_recipients:
    description: The same for recipients of the O(tracked) senders.
    type: int
    default: 50000
"""

EXAMPLES = r"""
- name: Sum up what this host has logged since yesterday
  email_engine.fleet.pmta_accounting:
    files:
      /var/log/pmta/acct.csv: {records: "d,b"}
    senders:
      - {name: mail1.example.com, vmta: vmta-mail1, domain: mail1.example.com, ip: 192.0.2.10}
    since: "2026-01-04"
  become: true
  register: accounting
"""

RETURN = r"""
report:
  description: What the engine takes (M(email_engine.fleet.engine_report), O(email_engine.fleet.engine_report#module:accounting)).
  returned: success
  type: dict
  contains:
    collected_at:
      description: When reading began, by this host's clock.
      type: str
      sample: "2026-01-05T10:00:00Z"
    complete:
      description: Whether everything was counted that was there.
      type: bool
      sample: true
    files:
      description: Files that were read on, each with its new position.
      type: list
      elements: dict
      sample: []
    days:
      description: Sums per sender, provider and day. C(complaints) is null where no report came.
      type: list
      elements: dict
      sample: []
    hours:
      description: Messages handed to receivers, as C([sender, hour, count]).
      type: list
      elements: list
      sample: [[mail1.example.com, "2026-01-05T10:00:00Z", 12]]
    recipients:
      description: Of each tracked sender, as C([key, first attempt, delivery]), the times as seconds since 1970.
      type: dict
      sample: {}
    strays:
      description: Rows of virtual MTAs that belong to no sender of this host.
      type: dict
      sample: {}
    gaps:
      description: What is missing, as sentences.
      type: list
      elements: str
      sample: []
    problems:
      description: Files and rows that were not counted, and copies, as sentences with their remedies.
      type: list
      elements: str
      sample: []
    left:
      description:
        - Those of them that keep the sums from being complete, because rows are there and wait. A file that cannot be read, that lacks a
          column, that was cut or written anew, whose times have no offset; a directory that is not there.
        - Not among them are copies, files of others, and single rows that are none.
      type: list
      elements: str
      sample: []
    rows:
      description: Rows that were read.
      type: int
      sample: 1000
    old:
      description: Those of them that were logged before O(since).
      type: int
      sample: 0
more:
  description: Whether the call ended before everything was read.
  returned: success
  type: bool
  sample: false
lines:
  description: The sums of today, UTC, one line for each sender.
  returned: success
  type: list
  elements: str
  sample: ["mail1.example.com: 12 attempts, 11 delivered, 1 deferred, 0 bounced"]
"""

import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.cursors import Cursor
from ansible_collections.email_engine.fleet.plugins.module_utils.accounting.sums import Scope
from ansible_collections.email_engine.fleet.plugins.module_utils.local.accounting_files import Limits, Reading, shown
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

DAYS = 35
ARGUMENTS: dict[str, dict[str, t.Any]] = {
    "files": {"type": "dict", "required": True},
    "cursors": {"type": "list", "elements": "dict", "default": []},
    "senders": {"type": "list", "elements": "dict", "required": True},
    "former": {"type": "list", "elements": "dict", "default": []},
    "providers": {"type": "dict", "default": {}},
    "tracked": {"type": "list", "elements": "str", "default": []},
    "recipient_salt": {"type": "str", "no_log": True},
    "since": {"type": "str"},
    "max_rows": {"type": "int", "default": 250_000},
    "max_recipients": {"type": "int", "default": 50_000},
}


def run(params: dict) -> dict:
    """The module without Ansible. Raises FleetError."""
    salt = (params["recipient_salt"] or "").encode()
    if params["tracked"] and not salt:
        what = "is not set, and recipients of tracked senders are told by its hashes"
        raise FleetError([Problem("recipient_salt", what, "Give the engine's, or any text that stays the same.")])
    now = time.time()
    since = params["since"] or time.strftime("%Y-%m-%d", time.gmtime(now - DAYS * 86_400))
    cursors = [Cursor(one["identity"], one["name"], int(one["position"]), one["anchor"]) for one in params["cursors"]]
    scope = Scope(params["senders"], params["providers"], params["tracked"], salt, since, now, params["former"])
    reading = Reading(params["files"], cursors, scope, Limits(params["max_rows"], params["max_recipients"]))
    reading.run()
    sums = reading.sums
    days = sums.days()
    return {
        "changed": False,
        "more": reading.more,
        "report": {
            "collected_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
            "complete": not reading.more and not reading.left,
            "files": reading.read,
            "days": days,
            "hours": sums.hours(),
            "recipients": sums.sightings(),
            "strays": sums.strays,
            "gaps": [shown(one) for one in reading.gaps],
            "problems": [shown(one) for one in (*reading.problems, *sums.faults())],
            "left": [shown(one) for one in reading.left],
            "rows": sums.rows,
            "old": sums.old,
        },
        "lines": lines(days, time.strftime("%Y-%m-%d", time.gmtime(now))),
    }


def lines(days: t.Sequence[t.Mapping], today: str) -> list[str]:
    """One for each sender that did something today."""
    found: dict[str, dict[str, int]] = {}
    for day in days:
        if day["day"] == today:
            sums = found.setdefault(day["sender"], {})
            for name in ("attempts", "delivered", "deferred", "bounced"):
                sums[name] = sums.get(name, 0) + day[name]
    return [
        f"{sender}: {', '.join(f'{count} {name}' for name, count in sums.items())}"
        for sender, sums in sorted(found.items())
    ]


def main() -> None:
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(**run(module.params))
    except FleetError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
