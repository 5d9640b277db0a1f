# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What jobs are made of, each by itself: rows, the sweep, the guard of a playbook, what is hidden, what is told, what the API shows."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from redis import Redis
from sqlalchemy import literal_column, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import sessionmaker

from email_engine.jobs import celery, functions, guard, kinds, redaction, waking
from email_engine.jobs.report import LONGEST, Report, remedy
from email_engine.jobs.sweep import Sweep
from email_engine.redaction import Redactor
from email_engine.settings import Settings
from email_engine.store import jobs
from email_engine.store.audit import Actor
from email_engine.store.connection import connect
from email_engine.store.models import AuditRow, IdempotencyKey, Ip, Job, JobLine
from samples import fleet, go_live, make_key, sender, tenant
from sites import wait

ROLE = "email_engine"
WHO = Actor("test")


@pytest.fixture
def sessions(database):
    engine = connect(database[ROLE], 12)
    yield sessionmaker(engine, expire_on_commit=False)
    engine.dispose()


@pytest.fixture
def ask(sessions):
    def ask(kind="converge", **more):
        with sessions() as session, session.begin():
            return jobs.enqueue(session, WHO, kind, **more)

    return ask


def change(sessions, **values):
    with sessions() as session, session.begin():
        session.execute(update(Job).values(**values))


def states(sessions):
    with sessions() as session:
        return [job.state for job in session.scalars(select(Job).order_by(Job.number))]


# Rows


def test_once_is_one_queued_job(sessions, ask):
    wanted = {"senders": ["m1"], "reason": "x"}
    with ThreadPoolExecutor(8) as pool:
        found = {job.id for job in pool.map(lambda _: ask("stop", arguments=wanted, once=True), range(16))}
    assert len(found) == 1
    assert ask("stop", arguments={**wanted, "senders": ["m2"]}, once=True).id not in found
    assert ask("stop", arguments=wanted).id not in found
    # Whoever is past its first playbook would not run that one for the new wish.
    change(sessions, step=1)
    assert ask("stop", arguments=wanted, once=True).number == len(states(sessions)) == 4
    with sessions() as session:
        assert len(session.scalars(select(AuditRow).where(AuditRow.action == "queued")).all()) == 4


def test_a_job_that_is_wanted_again_does_not_begin_before_the_commit(sessions, ask):
    """Else it would run without what the second caller is about to store."""
    job = ask(once=True)
    with sessions() as session, session.begin():
        assert jobs.enqueue(session, WHO, "converge", once=True).id == job.id
        with sessions() as other, other.begin():
            assert jobs.claim(other, "converge", "w") is None
    with sessions() as other, other.begin():
        assert jobs.claim(other, "converge", "w").id == job.id


def test_of_many_who_claim_each_job_has_one(sessions, ask):
    """A converge runs alone, stops run side by side; no job has two workers."""
    asked = [ask(lane="stop") for _ in range(4)] + [ask() for _ in range(2)]
    held, barrier = [], threading.Barrier(10)

    def claim(number):
        session = sessions()
        held.append(session)
        barrier.wait()
        with session.begin():
            job = jobs.claim(session, ("stop", "converge")[number % 2], f"w{number}")
            return job and job.number

    with ThreadPoolExecutor(10) as pool:
        found = [number for number in pool.map(claim, range(10)) if number]
    for session in held:
        session.close()
    assert len(found) == len(set(found)) and set(found) <= {job.number for job in asked}
    running = [state for state in states(sessions)[4:] if state == "running"]
    assert len(running) <= 1 and states(sessions).count("running") == len(found) >= 2


