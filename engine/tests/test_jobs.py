# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs from the commit that asks for them to their end, with real workers, playbooks, PostgreSQL and Redis, and whatever kills them."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

import pytest
import redis as redis_py
from sqlalchemy import select, text, update

import servers
from email_engine.jobs import celery
from email_engine.jobs.worker import Hands
from email_engine.store import jobs
from email_engine.store.audit import Actor
from email_engine.store.models import AuditRow, Job
from sites import MARK, VAULTED, Site, processes, wait

ROLE = servers.ROLE


@pytest.fixture(scope="module")
def postgres():
    server = servers.PostgreSQL()
    yield server
    server.close()


@pytest.fixture(scope="module")
def broker():
    with tempfile.TemporaryDirectory(prefix="engine-redis-") as place:
        server = servers.Redis(Path(place))
        yield server
        server.kill()


@pytest.fixture
def site(postgres, broker):
    redis_py.Redis.from_url(broker.url).flushall()
    with tempfile.TemporaryDirectory(prefix="engine-site-") as place:
        site = Site(Path(place), servers.empty_database(postgres.place)[ROLE], broker.url)
        yield site
        site.close()
        wait(lambda: not site.alive(), 30, site.alive)


@pytest.fixture
def hands(site):
    """Starts a worker's hands in this process: quicker, where nothing is killed."""
    started = []

    def start(lane="converge", **changes):
        started.append(Hands(lane, site.known(**changes)))
        started[-1].start()

    yield start
    for one in started:
        one.stop()


def test_a_job_runs_and_tells(site):
    site.worker(job_sweep=60)
    site.until(site.ask(), "succeeded")
    site.hold()
    # From here on only the wake-up of the commit can have started it: the worker looks by itself once a minute.
    job = site.ask("add_sender", subject="m1.sos.test", arguments={"senders": ["m1.sos.test", "{{ 1 + 1 }}"]})
    site.begun(times=2)
    during = wait(lambda: found if (found := site.job(job)).progress.get("task") else None)
    assert during.state == "running" and during.progress == {
        "step": 1,
        "steps": 2,
        "playbook": "converge",
        "play": "Play of converge",
        "task": "Begin",
        "hosts": {"vps2": {"ok": 0, "changed": 0, "failed": 0}},
    }
    assert [line.text for line in site.lines(job)][:2] == ["PLAY [Play of converge]", "TASK [Begin]"]
    site.go_on()
    done = site.until(job, "succeeded")
    assert sorted((one["playbook"], one["host"], one["task"]) for one in done.result["changes"]) == [
        (name, host, "Apply") for name in ("converge", "dns_check") for host in ("vps1", "vps2")
    ]
    # What somebody wrote is taken literally, never for a template.
    assert json.loads((site.place / "dns_check-vps1").read_text()) == [None, None, ["m1.sos.test", "{{ 1 + 1 }}"]]
    assert [one["status"] for one in done.result["steps"]] == ["succeeded", "succeeded"]
    assert done.result["hosts"]["vps1"] == {"ok": 10, "changed": 2, "failed": 0}
    assert done.result["told_by_dns_check"] == "*** and more" and done.step == 2 and done.error is None
    assert done.created_at < done.started_at < done.finished_at and done.attempts == 1
    applied = [(line.step, line.host, line.outcome) for line in site.lines(job) if line.task == "Apply" and line.host]
    assert sorted(applied) == [(step, host, "changed") for step in (0, 1) for host in ("vps1", "vps2")]
    with site.sessions() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.target == f"job {job.number}").order_by(AuditRow.id))
        assert [(row.actor, row.action) for row in rows] == [("test", "queued"), ("jobs", "succeeded")]
    assert list(site.place.glob("work/job-*")) == []


def test_one_converge_at_a_time_whatever_wakes_the_workers(site):
    for _ in range(2):
        site.worker()
    asked = [site.ask() for _ in range(2)]
    app = celery.make_app(site.settings["redis"], patient=False)
    for _ in range(20):  # messages that came twice, and twice again
        celery.wake(app, "converge")
    done = [site.until(job, "succeeded") for job in asked]
    assert site.journal == ["converge begins on vps1", "converge ends"] * 2
    assert done[0].finished_at <= done[1].started_at


