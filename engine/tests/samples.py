# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet documents to declare, and keys to do it with."""

from __future__ import annotations

from sqlalchemy import select

from email_engine.api import keys
from email_engine.store.audit import Actor
from email_engine.store.models import Tenant


def tenant(name="sos", **changes):
    return {
        "name": name,
        "routing": "by_sender",
        "trusted": False,
        "domain": None,
        "from_email": None,
        "operator": "ops@operator.test",
        "feeders": [{"address": "198.18.0.11"}],
        "spf_mechanisms": [],
        "dmarc": {"policy": "none", "rua": ["mailto:dmarc@{domain}"]},
        "pool": name,
        "held": f"unrouted-{name}",
        **changes,
    }


def sender(n, tenant="sos", **changes):
    domain = f"m{n}.{tenant}.test"
    return {
        "name": domain,
        "tenant": tenant,
        "ip": f"198.19.0.{n}",
        "hostname": domain,
        "domain": domain,
        "from_email": f"contact@{domain}",
        "from_name": None,
        "vmta": f"vmta-{domain}",
        "pool": tenant,
        "mta": "vps2",
        "interface": None,
        "gateway": None,
        "table": None,
        "ptr": {"method": "rfc2136", "zone": None},
        "selector": None,
        "key": None,
        "public": None,
        "purposes": ["newsletter"],
        "status": "warming",
        "weight": 100,
        "phase": "week_1",
        "daily_quota": 50,
        "provider_quota": {"gmail": 20},
        "paused": False,
        "reasons": [],
        "declared": True,
        **changes,
    }


def fleet(*senders, tenants=None):
    return {"version": 1, "tenants": tenants or [tenant()], "senders": list(senders), "gone": []}


def make_key(app, name, tenant=None, **more):
    with app.state.sessions() as session, session.begin():
        number = session.scalars(select(Tenant.id).where(Tenant.name == tenant)).first() if tenant else None
        return {"X-API-KEY": keys.create(session, Actor("test"), "pepper", name, number, **more)}
