# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""To a tenant's key, what is another tenant's is not there: every operation answers as it does about what does not exist."""

from __future__ import annotations

import re
import uuid

import pytest
from sqlalchemy import func, select

from email_engine.store.audit import Actor
from email_engine.store.jobs import enqueue
from email_engine.store.mail_models import Contact
from email_engine.store.models import Incident, Ip
from members import TWO, declared
from samples import campaign_of, make_key, sender

#: Parameter of a path or query, or member of a body -> (another tenant's, nobody's).
NAMES = {
    "/ips/{name}": ("m1.sos.test", "m0.sos.test"),
    "/tenants/{name}": ("sos", "nix"),
    "/tenants/{tenant}": ("sos", "nix"),
    "/domains/{name}": ("m1.sos.test", "m0.sos.test"),
    "/keys/{name}": ("theirs", "nobodys"),
    "?tenant": ("sos", "nix"),
    "?sender": ("m1.sos.test", "m0.sos.test"),
    "?mta": ("vps8", "vps9"),
    "/lists/{name}": ("people", "nobodys"),
    "/templates/{name}": ("plain", "nobodys"),
}
#: Parameters of a query that name nothing.
FREE = {
    "fresh",
    "limit",
    "after",
    "status",
    "closed",
    "kind",
    "state",
    "lane",
    "severity",
    "since",
    "until",
    "tag",
    "email",
}
#: A body that each operation accepts; TENANT and SENDER stand for names.
BODIES = {
    "Why": {"reason": "a test"},
    "Moving": {"event": "retire", "reason": "a test"},
    "Closing": {"cause": "a test"},
    "Wish": {"campaign": "newsletter", "tenant": "TENANT"},
    "membership__Joining": {"ip": "198.19.0.9", "domain": "m9.other.test", "tenant": "TENANT"},
    "membership__Settings": {"weight": 1},
    "tenants__Joining": {"name": "TENANT", "feeders": []},
    "tenants__Settings": {"trusted": True},
    "Asking": {"kind": "dns_check", "senders": ["SENDER"]},
    "Wanted": {"name": "x", "tenant": "TENANT"},
    "Applied": {"revision": 1, "gone": ["SENDER"]},
    "NewCampaign": {
        "tenant": "TENANT",
        "type": "newsletter",
        "name": "News",
        "subject": "News",
        "list": "people",
        "template": "plain",
    },
    "Report": {"checked_at": "2026-11-22T00:00:00Z", "senders": [{"name": "SENDER", "green": "yes", "edges": {}}]},
    "Collected": {
        "mta": "vps2",
        "collected_at": "2026-11-22T00:00:00Z",
        "complete": True,
        "files": [],
        "days": [],
        "hours": [["SENDER", "2026-11-22T00:00:00Z", 1]],
    },
    "Feed": [
        {
            "signal": "opens",
            "sender": "SENDER",
            "provider": "gmail",
            "day": "2026-11-22",
            "count": 1,
            "seen_at": "2026-11-22T00:00:00Z",
        }
    ],
    "Lists": {
        "checked_at": "2026-11-22T00:00:00Z",
        "resolver": {"verdict": "healthy"},
        "lists": [{"name": "zen", "zone": "zen.test", "kind": "ip", "state": "healthy"}],
        "senders": [{"name": "SENDER", "verdicts": []}],
    },
    "Instance": {"url": "https://mw.test", "key": "0" * 40},
    "NewContact": {"email": "x@y.test", "tenant": "TENANT"},
    "ContactChange": {"tags": ["x"]},
    "NewList": {"name": "news", "tenant": "TENANT"},
    "NewRows": {"contacts": [{"email": "x@y.test"}]},
    "NewTemplate": {"name": "simple", "content": "x", "tenant": "TENANT"},
    "TemplateContent": {"content": "x"},
    "Retiring": {"reason": "a test", "days": 0},
    "Asked": {},
    "Asked-Input": {},
    "Declaration": {"made_at": "2026-11-23T00:00:00Z", "declared_from": "me", "revision": "x", "fleet": TWO},
}


