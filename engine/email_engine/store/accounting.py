# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What PowerMTA's accounting says, summed; each row of a file once, because its sums and the position after it are one transaction."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Date, func, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ansible_collections.email_engine.fleet.plugins.module_utils.accounting import signals as rules
from ansible_collections.email_engine.fleet.plugins.module_utils.warmup.days import Day, Provider

from . import alerts, holds, policy, signals
from .audit import Actor, record
from .models import (
    AccountingDay,
    AccountingFile,
    AccountingRecipient,
    Alert,
    AuditRow,
    CheckRun,
    Domain,
    Ip,
    QuotaDay,
    SentHour,
    Signal,
    WarmupPlan,
)

# Any number, always the same.
_COUNTING = 0x61636374
#: Days that are kept. Rows older than 35 days are never counted (pmta_accounting), so a file that is forgotten after 60 counts nothing
#: again.
RECIPIENTS, FILES, SUMS = 14, 60, 400
#: Days for which rows are still counted for who left, as pmta_accounting reads them; and for which a stranger is told of.
FORMER, STRAYS = 35, 7
_TODAY = text("(now() AT TIME ZONE 'UTC')::date")
_MIDNIGHT = text("date_trunc('day', now(), 'UTC') + interval '1 day'")
_OVERSHOT = "overshot"
#: Of a day that is still going on, and of one that is over: severity, and what became of the sender.
_TOLD = {
    True: ("critical", "The sender is stopped until midnight UTC."),
    False: ("warning", "It was reported when the day was over, so the sender goes on."),
}
_ADDED = ("attempts", "delivered", "deferred", "bounced")
_BOUNCES = text(
    "(SELECT coalesce(jsonb_object_agg(key, n), '{}') FROM (SELECT key, sum(value::bigint) AS n FROM"
    " (SELECT * FROM jsonb_each_text(accounting_days.bounces) UNION ALL SELECT * FROM jsonb_each_text(excluded.bounces)) AS both_"
    " GROUP BY key) AS summed)"
)
_RECIPIENTS = text(
    "INSERT INTO accounting_recipients (ip_id, key, day, first_at, delivered_at)"
    " SELECT :ip, key, (to_timestamp(first) AT TIME ZONE 'UTC')::date, to_timestamp(first), to_timestamp(delivered)"
    " FROM unnest(CAST(:keys AS bytea[]), CAST(:firsts AS bigint[]), CAST(:delivered AS bigint[])) AS told(key, first, delivered)"
    " ON CONFLICT (ip_id, key) DO UPDATE SET"
    " day = least(accounting_recipients.day, excluded.day), first_at = least(accounting_recipients.first_at, excluded.first_at),"
    " delivered_at = least(accounting_recipients.delivered_at, excluded.delivered_at)"
)


class Elsewhere(Exception):
    """A file's rows before the report are not those that were counted: somebody else counted some, or the cursor is an old one."""


class File(NamedTuple):
    identity: str
    name: str
    start: int
    position: int
    anchor: str
    rows: int
    bad_rows: int


class Sum(NamedTuple):
    sender: str
    provider: str
    day: date
    attempts: int
    delivered: int
    deferred: int
    bounced: int
    bounces: Mapping[str, int]
    complaints: int | None


class Report(NamedTuple):
    """hours: (sender, hour, attempts). recipients: sender -> (key, first attempt, delivery), seconds since 1970. complete: everything
    was counted that was there at *collected_at*. left: what was not, as sentences with their remedies."""

    mta: str
    collected_at: datetime
    complete: bool
    files: Sequence[File]
    sums: Sequence[Sum]
    hours: Sequence[tuple[str, datetime, int]]
    recipients: Mapping[str, Sequence[tuple[bytes, int, int | None]]]
    strays: Mapping[str, int]
    gaps: Sequence[str]
    problems: Sequence[str]
    left: Sequence[str] = ()


class Taken(NamedTuple):
    """rows: counted by this. unknown: names that no sender of this MTA has. overshot: senders that are stopped for the day by it."""

    rows: int
    unknown: list[str]
    overshot: list[str]


def cursors(session: Session, mta: str) -> list[AccountingFile]:
    return list(session.scalars(select(AccountingFile).where(AccountingFile.mta == mta).order_by(AccountingFile.id)))


