# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounting, from PowerMTA's files to the sums in PostgreSQL: each row once, whatever happens in between."""

from __future__ import annotations

import csv
import random
import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select, text, update

import members
import samples
from ansible_collections.email_engine.fleet.plugins.modules import pmta_accounting
from email_engine.store import accounting, sends, signals
from email_engine.store.models import (
    AccountingDay,
    AccountingFile,
    AccountingRecipient,
    Alert,
    AuditRow,
    CheckRun,
    Ip,
    SentHour,
    Signal,
)

HEADER = [
    "type",
    "timeLogged",
    "timeQueued",
    "orig",
    "rcpt",
    "dsnStatus",
    "dsnDiag",
    "dsnMta",
    "bounceCat",
    "dlvType",
    "dlvSourceIp",
    "vmta",
    "jobId",
    "queue",
]
NOW = datetime.now(UTC).replace(microsecond=0)
TODAY = NOW.date()
PROVIDERS = {"gmail": {"domains": ["gmail.com"]}, "yahoo": {"domains": ["yahoo.com"]}}
POLICY = {**members.POLICY, "providers": PROVIDERS}


def row(kind="d", sender=1, rcpt="a@gmail.com", at=NOW, queued=None, **more):
    usual = {
        "d": {"dsnStatus": "2.0.0 (success)", "dsnDiag": "smtp;250 OK", "dsnMta": "mx (192.0.2.9)", "dlvType": "smtp"},
        "t": {"dsnStatus": "4.7.0 (x)", "dsnDiag": "smtp;421 later", "dsnMta": "mx (192.0.2.9)", "bounceCat": "other"},
        "b": {
            "dsnStatus": "5.1.1 (x)",
            "dsnDiag": "smtp;550 no",
            "dsnMta": "mx (192.0.2.9)",
            "bounceCat": "bad-mailbox",
        },
    }.get(kind, {})
    stamp = "%Y-%m-%d %H:%M:%S+0000"
    tenant = "sos" if sender < 3 else "other"
    return {
        "type": kind,
        "timeLogged": at.strftime(stamp),
        "timeQueued": (queued or at).strftime(stamp),
        "orig": f"bounce@m{sender}.{tenant}.test",
        "rcpt": rcpt,
        "vmta": f"vmta-m{sender}.{tenant}.test",
        "queue": f"{rcpt.rpartition('@')[2]}/vmta-m{sender}.{tenant}.test",
        **usual,
        **more,
    }


class Mta:
    """A host with accounting files, collected as playbooks/collect.yml does."""

    def __init__(self, place, client, admin):
        self.place, self.client, self.admin = place, client, admin
        fleet = client.get("/api/v1/fleet", headers=admin).json()
        self.senders = [{key: one[key] for key in ("name", "vmta", "domain", "ip")} for one in fleet["senders"]]

    def write(self, rows, name=f"acct-{TODAY}-0000.csv", header=HEADER):
        path = self.place / name
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\r\n")
            if new:
                writer.writerow(header)
            writer.writerows([one.get(column, "") for column in header] for one in rows)
        return path

    def cursors(self):
        return self.client.get("/api/v1/accounting/cursors?mta=vps2", headers=self.admin).json()

    def read(self, **more):
        known = self.cursors()
        params = {
            "files": {str(self.place / "acct.csv"): {"records": "d,b,t,rb,f"}},
            "cursors": known["cursors"],
            "senders": self.senders,
            "former": known["former"],
            "providers": PROVIDERS,
            "tracked": known["tracked"],
            "recipient_salt": known["salt"],
            "since": None,
            "max_rows": 10**6,
            "max_recipients": 10**6,
            **more,
        }
        return pmta_accounting.run(params)

    def tell(self, report):
        return self.client.post("/api/v1/accounting", headers=self.admin, json={"mta": "vps2", **report})

    def collect(self, **more):
        answer = self.tell(self.read(**more)["report"])
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def mta(app, client, admin, tmp_path):
    members.declared(app, admin, policy=POLICY)
    return Mta(tmp_path, client, admin)


