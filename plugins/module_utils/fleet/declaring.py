# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An inventory that is declared to the engine: what is sent, what changed by it, and the lines that adopt a stranger."""

from __future__ import annotations

import json
import re
import typing as t

# What YAML reads as text without quotes, whoever reads it: names that start with a letter and hold a sign, and addresses.
_PLAIN = re.compile(r"(?=[^.@-]*[.@-])[a-z][a-z0-9._@+-]*\Z|\d+\.\d+\.\d+\.\d+\Z")


def declaration(document: t.Mapping) -> dict:
    """The fleet document as it is declared. A sender that the inventory says is retired is left out: both let it go in the same way."""
    return {**document, "senders": [sender for sender in document["senders"] if sender["status"] != "retired"]}


def differences(before: t.Mapping, after: t.Mapping) -> tuple[dict, dict]:
    """What differs between two fleet documents, as ``{"sender NAME" or "tenant NAME": {key: value}}``, before and after."""
    old, new = _by_name(before), _by_name(after)
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return (
        {name: _differing(old[name], new.get(name)) for name in changed if name in old},
        {name: _differing(new[name], old.get(name)) for name in changed if name in new},
    )


def listed(entry: t.Mapping) -> list[str]:
    """An entry of the inventory's explicit list, as lines of YAML."""
    return [f"{'  ' if number else '- '}{key}: {_scalar(value)}" for number, (key, value) in enumerate(entry.items())]


def strangers(adoptions: t.Mapping[str, t.Mapping], document: t.Mapping) -> list[dict]:
    """``[{"name", "tenant", "lines"}]`` for the senders that were added through the API: what adopts each, and where it goes."""
    tenants = {sender["name"]: sender["tenant"] for sender in document["senders"]}
    return [
        {"name": name, "tenant": tenants[name], "lines": [f"# tenant {tenants[name]}, senders:", *listed(entry)]}
        for name, entry in sorted(adoptions.items())
    ]


def _by_name(document: t.Mapping) -> dict[str, t.Mapping]:
    return {f"{kind} {one['name']}": one for kind in ("tenant", "sender") for one in document[f"{kind}s"]}


def _differing(one: t.Mapping, other: t.Mapping | None) -> dict:
    return {key: value for key, value in one.items() if other is None or other.get(key) != value}


def _scalar(value: object) -> str:
    if isinstance(value, str) and _PLAIN.match(value):
        return value
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_scalar(one) for one in value)}]"
    # Whatever JSON says, YAML reads the same.
    return json.dumps(value, ensure_ascii=False)