def former(session: Session, mta: str) -> list[dict[str, str]]:
    """What senders of that MTA were until lately, the latest first: those that retired, and those that are called otherwise now, or are on
    another MTA, as the audit log has it. [{"name", "vmta", "domain", "ip"}]"""
    since = func.now() - timedelta(days=FORMER)
    identity = select(Ip.hostname, Ip.vmta_name, Domain.name, Ip.address, Ip.mta).join(
        Domain, Domain.id == Ip.domain_id
    )
    retired = identity.where(Ip.status == "retired", Ip.mta == mta, Ip.status_changed_at > since).order_by(
        Ip.status_changed_at.desc()
    )
    found = [_identity(*row) for row in session.execute(retired)]
    living = {row.hostname: _identity(*row) for row in session.execute(identity.where(Ip.status != "retired"))}
    changes = (
        select(AuditRow.target, AuditRow.before)
        .where(AuditRow.action.in_(("changed", "redeclared", "adopted")), AuditRow.at > since)
        .order_by(AuditRow.id.desc())
    )
    was = dict(living)
    for target, before in session.execute(changes):
        name = target.removeprefix("sender ")
        if name in was:
            was[name] = {**was[name], **{key: one for key, one in (before or {}).items() if key in was[name]}}
            if was[name] != living[name]:
                found.append(was[name])
    mine = ({key: one for key, one in known.items() if key != "mta"} for known in found if known["mta"] == mta)
    return list({tuple(one.values()): one for one in mine}.values())


def _identity(name: str, vmta: str, domain: str, address: Any, mta: str) -> dict[str, str]:
    return {"name": name, "vmta": vmta, "domain": domain, "ip": str(address), "mta": mta}


def followed(session: Session, mta: str) -> list[str]:
    """Names of the senders in warm-up, and of those that grow on after it, whose recipients are told one by one."""
    grows = (Ip.status == "active") & WarmupPlan.growth.is_(None) & (Ip.daily_quota < WarmupPlan.target_daily_quota)
    wanted = (
        select(Ip.hostname)
        .outerjoin(WarmupPlan, WarmupPlan.ip_id == Ip.id)
        .where(Ip.mta == mta, (Ip.status == "warming") | grows)
        .order_by(Ip.id)
    )
    return list(session.scalars(wanted))


def salt(pepper: str, mta: str) -> str:
    """Key of the recipients' hashes: the same in every run, and known to nobody who reads the database alone."""
    return hashlib.blake2b(f"accounting/{mta}".encode(), key=pepper.encode()[:64], digest_size=32).hexdigest()


def take(session: Session, actor: Actor, report: Report) -> Taken:
    """Raises Elsewhere, and nothing is counted."""
    session.execute(select(func.pg_advisory_xact_lock(_COUNTING, func.hashtext(report.mta))))
    _move_on(session, report)
    senders = _senders(session, report)
    _add(session, report, senders)
    for sender, seen in sorted(report.recipients.items()):
        if sender in senders and seen:
            keys, firsts, delivered = zip(*seen, strict=True)
            told = {"keys": list(keys), "firsts": list(firsts), "delivered": list(delivered)}
            session.execute(_RECIPIENTS, {"ip": senders[sender].id, **told})
    named = {*(one.sender for one in report.sums), *(sender for sender, *_ in report.hours), *report.recipients}
    unknown = sorted(named - set(senders))
    rows = sum(file.rows for file in report.files)
    _remember(session, report, rows, unknown)
    overshot = _overshot(session, actor, report.mta, {one.day for one in report.sums})
    _tell(session, report)
    signals.watch(session)
    return Taken(rows, unknown, overshot)


def _move_on(session: Session, report: Report) -> None:
    known = {
        one.identity: one
        for one in session.scalars(
            select(AccountingFile).where(
                AccountingFile.mta == report.mta,
                AccountingFile.identity.in_([file.identity for file in report.files]),
            )
        )
    }
    for file in report.files:
        found = known.get(file.identity)
        if file.start != (found.position if found else 0) or file.position < file.start:
            raise Elsewhere(
                f"{file.name}: counted up to byte {found.position if found else 0}, reported from {file.start}"
            )
        if found is None:
            found = known[file.identity] = AccountingFile(
                mta=report.mta, identity=file.identity, name=file.name, rows=0, bad_rows=0
            )
            session.add(found)
        found.position, found.anchor, found.last_seen = file.position, file.anchor, func.now()
        found.rows += file.rows
        found.bad_rows += file.bad_rows
    session.flush()