@pytest.fixture
def ask(app):
    """The rows of a statement, in a session that is thrown away."""

    def ask(statement):
        with app.state.sessions() as session:
            return session.execute(statement).all()

    return ask


def total(ask, column):
    return int(ask(select(func.coalesce(func.sum(column), 0)))[0][0])


def everything(ask):
    """All sums, in an order of their own."""
    of = (AccountingDay.ip_id, AccountingDay.day, AccountingDay.provider)
    columns = (AccountingDay.attempts, AccountingDay.delivered, AccountingDay.deferred, AccountingDay.bounced)
    seen = (AccountingRecipient.ip_id, AccountingRecipient.key, AccountingRecipient.first_at)
    return (
        ask(select(*of, *columns, AccountingDay.bounces, AccountingDay.complaints).order_by(*of)),
        ask(select(SentHour.ip_id, SentHour.hour, SentHour.sent).order_by(SentHour.ip_id, SentHour.hour)),
        ask(select(*seen, AccountingRecipient.delivered_at).order_by(*seen)),
    )


# --- Once -------------------------------------------------------------------------------------------------------------


def test_sums_arrive_and_a_second_run_adds_nothing(mta, ask):
    mta.write([row(), row(rcpt="b@yahoo.com"), row("b"), row("t", 2), row("f", dlvSourceIp="198.19.0.1")])
    assert mta.collect() == {"rows": 5, "unknown": [], "overshot": []}
    before = everything(ask)
    assert mta.collect() == {"rows": 0, "unknown": [], "overshot": []}
    assert everything(ask) == before
    shown = mta.client.get("/api/v1/accounting", headers=mta.admin).json()
    gmail = next(one for one in shown if one["sender"] == "m1.sos.test" and one["provider"] == "gmail")
    assert {
        key: gmail[key] for key in ("attempts", "delivered", "deferred", "bounced", "bounces", "complaints", "opens")
    } == {
        "attempts": 2,
        "delivered": 1,
        "deferred": 0,
        "bounced": 1,
        "bounces": {"bad-mailbox": 1},
        "complaints": 1,
        "opens": None,
    }
    yahoo = next(one for one in shown if one["provider"] == "yahoo")
    assert yahoo["complaints"] is None
    assert total(ask, SentHour.sent) == 4


def test_a_file_that_grows_is_rotated_copied_and_sent_again_counts_once(mta, ask):
    path = mta.write([row(rcpt=f"{n}@gmail.com") for n in range(50)])
    mta.collect()
    mta.write([row(rcpt=f"{n}@gmail.com") for n in range(50, 60)])
    mta.collect(max_rows=3)
    (mta.place / f"acct-{TODAY}-0000.csv").rename(mta.place / f"acct-{TODAY}-0000.csv.old.csv")
    (mta.place / "acct-copy.csv").write_bytes((mta.place / f"acct-{TODAY}-0000.csv.old.csv").read_bytes())
    mta.write([row(rcpt="z@gmail.com")], f"acct-{TODAY}-0001.csv")
    mta.collect()
    path.write_bytes((mta.place / "acct-copy.csv").read_bytes())
    mta.collect()
    assert total(ask, AccountingDay.attempts) == total(ask, SentHour.sent) == 61
    assert ask(select(func.count()).select_from(AccountingFile)) == [(2,)]


def test_a_report_from_elsewhere_is_refused_and_counts_nothing(mta, ask):
    mta.write([row()])
    first = mta.read()["report"]
    mta.write([row(rcpt="b@gmail.com")])
    second = mta.read()["report"]
    assert mta.tell(first).status_code == 200
    before = everything(ask)
    # The answer was lost, or two collect at once: both come with what was counted already.
    for late in (first, second):
        said = members.problem(mta.tell(late), 409)
        assert "Nothing was counted" in said["detail"]
    assert everything(ask) == before
    mta.collect()
    assert total(ask, AccountingDay.attempts) == 2


