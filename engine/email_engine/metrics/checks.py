# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What checks, the accounting, the warm-up and the alerts look like to Prometheus; so many queries whatever the fleet's size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, text
from sqlalchemy.orm import Session

from email_engine.store import progress, sends, signals
from email_engine.store.models import (
    LIST_STATES,
    RUN_STATES,
    AccountingFile,
    Alert,
    AlertTelling,
    CheckRun,
    DnsblList,
    Ip,
    WarmupPlan,
)

Samples = dict[tuple[str, ...], float]
_ACCOUNTING = "accounting/"
_LIVING = Ip.status != "retired"


def read(session: Session) -> dict[str, Samples]:
    addresses = {
        number: str(one) for number, one in session.execute(select(Ip.id, func.host(Ip.address)).where(_LIVING))
    }
    found = (_sent, _holds, _warmup, _lists, _runs, _signals, _alerts)
    return {name: samples for part in found for name, samples in part(session, addresses).items()}


def _states(rows: Iterable[tuple[str, str]], states: Iterable[str]) -> Samples:
    """One sample for each state that a thing may have: 1 for the one that it has."""
    known = list(states)
    return {(name, state): state == now for name, now in rows for state in known}


def _sent(session: Session, addresses: Mapping[int, str]) -> dict[str, Samples]:
    known = sends.known_today(session, list(addresses))
    return {"email_engine_sender_sent_today": {(addresses[one],): count for one, count in known.items()}}


def _holds(session: Session, addresses: Mapping[int, str]) -> dict[str, Samples]:
    until = dict(session.execute(select(Ip.id, Ip.hold_until).where(_LIVING, Ip.hold_reason.isnot(None))).all())
    return {
        "email_engine_sender_held": {(address,): number in until for number, address in addresses.items()},
        "email_engine_sender_hold_end_timestamp_seconds": {
            (addresses[number],): moment.timestamp() for number, moment in until.items() if moment is not None
        },
    }


def _warmup(session: Session, addresses: Mapping[int, str]) -> dict[str, Samples]:
    plans = session.execute(
        select(
            WarmupPlan.ip_id,
            WarmupPlan.target_daily_quota,
            WarmupPlan.phase_changed_at,
            WarmupPlan.down_until,
            Ip.status,
        )
        .join(Ip, Ip.id == WarmupPlan.ip_id)
        .where(_LIVING)
    ).all()
    days = progress.qualified(session)
    warming = [one for one in plans if one.status == "warming"]
    return {
        "email_engine_warmup_target_quota": {(addresses[one.ip_id],): one.target_daily_quota for one in warming},
        "email_engine_warmup_phase_timestamp_seconds": {
            (addresses[one.ip_id],): one.phase_changed_at.timestamp() for one in warming
        },
        "email_engine_warmup_qualified": {(addresses[one],): count for one, count in days.items()},
        "email_engine_warmdown_end_timestamp_seconds": {
            (addresses[one.ip_id],): one.down_until.timestamp() for one in plans if one.down_until is not None
        },
    }


def _lists(session: Session, _addresses: Mapping[int, str]) -> dict[str, Samples]:
    rows = session.execute(select(DnsblList.name, DnsblList.state)).all()
    return {"email_engine_blacklist_health": _states(((one.name, one.state) for one in rows), LIST_STATES)}


def _runs(session: Session, _addresses: Mapping[int, str]) -> dict[str, Samples]:
    runs = session.scalars(select(CheckRun)).all()
    files = session.execute(
        select(AccountingFile.mta, func.sum(AccountingFile.rows), func.sum(AccountingFile.bad_rows)).group_by(
            AccountingFile.mta
        )
    ).all()
    mtas = {one.name.removeprefix(_ACCOUNTING): one.detail for one in runs if one.name.startswith(_ACCOUNTING)}
    complete = {mta: detail.get("complete_at") for mta, detail in mtas.items()}
    return {
        "email_engine_check_timestamp_seconds": {(one.name,): one.at.timestamp() for one in runs},
        "email_engine_check_state": _states(((one.name, one.state) for one in runs), RUN_STATES),
        "email_engine_accounting_rows": {(mta,): int(rows) for mta, rows, _bad in files},
        "email_engine_accounting_bad_rows": {(mta,): int(bad) for mta, _rows, bad in files},
        "email_engine_accounting_gaps": {(mta,): len(detail.get("gaps") or ()) for mta, detail in mtas.items()},
        "email_engine_accounting_complete_timestamp_seconds": {
            (mta,): datetime.fromisoformat(at).timestamp() for mta, at in complete.items() if at
        },
    }


def _signals(session: Session, _addresses: Mapping[int, str]) -> dict[str, Samples]:
    found = signals.states(session)
    return {
        "email_engine_signal_state": {
            (*key, state): state == now for key, now in found.items() for state in ("fed", "silent", "not_available")
        }
    }


def _alerts(session: Session, _addresses: Mapping[int, str]) -> dict[str, Samples]:
    opened = Alert.closed_at.is_(None)
    kinds = session.execute(
        select(Alert.kind, Alert.severity, func.count(), func.min(Alert.opened_at))
        .where(opened)
        .group_by(Alert.kind, Alert.severity)
    ).all()
    behind = Alert.told_at.is_(None) | (Alert.told_at < Alert.changed_at)
    untold: Any = select(func.count(case((behind, 1)))).where(opened)
    # A moment on the way is no fault.
    untold = untold.where(Alert.changed_at < func.now() - text("interval '2 minutes'"))
    failing = session.execute(
        select(AlertTelling.receiver, func.count(AlertTelling.error)).group_by(AlertTelling.receiver)
    ).all()
    return {
        "email_engine_alerts_open": {(kind, severity): count for kind, severity, count, _at in kinds},
        "email_engine_alert_oldest_timestamp_seconds": {
            (kind, severity): at.timestamp() for kind, severity, _count, at in kinds
        },
        "email_engine_alerts_untold": {(): session.scalar(untold)},
        "email_engine_alert_receiver_failing": {(receiver,): count for receiver, count in failing},
    }