def _senders(session: Session, report: Report) -> dict[str, Ip]:
    """By name; of those that had a name one after the other, the present one, else the last."""
    names = {*(one.sender for one in report.sums), *(sender for sender, *_ in report.hours), *report.recipients}
    before = {one["name"] for one in former(session, report.mta)} & names
    mine = (Ip.mta == report.mta) | Ip.hostname.in_(before)
    rows = session.scalars(select(Ip).where(mine, Ip.hostname.in_(names)).order_by(Ip.status != "retired", Ip.id))
    return {ip.hostname: ip for ip in rows}


def _add(session: Session, report: Report, senders: Mapping[str, Ip]) -> None:
    days = [
        {
            "tenant_id": senders[one.sender].tenant_id,
            "ip_id": senders[one.sender].id,
            **{name: getattr(one, name) for name in ("day", "provider", *_ADDED, "complaints")},
            "bounces": dict(one.bounces),
        }
        for one in report.sums
        if one.sender in senders
    ]
    hours = [
        {"tenant_id": senders[sender].tenant_id, "ip_id": senders[sender].id, "hour": hour, "sent": sent}
        for sender, hour, sent in report.hours
        if sender in senders
    ]
    for rows in _some(days):
        statement = insert(AccountingDay).values(rows)
        new = statement.excluded
        changed = {name: getattr(AccountingDay, name) + new[name] for name in _ADDED}
        # Nothing and nothing is nothing, not 0.
        both = func.coalesce(AccountingDay.complaints, 0) + new.complaints
        changed |= {"bounces": _BOUNCES, "complaints": func.coalesce(both, AccountingDay.complaints)}
        session.execute(statement.on_conflict_do_update(index_elements=["ip_id", "day", "provider"], set_=changed))
    for rows in _some(hours):
        statement = insert(SentHour).values(rows)
        changed = {"sent": SentHour.sent + statement.excluded.sent}
        session.execute(statement.on_conflict_do_update(index_elements=["ip_id", "hour"], set_=changed))
    for provider in sorted({one.provider for one in report.sums if one.complaints}):
        signals.hear(session, "complaints", provider, report.collected_at)


def _some(rows: list[dict[str, Any]], count: int = 2000) -> list[list[dict[str, Any]]]:
    """A statement takes 65,535 values."""
    return [rows[start : start + count] for start in range(0, len(rows), count)]


def _remember(session: Session, report: Report, rows: int, unknown: Sequence[str]) -> None:
    name = f"accounting/{report.mta}"
    at = session.scalars(select(func.least(report.collected_at, func.now()))).one()
    run = session.get(CheckRun, name)
    before = run.detail.get("complete_at") if run else None
    detail = {
        "complete_at": at.isoformat() if report.complete else before,
        "rows": rows,
        "bad_rows": sum(file.bad_rows for file in report.files),
        "strays": dict(report.strays),
        "strayed": _strayed(session, report, run),
        "unknown": list(unknown),
        "gaps": list(report.gaps),
        "problems": list(report.problems),
        "left": list(report.left),
    }
    early = run is not None and not report.complete and not report.left
    state = "failed" if report.left or (early and run.state == "failed") else "ok"
    if run is None:
        session.add(CheckRun(name=name, at=at, state=state, detail=detail))
    else:
        run.at, run.state, run.detail = at, state, detail
    session.flush()


def _quota() -> ColumnElement[int]:
    """The largest quota of a sender on its accounting day: as its changes tell, or what it was before the next one, or is now."""
    mine = select(QuotaDay.most).where(QuotaDay.ip_id == Ip.id, QuotaDay.day == AccountingDay.day).scalar_subquery()
    later = select(QuotaDay.began).where(QuotaDay.ip_id == Ip.id, QuotaDay.day > AccountingDay.day)
    return func.coalesce(mine, later.order_by(QuotaDay.day).limit(1).scalar_subquery(), Ip.daily_quota)


