# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables. Names are the seeds'; what they leave open keeps three rules that no program may break by mistake:

- a row never joins two tenants: child rows carry ``tenant_id`` and refer to their parent by ``(tenant_id, id)``;
- one IP is one domain is one From address, where the tenant routes by sender (a pool shares one domain);
- the audit log only grows: the application's role may insert and read.
"""

from __future__ import annotations

import uuid
from datetime import date, datetime
from ipaddress import IPv4Address
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy import text as sql_text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import PURPOSES, ROUTINGS, STATUSES

OWNERS = ("inventory", "api")
VERDICTS = ("yes", "no", "unknown")
#: One converge at a time; a stop, a check and mail wait for none.
LANES = ("converge", "stop", "check", "mail")
#: What a DNSBL showed of itself when it was last tested (RFC 5782); how a check went.
LIST_STATES = ("healthy", "failed", "blind", "unknown")
LIST_SEVERITIES = ("critical", "major", "minor", "configuration", "information")
RUN_STATES = ("ok", "blind", "distrusted", "failed")
ALERT_SEVERITIES = ("critical", "warning", "info")
JOB_STATES = ("queued", "running", "succeeded", "failed", "cancelled")


class Base(DeclarativeBase):
    # Constraints have names, so that an error can be told in words and a migration can drop them.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {
        datetime: DateTime(timezone=True),
        int: BigInteger,
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
        list[str]: ARRAY(String),
        str: Text,
    }


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


def now() -> Any:
    return mapped_column(server_default=func.now())


class Tenant(Base):
    """A client. settings: the declared rest of the fleet document's tenant (feeders, operator, dmarc, ...). declared: false once it
    left; it goes with its last sender, and its row stays for the history."""

    __tablename__ = "tenants"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str]
    routing: Mapped[str] = mapped_column(server_default="by_sender")
    pool: Mapped[str] = mapped_column(unique=True)
    settings: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    held_reason: Mapped[str | None]
    declared: Mapped[bool] = mapped_column(server_default=text("true"))
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    __table_args__ = (
        UniqueConstraint("id", "routing"),
        one_of("owner", OWNERS),
        one_of("routing", ROUTINGS),
    )
    __mapper_args__ = {"version_id_col": version}


class Domain(Base):
    """A sending domain and what the last DNS check saw; null is unknown, never "no"."""

    __tablename__ = "domains"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    name: Mapped[str] = mapped_column(unique=True)
    dkim_selector: Mapped[str | None]
    dkim_key_path: Mapped[str | None]
    dkim_public: Mapped[str | None]
    spf_valid: Mapped[bool | None]
    dkim_valid: Mapped[bool | None]
    dmarc_valid: Mapped[bool | None]
    ptr_valid: Mapped[bool | None]
    last_dns_check: Mapped[datetime | None]
    created_at: Mapped[datetime] = now()

    __table_args__ = (UniqueConstraint("tenant_id", "id"), CheckConstraint("name = lower(name)", name="name_lower"))


class Ip(Base):
    """A sender. Uniqueness counts those that are not retired: an address may serve again, as another sender.

    paused, reasons: a person's stop. hold_reason, hold_until: the engine's own, which ends by itself. starts_as: what the inventory
    declares it to become once its DNS is green, {"status": "warming"|"active", "phase": str|null}."""

    __tablename__ = "ips"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int]
    routing: Mapped[str]
    domain_id: Mapped[int]
    owner: Mapped[str]
    address: Mapped[IPv4Address] = mapped_column(INET)
    hostname: Mapped[str]
    sender_email: Mapped[str]
    sender_name: Mapped[str | None]
    vmta_name: Mapped[str]
    mta: Mapped[str]
    network: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    purposes: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    status: Mapped[str] = mapped_column(server_default="standby")
    status_changed_at: Mapped[datetime] = now()
    until: Mapped[datetime | None]
    reserve: Mapped[bool] = mapped_column(server_default=text("false"))
    weight: Mapped[int] = mapped_column(server_default=text("100"))
    phase: Mapped[str | None]
    daily_quota: Mapped[int]
    provider_quota: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    reasons: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))
    hold_reason: Mapped[str | None]
    hold_until: Mapped[datetime | None]
    starts_as: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    declared: Mapped[bool] = mapped_column(server_default=text("true"))
    mailwizz_server_id: Mapped[int | None]
    version: Mapped[int] = mapped_column(server_default=text("1"))
    created_at: Mapped[datetime] = now()
    updated_at: Mapped[datetime] = now()

    __table_args__ = (
        UniqueConstraint("tenant_id", "id"),
        ForeignKeyConstraint(["tenant_id", "routing"], ["tenants.id", "tenants.routing"], onupdate="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"]),
        one_of("owner", OWNERS),
        one_of("status", STATUSES),
        CheckConstraint("weight BETWEEN 0 AND 100", name="weight"),
        CheckConstraint("daily_quota >= 0", name="daily_quota"),
        CheckConstraint("hostname = lower(hostname)", name="hostname_lower"),
        CheckConstraint("masklen(address) = 32", name="address"),
        CheckConstraint("(hold_reason IS NULL) = (hold_until IS NULL)", name="hold"),
        CheckConstraint(f"purposes <@ ARRAY[{', '.join(repr(one) for one in PURPOSES)}]::varchar[]", name="purposes"),
        Index("uq_ips_address", "address", unique=True, postgresql_where=text("status <> 'retired'")),
        Index("uq_ips_hostname", "hostname", unique=True, postgresql_where=text("status <> 'retired'")),
        Index("uq_ips_vmta_name", "mta", "vmta_name", unique=True, postgresql_where=text("status <> 'retired'")),
        Index(
            "uq_ips_domain_id",
            "domain_id",
            unique=True,
            postgresql_where=text("status <> 'retired' AND routing = 'by_sender'"),
        ),
        Index(
            "uq_ips_sender_email",
            text("lower(sender_email)"),
            unique=True,
            postgresql_where=text("status <> 'retired' AND routing = 'by_sender'"),
        ),
        Index("ix_ips_tenant_id_status", "tenant_id", "status"),
    )
    __mapper_args__ = {"version_id_col": version}


class OfSender:
    """A row about one sender, and hence of its tenant."""

    tenant_id: Mapped[int]
    ip_id: Mapped[int]


def of_sender(*more: Any) -> tuple[Any, ...]:
    return (ForeignKeyConstraint(["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"]), *more)


class WarmupPlan(OfSender, Base):
    """The warm-up of one sender. Rates of the last seven days: null until enough is known.

    growth: 1 of one that was declared active at a quota of its own, and keeps it; null grows. own_quota: that quota, of one that lost it and
    grows up to it again. down_from, down_until: a warm-down, from that quota to nothing at that moment.
    closed_day: the last day that was judged."""

    __tablename__ = "warmup_plans"

    id: Mapped[int] = mapped_column(primary_key=True)
    phase: Mapped[str]
    started_at: Mapped[datetime] = now()
    phase_changed_at: Mapped[datetime] = now()
    current_daily_quota: Mapped[int]
    target_daily_quota: Mapped[int]
    bounce_rate_7d: Mapped[float | None]
    spam_rate_7d: Mapped[float | None]
    open_rate_7d: Mapped[float | None]
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    pause_until: Mapped[datetime | None]
    growth: Mapped[float | None]
    own_quota: Mapped[int | None]
    down_from: Mapped[int | None]
    down_until: Mapped[datetime | None]
    closed_day: Mapped[date | None]

    __table_args__ = of_sender(UniqueConstraint("ip_id"), CheckConstraint("current_daily_quota >= 0", name="quota"))


class QuotaDay(Base):
    """A day, UTC, on which a sender's quota changed: began is what it was before, most the largest of the day. A trigger keeps it."""

    __tablename__ = "quota_days"

    ip_id: Mapped[int] = mapped_column(ForeignKey("ips.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    began: Mapped[int]
    most: Mapped[int]


class WarmupDay(Base):
    """What a sender did on one day, UTC. cap: its quota of that day. first_attempts: recipients tried for the first time on that day;
    delivered_24h: of those, within a day. complaints, opens, clicks: null is no data. verdict: what the day counted for."""

    __tablename__ = "warmup_daily_stats"

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("warmup_plans.id"))
    date: Mapped[date]
    sent: Mapped[int] = mapped_column(server_default=text("0"))
    delivered: Mapped[int] = mapped_column(server_default=text("0"))
    bounced: Mapped[int] = mapped_column(server_default=text("0"))
    complaints: Mapped[int | None]
    opens: Mapped[int | None]
    clicks: Mapped[int | None]
    cap: Mapped[int | None]
    first_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    delivered_24h: Mapped[int] = mapped_column(server_default=text("0"))
    deferred: Mapped[int] = mapped_column(server_default=text("0"))
    verdict: Mapped[str | None]

    __table_args__ = (UniqueConstraint("plan_id", "date"),)


class SentHour(OfSender, Base):
    """Messages a sender handed to receivers in one hour, as far as reported."""

    __tablename__ = "sent_hourly"

    id: Mapped[int] = mapped_column(primary_key=True)
    hour: Mapped[datetime]
    sent: Mapped[int]

    __table_args__ = of_sender(
        UniqueConstraint("ip_id", "hour"),
        CheckConstraint("sent >= 0", name="sent"),
        # Every choice of a sender asks for its tenant's day.
        Index("ix_sent_hourly_tenant_id_hour", "tenant_id", "hour", postgresql_include=["ip_id", "sent"]),
    )


class BlacklistEvent(OfSender, Base):
    """One listing on one list, from the check that first saw it to the one that saw it gone. target: the address or the domain."""

    __tablename__ = "blacklist_events"

    id: Mapped[int] = mapped_column(primary_key=True)
    blacklist_name: Mapped[str]
    target: Mapped[str] = mapped_column(server_default="")
    codes: Mapped[list[str]]
    severity: Mapped[str]
    listed_at: Mapped[datetime] = now()
    cleared_at: Mapped[datetime | None]

    __table_args__ = of_sender(
        Index(
            "uq_blacklist_events_open",
            "ip_id",
            "blacklist_name",
            "target",
            unique=True,
            postgresql_where=text("cleared_at IS NULL"),
        )
    )


class DnsCheck(OfSender, Base):
    """What the last DNS check saw of a sender. edges: {edge: {"verdict", "wanted", "found", "server", "remedy"}}; green: of all edges.
    streak: so many checks in a row saw that colour."""

    __tablename__ = "dns_checks"

    id: Mapped[int] = mapped_column(primary_key=True)
    checked_at: Mapped[datetime]
    green: Mapped[str]
    edges: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    streak: Mapped[int] = mapped_column(server_default=text("1"))

    __table_args__ = of_sender(UniqueConstraint("ip_id"), one_of("green", VERDICTS))


class DnsblVerdict(OfSender, Base):
    """What the last check heard of one list about one sender. listed: unknown where the list gave no sound answer.

    target: the address or the domain that was asked about. severity: what its codes mean; null where it is not listed. streak: so many
    checks in a row said the same, the first of them at since."""

    __tablename__ = "dnsbl_verdicts"

    id: Mapped[int] = mapped_column(primary_key=True)
    blacklist_name: Mapped[str]
    target: Mapped[str] = mapped_column(server_default="")
    listed: Mapped[str]
    codes: Mapped[list[Any]] = mapped_column(server_default=text("'[]'"))
    severity: Mapped[str | None]
    detail: Mapped[str | None]
    streak: Mapped[int] = mapped_column(server_default=text("1"))
    since: Mapped[datetime] = now()
    checked_at: Mapped[datetime]

    __table_args__ = of_sender(UniqueConstraint("ip_id", "blacklist_name", "target"), one_of("listed", VERDICTS))


class DnsblList(Base):
    """A list, and what it showed of itself at the last check that asked it. kind: of what is asked about, "ip" or "domain". severity: the
    worst that its codes can mean."""

    __tablename__ = "dnsbl_lists"

    name: Mapped[str] = mapped_column(primary_key=True)
    zone: Mapped[str]
    kind: Mapped[str]
    state: Mapped[str]
    severity: Mapped[str]
    detail: Mapped[str | None]
    checked_at: Mapped[datetime]

    __table_args__ = (
        one_of("kind", ("ip", "domain")),
        one_of("state", LIST_STATES),
        one_of("severity", LIST_SEVERITIES),
    )


class CheckRun(Base):
    """The last run of a check: "dns", "dnsbl", "accounting/<mta>", "warmup"."""

    __tablename__ = "check_runs"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    state: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))

    __table_args__ = (one_of("state", RUN_STATES),)