def test_of_many_who_report_the_same_at_once_one_counts(app, mta, ask):
    mta.write([row(rcpt=f"{n}@gmail.com") for n in range(30)])
    report = mta.read()["report"]
    codes = []

    def tell():
        codes.append(
            TestClient(app).post("/api/v1/accounting", headers=mta.admin, json={"mta": "vps2", **report}).status_code
        )

    threads = [threading.Thread(target=tell) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert sorted(codes) == [200, 409, 409, 409]
    assert total(ask, AccountingDay.attempts) == 30


def test_what_fails_halfway_is_not_there_at_all(app, mta, ask, monkeypatch):
    mta.write([row()])
    report = mta.read()["report"]
    monkeypatch.setattr(accounting, "_remember", lambda *_: 1 / 0)
    assert mta.tell(report).status_code == 500
    monkeypatch.undo()
    assert everything(ask) == ([], [], []) and mta.cursors()["cursors"] == []
    mta.collect()
    assert total(ask, AccountingDay.attempts) == 1


@pytest.mark.parametrize("seed", range(3))
def test_any_order_of_runs_gives_the_sums_of_one(app, mta, ask, seed):
    """Rows come, files rotate, runs read a bit, answers get lost: as if everything had been read once at the end."""
    chance = random.Random(seed)
    number, rows = 0, []
    for _ in range(120):
        name = f"acct-{TODAY}-{number:04d}.csv"
        new = row(chance.choice("dbt"), chance.choice((1, 2, 3)), f"u{chance.randrange(40)}@gmail.com", queued=NOW)
        rows.append(new)
        mta.write([new], name)
        if chance.random() < 0.1:
            number += 1
        if chance.random() < 0.3:
            report = mta.read(max_rows=chance.choice((1, 5, 10**6)))["report"]
            if chance.random() < 0.8:
                mta.tell(report)
    while mta.read()["report"]["files"]:
        mta.collect()
    counted = everything(ask)
    with app.state.sessions() as session, session.begin():
        for table in ("accounting_files", "accounting_days", "accounting_recipients", "sent_hourly"):
            session.execute(text(f"DELETE FROM {table}"))
    for path in mta.place.glob("acct-*"):
        path.unlink()
    mta.write(rows)
    mta.collect()
    assert everything(ask) == counted


# --- What follows -----------------------------------------------------------------------------------------------------


def quota(session, count, since=10, name="m1.sos.test"):
    """As if it had had that quota, and been here, for some days."""
    session.execute(text(f"UPDATE ips SET daily_quota = {count} WHERE hostname = '{name}'"))
    session.execute(text(f"UPDATE ips SET created_at = created_at - interval '{since} days'"))
    session.execute(text("DELETE FROM quota_days"))


def overshot(ask):
    return [
        (one["day"], one["quota"]) for (one,) in ask(select(AuditRow.evidence).where(AuditRow.action == "overshot"))
    ]


def told(ask):
    wanted = select(Alert.severity, Alert.subject).where(Alert.key.startswith("overshoot/"), Alert.closed_at.is_(None))
    return [tuple(one) for one in ask(wanted)]


def at(days):
    """Noon of some days ago."""
    return datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC) - timedelta(days=days)


def test_a_day_that_is_over_is_judged_when_it_is_reported(app, mta, ask):
    with app.state.sessions.begin() as session:
        quota(session, 3)
    late = [row(rcpt=f"{n}@gmail.com", at=at(2)) for n in range(4)]
    mta.write(late, f"acct-{at(2).date()}-0000.csv")
    assert mta.collect()["overshot"] == []
    assert ask(select(Ip.hold_reason).where(Ip.hold_reason.is_not(None))) == []
    said = ("warning", f"m1.sos.test handed over more than its 3 messages on {at(2).date()}")
    assert told(ask) == [said] and overshot(ask) == [(at(2).date().isoformat(), 3)]
    # It stands though nothing more is said of that day, and is told once.
    mta.write([row(rcpt="today@gmail.com")])
    mta.collect()
    mta.write([row(rcpt="more@gmail.com", at=at(2))], f"acct-{at(2).date()}-0001.csv")
    mta.collect()
    assert told(ask) == [said] and len(overshot(ask)) == 1
    with app.state.sessions.begin() as session:
        session.execute(text("UPDATE alerts SET changed_at = now() - interval '25 hours'"))
    mta.collect()
    assert told(ask) == []


