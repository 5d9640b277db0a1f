# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Alerts: what an operator is told about, once when it begins, again when it changes, and when it is over.

A key names what is wrong (`listing/mail1.example.com`, `blind/dnsbl`); of each there is one open alert at most. Whoever finds the
fault says so in the transaction that acts on it, as often as it is found: only what is new or differs is a change. Texts therefore
hold what was found, and no time or count that moves by itself. Who is told, and when, is `telling`'s part.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from email_engine.redaction import Redactor

from .audit import Actor, record
from .models import Alert

ALERTS = Actor("alerts")
#: Characters; the shortest limits of the services that carry them are those of Telegram (4,096) and Slack.
SUBJECT, BODY = 200, 2500
#: Kinds whose keys end with a sender's name.
OF_SENDERS = frozenset({"listing", "overshoot", "warmup", "dns", "waiting"})
_REDACTOR = Redactor()
_NOW = func.clock_timestamp()


def tell(
    session: Session,
    *,
    key: str,
    kind: str,
    severity: str,
    subject: str,
    text: str,
    remedy: str,
    tenant_id: int | None = None,
) -> bool:
    """Open the alert of that key, or bring it to this. True: it is new or changed, and will be sent after the commit.

    severity: critical, warning or info. subject: one line. text: what was found where. remedy: what to do. tenant_id: the tenant that
    may see it; None: admins alone. What looks like a secret is hidden.
    """
    said = {
        "kind": kind,
        "severity": severity,
        "tenant_id": tenant_id,
        "subject": _short(" ".join(subject.split()), SUBJECT),
        "text": _short(text, BODY),
        "remedy": _short(remedy, BODY),
    }
    statement = insert(Alert).values(key=key, opened_at=_NOW, changed_at=_NOW, **said)
    new = statement.excluded
    differs = or_(*(getattr(Alert, name).is_distinct_from(new[name]) for name in said if name != "kind"))
    statement = statement.on_conflict_do_update(
        index_elements=["key"],
        index_where=Alert.closed_at.is_(None),
        set_={**said, "changed_at": _NOW, "attempts": 0, "error": None},
        where=differs,
    )
    changed = session.scalar(statement.returning(Alert.id)) is not None
    if changed:
        evidence = {"key": key, "severity": severity}
        record(session, ALERTS, "alerted", target(kind, key), tenant_id=tenant_id, reason=subject, evidence=evidence)
    return changed


def over(session: Session, key: str) -> bool:
    """End the open alert of that key. True: there was one, and those who were told of it will be told of its end."""
    ended = (
        update(Alert).where(Alert.key == key, Alert.closed_at.is_(None)).values(closed_at=_NOW, attempts=0, error=None)
    )
    row = session.execute(ended.returning(Alert.kind, Alert.tenant_id, Alert.subject)).first()
    if row is None:
        return False
    about = {"tenant_id": row.tenant_id, "reason": row.subject, "evidence": {"key": key}}
    record(session, ALERTS, "alert ended", target(row.kind, key), **about)
    return True


def over_but(session: Session, prefix: str, keys: Iterable[str]) -> list[str]:
    """End the open alerts whose keys begin with *prefix*, except *keys*: what is no longer found is over."""
    kept = set(keys)
    opened = select(Alert.key).where(Alert.closed_at.is_(None), Alert.key.startswith(prefix, autoescape=True))
    return [key for key in session.scalars(opened.order_by(Alert.key)) if key not in kept and over(session, key)]


def is_open(session: Session, key: str) -> bool:
    return session.scalar(select(Alert.id).where(Alert.key == key, Alert.closed_at.is_(None))) is not None


def target(kind: str, key: str) -> str:
    """What the audit log says that it is about: a sender's alerts are part of its history."""
    name = key.partition("/")[2]
    return f"sender {name}" if kind in OF_SENDERS and name else f"alert {key}"


def _short(said: str, most: int) -> str:
    clean = _REDACTOR.text(said.replace("\x00", "")).strip()
    return clean if len(clean) <= most else f"{clean[: most - 4]} ..."
