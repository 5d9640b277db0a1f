# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The application may change everything but its past.
GRANTS = (
    'GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO "{role}"',
    'REVOKE UPDATE, DELETE, TRUNCATE ON audit_log FROM "{role}"',
    'REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM "{role}"',
    'REVOKE INSERT, DELETE, TRUNCATE ON fleet_state FROM "{role}"',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"',
)
# The owner's slips, too.
APPEND_ONLY = """
CREATE FUNCTION audit_log_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log only grows' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_only_grows();
"""
REVISION = """
INSERT INTO fleet_state (id) VALUES (1);
CREATE FUNCTION fleet_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE fleet_state SET revision = revision + 1;
    RETURN NULL;
END $$;
"""
# What the fleet document shows; a domain's check results are not in it.
COUNTED = {
    "tenants": "UPDATE",
    "domains": "UPDATE OF tenant_id, name, dkim_selector, dkim_key_path, dkim_public",
    "ips": "UPDATE",
}
COUNT = """
CREATE TRIGGER counted AFTER INSERT OR {update} OR DELETE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION fleet_changed();
"""


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_tenant_id_id", "audit_log", ["tenant_id", "id"], unique=False)
    op.create_index("ix_audit_log_target_id", "audit_log", ["target", "id"], unique=False)
    op.create_table(
        "declarations",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("declared_from", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("declared_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_declarations")),
    )
    op.create_table(
        "fleet_state",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("mtas", sa.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_fleet_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fleet_state")),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("routing", sa.Text(), server_default="by_sender", nullable=False),
        sa.Column("pool", sa.Text(), nullable=False),
        sa.Column("settings", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("held_reason", sa.Text(), nullable=True),
        sa.Column("declared", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("owner IN ('inventory', 'api')", name=op.f("ck_tenants_owner")),
        sa.CheckConstraint("routing IN ('by_sender', 'pool')", name=op.f("ck_tenants_routing")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
        sa.UniqueConstraint("id", "routing", name=op.f("uq_tenants_id_routing")),
        sa.UniqueConstraint("name", name=op.f("uq_tenants_name")),
        sa.UniqueConstraint("pool", name=op.f("uq_tenants_pool")),
    )
    op.create_table(
        "turns",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_turns")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "domains",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("dkim_selector", sa.Text(), nullable=True),
        sa.Column("dkim_key_path", sa.Text(), nullable=True),
        sa.Column("dkim_public", sa.Text(), nullable=True),
        sa.Column("spf_valid", sa.Boolean(), nullable=True),
        sa.Column("dkim_valid", sa.Boolean(), nullable=True),
        sa.Column("dmarc_valid", sa.Boolean(), nullable=True),
        sa.Column("ptr_valid", sa.Boolean(), nullable=True),
        sa.Column("last_dns_check", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name = lower(name)", name=op.f("ck_domains_name_lower")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_domains_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
        sa.UniqueConstraint("name", name=op.f("uq_domains_name")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_domains_tenant_id_id")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), server_default="converge", nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("arguments", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("step", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("cancel_asked_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("lane IN ('converge', 'stop')", name=op.f("ck_jobs_lane")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_jobs_state")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_jobs_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("number", name=op.f("uq_jobs_number")),
    )
    op.create_index("ix_jobs_state_lane_number", "jobs", ["state", "lane", "number"], unique=False)
    op.create_index(
        "uq_jobs_running",
        "jobs",
        ["lane"],
        unique=True,
        postgresql_where=sa.text("state = 'running' AND lane = 'converge'"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("api_key_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("status", sa.BigInteger(), nullable=True),
        sa.Column("answer", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_idempotency_keys_api_key_id")),
        sa.PrimaryKeyConstraint("api_key_id", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_table(
        "ips",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("routing", sa.Text(), nullable=False),
        sa.Column("domain_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("address", postgresql.INET(), nullable=False),
        sa.Column("hostname", sa.Text(), nullable=False),
        sa.Column("sender_email", sa.Text(), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=True),
        sa.Column("vmta_name", sa.Text(), nullable=False),
        sa.Column("mta", sa.Text(), nullable=False),
        sa.Column("network", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("purposes", sa.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("status", sa.Text(), server_default="standby", nullable=False),
        sa.Column("status_changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reserve", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("weight", sa.BigInteger(), server_default=sa.text("100"), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("daily_quota", sa.BigInteger(), nullable=False),
        sa.Column(
            "provider_quota", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("reasons", sa.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("declared", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("mailwizz_server_id", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("owner IN ('inventory', 'api')", name=op.f("ck_ips_owner")),
        sa.CheckConstraint(
            "purposes <@ ARRAY['transactional', 'marketing', 'newsletter', 'autoresponder', 'notification']::varchar[]",
            name=op.f("ck_ips_purposes"),
        ),
        sa.CheckConstraint(
            "status IN ('standby', 'warming', 'active', 'quarantine', 'resting', 'retiring', 'retired')",
            name=op.f("ck_ips_status"),
        ),
        sa.CheckConstraint("daily_quota >= 0", name=op.f("ck_ips_daily_quota")),
        sa.CheckConstraint("hostname = lower(hostname)", name=op.f("ck_ips_hostname_lower")),
        sa.CheckConstraint("masklen(address) = 32", name=op.f("ck_ips_address")),
        sa.CheckConstraint("weight BETWEEN 0 AND 100", name=op.f("ck_ips_weight")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "domain_id"], ["domains.tenant_id", "domains.id"], name=op.f("fk_ips_tenant_id_domain_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "routing"],
            ["tenants.id", "tenants.routing"],
            name=op.f("fk_ips_tenant_id_routing"),
            onupdate="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ips")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_ips_tenant_id_id")),
    )
    op.create_index("ix_ips_tenant_id_status", "ips", ["tenant_id", "status"], unique=False)
    op.create_index("uq_ips_address", "ips", ["address"], unique=True, postgresql_where=sa.text("status <> 'retired'"))
    op.create_index(
        "uq_ips_domain_id",
        "ips",
        ["domain_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'retired' AND routing = 'by_sender'"),
    )
    op.create_index(
        "uq_ips_hostname", "ips", ["hostname"], unique=True, postgresql_where=sa.text("status <> 'retired'")
    )
    op.create_index(
        "uq_ips_sender_email",
        "ips",
        [sa.literal_column("lower(sender_email)")],
        unique=True,
        postgresql_where=sa.text("status <> 'retired' AND routing = 'by_sender'"),
    )
    op.create_index(
        "uq_ips_vmta_name", "ips", ["mta", "vmta_name"], unique=True, postgresql_where=sa.text("status <> 'retired'")
    )
    op.create_table(
        "job_lines",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=True),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_lines_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_lines")),
    )
    op.create_index("ix_job_lines_job_id_id", "job_lines", ["job_id", "id"], unique=False)
    op.create_table(
        "blacklist_events",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("blacklist_name", sa.Text(), nullable=False),
        sa.Column("codes", sa.ARRAY(sa.String()), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("listed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_blacklist_events_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blacklist_events")),
    )
    op.create_index(
        "uq_blacklist_events_open",
        "blacklist_events",
        ["ip_id", "blacklist_name"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "dns_checks",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("green", sa.Text(), nullable=False),
        sa.Column("edges", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("green IN ('yes', 'no', 'unknown')", name=op.f("ck_dns_checks_green")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_dns_checks_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dns_checks")),
        sa.UniqueConstraint("ip_id", name=op.f("uq_dns_checks_ip_id")),
    )
    op.create_table(
        "dnsbl_verdicts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("blacklist_name", sa.Text(), nullable=False),
        sa.Column("listed", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("listed IN ('yes', 'no', 'unknown')", name=op.f("ck_dnsbl_verdicts_listed")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_dnsbl_verdicts_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dnsbl_verdicts")),
        sa.UniqueConstraint("ip_id", "blacklist_name", name=op.f("uq_dnsbl_verdicts_ip_id_blacklist_name")),
    )
    op.create_table(
        "incidents",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.Text(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("alerted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (cause IS NULL)", name=op.f("ck_incidents_cause")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_incidents_tenant_id_ip_id")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_incidents_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
    )
    op.create_index(
        "uq_incidents_open", "incidents", ["ip_id", "kind"], unique=True, postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_table(
        "queue_reports",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("queued", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("queued >= 0", name=op.f("ck_queue_reports_queued")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_queue_reports_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_reports")),
        sa.UniqueConstraint("ip_id", name=op.f("uq_queue_reports_ip_id")),
    )
    op.create_table(
        "sent_hourly",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("sent >= 0", name=op.f("ck_sent_hourly_sent")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_sent_hourly_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_hourly")),
        sa.UniqueConstraint("ip_id", "hour", name=op.f("uq_sent_hourly_ip_id_hour")),
    )
    op.create_index(
        "ix_sent_hourly_tenant_id_hour",
        "sent_hourly",
        ["tenant_id", "hour"],
        unique=False,
        postgresql_include=["ip_id", "sent"],
    )
    op.create_table(
        "warmup_plans",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("phase_changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("current_daily_quota", sa.BigInteger(), nullable=False),
        sa.Column("target_daily_quota", sa.BigInteger(), nullable=False),
        sa.Column("bounce_rate_7d", sa.Double(), nullable=True),
        sa.Column("spam_rate_7d", sa.Double(), nullable=True),
        sa.Column("open_rate_7d", sa.Double(), nullable=True),
        sa.Column("paused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pause_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("current_daily_quota >= 0", name=op.f("ck_warmup_plans_quota")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_warmup_plans_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warmup_plans")),
        sa.UniqueConstraint("ip_id", name=op.f("uq_warmup_plans_ip_id")),
    )
    op.create_table(
        "warmup_daily_stats",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("sent", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bounced", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("complaints", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("opens", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("clicks", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["warmup_plans.id"], name=op.f("fk_warmup_daily_stats_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_warmup_daily_stats")),
        sa.UniqueConstraint("plan_id", "date", name=op.f("uq_warmup_daily_stats_plan_id_date")),
    )
    op.execute(APPEND_ONLY)
    op.execute(REVISION)
    for table, update in COUNTED.items():
        op.execute(COUNT.format(table=table, update=update))
    for statement in GRANTS:
        op.execute(statement.format(role=context.config.attributes["role"]))


def downgrade() -> None:
    op.drop_table("warmup_daily_stats")
    op.drop_table("warmup_plans")
    op.drop_index("ix_sent_hourly_tenant_id_hour", table_name="sent_hourly", postgresql_include=["ip_id", "sent"])
    op.drop_table("sent_hourly")
    op.drop_table("queue_reports")
    op.drop_index("uq_incidents_open", table_name="incidents", postgresql_where=sa.text("closed_at IS NULL"))
    op.drop_table("incidents")
    op.drop_table("dnsbl_verdicts")
    op.drop_table("dns_checks")
    op.drop_index(
        "uq_blacklist_events_open", table_name="blacklist_events", postgresql_where=sa.text("cleared_at IS NULL")
    )
    op.drop_table("blacklist_events")
    op.drop_index("ix_job_lines_job_id_id", table_name="job_lines")
    op.drop_table("job_lines")
    op.drop_index("uq_ips_vmta_name", table_name="ips", postgresql_where=sa.text("status <> 'retired'"))
    op.drop_index(
        "uq_ips_sender_email",
        table_name="ips",
        postgresql_where=sa.text("status <> 'retired' AND routing = 'by_sender'"),
    )
    op.drop_index("uq_ips_hostname", table_name="ips", postgresql_where=sa.text("status <> 'retired'"))
    op.drop_index(
        "uq_ips_domain_id", table_name="ips", postgresql_where=sa.text("status <> 'retired' AND routing = 'by_sender'")
    )
    op.drop_index("uq_ips_address", table_name="ips", postgresql_where=sa.text("status <> 'retired'"))
    op.drop_index("ix_ips_tenant_id_status", table_name="ips")
    op.drop_table("ips")
    op.drop_table("idempotency_keys")
    op.drop_index(
        "uq_jobs_running", table_name="jobs", postgresql_where=sa.text("state = 'running' AND lane = 'converge'")
    )
    op.drop_index("ix_jobs_state_lane_number", table_name="jobs")
    op.drop_table("jobs")
    op.drop_table("domains")
    op.drop_table("api_keys")
    op.drop_table("turns")
    op.drop_table("tenants")
    op.drop_table("fleet_state")
    op.drop_table("declarations")
    op.drop_index("ix_audit_log_target_id", table_name="audit_log")
    op.drop_index("ix_audit_log_tenant_id_id", table_name="audit_log")
    op.drop_table("audit_log")
    op.execute("DROP FUNCTION audit_log_only_grows")
    op.execute("DROP FUNCTION fleet_changed")
