# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The schema itself, asked as the application's own role: what no program may do by mistake."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from email_engine.store import mail_models, migrations
from email_engine.store.models import (
    AuditRow,
    Base,
    BlacklistEvent,
    Domain,
    Incident,
    Ip,
    Job,
    Tenant,
    WarmupDay,
    WarmupPlan,
)

ROLE = "email_engine"


@pytest.fixture
def session(database):
    engine = create_engine(database[ROLE])
    with Session(engine) as session:
        yield session
    engine.dispose()


def tenant(name, **changes):
    return Tenant(**{"name": name, "owner": "inventory", "pool": name, **changes})


def sender(tenant, domain, n=1, **changes):
    values = {
        "tenant_id": tenant.id,
        "routing": tenant.routing,
        "domain_id": domain.id,
        "owner": "inventory",
        "address": f"198.19.0.{n}",
        "hostname": domain.name,
        "sender_email": f"contact@{domain.name}",
        "vmta_name": f"vmta-{n}",
        "mta": "vps2",
        "daily_quota": 50,
    }
    return Ip(**{**values, **changes})


@pytest.fixture
def two(session):
    """Two tenants, each with two domains; the first has a sender."""
    tenants = [tenant("sos"), tenant("other")]
    session.add_all(tenants)
    session.flush()
    domains = [[Domain(tenant_id=one.id, name=f"m{n}.{one.name}.test") for n in (1, 2)] for one in tenants]
    session.add_all(sum(domains, []))
    session.flush()
    first = sender(tenants[0], domains[0][0])
    session.add(first)
    session.commit()
    return {"tenants": tenants, "domains": domains, "sender": first}


def refused(session, row, constraint):
    session.add(row)
    with pytest.raises(IntegrityError) as caught:
        session.commit()
    session.rollback()
    assert caught.value.orig.diag.constraint_name == constraint


def test_migrations_make_the_models(database):
    with create_engine(database["owner"]).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrations_go_down_and_up_again(database):
    migrations.downgrade(database["owner"], ROLE)
    owner = create_engine(database["owner"])
    assert inspect(owner).get_table_names() == ["alembic_version"]
    with owner.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace")) == 0
    migrations.upgrade(database["owner"], ROLE)
    assert set(inspect(owner).get_table_names()) == {*Base.metadata.tables, "alembic_version"}


PAST = ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log")
# The owner may drop its table: that is what a downgrade does.
CHANGES_OF_THE_PAST = [(who, statement) for who in (ROLE, "owner") for statement in PAST]
CHANGES_OF_THE_PAST.append((ROLE, "DROP TABLE audit_log"))


@pytest.mark.parametrize(("who", "statement"), CHANGES_OF_THE_PAST)
def test_the_audit_log_only_grows(database, who, statement):
    engine = create_engine(database[who])
    with Session(engine) as session:
        session.add(AuditRow(actor="test", action="a", target="t"))
        session.commit()
        with pytest.raises(ProgrammingError):
            session.execute(text(statement))
        session.rollback()
        assert session.query(AuditRow).count() == 1


def test_the_application_cannot_change_the_schema(session):
    for statement in ("CREATE TABLE x (id int)", "ALTER TABLE ips ADD COLUMN x int", "DELETE FROM alembic_version"):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
        session.rollback()


def test_no_row_joins_two_tenants(session, two):
    sos, other = two["tenants"]
    refused(session, sender(sos, two["domains"][1][0], 2, hostname="x.test"), "fk_ips_tenant_id_domain_id")
    ours = two["sender"]
    about = {"tenant_id": other.id, "ip_id": ours.id}
    refused(
        session,
        WarmupPlan(**about, phase="week_1", current_daily_quota=1, target_daily_quota=2),
        "fk_warmup_plans_tenant_id_ip_id",
    )
    refused(
        session,
        BlacklistEvent(**about, blacklist_name="zen", codes=[], severity="critical"),
        "fk_blacklist_events_tenant_id_ip_id",
    )
    refused(session, Incident(**about, kind="dns", summary="x"), "fk_incidents_tenant_id_ip_id")


def mailing(tenant):
    """A contact, a list and a template."""
    consent = {"consent_source": "form", "consent_at": "2026-11-01T00:00Z", "consent_address": "192.0.2.1"}
    sender = {"from_name": "x", "from_email": "x@x.test", "reply_to": "x@x.test"}
    about = {"tenant_id": tenant.id}
    return [
        mail_models.Contact(**about, email="a@b.test", given_email="a@b.test", **consent),
        mail_models.MailingList(**about, name="news", description="x", mailwizz_uid="l1", **sender),
        mail_models.Template(**about, name="plain", mailwizz_uid="t1", content="x", sha256="x"),
    ]