def test_before_it_was_here_a_sender_was_not_measured(app, mta, ask):
    with app.state.sessions.begin() as session:
        quota(session, 3, since=2)
    mta.write([row(rcpt=f"{n}@gmail.com", at=at(2)) for n in range(4)], f"acct-{at(2).date()}-0000.csv")
    mta.collect()
    assert told(ask) == [] == overshot(ask)


def test_a_cap_that_fell_during_the_day_makes_no_overshoot(app, mta, ask):
    """A release after a listing, a step back: what was sent before it was within the cap of then."""
    with app.state.sessions.begin() as session:
        quota(session, 5)
    mta.write([row(rcpt=f"{n}@gmail.com") for n in range(4)])
    mta.collect()
    with app.state.sessions.begin() as session:
        for count in (2, 1, 3):
            session.execute(text(f"UPDATE ips SET daily_quota = {count} WHERE hostname = 'm1.sos.test'"))
    mta.write([row(rcpt="last@gmail.com")])
    assert mta.collect()["overshot"] == [] and told(ask) == []
    mta.write([row(rcpt="more@gmail.com")])
    assert mta.collect()["overshot"] == ["m1.sos.test"]
    assert told(ask) == [("critical", f"m1.sos.test handed over more than its 5 messages on {TODAY}")]


@pytest.mark.parametrize(("ago", "most"), [(4, 2), (3, 7), (2, 7), (1, 9), (0, 9)])
def test_each_day_has_the_largest_quota_it_had(app, mta, ask, ago, most):
    """2 until the third day before today, on which it rose to 7; to 9 yesterday; today it fell to 1."""
    with app.state.sessions.begin() as session:
        quota(session, 2)
        for days, count in ((3, 7), (1, 9), (0, 1)):
            session.execute(text(f"UPDATE ips SET daily_quota = {count} WHERE hostname = 'm1.sos.test'"))
            session.execute(
                text(f"UPDATE quota_days SET day = day - {days} WHERE day = (now() AT TIME ZONE 'UTC')::date")
            )
    when = NOW if ago == 0 else at(ago)
    name = f"acct-{when.date()}-000{{}}.csv"
    mta.write([row(rcpt=f"{n}@gmail.com", at=when) for n in range(most)], name.format(0))
    mta.collect()
    assert overshot(ask) == []
    mta.write([row(rcpt="more@gmail.com", at=when)], name.format(1))
    mta.collect()
    assert overshot(ask) == [(when.date().isoformat(), most)]


def test_more_than_the_quota_stops_the_sender_for_the_day(app, mta, ask):
    with app.state.sessions() as session, session.begin():
        quota(session, 3)
    mta.write([row(rcpt=f"{n}@gmail.com") for n in range(3)])
    assert mta.collect()["overshot"] == []
    mta.write([row("t", rcpt="late@gmail.com")])
    assert mta.collect()["overshot"] == ["m1.sos.test"]
    (ip,) = ask(select(Ip.hold_reason, Ip.hold_until, Ip.status).where(Ip.hostname == "m1.sos.test"))
    assert "more than its 3 messages" in ip.hold_reason
    assert ip.hold_until == datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) + timedelta(days=1)
    ((severity,),) = ask(select(Alert.severity).where(Alert.key == "overshoot/m1.sos.test"))
    assert severity == "critical"
    # A person lets it go on: that stands, though it is over its quota still.
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET hold_reason = NULL, hold_until = NULL"))
    mta.write([row(rcpt="more@gmail.com")])
    assert mta.collect()["overshot"] == []
    # The next day begins anew.
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE accounting_days SET day = day - 1"))
    mta.write([row(rcpt="again@gmail.com")])
    assert len(overshot(ask)) == 1
    mta.collect()
    assert ask(select(Alert.id).where(Alert.key.startswith("overshoot/"), Alert.closed_at.is_(None))) == []