def test_a_stop_overtakes_a_converge_and_another_stop(site, hands):
    hands()
    hands("stop")
    site.hold()
    converge = site.ask()
    site.begun()
    site.hold("stop")
    stops = [site.ask("stop", arguments={"senders": [name], "reason": "{{ no }}"}) for name in ("m1", "m2")]
    site.begun("stop", 2)
    site.go_on("stop")
    for job in stops:
        site.until(job, "succeeded")
    assert site.job(converge).state == "running"
    assert json.loads((site.place / "stop-vps2").read_text())[1] == "{{ no }}"
    site.go_on()
    site.until(converge, "succeeded")


@pytest.mark.parametrize(("where", "begun"), [("converge", (2, 1)), ("dns_check", (1, 2))])
def test_a_killed_worker_leaves_nothing_unknown(site, hands, where, begun):
    worker = site.worker()
    site.hold(where)
    job = site.ask("add_sender", arguments={})
    site.begun(where)
    wait(lambda: site.job(job).progress.get("playbook") == where)
    worker.kill()
    # The playbook goes with it, with Ansible's own workers and what they started.
    wait(lambda: not site.alive(), 30, lambda: "\n".join(site.alive()))
    assert site.job(job).state == "running"
    site.go_on(where)
    hands()
    done = site.until(job, "succeeded")
    journal = site.journal
    assert tuple(journal.count(f"{name} begins on vps1") for name in ("converge", "dns_check")) == begun
    assert (journal.count("converge ends"), journal.count("dns_check ends")) == (1, 1)
    assert "OVERLAP" not in journal and done.attempts == 2
    # What was done before the end of the first worker is told too.
    assert {(one["playbook"], one["host"]) for one in done.result["changes"]} == {
        (name, host) for name in ("converge", "dns_check") for host in ("vps1", "vps2")
    }
    assert list(site.place.glob("work/job-*")) == []


def test_whoever_dies_again_and_again_is_given_up(site, hands):
    site.hold()
    job = site.ask()
    for attempt in (1, 2):
        worker = site.worker(job_attempts=2)
        site.begun(times=attempt)
        wait(lambda: site.job(job).progress.get("task") == "Begin")
        worker.kill()
    hands(job_attempts=2)
    failed = site.until(job, "failed")
    assert "ended 2 times" in failed.error and "playbook converge, at its task Begin" in failed.error
    assert "journalctl" in failed.error
    site.go_on()
    site.until(site.ask(), "succeeded")


def test_a_worker_that_is_told_to_end_gives_its_job_back(site, hands):
    worker = site.worker()
    site.hold()
    job = site.ask()
    site.begun()
    assert worker.end() == 0
    given_back = site.job(job)
    assert (given_back.state, given_back.attempts, given_back.worker) == ("queued", 0, None)
    assert not site.alive()
    site.go_on()
    hands()
    assert site.until(job, "succeeded").attempts == 1


def test_a_lost_claim_stops_the_playbook_and_writes_nothing(site, hands):
    hands()
    site.hold()
    job = site.ask()
    site.begun()
    with site.sessions() as theirs:
        # Somebody else, who also clears away what is not theirs.
        for path in site.place.glob("work/job-*"):
            shutil.rmtree(path, ignore_errors=True)
        theirs.execute(update(Job).values(worker="somebody else", progress={"theirs": True}))
        theirs.commit()
        wait(lambda: jobs.lock(theirs, job.number))
        wait(lambda: not site.alive(), 30, site.alive)
        found = site.job(job)
        assert (found.state, found.worker, found.progress) == ("running", "somebody else", {"theirs": True})
        theirs.execute(text("SELECT pg_advisory_unlock_all()"))
    # Whom nobody has in hand, the sweep finds.
    site.go_on()
    assert site.until(job, "succeeded").attempts == 2


