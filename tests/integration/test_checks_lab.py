# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows from a check in the lab: who is listed stops, alone and in time; who only looks listed does not; nobody is released but by a person.

Deploys the lab's fleet with an engine itself."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from datetime import datetime

import pytest

from ansible_collections.email_engine.fleet.tests.lab import client
from ansible_collections.email_engine.fleet.tests.lab.deployed import (
    ONE,
    TWO,
    Mail,
    arrived,
    converge,
    queued,
    send,
    ssh,
)
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

pytestmark = pytest.mark.engine_lab

INVENTORY = "inventories/lab_engine"
SECOND, ADDRESS = "mail2.sos-holidays.test", "198.19.0.2"
STOP_WITHIN = 60.0
# A resolver of the host's own that hands everything on.
FORWARD = "forward-zone:\\n    name: .\\n    forward-addr: 198.18.0.59\\n"


def say(*words: str) -> None:
    done = client.lab(*words)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    say("lists", "reset")
    converge(inventory=INVENTORY)
    found = Engine()
    found.idle()
    assert ready(found.job(found.post("/jobs", {"kind": "dns_check"})["id"]))
    found.idle()
    assert set(statuses(found).values()) <= {"active", "warming"}, "everybody begins as somebody who sends"
    yield found
    say("lists", "reset")


def ready(job: dict) -> bool:
    assert job["state"] == "succeeded", job
    return True


def checked(engine: Engine, times: int = 1) -> dict:
    """Whole checks of all lists, one after the other, as the timer starts them; the last one's job."""
    for _each in range(times):
        job = engine.job(engine.post("/jobs", {"kind": "dnsbl_check"})["id"], seconds=300)
        ready(job)
    return job


def statuses(engine: Engine) -> dict[str, str]:
    return {one["name"]: one["status"] for one in engine.get("/ips")["items"]}


def alerts(engine: Engine) -> dict[str, dict]:
    """Those that are open, by their keys."""
    return {one["key"]: one for one in engine.get("/alerts?limit=500")["items"] if one["closed_at"] is None}


def audit(engine: Engine, after: int = 0) -> list[dict]:
    rows: list[dict] = []
    while page := engine.get(f"/audit?after={rows[-1]['id'] if rows else after}&limit=500")["items"]:
        rows += page
    return rows


def paused_at(seconds: float = 120) -> float | None:
    """When every queue of the sender was seen to be paused."""
    end = time.time() + seconds
    while time.time() < end:
        if "/vmta-mail2 " in ssh("vps2", "pmta show queues --paused --maxitems=1000"):
            return time.time()
        time.sleep(0.3)
    return None


def released(engine: Engine) -> None:
    """By a person, the way the platform wants it: the incident is closed with its cause, then the sender is released."""
    for one in engine.get("/incidents")["items"]:
        if one["sender"] == SECOND:
            engine.post(f"/incidents/{one['id']}:close", {"cause": "the test put it on the list"})
    release = json.dumps({"release_senders": SECOND, "release_reason": "the test is over"})
    converge("-e", release, inventory=INVENTORY, playbook="playbooks/release.yml")
    engine.idle()


def test_nobody_is_listed_and_nobody_stops(engine):
    before = statuses(engine)
    checked(engine)
    assert statuses(engine) == before
    assert not [key for key in alerts(engine) if key.startswith(("listing/", "list/", "blind/"))]
    assert engine.get("/incidents")["items"] == []


@pytest.mark.parametrize("fault", ["dead", "parked", "refuse", "servfail", "timeout", "nxdomain", "truncate"])
def test_a_list_that_fails_stops_nobody_and_is_named(engine, fault):
    before = statuses(engine)
    say("list-fault", "zen", fault)
    try:
        checked(engine)
        assert statuses(engine) == before and engine.get("/incidents")["items"] == []
        found = alerts(engine)
        assert "blind/dnsbl" not in found, "the other lists see"
        if fault in ("dead", "parked", "nxdomain"):
            assert "list/zen" in found
    finally:
        say("list-fault", "zen", "ok")
    checked(engine)
    assert "list/zen" not in alerts(engine)