class AccountingFile(Base):
    """How far an accounting file was counted. identity: what stays when it is rotated. position: bytes that are counted. anchor: what
    stands before the position, so that another file of that identity is noticed. bad_rows: rows that could not be read."""

    __tablename__ = "accounting_files"

    id: Mapped[int] = mapped_column(primary_key=True)
    mta: Mapped[str]
    name: Mapped[str]
    identity: Mapped[str]
    position: Mapped[int] = mapped_column(server_default=text("0"))
    anchor: Mapped[str] = mapped_column(server_default="")
    rows: Mapped[int] = mapped_column(server_default=text("0"))
    bad_rows: Mapped[int] = mapped_column(server_default=text("0"))
    first_seen: Mapped[datetime] = now()
    last_seen: Mapped[datetime] = now()

    __table_args__ = (UniqueConstraint("mta", "identity"), CheckConstraint("position >= 0", name="position"))


class AccountingDay(Base):
    """A sender's mail to one provider on one day, UTC. bounced: for good, by the receiver, by the recipient's fault; bounces: by
    category. complaints, opens, clicks: null where there is no data, which is not 0."""

    __tablename__ = "accounting_days"

    tenant_id: Mapped[int]
    ip_id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    delivered: Mapped[int] = mapped_column(server_default=text("0"))
    deferred: Mapped[int] = mapped_column(server_default=text("0"))
    bounced: Mapped[int] = mapped_column(server_default=text("0"))
    bounces: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    complaints: Mapped[int | None]
    opens: Mapped[int | None]
    clicks: Mapped[int | None]

    __table_args__ = of_sender(Index("ix_accounting_days_tenant_id_day", "tenant_id", "day"))