def test_missing_files_are_told_of_until_they_come(mta, ask):
    mta.write([row()])
    mta.write([row(rcpt="c@gmail.com")], f"acct-{TODAY}-0002.csv")
    mta.collect()
    ((said,),) = ask(select(Alert.text).where(Alert.key == "gap/vps2", Alert.closed_at.is_(None)))
    assert said == f"never seen: acct-{TODAY}-0001.csv"
    mta.write([row(rcpt="b@gmail.com")], f"acct-{TODAY}-0001.csv")
    mta.collect()
    assert ask(select(Alert.id).where(Alert.key == "gap/vps2", Alert.closed_at.is_(None))) == []
    assert total(ask, AccountingDay.attempts) == 3


def test_what_is_there_and_not_counted_is_told_of_and_closes_no_day(app, mta, ask):
    path = mta.write([row()], header=[one for one in HEADER if one != "bounceCat"])
    said = mta.read()["report"]["left"]
    mta.collect()
    wanted = select(Alert.severity, Alert.text).where(Alert.key == "accounting/vps2", Alert.closed_at.is_(None))
    assert ask(wanted) == [("warning", said[0])] and "bounceCat missing" in said[0]
    with app.state.sessions() as session:
        assert accounting.collected(session) == set()
    # A reading that ended early has not seen the rest: that ends nothing.
    mta.collect(max_rows=0)
    assert len(ask(wanted)) == 1 and ask(select(CheckRun.state)) == [("failed",)]
    # Whatever else a report says of itself.
    assert mta.tell({**mta.read()["report"], "complete": True}).status_code == 200
    with app.state.sessions() as session:
        assert accounting.collected(session) == set()
    path.unlink()
    mta.write([row()])
    mta.collect()
    assert ask(wanted) == [] and total(ask, AccountingDay.attempts) == 1 and ask(select(CheckRun.state)) == [("ok",)]
    with app.state.sessions() as session:
        assert accounting.collected(session) == {"vps2"}


def test_strangers_are_named_and_counted_for_nobody(app, mta, ask):
    mta.write([row(vmta="vmta-who"), row(vmta="{default}"), row()])
    mta.collect()
    ((detail,),) = ask(select(CheckRun.detail).where(CheckRun.name == "accounting/vps2"))
    assert detail["strays"] == {"vmta-who": 1}
    assert total(ask, AccountingDay.attempts) == 1
    told = select(Alert.severity, Alert.text).where(Alert.key == "strays/vps2", Alert.closed_at.is_(None))
    assert ask(told) == [("info", "vmta-who")]
    # Nothing new was read, and it stands; a week later it is over.
    mta.collect()
    assert ask(told) == [("info", "vmta-who")]
    with app.state.sessions() as session, session.begin():
        week = (TODAY - timedelta(days=7)).isoformat()
        session.execute(update(CheckRun).values(detail={**detail, "strayed": {"vmta-who": week}}))
    mta.collect()
    assert ask(told) == []


def changed(host, name, **values):
    """The fleet as it is declared, with that sender otherwise."""
    fleet = host.client.get("/api/v1/fleet", headers=host.admin).json()
    return {
        **fleet,
        "senders": [{**one, **values} if one["name"] == name else one for one in fleet["senders"]],
    }