def test_everybody_on_one_list_at_once_is_not_believed(engine):
    """The list passes its own test, and has the whole Internet besides."""
    before = statuses(engine)
    say("list", "zen", "198.18.0.0/15", "127.0.0.2")
    try:
        checked(engine)
        assert statuses(engine) == before and engine.get("/incidents")["items"] == []
        assert "blind/dnsbl" in alerts(engine)
    finally:
        say("unlist", "zen", "198.18.0.0/15")
    checked(engine)
    assert "blind/dnsbl" not in alerts(engine)


@contextlib.contextmanager
def blind() -> Iterator[None]:
    """The checking host's own resolver forwards everything, as one does that somebody else configured."""
    file = "/etc/unbound/unbound.conf"
    ssh("vps3", f"cp -a {file} {file}.kept && printf '{FORWARD}' >>{file} && systemctl restart unbound")
    try:
        yield
    finally:
        ssh("vps3", f"mv {file}.kept {file} && systemctl restart unbound")


def test_a_blind_resolver_stops_nobody_and_is_an_alert(engine):
    before = statuses(engine)
    say("list", "zen", ADDRESS, "127.0.0.2")
    with blind():
        checked(engine)
        assert statuses(engine) == before and engine.get("/incidents")["items"] == []
        assert "198.18.0.55" in alerts(engine)["blind/dnsbl"]["text"]
    say("unlist", "zen", ADDRESS)
    checked(engine)
    assert "blind/dnsbl" not in alerts(engine)


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "while a converge runs"])
def test_who_is_listed_stops_in_time_and_alone(engine, busy, capsys):
    # A pause holds the queues that are there.
    first = Mail(f"<{TWO}>")
    send(first)
    assert arrived(first, seconds=60)["source_ip"] == ADDRESS
    others = {name: status for name, status in statuses(engine).items() if name != SECOND}
    last = max(row["id"] for row in audit(engine))
    waiting = queued("vmta-mail2")
    say("list", "zen", ADDRESS, "127.0.0.2")
    running = engine.post("/jobs", {"kind": "converge"}) if busy else None
    if running:
        engine.job(running["id"], state=("running",))
    check = engine.post("/jobs", {"kind": "dnsbl_check"})
    stopped = paused_at()
    still = engine.get(f"/jobs/{running['id']}")["state"] if running else None
    assert ready(engine.job(check["id"], seconds=300))
    moved = [row for row in audit(engine, last) if row["action"] == "moved" and row["target"] == f"sender {SECOND}"]
    assert len(moved) == 1, moved
    took = stopped and stopped - datetime.fromisoformat(moved[0]["at"]).timestamp()
    with capsys.disabled():
        print(f"\nfrom the answer to the stop in PowerMTA ({'a converge runs' if busy else 'idle'}): {took} s")
    assert took is not None and took < STOP_WITHIN
    if running:
        assert still == "running", "otherwise this proved nothing"
    # Its mail waits; the others' goes.
    held, free = Mail(f"<{TWO}>"), Mail(f"<{ONE}>")
    send(held, free)
    assert arrived(free, seconds=60)["source_ip"] == "198.19.0.1"
    engine.idle()
    assert arrived(held, seconds=5) is None and queued("vmta-mail2") == waiting + 1
    now = statuses(engine)
    assert now.pop(SECOND) == "quarantine" and now == others
    jobs = [row for row in audit(engine, last) if row["target"].startswith("job ") and row["at"] >= moved[0]["at"]]
    assert jobs and all(moved[0]["id"] < row["id"] for row in jobs), "written down before it is done"
    assert alerts(engine)[f"listing/{SECOND}"]["severity"] == "critical"
    # Off the list again it stays stopped, however often that is seen, until a person says what the cause was.
    say("unlist", "zen", ADDRESS)
    checked(engine, times=3)
    assert statuses(engine)[SECOND] == "quarantine" and arrived(held, seconds=3) is None
    released(engine)
    assert statuses(engine)[SECOND] in ("active", "warming")
    message = arrived(held, seconds=90)
    assert message and message["source_ip"] == ADDRESS, "its mail went by its own address, later"