class AccountingRecipient(Base):
    """When a sender in warm-up first tried a recipient, and when that was delivered. key: keyed hash; the address is kept nowhere."""

    __tablename__ = "accounting_recipients"

    ip_id: Mapped[int] = mapped_column(ForeignKey("ips.id"), primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
    first_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]

    __table_args__ = (Index("ix_accounting_recipients_ip_id_day", "ip_id", "day"),)


class Signal(Base):
    """When a feed of the whole platform last brought something: complaints of a provider, opens, ..."""

    __tablename__ = "signals"

    signal: Mapped[str] = mapped_column(primary_key=True)
    provider: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime]


class Alert(Base):
    """What an operator is told. key: what it is about, open once. told_at: when the present text was sent; closing_told_at: its end.
    attempts, error: of the sending."""

    __tablename__ = "alerts"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str]
    kind: Mapped[str]
    severity: Mapped[str]
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    subject: Mapped[str]
    text: Mapped[str]
    remedy: Mapped[str]
    opened_at: Mapped[datetime] = now()
    changed_at: Mapped[datetime] = now()
    told_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closing_told_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("0"))
    error: Mapped[str | None]

    __table_args__ = (
        one_of("severity", ALERT_SEVERITIES),
        Index("uq_alerts_open", "key", unique=True, postgresql_where=sql_text("closed_at IS NULL")),
    )


