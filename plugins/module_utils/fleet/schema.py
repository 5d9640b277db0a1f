# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet document's schema (JSON Schema 2020-12), the contract between inventory, generators and engine."""

from __future__ import annotations

from .status import PTR_METHODS, PURPOSES, ROUTINGS, STATUSES


def _text() -> dict:
    return {"type": "string", "minLength": 1}


def _maybe(schema: dict) -> dict:
    return {"anyOf": [schema, {"type": "null"}]}


def _closed(properties: dict) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


_FEEDER = {
    "oneOf": [
        _closed({"address": _text()}),
        _closed({"user": _text()}),
    ]
}

_TENANT = _closed(
    {
        "name": _text(),
        "routing": {"enum": list(ROUTINGS)},
        "trusted": {"type": "boolean", "description": "May choose the virtual MTA by X-Virtual-MTA."},
        "domain": _maybe(_text()),
        "from_email": _maybe(_text()),
        "operator": {**_text(), "description": "Reads postmaster@, abuse@ and dmarc@ of the sending domains."},
        "feeders": {"type": "array", "items": _FEEDER},
        "spf_mechanisms": {"type": "array", "items": _text(), "description": "Further SPF terms of a pool's domain."},
        "dmarc": {"type": "object"},
        "pool": _text(),
        "held": {**_text(), "description": "Stopped virtual MTA that takes mail no sender of the tenant claims."},
    }
)

_SENDER = _closed(
    {
        "name": {**_text(), "description": "Unique in the fleet; equals hostname."},
        "tenant": _text(),
        "ip": {"type": "string", "format": "ipv4"},
        "hostname": {**_text(), "description": "EHLO, PTR and A name."},
        "domain": {**_text(), "description": "From, MAIL FROM and DKIM domain."},
        "from_email": {"type": "string", "format": "email"},
        "from_name": _maybe(_text()),
        "vmta": _text(),
        "pool": _text(),
        "mta": {**_text(), "description": "Inventory host that owns the address."},
        "interface": _maybe(_text()),
        "gateway": _maybe({"type": "string", "format": "ipv4"}),
        "table": _maybe({"type": "integer", "minimum": 1, "maximum": 252}),
        "ptr": _closed({"method": {"enum": list(PTR_METHODS)}, "zone": _maybe(_text())}),
        "selector": _maybe(_text()),
        "key": _maybe({**_text(), "description": "Private key file on the MTA host."}),
        "public": _maybe({**_text(), "description": "Base64 SubjectPublicKeyInfo."}),
        "purposes": {"type": "array", "items": {"enum": list(PURPOSES)}},
        "status": {"enum": list(STATUSES)},
        "weight": {"type": "integer", "minimum": 0, "maximum": 100},
        "phase": _maybe(_text()),
        "daily_quota": {"type": "integer", "minimum": 0, "description": "Messages a day, all receivers together."},
        "provider_quota": {"type": "object", "additionalProperties": {"type": "integer", "minimum": 1}},
        "paused": {"type": "boolean"},
        "reasons": {"type": "array", "items": _text()},
        "declared": {"type": "boolean", "description": "False once it left and only empties its queue."},
    }
)

FLEET_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Fleet document",
    **_closed(
        {
            "version": {"const": 1},
            "tenants": {"type": "array", "items": _TENANT},
            "senders": {"type": "array", "items": _SENDER},
            "gone": {"type": "array", "items": _SENDER, "description": "Removed by this run."},
        }
    ),
}
