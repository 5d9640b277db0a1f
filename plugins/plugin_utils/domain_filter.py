# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a function of the domain becomes a Jinja filter.

Note that this is PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import functools
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


def domain_filter(function: t.Callable) -> t.Callable:
    """The same function, whose faults are filter errors: every problem on a line of its own, no traceback."""

    @functools.wraps(function)
    def call(*args: t.Any, **kwargs: t.Any) -> t.Any:
        try:
            return function(*args, **kwargs)
        except FleetError as error:
            raise AnsibleFilterError(str(error)) from error

    return call
