# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a converge has applied: keys that were made, queues that were seen, senders that are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.moves import CHECK

from . import fleet, lifecycle, policy
from .audit import Actor, record
from .models import Domain, Ip, QueueReport


class Key(NamedTuple):
    """A domain's DKIM key on its host; all None where it has none."""

    domain: str
    selector: str | None
    path: str | None
    public: str | None


def take(
    session: Session,
    actor: Actor,
    revision: int,
    keys: Iterable[Key],
    gone: Collection[str],
    waiting: Mapping[str, int],
) -> tuple[list[str], list[str]]:
    """Senders that are retired by this, and domains nobody has. What is gone and yet belongs to the fleet was renewed, not retired."""
    named = {*gone, *waiting}
    fleet.hold(session)
    senders = session.scalars(select(Ip).where(Ip.hostname.in_(named), Ip.status != "retired").order_by(Ip.id)).all()
    unknown = _keep_keys(session, actor, {key.domain: key for key in keys})
    declared, retired = policy.load(session), []
    _see(session, senders, waiting)
    for ip in senders:
        # Who left goes when the hosts are rid of it. Who retires by a person's word, and is declared still, leaves when it is empty.
        if ip.hostname in gone:
            event = "removed"
        elif ip.declared and ip.status == "retiring":
            event = "drained"
        else:
            continue
        queued = waiting.get(ip.hostname, 0)
        with suppress(lifecycle.NotNow):
            lifecycle.move(session, actor, ip, event, CHECK, declared, evidence={"revision": revision}, queued=queued)
            retired.append(ip.hostname)
    said = {
        "revision": revision,
        "gone": sorted(gone),
        "waiting": {name: count for name, count in waiting.items() if count},
    }
    record(session, actor, "applied", "fleet", evidence=said)
    return retired, unknown


def _keep_keys(session: Session, actor: Actor, keys: Mapping[str, Key]) -> list[str]:
    domains = {one.name: one for one in session.scalars(select(Domain).where(Domain.name.in_(keys)))}
    for name, domain in domains.items():
        before = (domain.dkim_selector, domain.dkim_key_path, domain.dkim_public)
        after = keys[name][1:]
        if before != after:
            domain.dkim_selector, domain.dkim_key_path, domain.dkim_public = after
            said = ("selector", "path", "public")
            about = {"before": dict(zip(said, before, strict=True)), "after": dict(zip(said, after, strict=True))}
            record(session, actor, "keyed", f"domain {name}", tenant_id=domain.tenant_id, **about)
    session.flush()
    return sorted(set(keys) - set(domains))


def _see(session: Session, senders: Iterable[Ip], waiting: Mapping[str, int]) -> None:
    seen = [
        {"tenant_id": ip.tenant_id, "ip_id": ip.id, "queued": waiting[ip.hostname]}
        for ip in senders
        if ip.hostname in waiting
    ]
    if seen:
        statement = insert(QueueReport)
        newer = {"queued": statement.excluded.queued, "seen_at": func.now()}
        session.execute(statement.on_conflict_do_update(index_elements=["ip_id"], set_=newer), seen)