@pytest.fixture
def names(app, admin):
    """With one incident, one job and one campaign of the other tenant's."""
    declared(app, admin)
    make_key(app, "theirs", "sos")
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        incident = Incident(tenant_id=ip.tenant_id, ip_id=ip.id, kind="listed", summary="SBL")
        session.add(incident)
        job = enqueue(session, Actor("test"), "converge", tenant_id=ip.tenant_id, subject=ip.hostname)
        session.flush()
        # A number that stands nowhere else in an answer.
        incident.id = 4711
        session.flush()
        job_id = str(job.id)
        campaign = str(campaign_of(session, ip).id)
        consent = {"consent_source": "form", "consent_at": func.now(), "consent_address": "192.0.2.1"}
        contact = Contact(tenant_id=ip.tenant_id, email="x@z.test", given_email="x@z.test", **consent)
        session.add(contact)
        session.flush()
        contact.id = 5711
    return {
        **NAMES,
        "/incidents/{number}": ("4711", "4712"),
        "/jobs/{job}": (job_id, str(uuid.uuid4())),
        "/contacts/{contact}": ("5711", "5712"),
        "/campaigns/{campaign}": (campaign, str(uuid.uuid4())),
    }


def body(operation, which):
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return None
    reference = schema.get("items", schema)["$ref"].rpartition("/")[2]
    known = next(value for name, value in BODIES.items() if reference.endswith(name))

    def fill(value):
        if isinstance(value, dict):
            return {name: fill(one) for name, one in value.items()}
        if isinstance(value, list):
            return [fill(one) for one in value]
        return (
            {"TENANT": NAMES["?tenant"], "SENDER": NAMES["?sender"]}[value][which]
            if value in ("TENANT", "SENDER")
            else value
        )

    return fill(known) if known is not BODIES["Declaration"] else known


def requests(path, verb, operation, names):
    """The same request about another tenant's and about nobody's, for each name that the operation takes."""
    place = next((part for part in names if part in path), None)
    assert place or "{" not in path, f"{path}: what would be another tenant's?"
    query = {one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"} - FREE
    assert {f"?{name}" for name in query} <= set(names), f"{verb} {path}: what would be another tenant's {query}?"
    for asked in [None, *query]:
        yield [
            {
                "method": verb,
                "url": path.replace(place, f"{place[: place.index('{')]}{names[place][which]}") if place else path,
                "params": {asked: names[f"?{asked}"][which]} if asked else {},
                "json": body(operation, which),
            }
            for which in (0, 1)
        ]


def test_every_operation_answers_alike(app, client, admin, names):
    mine = {**make_key(app, "other's", "other"), "If-Match": "*"}
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    tried = set()
    fleet = client.get("/api/v1/fleet", headers=admin).json()
    for path, operations in paths.items():
        if not path.startswith("/api/"):
            continue
        for verb, operation in operations.items():
            for pair in requests(path, verb, operation, names):
                theirs, nobodys = (client.request(**one, headers=mine) for one in pair)
                said = [
                    re.sub("|".join(rf"\b{re.escape(one[which])}\b" for one in names.values()), "NAME", answer.text)
                    for which, answer in enumerate((theirs, nobodys))
                ]
                assert (theirs.status_code, said[0]) == (nobodys.status_code, said[1]), (verb, path)
                assert theirs.status_code < 500
                if "{" in path:
                    assert theirs.status_code in (403, 404), (verb, path, theirs.text)
            tried.add((verb, path))
    assert len(tried) >= 35
    assert client.get("/api/v1/fleet", headers=admin).json() == fleet


def test_no_list_shows_anothers_row(app, client, admin, names):
    """Nothing that a tenant can read has a word of another tenant's."""
    mine = make_key(app, "other's", "other")
    for path, operations in client.get("/api/v1/openapi.json").json()["paths"].items():
        if "get" in operations and "{" not in path and path.startswith("/api/"):
            found = client.get(path, headers=mine)
            assert not re.search(r"\bsos\b|198\.19\.0\.[12]\b|SBL", found.text), (path, found.text)
            assert found.status_code in (200, 403)
    own = sender(3, "other")
    assert client.get("/api/v1/ips", headers=mine).json()["items"][0].items() >= own.items()
