# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet in the store: what was declared comes back as it was, and no two declarations tread on each other."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.agreement import Declared
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.schema import FLEET_SCHEMA
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from email_engine.store.audit import Actor
from email_engine.store.declaring import declare
from email_engine.store.fleet import document
from email_engine.store.models import AuditRow, Declaration, Ip, Tenant
from samples import fleet, sender, tenant, waiting

ROLE = "email_engine"
NOW = datetime(2026, 11, 22, tzinfo=UTC)
CONTROL = Actor("inventory on control")


def take(engine, wanted, age=0, confirmed=False):
    with Session(engine) as session, session.begin():
        declared = Declared(NOW - timedelta(seconds=age), "control", wanted["senders"])
        return declare(session, CONTROL, declared, wanted, "abc123", "0" * 64, confirmed)


@pytest.fixture
def engine(database):
    engine = create_engine(database[ROLE])
    yield engine
    engine.dispose()


def stored(engine):
    with Session(engine) as session:
        return document(session)


def test_what_was_declared_comes_back(engine):
    wanted = fleet(sender(1), sender(2, from_name="SOS"), tenants=[tenant(), tenant("other")])
    take(engine, wanted)
    found = stored(engine)
    assert found == waiting(wanted)
    Draft202012Validator(FLEET_SCHEMA).validate(found)


def test_a_tenant_sees_its_own(engine):
    take(engine, fleet(sender(1), sender(2, "other"), tenants=[tenant(), tenant("other")]))
    with Session(engine) as session:
        mine = session.scalars(select(Tenant).where(Tenant.name == "other")).one().id
        found = document(session, mine)
    assert [one["name"] for one in found["senders"]] == ["m2.other.test"]
    assert [one["name"] for one in found["tenants"]] == ["other"]


def test_declaring_again_writes_nothing_but_that_it_was_declared(engine):
    for _ in range(2):
        take(engine, fleet(sender(1)))
    with Session(engine) as session:
        assert [row.action for row in session.scalars(select(AuditRow))] == ["declared", "declared"]
        assert session.query(Declaration).count() == 2
        assert session.scalars(select(Ip)).one().version == 1


def test_lifecycle_is_the_engines(engine):
    take(engine, fleet(sender(1)))
    with Session(engine) as session, session.begin():
        session.scalars(select(Ip)).one().status = "quarantine"
    take(engine, fleet(sender(1, status="active", from_name="New")))
    (found,) = stored(engine)["senders"]
    assert (found["status"], found["from_name"]) == ("quarantine", "New")


def test_changes_leave_a_trace_of_what_differs(engine):
    take(engine, fleet(sender(1)))
    take(engine, fleet(sender(1, from_name="New", purposes=[])))
    with Session(engine) as session:
        row = session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.actor, row.action, row.target) == (CONTROL.name, "redeclared", "sender m1.sos.test")
    assert row.before == {"from_name": None, "purposes": ["newsletter"]}
    assert row.after == {"from_name": "New", "purposes": []}


def test_who_is_left_out_stays_until_retired(engine):
    five = [sender(n) for n in range(1, 6)]
    take(engine, fleet(*five))
    take(engine, fleet(*five[:4]))
    assert [one["declared"] for one in stored(engine)["senders"]] == [True] * 4 + [False]
    with Session(engine) as session, session.begin():
        session.scalars(select(Ip).where(Ip.hostname == "m5.sos.test")).one().status = "retired"
    assert len(stored(engine)["senders"]) == 4
    take(engine, fleet(*five))
    assert [one["name"] for one in stored(engine)["senders"]][-1] == "m5.sos.test"


@pytest.mark.parametrize(
    ("wanted", "age", "word"),
    [
        (fleet(), 0, "is empty"),
        (fleet(sender(1)), 1, "is older"),
        (fleet(sender(1), tenants=[tenant(routing="pool")]), 0, "routing is by_sender"),
        (fleet(sender(1), sender(2, "nobody")), 0, "its tenant nobody is not declared"),
    ],
)
def test_a_refused_declaration_leaves_nothing_behind(engine, wanted, age, word):
    take(engine, fleet(sender(1)))
    before = stored(engine)
    with pytest.raises(FleetError, match=word):
        take(engine, wanted, age)
    with Session(engine) as session:
        assert session.query(Declaration).count() == 1 and session.query(AuditRow).count() == 2
    assert stored(engine) == before


def test_an_api_sender_is_adopted(engine):
    take(engine, fleet(sender(1)))
    with Session(engine) as session, session.begin():
        session.scalars(select(Ip)).one().owner = "api"
    assert len(take(engine, fleet(sender(2))).strangers) == 1
    assert len(take(engine, fleet(sender(1), sender(2))).adopted) == 1
    with Session(engine) as session:
        assert {ip.owner for ip in session.scalars(select(Ip))} == {"inventory"}


def test_two_hosts_declare_at_once(engine):
    """Whoever comes second sees what the first one stored: each sender once, no error."""
    wanted = fleet(*(sender(n) for n in range(1, 20)))
    faults = []

    def run():
        try:
            take(engine, wanted)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and stored(engine) == waiting(wanted)


def test_reading_costs_the_same_number_of_queries(engine):
    counts = []
    event.listen(engine, "before_cursor_execute", lambda *_: counts.append(1))
    for size in (1, 40):
        take(engine, fleet(*(sender(n) for n in range(1, size + 1))))
        counts.clear()
        stored(engine)
        assert len(counts) == 2