def _overshot(session: Session, actor: Actor, mta: str, days: Collection[date]) -> list[str]:
    """Senders that handed over more than their quota today: they are stopped. Told once; whom a person lets go on then is not stopped
    again that day. Of the report's other days it is told, too; that day is over, so nobody is stopped for it."""
    today = session.scalars(select(_TODAY)).one()
    attempts, day, quota = func.sum(AccountingDay.attempts), AccountingDay.day, _quota()
    # What a sender did before the engine had it was not measured by its quota.
    known = (day == _TODAY) | (day > func.timezone("UTC", Ip.created_at).cast(Date))
    rows = session.execute(
        select(Ip, day, quota, attempts)
        .join(AccountingDay, AccountingDay.ip_id == Ip.id)
        .where(Ip.mta == mta, Ip.status != "retired", day.in_({*days, today}), known)
        .group_by(Ip.id, day)
        .having(attempts > quota)
        .order_by(Ip.id, day.desc())
    ).all()
    audited = select(AuditRow.target, AuditRow.evidence["day"].astext).where(
        AuditRow.action == _OVERSHOT, AuditRow.target.in_([f"sender {ip.hostname}" for ip, *_ in rows])
    )
    before = {(target, when) for target, when in session.execute(audited)} if rows else set()
    stopped, over = [], set()
    for ip, when, most, count in rows:
        target, why = f"sender {ip.hostname}", f"handed over more than its {most} messages on {when}"
        news = (target, when.isoformat()) not in before
        if news:
            evidence = {"day": when.isoformat(), "quota": most, "attempts": int(count)}
            record(session, actor, _OVERSHOT, target, tenant_id=ip.tenant_id, reason=why, evidence=evidence)
        if when != today and (not news or ip.hostname in over):
            continue
        over.add(ip.hostname)
        severity, what = _TOLD[when == today]
        new = alerts.tell(
            session,
            key=f"overshoot/{ip.hostname}",
            kind="overshoot",
            severity=severity,
            subject=f"{ip.hostname} {why}",
            text=f"PowerMTA's accounting shows more attempts than the cap of the day. {what}",
            remedy="Compare max-smtp-msg-rate of its virtual MTA with the quota (playbooks/drift.yml), and look whether anybody else sends from its address.",
            tenant_id=ip.tenant_id,
        )
        if when == today and new and holds.hold(session, actor, ip, why, session.scalars(select(_MIDNIGHT)).one()):
            stopped.append(ip.hostname)
    # Of the other MTAs nothing is known here. What is told of a day that is over stands for a day.
    mine = session.scalars(select(Ip.hostname).where(Ip.mta == mta, Ip.hostname.not_in(over)))
    told = or_(Alert.severity != _TOLD[False][0], Alert.changed_at <= func.now() - timedelta(days=1))
    ended = select(Alert.key).where(
        Alert.closed_at.is_(None), Alert.key.in_([f"overshoot/{name}" for name in mine]), told
    )
    for key in sorted(set(session.scalars(ended))):
        alerts.over(session, key)
    return stopped


def _strayed(session: Session, report: Report, run: CheckRun | None) -> dict[str, str]:
    """Strangers of the last days -> the last day they were met."""
    today = session.scalars(select(_TODAY)).one()
    met = {**(run.detail.get("strayed") or {} if run else {}), **dict.fromkeys(report.strays, today.isoformat())}
    return {name: day for name, day in met.items() if day > (today - timedelta(days=STRAYS)).isoformat()}


def _tell(session: Session, report: Report) -> None:
    # A reading that ended early has not come by all of it.
    if report.complete or report.left:
        _say(
            session,
            f"accounting/{report.mta}",
            "warning",
            f"{report.mta}: not everything that was logged is counted",
            report.left,
            "Do what stands behind each; the next collection goes on there. Until then the sums are too low, and no sender of this MTA is"
            " given more.",
        )
    _say(
        session,
        f"gap/{report.mta}",
        "warning",
        f"{report.mta}: accounting files are missing",
        report.gaps,
        "Put the files back where PowerMTA writes them, from a backup say: what was counted already is not counted again. If they"
        " are lost, the sums of those days are too low; the alert ends when the days' other files are gone.",
    )
    run = session.get_one(CheckRun, f"accounting/{report.mta}")
    _say(
        session,
        f"strays/{report.mta}",
        "info",
        f"{report.mta}: mail that belongs to no sender",
        sorted(run.detail["strayed"]),
        "Nobody's sums have it. Names of virtual MTAs: declare the sender that uses one, or take it out of PowerMTA's configuration"
        f" (playbooks/drift.yml). The alert ends {STRAYS} days after the last such row.",
    )