@pytest.mark.parametrize("otherwise", [{"vmta": "vmta-new"}, {"mta": "vps9"}])
def test_the_last_rows_of_who_was_called_otherwise_count_for_it(app, mta, ask, otherwise):
    later = {"made_at": (NOW + timedelta(seconds=1)).isoformat(), "policy": POLICY, "mtas": ["vps2", "vps9"]}
    members.declared(app, mta.admin, changed(mta, "m1.sos.test", **otherwise), **later)
    fleet = mta.client.get("/api/v1/fleet", headers=mta.admin).json()
    mta.senders = [
        {key: one[key] for key in ("name", "vmta", "domain", "ip")} for one in fleet["senders"] if one["mta"] == "vps2"
    ]
    mta.write([row()])
    assert mta.collect()["unknown"] == []
    assert ask(select(Ip.hostname).join(AccountingDay, AccountingDay.ip_id == Ip.id)) == [("m1.sos.test",)]
    assert ask(select(Alert.key).where(Alert.kind == "strays")) == []
    # Elsewhere it is as much a stranger as before.
    known = mta.client.get("/api/v1/accounting/cursors?mta=vps7", headers=mta.admin).json()
    assert known["former"] == []


def test_the_last_rows_of_who_retired_count_for_it_for_a_while(app, mta, ask):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'retired' WHERE hostname = 'm1.sos.test'"))
    mta.senders = [one for one in mta.senders if one["name"] != "m1.sos.test"]
    mta.write([row(), row("f", dlvSourceIp="198.19.0.1")])
    assert mta.collect()["unknown"] == []
    assert total(ask, AccountingDay.attempts) == total(ask, AccountingDay.complaints) == 1
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status_changed_at = now() - interval '36 days'"))
    assert mta.cursors()["former"] == []


def test_whatever_stands_in_a_row_the_engine_takes_the_report(mta, ask):
    """One report that is refused would be refused for ever, and the rows after it with it."""
    strange = "\udcff" * 300
    rows = [
        row("b", bounceCat="no word at all"),
        row("b", bounceCat=strange),
        row(vmta=strange),
        row(rcpt=strange + "@" + strange, orig=strange),
        row("t", timeQueued=""),
        row("f", dlvSourceIp=strange, orig=""),
    ]
    with (mta.place / f"acct-{TODAY}-0000.csv").open("w", newline="", errors="surrogateescape") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerows([HEADER, *([one.get(column, "") for column in HEADER] for one in rows)])
    (mta.place / ("acct-" + "\udcff" * 200 + ".csv")).write_text("no\nheader\n")
    assert mta.collect()["rows"] == 6
    ((detail,),) = ask(select(CheckRun.detail))
    assert all(len(one) <= 1000 for one in [*detail["problems"], *detail["strays"]])
    assert [one for (one,) in ask(select(AccountingDay.bounces)) if one] == [{"other": 2}]
    assert total(ask, AccountingDay.attempts) == 4


def test_the_days_of_a_sender_in_warm_up(app, mta):
    """Each message once, on the day of its first attempt; delivered counts within 24 hours of it."""
    yesterday = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) - timedelta(hours=12)
    late = {"rcpt": "late@gmail.com", "queued": yesterday}
    soon = {"rcpt": "soon@gmail.com", "queued": yesterday}
    rows = [
        row("t", at=yesterday, **late),
        row("t", at=yesterday, **soon),
        row("t", at=yesterday + timedelta(hours=12), **soon),
        row(at=yesterday + timedelta(hours=24), **soon),
        row(at=yesterday + timedelta(hours=24, seconds=1), **late),
        row("b", at=yesterday, rcpt="gone@gmail.com"),
        row("b", at=yesterday, rcpt="local@gmail.com", dsnMta="", dsnDiag="", dsnStatus="5.3.5 (no such virtual MTA)"),
        row("b", at=yesterday, rcpt="old@gmail.com", bounceCat="message-expired", dsnStatus="4.4.7 (expired)"),
    ]
    # Files are read in the order of their names; this one says the end of the story first.
    mta.write([rows.pop(3)], f"acct-{TODAY}-0000.csv")
    mta.write(rows, f"acct-{TODAY}-0001.csv")
    mta.collect()
    with app.state.sessions() as session:
        number = session.scalars(select(Ip.id).where(Ip.hostname == "m1.sos.test")).one()
        days = accounting.history(session, [number], TODAY - timedelta(days=3))[number]
    first = next(one for one in days if one.day == yesterday.date())
    assert (first.first, first.delivered, first.attempts) == (3, 1, 3)
    assert first.providers["gmail"].bounced == 1 and first.providers["gmail"].deferred == 2
    assert first.providers["gmail"].complaints is None