class AlertTelling(Base):
    """What one receiver knows of an alert. receiver: its name, no address. told: changed_at of the text that it knows, told_at: when it
    was sent last; over_told_at: when it heard of the end. next_at: not before; attempts, error: of the sending that waits."""

    __tablename__ = "alert_tellings"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"), primary_key=True)
    receiver: Mapped[str] = mapped_column(primary_key=True)
    told: Mapped[datetime | None]
    told_at: Mapped[datetime | None]
    over_told_at: Mapped[datetime | None]
    next_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default=sql_text("0"))
    error: Mapped[str | None]


class QueueReport(OfSender, Base):
    """Recipients that waited in a sender's queues when its MTA was last asked."""

    __tablename__ = "queue_reports"

    id: Mapped[int] = mapped_column(primary_key=True)
    queued: Mapped[int]
    seen_at: Mapped[datetime] = now()

    __table_args__ = of_sender(UniqueConstraint("ip_id"), CheckConstraint("queued >= 0", name="queued"))


class Incident(Base):
    """Opened by a check, closed by evidence or by a person with a cause."""

    __tablename__ = "incidents"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenants.id"))
    ip_id: Mapped[int | None]
    kind: Mapped[str]
    summary: Mapped[str]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    opened_at: Mapped[datetime] = now()
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str | None]
    cause: Mapped[str | None]
    alerted_at: Mapped[datetime | None]

    __table_args__ = of_sender(
        CheckConstraint("(closed_at IS NULL) = (cause IS NULL)", name="cause"),
        Index("uq_incidents_open", "ip_id", "kind", unique=True, postgresql_where=text("closed_at IS NULL")),
    )


