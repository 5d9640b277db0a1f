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

from . import lifecycle, policy
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
    senders = session.scalars(
        select(Ip).where(Ip.hostname.in_(named), Ip.status != "retired").order_by(Ip.id).with_for_update()
    ).all()
    unknown = _keep_keys(session, actor, {key.domain: key for key in keys})
    declared, retired = policy.load(session), []
    for ip in senders:
        queued = waiting.get(ip.hostname, 0)
        _see(session, ip, queued)
        # A sender that retires stays declared where a person decided so; its virtual MTA goes with the next converge.
        event = "removed" if ip.hostname in gone else "drained"
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


def _see(session: Session, ip: Ip, queued: int) -> None:
    seen = {"queued": queued, "seen_at": func.now()}
    statement = insert(QueueReport).values(tenant_id=ip.tenant_id, ip_id=ip.id, **seen)
    session.execute(statement.on_conflict_do_update(index_elements=["ip_id"], set_=seen))
