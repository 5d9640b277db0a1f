# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to be published, under Jinja names; the rules live in module_utils."""

from __future__ import annotations

import typing as t

from ansible_collections.email_engine.fleet.plugins.plugin_utils.domain_filter import domain_filter


class FilterModule:
    def filters(self) -> dict[str, t.Callable]:
        return {
            "dns_records": domain_filter("dns_records", "wanted_records"),
            "dns_absent_records": domain_filter("dns_records", "absent_records"),
            "dns_pending_records": domain_filter("dns_records", "pending_records"),
            "dkim_seen": domain_filter("dkim_rotation", "seen"),
            "dns_ptr_requests": domain_filter("dns_records", "ptr_requests"),
            "dns_ptr_lines": domain_filter("dns_records", "ptr_lines"),
            "dns_zone_texts": domain_filter("dns_plan", "zone_texts"),
        }