def test_recipients_of_others_are_not_kept(app, mta, ask):
    with app.state.sessions() as session, session.begin():
        session.execute(
            text("UPDATE ips SET status = 'active', phase = NULL, daily_quota = 10^9 WHERE hostname = 'm2.sos.test'")
        )
    assert "m2.sos.test" not in mta.cursors()["tracked"]
    mta.write([row(sender=1), row(sender=2)])
    mta.collect()
    assert [
        name for (name,) in ask(select(Ip.hostname).join(AccountingRecipient, AccountingRecipient.ip_id == Ip.id))
    ] == ["m1.sos.test"]


def test_what_was_sent_today_is_unknown_until_the_mta_was_read(app, mta):
    with app.state.sessions() as session:
        ids = dict(session.execute(select(Ip.hostname, Ip.id)).all())
        assert sends.known_today(session, list(ids.values())) == {}
    mta.write([row()])
    mta.collect(max_rows=0)
    with app.state.sessions() as session:
        assert sends.known_today(session, list(ids.values())) == {}
    mta.collect()
    with app.state.sessions() as session:
        known = sends.known_today(session, list(ids.values()))
        assert known[ids["m1.sos.test"]] == 1 and known[ids["m2.sos.test"]] == 0
        assert accounting.collected(session) == {"vps2"}
        assert accounting.closed(session, TODAY - timedelta(days=1)) == {"vps2"}
        assert accounting.closed(session, TODAY) == set()


def test_tenants_see_their_own_and_report_nothing(app, mta, client):
    mta.write([row(sender=1), row(sender=3)])
    mta.collect()
    other = samples.make_key(app, "other's", "other")
    assert {one["sender"] for one in client.get("/api/v1/accounting", headers=other).json()} == {"m3.other.test"}
    members.problem(client.get("/api/v1/accounting?sender=m1.sos.test", headers=other), 404)
    for method, path, body in (
        ("GET", "/accounting/cursors?mta=vps2", None),
        ("POST", "/accounting", mta.read()["report"] | {"mta": "vps2"}),
        ("POST", "/signals", []),
    ):
        members.problem(client.request(method, f"/api/v1{path}", headers=other, json=body), 403)


def test_what_has_had_its_time_goes(app, mta, ask):
    mta.write([row()])
    mta.collect()
    with app.state.sessions() as session, session.begin():
        accounting.prune(session)
    assert total(ask, AccountingDay.attempts) == 1 and len(everything(ask)[2]) == 1
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE accounting_recipients SET day = day - 15"))
        session.execute(text("UPDATE accounting_files SET last_seen = now() - interval '61 days'"))
        accounting.prune(session)
    assert everything(ask)[2] == [] and mta.cursors()["cursors"] == []


# --- Signals ----------------------------------------------------------------------------------------------------------


def feed(client, admin, *counts):
    answer = client.post("/api/v1/signals", headers=admin, json=list(counts))
    assert answer.status_code == 200, answer.text
    return answer.json()


def count(number, signal="complaints", sender="m1.sos.test", provider="yahoo", day=TODAY, at=NOW):
    told = {"signal": signal, "sender": sender, "provider": provider, "day": str(day), "count": number}
    return {**told, "seen_at": at.isoformat()}


def test_a_feed_that_says_it_again_changes_nothing(mta, client, ask):
    columns = select(AccountingDay.complaints, AccountingDay.opens, AccountingDay.attempts)
    for _ in range(2):
        assert feed(client, mta.admin, count(3), count(7, "opens"), count(1, sender="nobody.test")) == {
            "unknown": ["nobody.test"]
        }
        assert ask(columns) == [(3, 7, 0)]
    feed(client, mta.admin, count(4))
    assert ask(columns) == [(4, 7, 0)]


