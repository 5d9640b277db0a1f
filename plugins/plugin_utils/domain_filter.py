# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a function of the domain becomes a Jinja filter.

Note that this is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import importlib
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

DOMAIN = "ansible_collections.email_engine.fleet.plugins.module_utils"


def domain_filter(room: str, name: str) -> t.Callable:
    """The function *name* of the domain's module *room*; its faults are filter errors, every problem on a line of its own, no traceback.

    The module is imported at the first call: Ansible loads all filters of a collection in each task's process to find one.
    """

    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function_of(room, name)(*args, **kwargs)
        except FleetError as error:
            raise AnsibleFilterError(str(error)) from error

    call.target = (room, name)
    return call


def function_of(room: str, name: str) -> t.Callable:
    return getattr(importlib.import_module(f"{DOMAIN}.{room}"), name)
