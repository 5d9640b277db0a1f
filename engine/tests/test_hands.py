# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who takes which job, how long it may take, and when it is asked for again."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from sqlalchemy import func, update
from sqlalchemy.orm import sessionmaker

from ansible_collections.email_engine.fleet.plugins.module_utils.dnsbl import pace
from email_engine.jobs import kinds, sweep, worker
from email_engine.settings import Settings
from email_engine.store import jobs
from email_engine.store.audit import Actor
from email_engine.store.connection import connect
from email_engine.store.models import Job
from sites import wait

ROOT = Path(__file__).parents[2]
WHO = Actor("test")


@pytest.fixture
def settings(database, tmp_path):
    return Settings(database=database["email_engine"], redis="unix:///none", key_pepper="pepper", work=tmp_path)


@pytest.fixture
def sessions(database):
    engine = connect(database["email_engine"], 8)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


def ask(sessions, *kinds_):
    with sessions() as session, session.begin():
        for kind in kinds_:
            jobs.enqueue(session, WHO, kind)


def test_a_collection_waits_for_no_long_check(settings, sessions, monkeypatch):
    """All other hands are taken for as long as it takes."""
    begun, over = [], threading.Event()

    class Attempt:
        def __init__(self, _settings, _engine, _sessions, _ending, _worker, job, connection):
            self.kind, self.connection = job.kind, connection

        def run(self):
            begun.append(self.kind)
            if self.kind != "collect":
                over.wait(30)
            self.connection.close()

    monkeypatch.setattr(worker, "_Attempt", Attempt)
    ask(sessions, "dnsbl_check", "recheck", "dns_check", "warmup")
    hands = worker.Hands("check", settings)
    hands._couriers = None
    hands.start()
    try:
        free = worker.HANDS["check"] - 1
        assert wait(lambda: len(begun) == free, told=lambda: begun)
        ask(sessions, "collect")
        hands.wake()
        assert wait(lambda: "collect" in begun, 5, lambda: begun)
        assert len(begun) == free + 1 and begun[-1] == "collect"
    finally:
        over.set()
        hands.stop()


def test_two_rounds_of_the_lists_end_before_they_are_killed(settings):
    minutes = kinds.KINDS["dnsbl_check"].minutes
    assert 2 * pace.end(pace.LONGEST) / 60 + 5 <= minutes
    short = settings.model_copy(update={"job_minutes": 5})
    assert worker.minutes(short, "dnsbl_check") == minutes and worker.minutes(short, "collect") == 5
    assert worker.minutes(settings.model_copy(update={"job_minutes": 90}), "dnsbl_check") == 90


def test_no_cache_outlasts_the_time_until_the_second_look():
    role = yaml.safe_load((ROOT / "roles/resolver/defaults/main.yml").read_text(encoding="utf-8"))
    for name in ("resolver_cache_max_ttl", "resolver_cache_max_negative_ttl"):
        assert role[name] < sweep.CHECK_EVERY * 60, name


def test_a_second_look_counts_from_the_end_of_the_first(sessions):
    """A check of an hour asked the last ones at its end; an answer a minute later would be the same one, from a cache."""
    ask(sessions, "dnsbl_check")

    def lately(created, finished):
        moments = {
            name: None if minutes is None else func.now() - timedelta(minutes=minutes)
            for name, minutes in (("created_at", created), ("finished_at", finished))
        }
        with sessions() as session, session.begin():
            session.execute(update(Job).values(state="succeeded", **moments))
        with sessions() as session:
            return jobs.asked_lately(session, ["dnsbl_check"], 15)

    assert lately(40, 14) and not lately(40, 16) and not lately(16, None)