def test_what_a_worker_without_a_claim_may_do(sessions, ask):
    ask()
    told = {"progress": {"step": 1}, "lines": [{"step": 0, "text": "x"}]}
    with sessions() as session, session.begin():
        job = jobs.claim(session, "converge", "mine")
    with sessions() as session, session.begin():
        assert jobs.heartbeat(session, job.id, "mine", **told) is None
    for act in (
        lambda session: jobs.heartbeat(session, job.id, "theirs", **told),
        lambda session: jobs.finish(session, job.id, "theirs", "succeeded", None),
        lambda session: jobs.release(session, job.id, "theirs", "x"),
    ):
        with sessions() as session, pytest.raises(jobs.Lost), session.begin():
            act(session)
    assert states(sessions) == ["running"]
    with sessions() as session, session.begin():
        jobs.finish(session, job.id, "mine", "succeeded", None)
    with sessions() as session, pytest.raises(jobs.Lost), session.begin():
        jobs.heartbeat(session, job.id, "mine", **told)
    with sessions() as session:
        assert len(session.scalars(select(JobLine)).all()) == 1


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_every_kind_is_of_known_parts(kind):
    one = kinds.KINDS[kind]
    if one.function is not None:
        assert not one.playbooks and one.lane == "mail" and callable(functions.named(one.function))
        return
    changing, looking = {"converge", "stop", "resume"}, {"dns_check", "rbl_check", "collect", "warmup", "recheck"}
    assert set(one.playbooks) <= changing | looking
    assert one.lane == ("stop" if kind == "stop" else "check" if set(one.playbooks) <= looking else "converge")


def test_variables_are_those_of_the_kind():
    given = {"senders": ["m1"], "reason": "r", "other": 1}
    assert kinds.variables("stop", given) == {"stop_senders": ["m1"], "stop_reason": "r"}
    assert kinds.variables("add_sender", given) == {"dns_check_senders": ["m1"]}
    assert kinds.variables("converge", given) == {}


# The sweep


@pytest.fixture
def settings(database, tmp_path):
    return Settings(
        database=database[ROLE],
        redis="unix:///none",
        key_pepper="pepper",
        work=tmp_path,
        job_silence=30,
        job_attempts=2,
    )


@pytest.fixture
def running(sessions, ask):
    """A job whose worker is gone: no connection holds its lock. The database counts as up since long."""
    ask()
    with sessions() as session, session.begin():
        job = jobs.claim(session, "converge", "w")
        session.connection().detach()
    return job


@pytest.fixture
def long_up(monkeypatch):
    monkeypatch.setattr(jobs, "STARTED", literal_column("timestamptz '2000-01-01'"))


@pytest.mark.parametrize(
    ("seen", "state"),
    [
        ("now() - interval '20 seconds'", "running"),
        ("now() - interval '40 seconds'", "queued"),
        # The clock was set back: nobody waits until it has caught up.
        ("now() + interval '1 year'", "queued"),
    ],
)
def test_an_orphan_is_silent_and_unlocked(sessions, settings, running, long_up, seen, state):
    with sessions() as session, session.begin():
        session.execute(text(f"UPDATE jobs SET seen_at = {seen}"))
    sweep = Sweep(sessions, settings)
    with sessions() as holder:
        assert jobs.lock(holder, running.number)
        sweep.run()  # the clock was set ahead, or its worker is slow: somebody holds it
        assert states(sessions) == ["running"]
        holder.execute(text("SELECT pg_advisory_unlock_all()"))
    sweep.run()
    assert states(sessions) == [state]


def test_workers_have_time_after_a_start_of_the_database(sessions, settings, running, database):
    change(sessions, seen_at=text("now() - interval '1 hour'"))
    with sessions() as session:
        up = session.scalar(text("SELECT extract(epoch FROM now() - pg_postmaster_start_time())"))
    patient = settings.model_copy(update={"job_silence": float(up) + 60})
    Sweep(sessions, patient).run()
    assert states(sessions) == ["running"]


