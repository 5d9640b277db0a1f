# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL, Redis and the API itself die or hang while they are asked: what was acknowledged is there, what was not is there whole
or not at all, and everything comes back by itself."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections import Counter

import httpx2 as httpx
import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine, event, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

import samples
import servers
from email_engine.api.app import create_app
from email_engine.settings import Settings
from email_engine.store.connection import LOCK, SILENCE
from email_engine.store.models import AuditRow, Ip

WRITERS = 6


@pytest.fixture(scope="module")
def postgresql():
    """One that may be killed."""
    server = servers.PostgreSQL()
    yield server
    server.close()


@pytest.fixture
def known(postgresql, redis):
    return {
        "database": servers.empty_database(postgresql.place)[servers.ROLE],
        "redis": redis.url,
        "key_pepper": "pepper",
        "requests_per_minute": 10**9,
    }


@pytest.fixture
def redis(tmp_path):
    server = servers.Redis(tmp_path)
    yield server
    server.kill()


@pytest.fixture
def key(known):
    senders = [samples.sender(number) for number in range(WRITERS)]
    senders += [samples.sender(number, "other") for number in (100, 101)]
    tenants = [samples.tenant(), samples.tenant("other")]
    return samples.populated(Settings(**known), samples.fleet(*senders, tenants=tenants))[0]


@pytest.fixture
def api(known, key, tmp_path):
    server = servers.Api(tmp_path, **known)
    yield server
    server.close()


class Load:
    """Writers, each with a sender of its own: pause, resume, pause, ... Each request has a reason that no other has.

    answers: {reason: (status, changed, content type)}; status None where there was no answer at all.
    """

    def __init__(self, api, key):
        self._api, self._key, self._end, self.answers = api, key, threading.Event(), {}
        self._threads = [threading.Thread(target=self._write, args=(number,)) for number in range(WRITERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive()

    def _write(self, number):
        with self._api.client(headers=self._key, timeout=60) as client:
            for turn in itertools.count():
                if self._end.is_set():
                    return
                verb, reason = ("pause", "resume")[turn % 2], f"writer {number}, turn {turn}"
                try:
                    found = client.post(f"/api/v1/ips/m{number}.sos.test:{verb}", json={"reason": reason})
                    changed = found.status_code == 200 and found.json()["changed"]
                    self.answers[reason] = (found.status_code, changed, found.headers["content-type"])
                except httpx.TransportError:
                    self.answers[reason] = (None, False, "")
                    time.sleep(0.05)

    def count(self, status):
        return sum(one[0] == status for one in list(self.answers.values()))

    def until(self, status, more):
        """Wait for so many more answers of the status."""
        wanted, end = self.count(status) + more, time.monotonic() + 30
        while self.count(status) < wanted:
            assert time.monotonic() < end, Counter(one[0] for one in self.answers.values())
            time.sleep(0.02)


def check(known, load):
    """Acknowledged changes are in the log once, others at most once, and the log leads to each sender's row."""
    engine = create_engine(known["database"])
    with Session(engine) as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.reason.like("writer %")).order_by(AuditRow.id)).all()
        senders = session.scalars(select(Ip)).all()
    engine.dispose()
    written = Counter(row.reason for row in rows)
    for reason, (status, changed, _type) in load.answers.items():
        assert written[reason] == changed or (status != 200 and written[reason] <= 1), (reason, status, changed)
    for ip in senders:
        mine = [row for row in rows if row.target == f"sender {ip.hostname}"]
        assert {(row.before["paused"], row.after["paused"]) for row in mine} <= {(True, False), (False, True)}
        samples.unbroken(mine, {"paused": ip.paused})


def test_postgresql_is_killed_and_comes_back(postgresql, known, key, api):
    with Load(api, key) as load:
        for _ in range(2):
            load.until(200, 50)
            postgresql.kill()
            load.until(503, 10)
            postgresql.start()
            load.until(200, 50)
    assert {status for status, *_ in load.answers.values()} == {200, 503}
    assert {kind for status, _, kind in load.answers.values() if status == 503} == {"application/problem+json"}
    check(known, load)


def test_the_api_is_killed_between_two_words(known, key, api):
    with Load(api, key) as load:
        for _ in range(3):
            load.until(200, 40)
            api.kill()
            load.until(None, 5)
            api.start()
        load.until(200, 40)
    assert {status for status, *_ in load.answers.values()} == {200, None}
    check(known, load)


