# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tags of the language: where each may stand and what its name is."""

from __future__ import annotations

from typing import NamedTuple

GLOBAL = "global"


class Tag(NamedTuple):
    """parents: sections it may stand in. name: "required", "none" or "optional". once: it makes sense once per file only."""

    parents: tuple[str, ...]
    name: str
    once: bool = False


_PROCESSORS = ("bounce-processor", "feedback-loop-processor")

TAGS: dict[str, Tag] = {
    "source": Tag((GLOBAL,), "required"),
    "source-group": Tag((GLOBAL,), "required"),
    "smtp-user": Tag((GLOBAL,), "required"),
    "smtp-listener": Tag((GLOBAL,), "required"),
    "virtual-mta": Tag((GLOBAL,), "required"),
    "virtual-mta-pool": Tag((GLOBAL,), "required"),
    "domain": Tag((GLOBAL, "virtual-mta", "virtual-mta-pool"), "required"),
    "pattern-list": Tag((GLOBAL, "pattern-list"), "optional"),
    "smtp-pattern-list": Tag((GLOBAL,), "required"),
    "bounce-category-patterns": Tag((GLOBAL,), "none", True),
    "mx-rollup-list": Tag((GLOBAL,), "none", True),
    "acct-file": Tag((GLOBAL,), "required"),
    "spool": Tag((GLOBAL,), "required"),
    "bounce-processor": Tag((GLOBAL,), "none", True),
    "feedback-loop-processor": Tag((GLOBAL,), "none", True),
    "address-list": Tag((GLOBAL, *_PROCESSORS), "optional"),
    "email-patterns": Tag(_PROCESSORS, "none"),
    "rewrite-list": Tag((GLOBAL,), "required"),
    "domain-key-list": Tag((GLOBAL,), "required"),
    "aliases": Tag((GLOBAL,), "none", True),
    "dns": Tag((GLOBAL,), "none", True),
    "proxy": Tag((GLOBAL,), "required"),
    "vault": Tag((GLOBAL,), "none", True),
    "signals": Tag((GLOBAL,), "none", True),
    "sparkpost-analytics": Tag((GLOBAL,), "none", True),
    "signals-filter": Tag((GLOBAL,), "required"),
    "transmissions-api": Tag((GLOBAL,), "none", True),
    "transmissions-api-listener": Tag((GLOBAL,), "required"),
}
# The older name of a tag, whose directives are those of the newer one.
SAME_AS = {"sparkpost-analytics": "signals"}