def test_a_sweep_that_was_blind_judges_nobody(sessions, settings, running, long_up, monkeypatch):
    change(sessions, seen_at=text("now() - interval '1 hour'"))
    sweep = Sweep(sessions, settings)
    with monkeypatch.context() as away:
        away.setattr(jobs, "orphans", lambda *_: sessions.kw["bind"].connect().exec_driver_sql("nonsense"))
        with pytest.raises(SQLAlchemyError):
            sweep.run()
    sweep.run()
    assert states(sessions) == ["running"]
    settings.job_silence = 0.01
    time.sleep(0.02)
    sweep.run()
    assert states(sessions) == ["queued"]


def test_a_newer_engines_job_waits_for_one(sessions, settings, ask, long_up, caplog):
    job = ask()
    change(sessions, kind="of tomorrow")
    with sessions() as session, session.begin():
        assert jobs.claim(session, "converge", "w") is None
    change(sessions, state="running", attempts=9, seen_at=text("now() - interval '1 hour'"))
    Sweep(sessions, settings).run()
    assert states(sessions) == ["running"] and job.step == 0 and caplog.records == []


@pytest.mark.parametrize(
    ("values", "state", "word"),
    [
        ({"attempts": 1}, "queued", None),
        ({"attempts": 2, "progress": {"task": "Apply"}}, "failed", "at its task Apply"),
        ({"attempts": 2, "cancel_asked_by": "key admin"}, "cancelled", None),
    ],
)
def test_what_becomes_of_an_orphan(sessions, settings, running, long_up, values, state, word):
    change(sessions, seen_at=text("now() - interval '1 hour'"), **values)
    sweeps = [Sweep(sessions, settings) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:  # timers that fire together
        list(pool.map(Sweep.run, sweeps))
    with sessions() as session:
        job = session.scalars(select(Job)).one()
        rows = session.scalars(select(AuditRow).where(AuditRow.actor == "jobs")).all()
    assert job.state == state and len(rows) == 1
    assert (word is None and job.error is None) or word in job.error
    if state == "cancelled":
        assert "the next converge completes" in job.result["note"]


@pytest.fixture
def waiting(client, admin, app):
    body = {"made_at": "2026-11-22T00:00:00Z", "declared_from": "control", "revision": "abc"}
    wanted = fleet(sender(1, status="standby"), sender(2))
    assert client.put("/api/v1/fleet", headers=admin, json={**body, "fleet": wanted}).status_code == 200
    go_live(app)
    with app.state.sessions() as session, session.begin():
        session.execute(update(Ip).where(Ip.hostname == "m1.sos.test").values(reserve=False))


def test_who_waits_for_the_dns_is_looked_at(sessions, settings, waiting):
    def checks():
        with sessions() as session:
            found = session.scalars(select(Job).where(Job.kind == "dns_check")).all()
        assert all(job.arguments == {"senders": ["m1.sos.test"]} for job in found), (
            "of those who wait, not of everybody"
        )
        return len(found)

    with sessions() as session, session.begin():
        session.execute(text("DELETE FROM jobs"))
    sweeps = [Sweep(sessions, settings) for _ in range(4)]

    def fire():
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(Sweep.run, sweeps))

    fire()
    fire()
    assert checks() == 1
    change(sessions, state="succeeded", created_at=text("now() - interval '14 minutes'"))
    fire()
    assert checks() == 1
    # Long past, or from before the clock was set back.
    for moment in ("now() - interval '16 minutes'", "now() + interval '1 year'"):
        before = checks()
        change(sessions, state="succeeded", created_at=text(moment))
        fire()
        fire()
        assert checks() == before + 1
    change(sessions, state="succeeded", created_at=text("now() - interval '16 minutes'"))
    with sessions() as session, session.begin():
        session.execute(update(Ip).values(reserve=True))
    before = checks()
    fire()
    assert checks() == before


