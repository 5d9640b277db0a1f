# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates: the HTML of a tenant's campaigns, held against what MailWizz demands of it before MailWizz is asked."""

from __future__ import annotations

import hashlib

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.joining import Invalid
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import Problem

from .mail_models import Campaign, Template

#: Tag that MailWizz replaces -> where it belongs. A campaign without one of them is refused there.
DEMANDED = {
    "[UNSUBSCRIBE_URL]": 'Write a link such as <a href="[UNSUBSCRIBE_URL]">Unsubscribe</a>.',
    "[COMPANY_FULL_ADDRESS]": "Write it where the footer says who sends this.",
}


def judge(content: str) -> None:
    """Raises Invalid with everything that MailWizz would refuse *content* for."""
    lacking = [(tag, remedy) for tag, remedy in DEMANDED.items() if tag not in content]
    if lacking:
        raise Invalid([Problem("body.content", f"has no {tag}, which MailWizz demands", how) for tag, how in lacking])


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def used(session: Session, template: Template) -> bool:
    """Whether a campaign names it."""
    return bool(session.scalar(select(exists().where(Campaign.template_id == template.id))))
