#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pmta_info
short_description: What is installed, running, queued and recorded on a PowerMTA host
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Looks at PowerMTA and at what M(email_engine.fleet.pmta_config) recorded. Changes nothing.
  - Does not fail where PowerMTA is not installed or does not run. Fails where the record of the senders or of the stops is there and cannot be
    read, because an unreadable record is not an empty one.
extends_documentation_fragment:
  - email_engine.fleet.attributes.info
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  pmta:
    description: PowerMTA's command.
    type: path
    default: /usr/sbin/pmta
  service:
    description: Name of the systemd service.
    type: str
    default: pmta
  license:
    description: The licence file.
    type: path
    default: /etc/pmta/license
  state_dir:
    description: Directory of the records.
    type: path
    default: /var/lib/email-engine
  identities:
    description: Also look from which addresses and under which names the virtual MTAs send, and which addresses the host has.
    type: bool
    default: false
  path:
    description: The configuration that O(identities) reads, with what it includes.
    type: path
    default: /etc/pmta/config
"""

EXAMPLES = r"""
- name: Look at the MTA
  email_engine.fleet.pmta_info:
  register: powermta_found

- name: Show what waits
  ansible.builtin.debug:
    var: powermta_found.queued
"""

RETURN = r"""
installed:
  description: Whether PowerMTA's command is there.
  returned: success
  type: bool
  sample: true
running:
  description: Whether the service runs.
  returned: success
  type: bool
  sample: true
version:
  description: Version PowerMTA reports; none when it does not run.
  returned: success
  type: str
  sample: 5.0r8
license_present:
  description: Whether the licence file is there.
  returned: success
  type: bool
  sample: true
queued:
  description:
    - Recipients that wait, by virtual MTA.
    - When PowerMTA is installed and gave no readable answer, V(-1) for each virtual MTA of the recorded senders, so that nobody takes silence for
      an empty queue.
  returned: success
  type: dict
  sample: {vmta-mail1: 12, vmta-mail2: 0}
queued_known:
  description: Whether RV(queued) is what PowerMTA said.
  returned: success
  type: bool
  sample: true
unrecorded:
  description:
    - Virtual MTAs in which recipients wait and that belong to no recorded sender, C({default}) excepted. Those that hold a tenant's unrecognised
      mail are among them.
    - Empty where RV(queued) is not known.
  returned: success
  type: list
  elements: str
  sample: [unrouted-sos-holidays]
senders:
  description: The senders as last applied on this host.
  returned: success
  type: list
  elements: dict
  sample: []
stops:
  description: Virtual MTAs recorded as stopped, declared or at run time.
  returned: success
  type: list
  elements: str
  sample: []
runtime_stops:
  description: Those of them that were stopped at run time.
  returned: success
  type: list
  elements: str
  sample: []
generation:
  description: Number of the configuration on disk; 0 when it was not applied by this collection.
  returned: success
  type: int
  sample: 4
bound:
  description: What the host takes for itself, as networks; none where it does not tell.
  returned: when O(identities) is true
  type: list
  elements: str
  sample: [192.0.2.10/32]
sources:
  description:
    - By virtual MTA of the configuration, in lower case, the arguments of its own C(smtp-source-host) lines.
    - None where the configuration, or something that it includes, cannot be read.
  returned: when O(identities) is true
  type: dict
  sample: {vmta-mail1: [192.0.2.10 mail1.example.com]}
loaded:
  description: The virtual MTAs that PowerMTA has, in lower case; none where it does not run, or gave no readable answer.
  returned: when O(identities) is true
  type: list
  elements: str
  sample: [vmta-mail1]
"""

import os

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_cli
from ansible_collections.email_engine.fleet.plugins.module_utils import pmta_transaction as tx
from ansible_collections.email_engine.fleet.plugins.module_utils.local import config_files, host_facts, pmta_host
from ansible_collections.email_engine.fleet.plugins.module_utils.local.pmta_host import Command, Pmta
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import parse
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.host import Unknown
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

CONFIG = "/etc/pmta/config"
DEFAULT_VMTA = "{default}"


def run(params: dict, command: Command) -> dict:
    """The module without Ansible. Raises FleetError for a record that cannot be read."""
    pmta = Pmta(command, params["pmta"], params["service"])
    installed = os.access(pmta.program, os.X_OK)
    running = False
    version = None
    queued: dict[str, int] = {}
    loaded = None
    known = not installed
    senders = pmta_host.recorded_senders(params["state_dir"])
    if installed:
        running = pmta.running()
    if running:
        found = pmta_cli.version("\n".join(pmta.ask("show", "version")[1:]))
        version = found.text if found else None
        code, out, _err = pmta.ask("show", "vmtas", f"--maxitems={pmta_cli.max_items(len(senders))}")
        listing = pmta_cli.vmtas(out)
        known = code == 0 and listing.complete
        queued = {row.name: row.recipients for row in listing.rows} if known else {}
        loaded = sorted(name.lower() for name in queued) if known else None
    recorded = {str(sender.get("vmta")).lower() for sender in senders}
    unrecorded = [name for name, waiting in queued.items() if waiting and name.lower() not in {*recorded, DEFAULT_VMTA}]
    if not known:
        queued = {sender["vmta"]: -1 for sender in senders if sender.get("vmta")}
    stops = pmta_host.recorded_stops(params["state_dir"])
    return {
        "changed": False,
        "installed": installed,
        "running": running,
        "version": version,
        "license_present": os.path.exists(params["license"]),
        "queued": queued,
        "queued_known": known,
        "unrecorded": sorted(unrecorded),
        "senders": senders,
        "stops": list(stops.held),
        "runtime_stops": sorted(stops.runtime),
        "generation": tx.read_header(pmta_host.read_or_refuse(CONFIG) or "").generation,
        **(identities(params["path"], loaded) if params["identities"] else {}),
    }


def identities(path: str, loaded: list[str] | None) -> dict:
    """From where and as whom the virtual MTAs send, as the file has it; None where it cannot be told."""
    bound = host_facts.bound_here()
    return {
        "bound": None if isinstance(bound, Unknown) else list(bound),
        "sources": sources(path),
        "loaded": loaded,
    }


def sources(path: str) -> dict[str, list[str]] | None:
    """None where the file or something that it includes cannot be read: what is not seen there is not missing."""
    try:
        text = config_files.read_text(path)
    except FileNotFoundError:
        return {}
    except OSError:
        return None
    includes = config_files.Includes()
    found = Effective(parse(text, path), includes).sources
    return None if any(includes.unread.values()) else found


def main() -> None:
    module = AnsibleModule(
        {
            "pmta": {"type": "path", "default": "/usr/sbin/pmta"},
            "service": {"type": "str", "default": "pmta"},
            "license": {"type": "path", "default": "/etc/pmta/license"},
            "state_dir": {"type": "path", "default": "/var/lib/email-engine"},
            "identities": {"type": "bool", "default": False},
            "path": {"type": "path", "default": "/etc/pmta/config"},
        },
        supports_check_mode=True,
    )

    def command(words: list[str]) -> tuple[int, str, str]:
        return module.run_command(words, environ_update={"LC_ALL": "C", "LANGUAGE": "C"})

    try:
        module.exit_json(**run(module.params, command))
    except FleetError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