def test_no_mailing_joins_two_tenants(session, two):
    sos, other = two["tenants"]
    contact, mails, template = mailing(sos)
    _contact, others, theirs = mailing(other)
    session.add_all([contact, mails, template, others, theirs])
    session.commit()
    for tenant, named, constraint in (
        (other, others, "fk_list_contacts_tenant_id_contact_id"),
        (sos, others, "fk_list_contacts_tenant_id_list_id"),
    ):
        placed = mail_models.Placement(tenant_id=tenant.id, list_id=named.id, contact_id=contact.id)
        refused(session, placed, constraint)
    words = {"type": "newsletter", "mode": "round_robin", "asked_by": "x", "reply_to": "x@x.test"}
    words |= dict.fromkeys(("name", "subject", "from_name", "html"), "x")
    ours = {"ip_id": two["sender"].id, "list_id": mails.id, "template_id": template.id}
    for change, constraint in (
        ({"list_id": others.id}, "fk_campaigns_tenant_id_list_id"),
        ({"template_id": theirs.id}, "fk_campaigns_tenant_id_template_id"),
    ):
        refused(session, mail_models.Campaign(tenant_id=sos.id, **words, **{**ours, **change}), constraint)
    theirs_with_ours = {"list_id": others.id, "template_id": theirs.id, "ip_id": two["sender"].id}
    campaign = mail_models.Campaign(tenant_id=other.id, **words, **theirs_with_ours)
    refused(session, campaign, "fk_campaigns_tenant_id_ip_id")
    campaign = mail_models.Campaign(tenant_id=sos.id, **words, **ours)
    session.add(campaign)
    session.commit()
    stats = mail_models.CampaignStats(tenant_id=other.id, campaign_id=campaign.id, numbers={})
    refused(session, stats, "fk_campaign_stats_tenant_id_campaign_id")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"address": "198.19.0.1"}, "uq_ips_address"),
        ({"hostname": "m1.sos.test"}, "uq_ips_hostname"),
        ({"vmta_name": "vmta-1"}, "uq_ips_vmta_name"),
        ({"sender_email": "CONTACT@m1.sos.test"}, "uq_ips_sender_email"),
        ({"status": "sleeping"}, "ck_ips_status"),
        ({"weight": 101}, "ck_ips_weight"),
        ({"daily_quota": -1}, "ck_ips_daily_quota"),
        ({"address": "198.19.0.0/24"}, "ck_ips_address"),
        ({"purposes": ["spam"]}, "ck_ips_purposes"),
        ({"owner": "me"}, "ck_ips_owner"),
        ({"routing": "pool"}, "fk_ips_tenant_id_routing"),
    ],
)
def test_what_one_sender_may_not_be(session, two, changes, constraint):
    refused(session, sender(two["tenants"][0], two["domains"][0][1], 2, **changes), constraint)


def test_one_domain_is_one_sender_where_the_sender_decides(session, two):
    again = sender(two["tenants"][0], two["domains"][0][0], 2, hostname="x.test", sender_email="x@m1.sos.test")
    refused(session, again, "uq_ips_domain_id")


def test_a_pool_shares_its_domain(session):
    pooled = tenant("pooled", routing="pool")
    session.add(pooled)
    session.flush()
    shared = Domain(tenant_id=pooled.id, name="pooled.test")
    session.add(shared)
    session.flush()
    session.add_all([sender(pooled, shared, n, hostname=f"m{n}.pooled.test") for n in (1, 2)])
    session.commit()


def test_an_address_may_serve_again(session, two):
    two["sender"].status = "retired"
    session.add(sender(two["tenants"][0], two["domains"][0][0]))
    session.commit()


def test_a_stale_writer_changes_nothing(database, two):
    first, second = (Session(create_engine(database[ROLE])) for _ in range(2))
    mine, theirs = (one.get(Ip, two["sender"].id) for one in (first, second))
    mine.weight, theirs.weight = 10, 20
    first.commit()
    with pytest.raises(StaleDataError):
        second.commit()
    second.rollback()
    assert (theirs.weight, theirs.version) == (10, 2)
    for one in (first, second):
        one.close()
        one.get_bind().dispose()


def test_one_day_counts_once(session, two):
    plan = WarmupPlan(
        tenant_id=two["tenants"][0].id,
        ip_id=two["sender"].id,
        phase="week_1",
        current_daily_quota=50,
        target_daily_quota=10000,
    )
    session.add(plan)
    session.commit()
    number = plan.id
    session.add(WarmupDay(plan_id=number, date="2026-03-29"))
    session.commit()
    refused(session, WarmupDay(plan_id=number, date="2026-03-29"), "uq_warmup_daily_stats_plan_id_date")


def test_an_incident_is_closed_with_its_cause(session, two):
    about = {"tenant_id": two["tenants"][0].id, "ip_id": two["sender"].id, "kind": "listed", "summary": "SBL"}
    refused(session, Incident(**about, closed_at="2026-03-29T00:00Z"), "ck_incidents_cause")
    session.add(Incident(**about))
    session.commit()
    refused(session, Incident(**about), "uq_incidents_open")


def test_one_job_runs(session):
    session.add_all([Job(kind="converge", asked_by="x", state=state) for state in ("running", "queued", "queued")])
    session.commit()
    refused(session, Job(kind="converge", asked_by="x", state="running"), "uq_jobs_running")
