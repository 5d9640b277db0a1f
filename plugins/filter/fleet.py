# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet domain under Jinja names. Each filter takes and returns plain data; the rules live in module_utils."""

from __future__ import annotations

import typing as t

from ansible_collections.email_engine.fleet.plugins.plugin_utils.domain_filter import domain_filter


class FilterModule:
    def filters(self) -> dict[str, t.Callable]:
        return {
            "fleet_add_sender": domain_filter("fleet.additions", "add_sender"),
            "fleet_document": domain_filter("fleet.expand", "expand"),
            "fleet_applied": domain_filter("fleet.carry", "applied"),
            "fleet_carry_over": domain_filter("fleet.carry", "carry_over"),
            "fleet_key_requests": domain_filter("fleet.hosts", "key_requests"),
            "fleet_attach_keys": domain_filter("fleet.hosts", "attach_keys"),
            "fleet_addresses": domain_filter("fleet.hosts", "addresses"),
            "fleet_feeder_passwords": domain_filter("fleet.expand", "feeder_passwords"),
            "pmta_config_for": domain_filter("pmta_fleet.render", "render_host"),
            "mail_probe_messages": domain_filter("mail_seen", "probe_messages"),
            "mail_probe_edges": domain_filter("mail_seen", "merged"),
            "proof_messages": domain_filter("proof", "proof_messages"),
            "proof_rows": domain_filter("proof", "proof_rows"),
            "proof_table": domain_filter("proof", "proof_table"),
        }
