# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine on VPS 3 runs the platform: senders come and go, stops hold, faults are survived. Deploys the lab's fleet with an engine itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.tests.lab.deployed import (
    ONE,
    ROOT,
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

SECRETS = Path("/var/lib/email-engine-lab/engine")
SECOND, SIXTH = "mail2.sos-holidays.test", "mail6.sos-holidays.test"


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    """A copy that tests may edit. Its age is that of its newest file, so a later edit is a later declaration."""
    copy = tmp_path_factory.mktemp("engine") / "inventory"
    subprocess.run(["cp", "-rL", str(ROOT / "inventories/lab_engine"), str(copy)], check=True)
    converge(inventory=copy)
    return copy


@pytest.fixture(scope="module")
def engine(inventory):
    return Engine()


def control(command: str, **more) -> str:
    return ssh("vps3", command, **more)


def wait_for(engine, seconds=60):
    """Until the engine answers again; what a dying or starting server says is of no interest."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return engine.get("/jobs?limit=1")
        except Exception:
            assert time.monotonic() < deadline, "the engine does not come back"
            time.sleep(1)


def failed(inventory: Path, *extra: str, playbook: str = "site.yml") -> str:
    return converge(*extra, inventory=inventory, playbook=playbook, expect=2)


def test_a_second_run_changes_nothing(inventory):
    recap = converge(inventory=inventory).rpartition("PLAY RECAP")[2]
    assert set(re.findall(r"changed=(\d+)", recap)) == {"0"}, recap


def test_a_job_says_what_it_did_and_nothing_secret(engine):
    job = engine.job(engine.post("/jobs", {"kind": "converge"})["id"])
    assert job["state"] == "succeeded", job
    assert job["result"]["hosts"]["vps2"]["failed"] == 0 and job["result"]["changes"] == [], "nothing was out of place"
    lines = engine.get(f"/jobs/{job['id']}/log?limit=500")["items"]
    assert any(line["host"] == "vps2" and line["outcome"] == "ok" for line in lines)


def test_the_deploy_account_runs_what_a_converge_needs_and_opens_no_terminal(engine):
    shell = "runuser -u email-engine -- ssh -i /var/lib/email-engine-control/ssh/id_ed25519 -o BatchMode=yes"
    known = "-o UserKnownHostsFile=/var/lib/email-engine-control/ssh/known_hosts email-engine-deploy@198.18.0.12"
    assert control(f"{shell} {known} sudo -n whoami").strip() == "root"
    assert "PTY allocation request failed" in control(f"{shell} -tt {known} true 2>&1", codes=(255,))


def test_a_sender_is_added_by_one_request(engine, inventory):
    answer = engine.post("/ips", {"ip": "198.19.0.6", "domain": SIXTH}, expect=(202,))
    assert answer["sender"]["status"] == "standby"
    job = engine.job(answer["job"]["id"])
    assert job["state"] == "succeeded", job
    engine.idle()
    sender = engine.get(f"/ips/{SIXTH}")
    assert (sender["status"], sender["phase"], sender["daily_quota"]) == ("warming", "week_1", 50)
    mail = Mail(f"<{sender['from_email']}>", mail_from=f"bounce+x=gmail.test@{SIXTH}")
    send(mail)
    message = arrived(mail, seconds=60)
    assert message and message["source_ip"] == "198.19.0.6" and message["ehlo"] == SIXTH
    verdicts = message["authentication_results"]
    assert (verdicts["spf"], verdicts["dkim"]["result"], verdicts["dmarc"]) == ("pass", "pass", "pass")
    said = converge(inventory=inventory)
    assert set(re.findall(r"changed=(\d+)", said.rpartition("PLAY RECAP")[2])) == {"0"}, "the inventory leaves it alone"
    assert SIXTH in said and "198.19.0.6" in said, "and shows the lines that adopt it"


def stopped_within(engine, name, seconds=60) -> float:
    begin = time.monotonic()
    answer = engine.post(f"/ips/{name}:pause", {"reason": "a test of the lab"})
    job = engine.job(answer["job"]["id"], seconds=seconds)
    assert job["state"] == "succeeded", job
    return time.monotonic() - begin


@pytest.fixture
def queue_in_use():
    """A pause holds the queues that are there; those made later are the next converge's, which no longer sends anything."""
    mail = Mail(f"<{TWO}>")
    send(mail)
    assert arrived(mail, seconds=60)["source_ip"] == "198.19.0.2"


def test_a_stop_does_not_wait_for_a_converge(engine, queue_in_use):
    running = engine.post("/jobs", {"kind": "converge"})
    engine.job(running["id"], state=("running",))
    took = stopped_within(engine, SECOND)
    assert took < 60
    assert engine.get(f"/jobs/{running['id']}")["state"] == "running", "otherwise this proved nothing"
    before = queued("vmta-mail2")
    stopped, other = Mail(f"<{TWO}>"), Mail(f"<{ONE}>")
    send(stopped, other)
    assert arrived(other)["source_ip"] == "198.19.0.1"
    engine.idle()
    # The running converge and the one after it kept the stop; so does a restart.
    ssh("vps2", "systemctl restart pmta")
    assert arrived(stopped, seconds=5) is None and queued("vmta-mail2") == before + 1
    assert engine.get(f"/ips/{SECOND}")["paused"]
    answer = engine.post(f"/ips/{SECOND}:resume", {"reason": "the test is over"})
    assert engine.job(answer["job"]["id"])["state"] == "succeeded"
    assert arrived(stopped, seconds=60)["source_ip"] == "198.19.0.2"