def declare_signals(app, mta, client, told):
    fleet = client.get("/api/v1/fleet", headers=mta.admin).json()
    members.declared(app, mta.admin, fleet, policy={**POLICY, "signals": told}, made_at=NOW.isoformat())


def test_what_is_fed_and_falls_silent_is_told_of(app, mta, client, ask):
    def states():
        shown = client.get("/api/v1/signals", headers=mta.admin).json()
        return {(one["signal"], one["provider"]): one["state"] for one in shown}

    def told():
        return {key for (key,) in ask(select(Alert.key).where(Alert.kind == "silent", Alert.closed_at.is_(None)))}

    # No MTA was read yet, so bounces are silent; nobody promised complaints.
    assert states()["bounces", "gmail"] == "silent" and states()["complaints", "yahoo"] == "not_available"
    mta.write([row(rcpt="a@yahoo.com")])
    mta.collect()
    assert states()["bounces", "gmail"] == "fed" and told() == set()
    declare_signals(app, mta, client, {"complaints": {"yahoo": "fed"}})
    # Yahoo got mail and no word of complaints came ever.
    assert states()["complaints", "yahoo"] == "silent" and states()["complaints", "gmail"] == "not_available"
    mta.collect()
    assert told() == {"silent/complaints/yahoo"}
    feed(client, mta.admin, count(0))
    assert states()["complaints", "yahoo"] == "fed"
    mta.collect()
    assert told() == set()
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE signals SET seen_at = now() - interval '169 hours'"))
        session.execute(text("UPDATE check_runs SET at = now() - interval '4 hours'"))
        assert signals.silent(session) == {
            ("complaints", "yahoo"),
            *(("bounces", one) for one in ("gmail", "yahoo", "other")),
        }


def test_no_data_is_not_zero(app, mta, client):
    """Fed and alive: no complaint is 0. Not fed, or not heard of since: nothing is known."""
    yesterday = TODAY - timedelta(days=1)
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    mta.write([row(rcpt="a@yahoo.com", at=noon), row(at=noon)])
    mta.collect()
    with app.state.sessions() as session:
        number = session.scalars(select(Ip.id).where(Ip.hostname == "m1.sos.test")).one()

    def complaints():
        with app.state.sessions() as session:
            (day,) = accounting.history(session, [number], yesterday)[number]
            return {provider: part.complaints for provider, part in day.providers.items()}

    assert complaints() == {"yahoo": None, "gmail": None}
    declare_signals(app, mta, client, {"complaints": {"yahoo": "fed"}})
    assert complaints() == {"yahoo": None, "gmail": None}
    with app.state.sessions() as session, session.begin():
        session.add(Signal(signal="complaints", provider="yahoo", seen_at=NOW))
    assert complaints() == {"yahoo": 0, "gmail": None}
    feed(client, mta.admin, count(2, day=yesterday))
    assert complaints() == {"yahoo": 2, "gmail": None}


def test_reports_are_judged(mta, client):
    mta.write([row()])
    report = mta.read()["report"]
    for changes in (
        {"files": [{**report["files"][0], "position": -1}]},
        {"files": [{**report["files"][0], "identity": "x"}]},
        {"days": [{**report["days"][0], "attempts": -1}]},
        {"days": [{**report["days"][0], "provider": "no such\x00"}]},
        {"hours": [["m1.sos.test", "yesterday", 1]]},
        {"recipients": {"m1.sos.test": [["zz", 0, None]]}},
    ):
        assert mta.tell(report | changes).status_code == 422
    backwards = [{**report["files"][0], "position": 0, "start": 0}, {**report["files"][0], "position": 1, "start": 5}]
    assert mta.tell(report | {"files": backwards[1:]}).status_code == 409
    assert date.fromisoformat(report["days"][0]["day"]) == TODAY


def test_who_reported_is_in_the_audit_log_of_what_it_changed(mta, client, ask):
    feed(client, mta.admin, count(3))
    assert ask(select(AuditRow.actor).where(AuditRow.target == "signals")) == [("key admin",)]
