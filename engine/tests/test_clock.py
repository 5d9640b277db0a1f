# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Days are those of UTC and of the database's clock. What the clock of a process says, or its time zone, decides nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, select, text

import members
import samples
import servers
from email_engine.settings import Settings
from email_engine.store import sends
from email_engine.store.models import ApiKey, Ip, SentHour

# Clocks go back in Europe on the first day, forward on the second; the third is an ordinary one, in a leap year.
DAYS = [datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC), datetime(2028, 2, 29, tzinfo=UTC)]


@pytest.fixture
def clock(database, app, admin):
    """Sets the database's clock, of sessions in a zone that is neither UTC's nor off by whole hours."""
    members.declared(app, admin)
    owner = create_engine(database["owner"], isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        for statement in (
            "CREATE TABLE clock (at timestamptz)",
            "INSERT INTO clock VALUES (now())",
            f"GRANT SELECT ON clock TO {servers.ROLE}",
            "CREATE FUNCTION now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT at FROM public.clock'",
            f"ALTER ROLE {servers.ROLE} IN DATABASE engine SET search_path = public, pg_catalog",
            f"ALTER ROLE {servers.ROLE} IN DATABASE engine SET timezone = 'Asia/Kolkata'",
        ):
            connection.exec_driver_sql(statement)
    app.state.sessions.kw["bind"].dispose()

    def set_clock(at):
        with owner.connect() as connection:
            connection.execute(text("UPDATE clock SET at = :at"), {"at": at})

    yield set_clock
    owner.dispose()


@pytest.mark.parametrize("day", DAYS)
def test_each_hour_counts_in_one_day(app, clock, day):
    """Three days around it, hour by hour: what was sent today grows from midnight UTC to midnight UTC, and nowhere else."""
    first = day - timedelta(days=1)
    hours = [first + timedelta(hours=n) for n in range(72)]
    with app.state.sessions() as session, session.begin():
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        session.add_all(SentHour(tenant_id=ip.tenant_id, ip_id=ip.id, hour=hour, sent=1) for hour in hours)
    for number, hour in enumerate(hours):
        # Of the hours that were reported ahead, none counts before its day.
        clock(hour + timedelta(minutes=59))
        with app.state.sessions() as session, session.begin():
            session.execute(text("DELETE FROM sent_hourly WHERE hour > :hour"), {"hour": hour})
            today, both = sends.today(session, "sos"), sends.today_and_last_hour(session, "sos")
            session.rollback()
        assert today == {"m1.sos.test": number % 24 + 1}, hour
        assert both == (today, {"m1.sos.test": min(number + 1, 2)}), hour


def test_a_quota_is_used_up_until_midnight_utc(app, client, admin, clock):
    with app.state.sessions() as session, session.begin():
        session.execute(text("UPDATE ips SET status = 'quarantine' WHERE hostname <> 'm1.sos.test'"))
        ip = session.scalars(select(Ip).where(Ip.hostname == "m1.sos.test")).one()
        hour = DAYS[0] + timedelta(hours=2)
        session.add(SentHour(tenant_id=ip.tenant_id, ip_id=ip.id, hour=hour, sent=50))
    answers = {}
    for hour in range(3, 27):
        clock(DAYS[0] + timedelta(hours=hour))
        wish = {"campaign": "newsletter", "tenant": "sos"}
        answers[hour] = client.post("/api/v1/senders:select", headers=admin, json=wish).status_code
    assert answers == {hour: 409 if hour < 24 else 200 for hour in answers}


@pytest.mark.parametrize("jump", [timedelta(days=400), -timedelta(days=400), timedelta(hours=1), -timedelta(hours=1)])
def test_the_clock_of_a_process_decides_nothing(app, client, admin, clock, monkeypatch, jump):
    """It jumps: keys end, rests end and minutes begin as if it had not."""
    clock(DAYS[0])
    mine = samples.make_key(app, "sos's", "sos", expires_at=DAYS[0] + timedelta(minutes=5))
    members.check_dns(client, admin, "yes", "m1.sos.test", at=DAYS[0].isoformat())
    rest = {"event": "rest", "reason": "a test"}
    assert client.post("/api/v1/ips/m1.sos.test:move", headers=admin, json=rest).status_code == 200
    until = members.show(client, admin, "m1.sos.test")["until"]
    assert datetime.fromisoformat(until) == DAYS[0] + timedelta(days=7)
    app.state.settings.requests_per_minute = 3
    real = time.time
    assert client.get("/api/v1/fleet", headers=mine).status_code == 200
    monkeypatch.setattr(time, "time", lambda: real() + jump.total_seconds())
    # The same minute still.
    statuses = [client.get("/api/v1/fleet", headers=mine).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    app.state.redis.flushall()
    assert client.get("/api/v1/fleet", headers=mine).status_code == 200
    clock(DAYS[0] + timedelta(minutes=5))
    assert client.get("/api/v1/fleet", headers=mine).status_code == 401


@pytest.fixture
def processes(database, redis, tmp_path_factory):
    """The admin's key, and two servers of two processes each, which live in Paris."""
    known = {
        "database": database[servers.ROLE],
        "redis": redis[0],
        "key_pepper": "pepper",
        "session_secret": "session",
        "requests_per_minute": 10**9,
        "patience": 300,
    }
    (key,) = samples.populated(Settings(**known), samples.fleet(samples.sender(1)))
    found = []
    try:
        for name in ("first", "second"):
            place = tmp_path_factory.mktemp(name)
            found.append(servers.Api(place, 2, environment={"TZ": "Europe/Paris"}, **known))
        yield key, found
    finally:
        for one in found:
            one.close()


def login(api, key):
    """The cookie of a session."""
    with api.client(timeout=60) as client:
        page = client.get("/login")
        token = page.text.partition('name="token" value="')[2].partition('"')[0]
        before = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
        answer = client.post("/login", data={"token": token, "key": key["X-API-KEY"]}, headers=before)
        assert answer.status_code == 303
        return {"Cookie": answer.headers["set-cookie"].partition(";")[0]}


class Asking:
    """Asks all processes without pause, by key and by session. asked: (when it was sent, by which, status)."""

    def __init__(self, apis, key, cookie):
        self.asked, self._end = [], threading.Event()
        ways = [("/api/v1/fleet", key), ("/", cookie)]
        self._threads = [threading.Thread(target=self._ask, args=(api, *way)) for api in apis for way in ways * 2]

    def _ask(self, api, path, headers):
        while not self._end.is_set():
            # A new connection each time, so that each process has its share.
            with api.client(headers=headers, timeout=60) as client:
                begin = time.monotonic()
                self.asked.append((begin, path, client.get(path).status_code))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(90)

    def check(self, ended):
        """ended: the moment at which the key had ended for sure."""
        before = Counter((path, status) for begin, path, status in self.asked if begin <= ended)
        after = Counter((path, status) for begin, path, status in self.asked if begin > ended)
        assert before["/api/v1/fleet", 200] and before["/", 200]
        assert set(after) == {("/api/v1/fleet", 401), ("/", 303)}, after


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_an_ended_key_ends_everywhere_at_once(processes, database, how):
    key, apis = processes
    with apis[0].client(headers=key, timeout=60) as client:
        mine = {"X-API-KEY": client.post("/api/v1/keys", json={"name": "mine"}).json()["key"]}
        cookie = login(apis[0], mine)
        engine = create_engine(database["owner"])
        with Asking(apis, mine, cookie) as asking:
            time.sleep(2)
            if how == "revoked":
                assert client.delete("/api/v1/keys/mine").status_code == 204
            else:
                with engine.begin() as connection:
                    soon = ApiKey.__table__.update().where(ApiKey.name == "mine")
                    connection.execute(soon.values(expires_at=text("now() + interval '2 seconds'")))
                with engine.connect() as connection:
                    over = text("SELECT expires_at <= clock_timestamp() FROM api_keys WHERE name = 'mine'")
                    while not connection.scalar(over):
                        time.sleep(0.01)
            ended = time.monotonic()
            time.sleep(2)
        engine.dispose()
    asking.check(ended)
