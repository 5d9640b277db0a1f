# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who lives in which MailWizz, and how its host is set up, under Jinja names; the rules live in module_utils."""

from __future__ import annotations

import typing as t

from ansible_collections.email_engine.fleet.plugins.plugin_utils.domain_filter import domain_filter


class FilterModule:
    def filters(self) -> dict[str, t.Callable]:
        return {
            "mailwizz_places": domain_filter("mailwizz.places", "places"),
            "mailwizz_logins": domain_filter("mailwizz.places", "logins"),
            "mailwizz_doors": domain_filter("mailwizz.places", "doors"),
            "mailwizz_customers": domain_filter("mailwizz.customers", "customers"),
            "mailwizz_access": domain_filter("mailwizz.customers", "access"),
            "mailwizz_wizard_check": domain_filter("mailwizz.wizard", "check"),
            "mailwizz_sizes": domain_filter("mailwizz.sizing", "sizes"),
        }
