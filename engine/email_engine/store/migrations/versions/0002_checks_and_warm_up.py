# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks, accounting and warm-up keep; alerts; a lane of checks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW = (
    "accounting_files",
    "accounting_days",
    "accounting_recipients",
    "alerts",
    "check_runs",
    "dnsbl_lists",
    "quota_days",
    "signals",
)
GRANTS = (
    'GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO "{role}"',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"',
)
# Whoever changes a quota, and from wherever: what was sent is measured against the largest one of its day.
QUOTAS = """
CREATE FUNCTION quota_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO quota_days (ip_id, day, began, most)
    VALUES (
        NEW.id, (now() AT TIME ZONE 'UTC')::date, OLD.daily_quota, greatest(OLD.daily_quota, NEW.daily_quota)
    )
    ON CONFLICT (ip_id, day) DO UPDATE SET most = greatest(quota_days.most, excluded.most);
    RETURN NULL;
END $$;
CREATE TRIGGER quota_changed AFTER UPDATE OF daily_quota ON ips
    FOR EACH ROW WHEN (OLD.daily_quota <> NEW.daily_quota) EXECUTE FUNCTION quota_changed();
"""
_OPEN = sa.text("cleared_at IS NULL")


def _columns() -> dict[str, tuple[sa.Column, ...]]:
    return {
        "ips": (
            sa.Column("hold_reason", sa.Text(), nullable=True),
            sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
            sa.Column("starts_as", postgresql.JSONB(), nullable=True),
        ),
        "warmup_plans": (
            sa.Column("growth", sa.Double(), nullable=True),
            sa.Column("own_quota", sa.BigInteger(), nullable=True),
            sa.Column("down_from", sa.BigInteger(), nullable=True),
            sa.Column("down_until", sa.DateTime(timezone=True), nullable=True),
            sa.Column("closed_day", sa.Date(), nullable=True),
        ),
        "warmup_daily_stats": (
            sa.Column("cap", sa.BigInteger(), nullable=True),
            sa.Column("first_attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
            sa.Column("delivered_24h", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
            sa.Column("deferred", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
            sa.Column("verdict", sa.Text(), nullable=True),
        ),
        "blacklist_events": (sa.Column("target", sa.Text(), server_default="", nullable=False),),
        "dns_checks": (sa.Column("streak", sa.BigInteger(), server_default=sa.text("1"), nullable=False),),
        "dnsbl_verdicts": (
            sa.Column("target", sa.Text(), server_default="", nullable=False),
            sa.Column("codes", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
            sa.Column("severity", sa.Text(), nullable=True),
            sa.Column("detail", sa.Text(), nullable=True),
            sa.Column("streak", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
            sa.Column("since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        ),
    }


def upgrade() -> None:
    op.create_table(
        "accounting_files",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("mta", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("anchor", sa.Text(), server_default="", nullable=False),
        sa.Column("rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bad_rows", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("first_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("last_seen", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("position >= 0", name=op.f("ck_accounting_files_position")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounting_files")),
        sa.UniqueConstraint("mta", "identity", name=op.f("uq_accounting_files_mta_identity")),
    )
    op.create_table(
        "accounting_days",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivered", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("deferred", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bounced", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("bounces", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("complaints", sa.BigInteger(), nullable=True),
        sa.Column("opens", sa.BigInteger(), nullable=True),
        sa.Column("clicks", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_accounting_days_tenant_id_ip_id")
        ),
        sa.PrimaryKeyConstraint("ip_id", "day", "provider", name=op.f("pk_accounting_days")),
    )
    op.create_index("ix_accounting_days_tenant_id_day", "accounting_days", ["tenant_id", "day"], unique=False)
    op.create_table(
        "accounting_recipients",
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["ip_id"], ["ips.id"], name=op.f("fk_accounting_recipients_ip_id")),
        sa.PrimaryKeyConstraint("ip_id", "key", name=op.f("pk_accounting_recipients")),
    )
    op.create_index("ix_accounting_recipients_ip_id_day", "accounting_recipients", ["ip_id", "day"], unique=False)
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closing_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("severity IN ('critical', 'warning', 'info')", name=op.f("ck_alerts_severity")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_alerts_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("uq_alerts_open", "alerts", ["key"], unique=True, postgresql_where=sa.text("closed_at IS NULL"))
    op.create_table(
        "check_runs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.CheckConstraint("state IN ('ok', 'blind', 'distrusted', 'failed')", name=op.f("ck_check_runs_state")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_check_runs")),
    )
    op.create_table(
        "dnsbl_lists",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("severity", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('ip', 'domain')", name=op.f("ck_dnsbl_lists_kind")),
        sa.CheckConstraint("state IN ('healthy', 'failed', 'blind', 'unknown')", name=op.f("ck_dnsbl_lists_state")),
        sa.CheckConstraint(
            "severity IN ('critical', 'major', 'minor', 'configuration', 'information')",
            name=op.f("ck_dnsbl_lists_severity"),
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_dnsbl_lists")),
    )
    op.create_table(
        "quota_days",
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["ip_id"], ["ips.id"], name=op.f("fk_quota_days_ip_id")),
        sa.PrimaryKeyConstraint("ip_id", "day", name=op.f("pk_quota_days")),
    )
    op.execute(QUOTAS)
    op.create_table(
        "signals",
        sa.Column("signal", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("signal", "provider", name=op.f("pk_signals")),
    )
    for table, columns in _columns().items():
        for column in columns:
            op.add_column(table, column)
    op.create_check_constraint(op.f("ck_ips_hold"), "ips", "(hold_reason IS NULL) = (hold_until IS NULL)")
    # A list may be asked about a sender's address, and about its domain.
    op.drop_index("uq_blacklist_events_open", table_name="blacklist_events")
    open_ones = ["ip_id", "blacklist_name", "target"]
    op.create_index("uq_blacklist_events_open", "blacklist_events", open_ones, unique=True, postgresql_where=_OPEN)
    op.drop_constraint(op.f("uq_dnsbl_verdicts_ip_id_blacklist_name"), "dnsbl_verdicts", type_="unique")
    op.create_unique_constraint(op.f("uq_dnsbl_verdicts_ip_id_blacklist_name_target"), "dnsbl_verdicts", open_ones)
    _lanes("'converge', 'stop', 'check'")
    for statement in GRANTS:
        op.execute(statement.format(tables=", ".join(NEW), role=context.config.attributes["role"]))


def downgrade() -> None:
    op.execute("DROP TRIGGER quota_changed ON ips")
    op.execute("DROP FUNCTION quota_changed")
    # An engine without that lane would never run them.
    op.execute("DELETE FROM job_lines USING jobs WHERE jobs.id = job_lines.job_id AND jobs.lane = 'check'")
    op.execute("DELETE FROM jobs WHERE lane = 'check'")
    _lanes("'converge', 'stop'")
    pair = ["ip_id", "blacklist_name"]
    for table in ("blacklist_events", "dnsbl_verdicts"):
        op.execute(
            f"DELETE FROM {table} AS one USING {table} AS other WHERE one.id > other.id AND one.ip_id = other.ip_id "
            "AND one.blacklist_name = other.blacklist_name"
            + (" AND one.cleared_at IS NULL AND other.cleared_at IS NULL" if table == "blacklist_events" else "")
        )
    op.drop_constraint(op.f("uq_dnsbl_verdicts_ip_id_blacklist_name_target"), "dnsbl_verdicts", type_="unique")
    op.create_unique_constraint(op.f("uq_dnsbl_verdicts_ip_id_blacklist_name"), "dnsbl_verdicts", pair)
    op.drop_index("uq_blacklist_events_open", table_name="blacklist_events")
    op.create_index("uq_blacklist_events_open", "blacklist_events", pair, unique=True, postgresql_where=_OPEN)
    op.drop_constraint(op.f("ck_ips_hold"), "ips", type_="check")
    for table, columns in _columns().items():
        for column in columns:
            op.drop_column(table, column.name)
    for table in NEW:
        op.drop_table(table)


def _lanes(lanes: str) -> None:
    op.drop_constraint(op.f("ck_jobs_lane"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_lane"), "jobs", f"lane IN ({lanes})")
