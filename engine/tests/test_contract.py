# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OpenAPI document says, tried by a machine: no request breaks the engine, no answer breaks the document's word."""

from __future__ import annotations

from collections import defaultdict

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode, checks
from sqlalchemy import select

from email_engine.store.models import Incident, Ip
from fake_mailwizz import FakeMailwizz
from mailing_fleet import ANN, HTML
from members import POLICY, TWO, declared
from samples import campaign_of, make_key

JUDGES = [
    checks.not_a_server_error,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]
# Chance moves a sender more often than the brakes of a fleet of three allow.
LOOSE = {**POLICY, "brakes": {"moves_least": 1000}}
SPARE = {"name": "spare", "feeders": [{"address": "198.18.0.14"}]}
# What chance does not find.
BODIES = {
    "PUT /api/v1/fleet": {
        "made_at": "2026-11-23T00:00:00Z",
        "declared_from": "control",
        "revision": "abc",
        "fleet": TWO,
        "policy": LOOSE,
        "mtas": ["vps2"],
    },
    "POST /api/v1/ips": {"ip": "198.19.0.10", "domain": "m10.sos.test", "tenant": "sos"},
    "POST /api/v1/tenants": {"name": "third", "feeders": [{"address": "198.18.0.13"}]},
    "POST /api/v1/senders:select": {"campaign": "newsletter", "tenant": "other"},
    "POST /api/v1/jobs": {"kind": "converge"},
    "POST /api/v1/campaigns": {
        "tenant": "other",
        "type": "newsletter",
        "name": "News",
        "subject": "News",
        "list": "people",
        "template": "plain",
    },
    "POST /api/v1/contacts": {**ANN, "tenant": "sos"},
    "PATCH /api/v1/contacts/{contact}": {"tags": ["a"], "status": "unsubscribed"},
    "POST /api/v1/lists": {"name": "news", "tenant": "sos"},
    "POST /api/v1/lists/{name}/contacts": {"contacts": [ANN, {}]},
    "POST /api/v1/templates": {"name": "simple", "tenant": "sos", "content": HTML},
    "PUT /api/v1/templates/{name}": {"content": HTML},
    "POST /api/v1/ips/{name}:move": {"event": "rest", "reason": "a test"},
    "POST /api/v1/ips/{name}:retire": {"days": 5, "reason": "a test"},
}


def names(app, client, admin, mailwizz):
    """{part of a path: what it may name}"""
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        incidents = [Incident(tenant_id=ip.tenant_id, kind=kind, summary="SBL") for kind in ("listed", "held")]
        session.add_all(incidents)
        session.flush()
        number = incidents[0].id
        # Of the tenant whose sender chance leaves alone.
        other = session.scalars(select(Ip).where(Ip.hostname == "m3.other.test")).one()
        campaign = str(campaign_of(session, other).id)
    make_key(app, "spare")
    assert client.post("/api/v1/tenants", headers=admin, json=SPARE).status_code == 202
    for tenant in ("sos", "other", "spare"):
        body = {"url": mailwizz.url, "key": tenant * 10}
        mailwizz.customer(body["key"]).templates["template1"] = {}
        assert client.put(f"/api/v1/tenants/{tenant}/mailwizz", headers=admin, json=body).status_code == 200
    spare = {**BODIES["POST /api/v1/templates"], "name": "spare"}
    assert client.post("/api/v1/templates", headers=admin, json=spare).status_code == 201
    contact, gone = (
        client.post("/api/v1/contacts", headers=admin, json={**ANN, "email": email, "tenant": "sos"}).json()["id"]
        for email in ("bob@mail.test", "cy@mail.test")
    )
    job = client.post("/api/v1/ips", headers=admin, json={"ip": "198.19.0.9", "domain": "m9.sos.test", "tenant": "sos"})
    empty = {"name": "empty", "feeders": [{"address": "198.18.0.12"}]}
    assert client.post("/api/v1/tenants", headers=admin, json=empty).status_code == job.status_code == 202
    return {
        "/ips/": {"name": "m1.sos.test"},
        "DELETE /api/v1/ips/": {"name": "m9.sos.test"},
        # Chance has moved the first one anywhere by then.
        ":retire": {"name": "m2.sos.test"},
        "/tenants/{name}": {"name": "empty"},
        "/tenants/{tenant}": {"tenant": "sos"},
        "/mailwizz": {"tenant": "spare"},
        "/mailwizz:check": {"tenant": "sos"},
        "/contacts/": {"contact": contact},
        "DELETE /api/v1/contacts/": {"contact": gone},
        "/lists/": {"name": "people"},
        "/templates/": {"name": "plain"},
        "DELETE /api/v1/templates/": {"name": "spare"},
        "/domains/": {"name": "m1.sos.test"},
        "/incidents/": {"number": number},
        "/jobs/": {"job": job.json()["job"]["id"]},
        "/keys/": {"name": "spare"},
        "/campaigns/": {"campaign": campaign},
    }


def test_the_whole_document(app, client, admin, request):
    declared(app, admin, policy=LOOSE)
    mailwizz = FakeMailwizz()
    request.addfinalizer(mailwizz.close)
    known = names(app, client, admin, mailwizz)
    BODIES["PUT /api/v1/tenants/{tenant}/mailwizz"] = {"url": mailwizz.url, "key": "spare" * 10}
    app.state.settings.requests_per_minute = 10**9
    answered = defaultdict(set)
    for found in schemathesis.openapi.from_asgi("/api/v1/openapi.json", app).get_all_operations():
        operation = found.ok()
        label = operation.label
        path = {name: value for part, names in known.items() if part in label for name, value in names.items()}
        meant = {
            "path_parameters": path or None,
            "headers": {"If-Match": "*"} if "if-match" in str(operation.headers).lower() else None,
        }
        strategies = [
            operation.as_strategy(),
            operation.as_strategy(**meant),
            *([operation.as_strategy(**meant, body=BODIES[label])] if label in BODIES else []),
            *([operation.as_strategy(GenerationMode.NEGATIVE)] if operation.body or path else []),
        ]
        for strategy in strategies:

            @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None)
            @given(case=strategy)
            def run(case):
                answered[case.operation.label].add(case.call_and_validate(headers=admin, checks=JUDGES).status_code)

            run()
    assert len(answered) >= 38
    # Else an operation's good answers were never held against the document.
    assert not [label for label, statuses in answered.items() if not {200, 201, 202, 204} & statuses], dict(answered)
