# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Campaigns: each tenant's MailWizz, contacts, lists, templates; a lane of their jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context, op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# In the order that foreign keys ask for.
NEW = (
    "contacts",
    "lists",
    "mailwizz_instances",
    "templates",
    "list_contacts",
    "withdrawals",
    "erased_noes",
    "campaigns",
    "campaign_stats",
)
GRANTS = (
    'GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO "{role}"',
    'GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO "{role}"',
)


def upgrade() -> None:
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("given_email", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="subscribed", nullable=False),
        sa.Column("status_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("consent_source", sa.Text(), nullable=False),
        sa.Column("consent_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consent_address", postgresql.INET(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("tags", sa.ARRAY(sa.String()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("consent_source <> ''", name=op.f("ck_contacts_consent_source")),
        sa.CheckConstraint(
            "status IN ('subscribed', 'unsubscribed', 'bounced', 'complained')", name=op.f("ck_contacts_status")
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_contacts_email_lower")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_contacts_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint("tenant_id", "email", name=op.f("uq_contacts_tenant_id_email")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_contacts_tenant_id_id")),
    )
    op.create_index("ix_contacts_tags", "contacts", ["tags"], unique=False, postgresql_using="gin")
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("mailwizz_uid", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_email", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("company", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_lists_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lists")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_lists_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_lists_tenant_id_name")),
    )
    op.create_table(
        "mailwizz_instances",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_mailwizz_instances_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_mailwizz_instances")),
    )
    op.create_table(
        "templates",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mailwizz_uid", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_templates_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_templates_tenant_id_id")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_templates_tenant_id_name")),
    )
    op.create_table(
        "list_contacts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("subscriber_uid", sa.Text(), nullable=True),
        sa.Column("agreed_again", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("injected_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'injected', 'refused')", name=op.f("ck_list_contacts_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "contact_id"],
            ["contacts.tenant_id", "contacts.id"],
            name=op.f("fk_list_contacts_tenant_id_contact_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"], name=op.f("fk_list_contacts_tenant_id_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_list_contacts")),
    )
    op.create_index("ix_list_contacts_contact_id", "list_contacts", ["contact_id"], unique=False)
    op.create_index(
        "ix_list_contacts_list_id_state_contact_id", "list_contacts", ["list_id", "state", "contact_id"], unique=False
    )
    op.create_table(
        "withdrawals",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contact_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("subscriber_uid", sa.Text(), nullable=True),
        sa.Column("erase", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"], name=op.f("fk_withdrawals_tenant_id_list_id")
        ),
        sa.PrimaryKeyConstraint("list_id", "contact_id", name=op.f("pk_withdrawals")),
    )
    op.create_table(
        "erased_noes",
        sa.Column("tenant_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('unsubscribed', 'bounced', 'complained')", name=op.f("ck_erased_noes_status")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_erased_noes_tenant_id")),
        sa.PrimaryKeyConstraint("tenant_id", "digest", name=op.f("pk_erased_noes")),
    )
    op.create_table(
        "campaigns",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("ip_id", sa.BigInteger(), nullable=False),
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("template_id", sa.BigInteger(), nullable=True),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("send_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), server_default="preparing", nullable=False),
        sa.Column("mailwizz_uid", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("paused_reason", sa.Text(), nullable=True),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("scheduled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('preparing', 'scheduled', 'sending', 'paused', 'sent', 'failed', 'cancelled')",
            name=op.f("ck_campaigns_state"),
        ),
        sa.CheckConstraint(
            "type IN ('transactional', 'marketing', 'newsletter', 'autoresponder', 'notification')",
            name=op.f("ck_campaigns_type"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "ip_id"], ["ips.tenant_id", "ips.id"], name=op.f("fk_campaigns_tenant_id_ip_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "list_id"], ["lists.tenant_id", "lists.id"], name=op.f("fk_campaigns_tenant_id_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "template_id"],
            ["templates.tenant_id", "templates.id"],
            name=op.f("fk_campaigns_tenant_id_template_id"),
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=op.f("fk_campaigns_tenant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
        sa.UniqueConstraint("number", name=op.f("uq_campaigns_number")),
        sa.UniqueConstraint("tenant_id", "id", name=op.f("uq_campaigns_tenant_id_id")),
    )
    op.create_index("ix_campaigns_ip_id_state", "campaigns", ["ip_id", "state"], unique=False)
    op.create_index("ix_campaigns_tenant_id_state", "campaigns", ["tenant_id", "state"], unique=False)
    op.create_table(
        "campaign_stats",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("numbers", postgresql.JSONB(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "campaign_id"],
            ["campaigns.tenant_id", "campaigns.id"],
            name=op.f("fk_campaign_stats_tenant_id_campaign_id"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_stats")),
    )
    _lanes("'converge', 'stop', 'check', 'mail'")
    for statement in GRANTS:
        op.execute(statement.format(tables=", ".join(NEW), role=context.config.attributes["role"]))


def downgrade() -> None:
    # An engine without that lane would never run them.
    op.execute("DELETE FROM job_lines USING jobs WHERE jobs.id = job_lines.job_id AND jobs.lane = 'mail'")
    op.execute("DELETE FROM jobs WHERE lane = 'mail'")
    _lanes("'converge', 'stop', 'check'")
    for table in reversed(NEW):
        op.drop_table(table)


def _lanes(lanes: str) -> None:
    op.drop_constraint(op.f("ck_jobs_lane"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_lane"), "jobs", f"lane IN ({lanes})")