def test_what_had_its_time_goes(sessions, settings, ask, app, admin):
    job = ask()
    with sessions() as session, session.begin():
        key = session.scalar(text("SELECT id FROM api_keys"))
        for name, age in (("old", "49 hours"), ("young", "47 hours")):
            session.add(IdempotencyKey(api_key_id=key, key=name, request="r"))
            session.flush()
            session.execute(
                text(f"UPDATE idempotency_keys SET created_at = now() - interval '{age}' WHERE key = '{name}'")
            )
        for said, age in (("old", "91 days"), ("young", "89 days")):
            session.add(JobLine(job_id=job.id, step=0, text=said))
            session.flush()
            session.execute(text(f"UPDATE job_lines SET at = now() - interval '{age}' WHERE text = '{said}'"))
    Sweep(sessions, settings).run()
    with sessions() as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["young"]
        assert session.scalars(select(JobLine.text)).all() == ["young"]


def test_files_of_a_killed_worker_go(sessions, settings, ask):
    ask()
    with sessions() as session, session.begin():
        jobs.claim(session, "converge", "alive")
        for name in ("job-alive", "job-dead", "other"):
            (settings.work / name).mkdir()
        session.commit()
        Sweep(sessions, settings).run()
    assert {path.name for path in settings.work.iterdir()} == {"job-alive", "other"}


# The guard of a playbook


SLEEPERS = "setsid sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' &) ; echo started; "


@pytest.fixture
def guarded():
    def start(script, lock="-"):
        command = [sys.executable, "-I", guard.__file__, str(os.getpid()), "1", lock]
        return subprocess.Popen([*command, "sh", "-c", script], stdout=subprocess.PIPE, text=True)

    return start


def sleeping():
    found = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line for line in found if line in ("sleep 300", "sleep 301", "sleep 302")]


@pytest.mark.parametrize(
    ("script", "told", "status"),
    [
        ("exit 3", False, 3),
        ("wait", True, 143),
        ("trap '' TERM; sleep 9", True, 143),
        ("kill -9 $$", False, 137),
    ],
)
def test_nothing_outlives_the_guard(guarded, script, told, status):
    process = guarded(SLEEPERS + script)
    assert process.stdout.readline() == "started\n"
    wait(lambda: len(sleeping()) == 3 or process.poll() is not None)
    if told:
        process.send_signal(signal.SIGTERM)
    assert process.wait(10) == status and sleeping() == []


def test_a_guard_dies_with_its_worker():
    program = f"""
import os, subprocess, sys
subprocess.run([sys.executable, "-I", {guard.__file__!r}, str(os.getpid()), "1", "-", "sh", "-c", {SLEEPERS + "wait"!r}])
"""
    worker = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert worker.stdout.readline() == "started\n"
    wait(lambda: len(sleeping()) == 3)
    worker.kill()
    worker.wait()
    wait(lambda: sleeping() == [], told=sleeping)


def test_a_lock_holds_until_the_last_process_is_gone(guarded, tmp_path):
    lock = str(tmp_path / "lock")
    first = guarded("echo first; sleep 2; :", lock)
    assert first.stdout.readline() == "first\n"
    second = guarded("echo second", lock)
    assert second.stdout.readline().startswith("waiting for the playbook")
    began = time.monotonic()
    # The guard itself, which hence cannot clear away what the playbook had started.
    first.kill()
    assert second.stdout.readline() == "second\n" and time.monotonic() - began > 1
    assert second.wait(5) == 0


# What is hidden


@pytest.fixture
def inventory(tmp_path, settings):
    """An inventory with secrets of every form, and settings that know it."""
    vault = VaultLib([("default", VaultSecret(b"vault password"))])

    def encrypted(content):
        found = vault.encrypt(content)
        return found.decode() if isinstance(found, bytes) else found

    place = tmp_path / "inventory"
    (place / "group_vars").mkdir(parents=True)
    (place / "group_vars" / "vault.yml").write_text(
        encrypted("a: {b: [sec/ret+one]}\nn: 12345678\nyes: true\nc: abc\n")
    )
    (place / "key").write_text(encrypted("-- a file that is : no\n\tYAML --\nsecond line of it\n"))
    value = encrypted('with "quotes"\nand a second line').replace("\n", "\n      ")
    (place / "hosts.yml").write_text(f"x: !unsafe y\nz:\n  - k: !vault |\n      {value}\n  - plain text\n")
    (tmp_path / "password").write_text("vault password\n")
    known = {"inventory": place, "vault_password_file": tmp_path / "password"}
    return settings.model_copy(update=known)