class ApiKey(Base):
    """hash: of the key's secret half; the key itself is shown once and kept nowhere. tenant_id null: an admin's."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    prefix: Mapped[str] = mapped_column(unique=True)
    hash: Mapped[str]
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    created_at: Mapped[datetime] = now()
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Job(Base):
    """Playbooks that a change asked for. kind and arguments say which; subject: the sender or tenant it is about.

    worker: who runs it, a new token for each attempt, so that one who was given up cannot write any more. seen_at: its last sign of
    life. step: of how many playbooks the end is known; a resumed job goes on there. error: why it failed, for an operator.
    """

    __tablename__ = "jobs"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, server_default=func.gen_random_uuid())
    number: Mapped[int] = mapped_column(Identity(), unique=True)
    kind: Mapped[str]
    lane: Mapped[str] = mapped_column(server_default="converge")
    tenant_id: Mapped[int | None] = mapped_column(ForeignKey("tenants.id"))
    subject: Mapped[str | None]
    state: Mapped[str] = mapped_column(server_default="queued")
    arguments: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    progress: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    result: Mapped[dict[str, Any] | None]
    error: Mapped[str | None]
    step: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[int] = mapped_column(server_default=text("0"))
    worker: Mapped[str | None]
    asked_by: Mapped[str]
    cancel_asked_by: Mapped[str | None]
    created_at: Mapped[datetime] = now()
    started_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]

    __table_args__ = (
        one_of("state", JOB_STATES),
        one_of("lane", LANES),
        # One converge at a time, whatever the workers do.
        Index("uq_jobs_running", "lane", unique=True, postgresql_where=text("state = 'running' AND lane = 'converge'")),
        Index("ix_jobs_state_lane_number", "state", "lane", "number"),
    )


class JobLine(Base):
    """A line of a job's log, without secrets. outcome: of a task on a host (ok, changed, failed, unreachable, skipped), null for other lines."""

    __tablename__ = "job_lines"

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("jobs.id"))
    at: Mapped[datetime] = now()
    step: Mapped[int]
    host: Mapped[str | None]
    task: Mapped[str | None]
    outcome: Mapped[str | None]
    text: Mapped[str]

    __table_args__ = (Index("ix_job_lines_job_id_id", "job_id", "id"),)


class IdempotencyKey(Base):
    """The answer that a repeated request with the same key gets again. request: digest of method, path and body."""

    __tablename__ = "idempotency_keys"

    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    request: Mapped[str]
    status: Mapped[int | None]
    answer: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = now()


class FleetState(Base):
    """One row. revision: counts every change of a tenant, domain or sender, and every stop of everything; a trigger keeps it, so
    that nobody can forget. paused: nobody sends. policy, mtas: the inventory's as last declared; what senders of the API are made by."""

    __tablename__ = "fleet_state"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(server_default=text("0"))
    paused: Mapped[bool] = mapped_column(server_default=text("false"))
    policy: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    mtas: Mapped[list[str]] = mapped_column(server_default=text("'{}'"))

    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)


class Turn(Base):
    """A round-robin. next: the first turn that nobody was given yet."""

    __tablename__ = "turns"

    name: Mapped[str] = mapped_column(primary_key=True)
    next: Mapped[int]


class Declaration(Base):
    """An inventory that was declared: who brings an older one is refused."""

    __tablename__ = "declarations"

    id: Mapped[int] = mapped_column(primary_key=True)
    revision: Mapped[str]
    declared_from: Mapped[str]
    made_at: Mapped[datetime]
    digest: Mapped[str]
    declared_at: Mapped[datetime] = now()


class AuditRow(Base):
    """Who changed what, why, on what evidence. tenant_id without a foreign key: the row outlives what it tells of."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = now()
    actor: Mapped[str]
    tenant_id: Mapped[int | None]
    action: Mapped[str]
    target: Mapped[str]
    reason: Mapped[str | None]
    evidence: Mapped[dict[str, Any]] = mapped_column(server_default=text("'{}'"))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]

    __table_args__ = (
        Index("ix_audit_log_tenant_id_id", "tenant_id", "id"),
        Index("ix_audit_log_target_id", "target", "id"),
    )