def _say(session: Session, key: str, severity: str, subject: str, found: Sequence[str], remedy: str) -> None:
    """Opens or ends the alert of that key."""
    if not found:
        alerts.over(session, key)
        return
    kind = key.partition("/")[0]
    text = "\n".join(found[:20])
    alerts.tell(session, key=key, kind=kind, severity=severity, subject=subject, text=text, remedy=remedy)


def collected(session: Session, since: Any = _TODAY) -> set[str]:
    """MTAs whose accounting was read completely since that day began."""
    rows = session.execute(
        select(CheckRun.name, CheckRun.detail["complete_at"].astext).where(CheckRun.name.startswith("accounting/"))
    ).all()
    day = session.scalars(select(since)).one() if not isinstance(since, date) else since
    return {name.partition("/")[2] for name, at in rows if at and datetime.fromisoformat(at).date() >= day}


def closed(session: Session, day: date) -> set[str]:
    """MTAs of which everything that was logged on *day*, UTC, is counted: they were read completely after its end."""
    return collected(session, day + timedelta(days=1))


def history(session: Session, ip_ids: Collection[int], since: date) -> dict[int, list[Day]]:
    """The days of these senders on which anything was reported, in order. Complaints and opens are None where they are not fed, or were
    not heard of since; what is fed and was heard of, without a complaint, is 0."""
    told: Mapping[str, Any] = policy.load(session).policy.get("signals") or {}
    heard = {(one.signal, one.provider): one.seen_at.date() for one in session.scalars(select(Signal))}

    def known(signal: str, row: AccountingDay) -> int | None:
        count: int | None = getattr(row, signal)
        if rules.declared(told, signal, row.provider) != rules.FED:
            return None
        # Opens of a day are what its feed says they are; silence about complaints means none, while the feed lives.
        alive = signal == "complaints" and heard.get((signal, row.provider), date.min) > row.day
        return 0 if count is None and alive else count

    providers: dict[tuple[int, date], dict[str, Provider]] = {}
    for row in session.scalars(
        select(AccountingDay).where(AccountingDay.ip_id.in_(ip_ids), AccountingDay.day >= since)
    ):
        part = Provider(
            row.attempts, row.delivered, row.deferred, row.bounced, known("complaints", row), known("opens", row)
        )
        providers.setdefault((row.ip_id, row.day), {})[row.provider] = part
    in_time = AccountingRecipient.delivered_at <= AccountingRecipient.first_at + timedelta(hours=24)
    firsts = {
        (number, day): (count, delivered)
        for number, day, count, delivered in session.execute(
            select(AccountingRecipient.ip_id, AccountingRecipient.day, func.count(), func.count().filter(in_time))
            .where(AccountingRecipient.ip_id.in_(ip_ids), AccountingRecipient.day >= since)
            .group_by(AccountingRecipient.ip_id, AccountingRecipient.day)
        )
    }
    found: dict[int, list[Day]] = {number: [] for number in ip_ids}
    for number, day in sorted({*providers, *firsts}):
        parts = providers.get((number, day), {})
        first, delivered = firsts.get((number, day), (0, 0))
        attempts = sum(one.attempts for one in parts.values())
        found[number].append(Day(day, first, delivered, attempts, parts))
    return found


def prune(session: Session) -> None:
    """What has had its time."""
    for table, column, days in (
        ("accounting_recipients", "day", RECIPIENTS),
        ("accounting_files", "last_seen", FILES),
        ("accounting_days", "day", SUMS),
        ("sent_hourly", "hour", SUMS),
        ("quota_days", "day", SUMS),
    ):
        session.execute(text(f"DELETE FROM {table} WHERE {column} < now() - interval '{days} days'"))
