# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An engine that knows a fleet of two tenants and the MailWizz of each, and what is asked of it about mailings."""

from __future__ import annotations

from members import declared
from samples import make_key

KEYS = {"sos": "s" * 40, "other": "o" * 40}
CONSENT = {"source": "form on sos.test", "at": "2026-11-01T10:00:00+01:00", "address": "192.0.2.7"}
ANN = {"email": "ann@mail.test", "consent": CONSENT}
HTML = '<p>Hello [FNAME]</p> <a href="[UNSUBSCRIBE_URL]">Unsubscribe</a> [COMPANY_FULL_ADDRESS]'


def told(client, admin, fake, tenant="sos", **changes):
    body = {"url": fake.url, "key": KEYS[tenant], **changes}
    return client.put(f"/api/v1/tenants/{tenant}/mailwizz", headers=admin, json=body)


def ready(app, client, admin, fake):
    """Keys of both tenants. Each has a customer in MailWizz, whose delivery servers are its senders."""
    declared(app, admin)
    fake.customer(KEYS["sos"], "m1.sos.test", "m2.sos.test")
    fake.customer(KEYS["other"], "m3.other.test")
    for tenant in KEYS:
        assert told(client, admin, fake, tenant).status_code == 200
    return {tenant: make_key(app, f"{tenant}'s", tenant) for tenant in KEYS}


def make_list(client, key, **changes):
    return client.post("/api/v1/lists", headers=key, json={"name": "news", **changes})


def put_on(client, key, *contacts, name="news", **more):
    body = {"contacts": list(contacts), **more}
    return client.post(f"/api/v1/lists/{name}/contacts", headers=key, json=body)