SECRETS = ["sec/ret+one", "12345678", "second line of it", 'with "quotes"\nand a second line', "and a second line"]


@pytest.mark.parametrize("secret", [*SECRETS, "vault password", "pepper"])
def test_a_secret_is_hidden_in_every_form(inventory, secret):
    hide = redaction.redactor(inventory).text
    forms = [secret, json.dumps({"x": secret}), repr([secret]), f"<{secret}>"]
    forms += [base64.b64encode(f"{lead}{secret}{lead}".encode()).decode() for lead in ("", "x", "xy", "xyz")]
    for form in forms:
        assert "***" in hide(form), form
    assert hide("true, abc, y, plain text") == "true, abc, y, plain text"


def test_what_cannot_be_opened_cannot_be_hidden(inventory):
    inventory.vault_password_file.write_text("another")
    with pytest.raises(redaction.Unreadable, match="does not open with the engine's vault password"):
        redaction.redactor(inventory)


# What is told


def event(kind, stdout="", **data):
    return {"event": kind, "stdout": stdout, "event_data": data}


@pytest.fixture
def report():
    found = Report(["converge", "dns_check"], 0, None)
    found.begin(Redactor(["secret text"]))
    return found


def test_lines_are_clean(report):
    report.event(event("verbose", "\x1b[0;32mTASK [x] ******\r\nwith a secret text\r\nand \0 and \ud800\x1b[0m\r\n"))
    report.event(event("warning", "a long line is wrapped, and so is the secret\n text"))
    report.event(event("runner_on_ok", "x" * (LONGEST + 5), host="vps1", task="secret text"))
    first, second, third = report.take()
    assert first["text"] == "TASK [x]\nwith a ***\nand \ufffd and ?"
    assert "secret" not in second["text"].replace("with a secret in it", "")
    assert third["text"].endswith("(5 characters more)") and third["task"] == "***"
    assert report.take() == []
    report.say("new")
    report.untake([first])
    assert [line["text"] for line in report.take()] == [first["text"], "new"]


def test_counts_and_failures(report):
    for host in ("vps1", "vps2"):
        report.event(event("runner_on_ok", host=host, task="A", res={"changed": True}))
        report.event(event("runner_on_failed", host=host, task="B", ignore_errors=True, res={"msg": "ignored"}))
        report.event(event("runner_item_on_failed", host=host, task="C", res={"msg": "item", "stderr": "secret text"}))
        report.event(event("runner_on_failed", host=host, task="C", res={"msg": "all items", "results": []}))
    assert report.state()["progress"]["hosts"]["vps1"] == {"ok": 2, "changed": 1, "failed": 1}
    # At the end Ansible tells that vps1 was rescued.
    told = {"email_engine_job": {"public": {"a\0": "secret text"}, "hosts": "not ours"}}
    sums = {"ok": {"vps1": 3, "vps2": 2}, "changed": {"vps1": 1, "vps2": 1}, "failures": {"vps2": 1}}
    report.event(event("playbook_on_stats", **sums, artifact_data=told))
    assert report.error(2) == "Playbook converge failed (exit status 2).\nvps2, task C: item\n***"
    report.end(1.23, "succeeded")
    report.begin(Redactor())
    report.event(event("runner_on_ok", host="vps1", task="A", res={}))
    result = report.state()["result"]
    assert result["hosts"] == {
        "vps1": {"ok": 4, "changed": 1, "failed": 0},
        "vps2": {"ok": 2, "changed": 1, "failed": 1},
    }
    assert result["public"] == {"a\ufffd": "***"} and result["steps"] == [
        {"playbook": "converge", "status": "succeeded", "seconds": 1.2}
    ]
    again = Report(["converge", "dns_check"], 1, result)
    assert again.state()["result"] == result and again.state()["progress"]["step"] == 1


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("Failed to connect to the host via ssh: Host key verification failed.", "reinstalled"),
        ("Failed to connect to the host via ssh: root@x: Permission denied (publickey).", "installs the account"),
        ("Failed to connect to the host via ssh: connect to host x port 22: Connection timed out", "Is the host up"),
        ("Missing sudo password", "may not become root"),
        ("Attempting to decrypt but no vault secrets found", "engine_vault_password"),
        ("a task that just failed", ""),
    ],
)
def test_a_remedy_where_one_is_known(message, word):
    assert word in remedy(message) and bool(remedy(message)) == bool(word)