def test_the_database_and_redis_die_under_a_job(site, postgres, broker):
    site.worker()
    site.hold()
    job = site.ask()
    site.begun()
    postgres.kill()
    broker.kill()
    # What happens meanwhile is not lost, however long it takes.
    site.go_on()
    wait(lambda: "converge ends" in site.journal)
    postgres.start()
    done = site.until(job, "succeeded")
    assert done.attempts == 1 and site.journal == ["converge begins on vps1", "converge ends"]
    said = [line.text.partition("\n")[0] for line in site.lines(job)]
    for task in ("Begin", "Apply", "Show", "Fail", "Tell", "End"):
        assert said.count(f"TASK [{task}]") == 1, said
    # Without Redis nobody is told, and the worker looks by itself.
    site.until(site.ask(), "succeeded")
    broker.start()
    site.until(site.ask(), "succeeded")


def test_a_wiped_redis_only_delays(site, broker):
    job = site.ask()
    redis_py.Redis.from_url(broker.url).flushall()
    broker.kill()
    worker = site.worker()  # starts without one
    site.until(job, "succeeded")
    # And ends without one.
    assert worker.end() == 0
    broker.start()


def test_cancel(site, hands):
    hands()
    site.hold()
    running, queued = site.ask("add_sender", arguments={}), site.ask()
    site.begun()
    for job in (queued, running):
        with site.sessions() as session, session.begin():
            assert jobs.cancel(session, Actor("key admin"), session.get_one(Job, job.id))
    assert site.job(queued).state == "cancelled" and site.job(queued).started_at is None
    done = site.until(running, "cancelled")
    assert done.result["note"].startswith("stopped in playbook 1 of 2, on the demand of key admin")
    assert done.result["steps"][0]["status"] == "stopped" and not site.alive()
    with site.sessions() as session, session.begin():
        assert not jobs.cancel(session, Actor("key admin"), session.get_one(Job, running.id))
    site.go_on()
    site.until(site.ask(), "succeeded")
    assert site.journal.count("converge begins on vps1") == 2


def test_no_secret_leaves_a_job(site):
    worker = site.worker()
    site.hold()
    site.place.joinpath("inventory", "group_vars", "all", "fail.yml").write_text("fail: true\n")
    job = site.ask("stop", lane="converge", arguments={"senders": ["m1"], "reason": f"ee_0123abcd_{MARK:x<43}"})
    (site.place / "hold-stop").touch()
    site.begun("stop")
    environments = site.alive("environ")
    assert len(environments) >= 3 and [said for said in environments if MARK in said] == []
    assert [said["cmdline"] for said in processes() if MARK in said["cmdline"]] == []
    site.go_on("stop")
    failed = site.until(job, "failed")
    said = "\n".join(str(vars(line)) for line in site.lines(job))
    assert "in_base64" in said and "fleet_in_job" in said and "*** was refused" in failed.error
    with site.sessions() as session:
        rows = session.execute(text("SELECT j::text FROM jobs j UNION ALL SELECT l::text FROM job_lines l")).scalars()
        kept = "\n".join(rows)
    worker.end()
    hidden = kept.replace(f"ee_0123abcd_{MARK:x<43}", "", 1)  # the argument itself, as the caller gave it
    for secret in (VAULTED, MARK, "czNjcjN0"):
        assert secret not in hidden and secret not in worker.output, secret
    assert list(site.place.glob("work/job-*")) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda site: {"inventory": site.place / "none"}, "run site.yml from the control node"),
        (lambda site: {"vault_password_file": site.place / "inventory" / "hosts.yml"}, "vault.yml does not open"),
        (lambda site: {"job_minutes": 0}, "stopped after 0 minutes"),
        (lambda site: {"collections": site.place}, "email_engine.fleet"),
        (lambda site: site.place.joinpath("work", "converge.lock").mkdir(parents=True) or {}, "Is a directory"),
    ],
)
def test_what_cannot_run_says_why(site, hands, spoil, words):
    hands(**spoil(site))
    assert words in site.until(site.ask(), "failed").error


def test_a_host_that_is_not_reached_comes_with_a_remedy(site, hands):
    hosts = "all:\n  hosts: {vps1: {ansible_host: 127.0.0.1, ansible_port: 9}, vps2: {ansible_connection: local}}\n"
    (site.place / "inventory" / "hosts.yml").write_text(hosts)
    hands()
    failed = site.until(site.ask(), "failed")
    assert "vps1, task Begin: " in failed.error and "does it answer ssh from the engine?" in failed.error
    assert failed.result["hosts"]["vps1"]["failed"] == 1
