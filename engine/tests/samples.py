# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleet documents to declare, and keys to do it with."""

from __future__ import annotations

from fastapi.testclient import TestClient
from sqlalchemy import select, update

from email_engine.api import keys
from email_engine.api.app import create_app
from email_engine.store.audit import Actor, record
from email_engine.store.mail_models import Campaign, MailingList, Template
from email_engine.store.models import Ip, Tenant, WarmupPlan


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


def declare(app, admin, wanted, made_at="2026-11-22T00:00:00Z", wait=False, **more):
    """The answer to an inventory's declaration. wait: who is new waits for its DNS, as it is; else it goes live by what is declared."""
    body = {"made_at": made_at, "declared_from": "control", "revision": "abc", "fleet": wanted, **more}
    answer = TestClient(app).put("/api/v1/fleet", headers=admin, json=body)
    if not wait:
        go_live(app)
    return answer


def go_live(app):
    """As if the DNS of all who wait had been seen green."""
    with app.state.sessions() as session, session.begin():
        for ip in session.scalars(select(Ip).where(Ip.starts_as.is_not(None)).order_by(Ip.id)).all():
            before = {"status": ip.status, "phase": ip.phase, "starts_as": dict(ip.starts_as)}
            ip.status, ip.phase, ip.starts_as = ip.starts_as["status"], ip.starts_as["phase"], None
            after = {"status": ip.status, "phase": ip.phase, "starts_as": None}
            about = {"tenant_id": ip.tenant_id, "before": before, "after": after}
            record(session, Actor("test"), "went live", f"sender {ip.hostname}", **about)
            session.execute(update(WarmupPlan).where(WarmupPlan.ip_id == ip.id).values(paused=False))


def waiting(document):
    """A fleet document as an engine has it that was told of it just now: who is to send waits for its DNS."""
    still = {"status": "standby", "phase": None}
    senders = [{**one, **still} if one["status"] in ("warming", "active") else one for one in document["senders"]]
    return {**document, "senders": senders}


def populated(settings, wanted, *tenants, **more):
    """An engine that knows the fleet; keys of an admin and of the tenants named."""
    app = create_app(settings)
    try:
        admin = make_key(app, "admin")
        answer = declare(app, admin, wanted, **more)
        assert answer.status_code == 200, answer.text
        return [admin, *(make_key(app, f"{name}'s", name) for name in tenants)]
    finally:
        app.state.sessions.kw["bind"].dispose()


def unbroken(rows, final):
    """That the audit rows of one target, each before and after, lead from one to the next and to *final*, of which they show a part."""
    seen = {}
    for row in rows:
        for name, value in (row.before or {}).items():
            assert seen.get(name, value) == value, f"row {row.id} ({row.action}) starts from another {name}: {value}"
        seen |= row.after or {}
    wrong = {name: (value, final[name]) for name, value in seen.items() if final.get(name, value) != value}
    assert not wrong, f"the log ends otherwise than the row: {wrong}"


def make_key(app, name, tenant=None, **more):
    with app.state.sessions() as session, session.begin():
        number = session.scalars(select(Tenant.id).where(Tenant.name == tenant)).first() if tenant else None
        return {
            "X-API-KEY": keys.create(
                session, Actor("test"), app.state.settings.key_pepper.get_secret_value(), name, number, **more
            )
        }


def campaign_of(session, ip, name="Spring news"):
    """A campaign of a sender, with its list and template; MailWizz is told to nobody."""
    of = {"tenant_id": ip.tenant_id}
    mails = MailingList(**of, name="people", description="", mailwizz_uid="list1", from_name="SOS",
                        from_email=ip.sender_email, reply_to=ip.sender_email)  # fmt: skip
    template = Template(**of, name="plain", mailwizz_uid="template1", content="<p></p>", sha256="0")
    session.add_all([mails, template])
    session.flush()
    campaign = Campaign(**of, ip_id=ip.id, list_id=mails.id, template_id=template.id, html="<p></p>", type="newsletter", mode="round_robin", name=name,
                        subject="Spring", from_name="SOS", reply_to=ip.sender_email, asked_by="test")  # fmt: skip
    session.add(campaign)
    session.flush()
    return campaign