def test_a_playbook_that_said_nothing_of_hosts(report):
    report.event(event("verbose", "ERROR! the playbook could not be found"))
    assert "could not be found" in report.error(1)


# What the API shows


@pytest.fixture
def asked(app, client, admin):
    body = {"made_at": "2026-11-22T00:00:00Z", "declared_from": "control", "revision": "abc"}
    wanted = fleet(sender(1), sender(3, "other"), tenants=[tenant(), tenant("other")])
    assert client.put("/api/v1/fleet", headers=admin, json={**body, "fleet": wanted}).status_code == 200
    with app.state.sessions() as session, session.begin():
        ids = dict(session.execute(text("SELECT name, id FROM tenants")).all())
        session.execute(text("DELETE FROM jobs"))
        return [
            jobs.enqueue(session, WHO, kind, tenant_id=ids.get(name), arguments={"senders": [name]})
            for kind, name in (("add_sender", "sos"), ("stop", "other"), ("converge", "all"))
        ]


def get(client, key, path="", **params):
    return client.get(f"/api/v1/jobs{path}", headers=key, params=params)


def test_the_list_and_one(client, admin, asked):
    found, after = [], 0
    while after is not None:
        answer = get(client, admin, limit=2, after=after).json()
        found += answer["items"]
        after = answer["next"]
    assert [one["number"] for one in found] == [job.number for job in asked]
    assert [one["kind"] for one in get(client, admin, lane="stop").json()["items"]] == ["stop"]
    assert get(client, admin, state="running").json()["items"] == []
    assert get(client, admin, f"/{asked[0].id}").json() == found[0]
    for path, params in (
        ("/none", {}),
        ("", {"state": "odd"}),
        ("", {"lane": "odd"}),
        (f"/{asked[0].id}/log", {"after": -1}),
    ):
        assert get(client, admin, path, **params).status_code == 422


def test_the_log_goes_on_where_it_was_read_to(app, client, admin, asked):
    with app.state.sessions() as session, session.begin():
        session.add_all([JobLine(job_id=asked[0].id, step=0, text=str(number)) for number in range(5)])
        session.add(JobLine(job_id=asked[1].id, step=0, text="another's"))
    first = get(client, admin, f"/{asked[0].id}/log", limit=3).json()
    rest = get(client, admin, f"/{asked[0].id}/log", after=first["next"]).json()
    assert [line["text"] for line in first["items"] + rest["items"]] == list("01234") and rest["next"] is None


def test_a_tenant_sees_its_own_and_of_them_no_host(app, client, admin, asked):
    mine = make_key(app, "sos's", "sos")
    told = {"step": 1, "steps": 2, "playbook": "converge", "task": "Apply for other", "hosts": {"vps2": {}}}
    with app.state.sessions() as session, session.begin():
        session.execute(update(Job).values(progress=told, result={"hosts": {"vps2": {}}}, error="vps2 failed"))
    (found,) = get(client, mine).json()["items"]
    assert found == get(client, mine, f"/{asked[0].id}").json()
    assert "vps2" not in str(found) and "other" not in str(found)
    assert found["progress"] == {"step": 1, "steps": 2, "playbook": "converge"}
    theirs, none = (get(client, mine, f"/{one}") for one in (asked[1].id, "00000000-0000-0000-0000-000000000000"))
    assert theirs.status_code == none.status_code == 404 and theirs.json()["title"] == none.json()["title"]
    assert get(client, mine, f"/{asked[0].id}/log").status_code == 403
    assert client.post(f"/api/v1/jobs/{asked[0].id}:cancel", headers=mine).status_code == 403