def test_redis_dies_hangs_and_is_wiped(key, redis, api, known):
    """Only speed is lost: nobody is refused, and of two senders each has every other turn, whoever counts them."""

    def choose(count):
        wish = {"campaign": "newsletter", "tenant": "other", "mode": "round_robin"}
        with api.client(headers=key, timeout=30) as client:
            found = [client.post("/api/v1/senders:select", json=wish) for _ in range(count)]
        assert {one.status_code for one in found} == {200}
        assert set(Counter(one.json()["name"] for one in found).values()) == {count // 2}

    with Load(api, key) as load:
        choose(20)
        redis.kill()
        choose(20)
        redis.start()
        choose(20)
        redis.tell(signal.SIGSTOP)
        choose(4)
        redis.tell(signal.SIGCONT)
        choose(20)
        load.until(200, 20)
    assert {status for status, *_ in load.answers.values()} == {200}
    check(known, load)


def test_a_database_that_hangs_holds_nobody_for_ever(postgresql, key, api):
    with api.client(headers=key, timeout=60) as client:
        assert client.get("/api/v1/fleet").status_code == 200
        servers.tell(postgresql.process, signal.SIGSTOP)
        try:
            begin, statuses = time.monotonic(), []

            def ask():
                with api.client(headers=key, timeout=60) as one:
                    statuses.append(one.get("/api/v1/fleet").status_code)

            # More than there are threads and connections.
            threads = [threading.Thread(target=ask) for _ in range(60)]
            for thread in threads:
                thread.start()
            time.sleep(1)
            assert client.get("/health", timeout=2).status_code == 200
            for thread in threads:
                thread.join()
            assert statuses == [503] * 60 and time.monotonic() - begin < 3 * (SILENCE + LOCK)
            ready = client.get("/ready")
            assert ready.status_code == 503 and "the database does not answer" in ready.json()["detail"]
        finally:
            servers.tell(postgresql.process, signal.SIGCONT)
        assert client.get("/api/v1/fleet").status_code == 200
        assert client.get("/ready").status_code == 200


def test_a_lock_is_waited_for_only_so_long(known, key, api):
    engine = create_engine(known["database"])
    with engine.begin() as holder, api.client(headers=key, timeout=60) as client:
        holder.execute(text("SELECT 1 FROM ips WHERE hostname = 'm1.sos.test' FOR UPDATE"))
        begin = time.monotonic()
        found = client.post("/api/v1/ips/m1.sos.test:pause", json={"reason": "a test"})
        assert found.status_code == 503 and found.headers["Retry-After"]
        assert time.monotonic() - begin > LOCK - 1
        # By that limit, and not by the one for every statement.
        assert "55P03" in api.output
        assert client.post("/api/v1/ips/m2.sos.test:pause", json={"reason": "a test"}).status_code == 200
    engine.dispose()


def test_readiness_says_what_is_wrong(known, key, redis, api, postgresql):
    with api.client(timeout=60) as client:
        redis.kill()
        found = client.get("/ready")
        assert found.status_code == 200 and "does not answer" in found.json()["redis"]
        redis.start()
        owner = create_engine(f"postgresql+psycopg://owner@/engine?host={postgresql.place}")
        with owner.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
        owner.dispose()
        found = client.get("/ready")
        assert found.status_code == 503 and "of version 0000" in found.json()["detail"]
        postgresql.kill()
        try:
            found = client.get("/ready")
            assert found.status_code == 503 and "the database does not answer" in found.json()["detail"]
            assert client.get("/health").status_code == 200
        finally:
            postgresql.start()


def test_what_is_not_committed_is_not_acknowledged(known, key):
    app = create_app(Settings(**known))

    def fail(_session):
        raise OperationalError("COMMIT", {}, Exception("away"))

    event.listen(app.state.sessions, "before_commit", fail)
    client = TestClient(app)
    found = client.post("/api/v1/ips/m1.sos.test:pause", headers=key, json={"reason": "a test"})
    assert found.status_code == 503
    event.remove(app.state.sessions, "before_commit", fail)
    assert not client.get("/api/v1/ips/m1.sos.test", headers=key).json()["paused"]
