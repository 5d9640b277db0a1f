# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet domain under Jinja names. Each filter takes and returns plain data; the rules live in module_utils."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet import additions, carry, expand, hosts
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet import render
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.module_utils.proof import proof_messages, proof_rows, proof_table


def _filter(function: t.Callable) -> t.Callable:
    """The same function, whose faults are filter errors: every problem on a line of its own, no traceback."""

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function(*args, **kwargs)
        except FleetError as error:
            raise AnsibleFilterError(str(error)) from error

    return call


class FilterModule:
    def filters(self) -> dict[str, t.Callable]:
        return {
            "fleet_add_sender": _filter(additions.add_sender),
            "fleet_document": _filter(expand.expand),
            "fleet_carry_over": _filter(carry.carry_over),
            "fleet_key_requests": _filter(hosts.key_requests),
            "fleet_attach_keys": _filter(hosts.attach_keys),
            "fleet_addresses": _filter(hosts.addresses),
            "fleet_feeder_passwords": _filter(expand.feeder_passwords),
            "pmta_config_for": _filter(render.render_host),
            "proof_messages": _filter(proof_messages),
            "proof_rows": _filter(proof_rows),
            "proof_table": _filter(proof_table),
        }
