# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The warm-up under Jinja names. Each filter takes and returns plain data; the rules live in module_utils."""

from __future__ import annotations

import typing as t

from ansible_collections.email_engine.fleet.plugins.plugin_utils.domain_filter import domain_filter


class FilterModule:
    def filters(self) -> dict[str, t.Callable]:
        return {
            "warmup_proposals": domain_filter("warmup.words", "proposals"),
            "warmup_simulate": domain_filter("warmup.words", "simulated"),
            "warmup_warnings": domain_filter("warmup.policy", "warnings"),
        }