def test_a_stop_by_hand_needs_no_engine(engine, inventory, queue_in_use):
    workers = " ".join(f"email-engine-{lane}worker" for lane in ("", "stop-", "check-", "mail-"))
    units = f"email-engine-api.socket email-engine-api {workers}"
    control(f"systemctl stop {units}")
    try:
        said = failed(inventory, playbook="playbooks/converge.yml")
        assert "198.18.0.13" in said
        assert "changed=0" in said.rpartition("PLAY RECAP")[2] and not re.search(r"changed=[1-9]", said), (
            "nothing was touched"
        )
        converge(
            "-e",
            json.dumps({"stop_senders": [SECOND], "stop_reason": "by hand"}),
            inventory=inventory,
            playbook="playbooks/stop.yml",
        )
        before, mail = queued("vmta-mail2"), Mail(f"<{TWO}>")
        send(mail)
        assert arrived(mail, seconds=3) is None and queued("vmta-mail2") == before + 1
    finally:
        control(f"systemctl start {units}")
    converge("-e", json.dumps({"stop_senders": [SECOND]}), inventory=inventory, playbook="playbooks/resume.yml")
    assert arrived(mail, seconds=60)["source_ip"] == "198.19.0.2"


def test_an_older_inventory_is_refused_before_anything_changes(engine, inventory, tmp_path):
    older = tmp_path / "older"
    subprocess.run(["cp", "-a", str(inventory), str(older)], check=True)
    for path in older.rglob("*"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
    said = failed(older, playbook="playbooks/converge.yml")
    assert "older" in said and not re.search(r"changed=[1-9]", said.rpartition("PLAY RECAP")[2])


@pytest.mark.parametrize(
    "victim", ["email-engine-worker", "email-engine-api", "postgresql@15-main", "redis-server@email-engine"]
)
def test_a_job_survives_what_is_killed(engine, victim):
    job = engine.post("/jobs", {"kind": "converge"})
    engine.job(job["id"], state=("running",))
    time.sleep(4)
    control(f"systemctl kill -s KILL {victim}")
    if victim.startswith("postgresql"):
        # Debian's unit does not restart what was killed.
        time.sleep(3)
        control(f"systemctl start {victim}")
    wait_for(engine)
    found = engine.job(job["id"])
    assert found["state"] == "succeeded", found
    engine.idle()
    ssh("vps2", "flock --nonblock /var/lib/email-engine/converge.lock true")


def test_redis_wiped_costs_only_time(engine):
    control("redis-cli -s /run/redis-email-engine/redis.sock flushall")
    assert engine.job(engine.post("/jobs", {"kind": "dns_check"})["id"])["state"] == "succeeded"


def test_nothing_of_a_whole_run_holds_a_secret(engine):
    """What a verbose run left behind, on both machines: journals, process lists, job logs, files that others may read."""
    secrets = {
        path.name: path.read_text().strip()
        for path in SECRETS.iterdir()
        if path.is_file() and path.stat().st_size < 500
    }
    secrets["tsig"] = Path("/var/lib/email-engine-lab/tsig.secret").read_text().strip()
    assert "admin_key" in secrets and all(len(value) > 8 for value in secrets.values())
    engine.post("/jobs", {"kind": "converge"})
    seen = []
    watching = threading.Event()

    def watch():
        while not watching.is_set():
            seen.append(control("ps axww -o args; cat /proc/[0-9]*/cmdline | tr '\\0' ' '", codes=(0, 1)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    engine.idle()
    watching.set()
    watcher.join()
    seen.append(control("journalctl --no-pager -o cat"))
    seen.append(ssh("vps2", "journalctl --no-pager -o cat; ps axww -o args"))
    for job in engine.get("/jobs?limit=500")["items"]:
        seen.append(json.dumps(job))
        after = 0
        while after is not None:
            page = engine.get(f"/jobs/{job['id']}/log?limit=500&after={after}")
            seen.append(json.dumps(page))
            after = page["next"]
    places = "/etc /opt/email-engine /var/log /var/lib /run /tmp"
    seen.append(
        control(f"find {places} -xdev -type f -perm -o=r -size -1M -exec cat {{}} + | tr -d '\\0'", codes=(0, 1))
    )
    text = "\n".join(seen)
    assert "email-engine" in text
    assert [name for name, value in secrets.items() if value in text] == []


def test_a_deleted_sender_leaves_nothing_behind(engine):
    assert queued("vmta-mail6.sos-holidays.test") in (0, None)
    answer = engine.ask("DELETE", f"/ips/{SIXTH}")
    assert answer.status_code == 202, answer.text
    assert engine.job(answer.json()["job"]["id"])["state"] == "succeeded"
    engine.idle()
    assert engine.ask("GET", f"/ips/{SIXTH}").status_code == 404
    assert "198.19.0.6/32" not in ssh("vps2", "ip -4 address show")


def test_everything_is_back_after_a_reboot(engine):
    subprocess.run([str(ROOT / "bin/lab"), "reboot", "vps3"], check=True, capture_output=True)
    wait_for(engine)
    assert engine.get("/fleet")["senders"]
    assert engine.job(engine.post("/jobs", {"kind": "converge"})["id"])["state"] == "succeeded"
