# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking a tenant's MailWizz from a job: what passes is waited for, what does not is told in its words."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from email_engine.jobs.functions import Failed, Work
from email_engine.mailwizz.client import Client
from email_engine.mailwizz.faults import MailwizzError
from email_engine.store import mailwizz_instances
from email_engine.store.models import Tenant

#: Seconds: that a MailWizz which does not answer is waited for, between two attempts at first and at most.
PATIENCE, FIRST, LONGEST = 600.0, 1.0, 60.0
#: Of who pauses: it is asked again later, and others wait for the hand.
SHORT = 20.0
#: Any numbers, always the same: of locks on a list's injection, and on a campaign's twin in MailWizz.
LISTS, TWINS = 0x6C697374, 0x7477696E
Answer = TypeVar("Answer")


@contextmanager
def client(work: Work, tenant_id: int) -> Iterator[Client]:
    """The tenant's own. Raises Failed where the engine knows none."""
    pepper = work.settings.key_pepper.get_secret_value()
    with work.sessions() as session:
        try:
            known = mailwizz_instances.access(session, session.get_one(Tenant, tenant_id), pepper)
        except FleetError as fault:
            raise Failed(str(fault)) from fault
    with known.client() as found:
        yield found


def patiently(work: Work, ask: Callable[[], Answer], patience: float | None = None) -> Answer:
    """What *ask* answers, which may be asked again. Raises Failed in MailWizz's words, or when it does not answer for too long, in
    seconds."""
    end, pause = time.monotonic() + (PATIENCE if patience is None else min(patience, PATIENCE)), FIRST
    while True:
        work.going()
        try:
            return ask()
        except MailwizzError as fault:
            if not fault.temporary or time.monotonic() > end:
                raise Failed(words(fault)) from fault
            seconds = min(fault.retry_after or pause, 5 * LONGEST)
            work.say(f"{fault.what}: asked again in {seconds:g} s")
            pause = min(2 * pause, LONGEST)
        work.wait(seconds)


def words(fault: MailwizzError) -> str:
    return f"{fault.what}. {fault.remedy}"