def test_a_person_asks_for_a_job(client, admin, app):
    site = {"made_at": "2026-11-22T00:00:00Z", "declared_from": "control", "revision": "abc", "fleet": fleet(sender(1))}
    client.put("/api/v1/fleet", headers=admin, json=site)
    asked = [client.post("/api/v1/jobs", headers=admin, json={"kind": "converge"}).json() for _ in range(2)]
    assert asked[0]["state"] == "queued" and asked[0]["id"] == asked[1]["id"], "what is queued already is the answer"
    check = client.post("/api/v1/jobs", headers=admin, json={"kind": "dns_check", "senders": ["m1.sos.test"]})
    assert (check.status_code, check.json()["arguments"]) == (202, {"senders": ["m1.sos.test"]})
    assert check.headers["Location"] == f"/api/v1/jobs/{check.json()['id']}"
    for body, status in (
        ({"kind": "stop"}, 422),
        ({"kind": "converge", "senders": ["m1.sos.test"]}, 422),
        ({"kind": "dns_check", "senders": ["m9.sos.test"]}, 404),
    ):
        assert client.post("/api/v1/jobs", headers=admin, json=body).status_code == status
    assert client.post("/api/v1/jobs", headers=make_key(app, "t", "sos"), json={"kind": "converge"}).status_code == 403


def test_cancel_over_http(app, client, admin, asked):
    def cancel(job):
        return client.post(f"/api/v1/jobs/{job.id}:cancel", headers=admin)

    first = cancel(asked[0])
    assert first.json()["state"] == "cancelled" and first.json()["cancel_asked_by"] == "key admin"
    again = cancel(asked[0])
    assert again.status_code == 409 and "is cancelled since" in again.json()["detail"]
    with app.state.sessions() as session, session.begin():
        jobs.claim(session, "converge", "w")
    running = cancel(asked[2])
    assert (running.json()["state"], running.json()["cancel_asked_by"]) == ("running", "key admin")
    assert cancel(asked[2]).status_code == 200
    with app.state.sessions() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.target == f"job {asked[2].number}")).all()
    assert [row.action for row in rows] == ["queued", "asked to cancel"]


def test_a_commit_does_not_fail_without_redis(sessions, ask, tmp_path):
    waking.install(sessions, f"unix://{tmp_path}/none")
    began = time.monotonic()
    ask()
    assert states(sessions) == ["queued"] and time.monotonic() - began < 2


def test_only_what_is_committed_wakes(sessions, redis):
    waking.install(sessions, redis[0])
    broker = Redis.from_url(redis[0])
    broker.flushall()

    def messages():
        return broker.llen(celery.queue("stop"))

    with sessions() as session, session.begin():
        with session.begin_nested():
            jobs.enqueue(session, WHO, "stop")
        assert messages() == 0
    assert messages() == 1
    with sessions() as session:
        jobs.enqueue(session, WHO, "stop")
        session.rollback()
        session.commit()
    assert messages() == 1


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("redis://host:6379/1", "redis://host:6379/1"),
        ("unix:///run/redis.sock", "redis+socket:///run/redis.sock?virtual_host=0"),
        ("unix://:word@/run/redis.sock?db=3", "redis+socket://:word@/run/redis.sock?virtual_host=3"),
    ],
)
def test_the_brokers_url(url, wanted):
    assert celery.broker(url) == wanted
