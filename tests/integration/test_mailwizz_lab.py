# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MailWizz on VPS 1 follows the fleet: installed, tenants apart, delivery servers as the engine and stops want them. Runs after the engine's tests."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.tests.lab import mailing
from ansible_collections.email_engine.fleet.tests.lab.deployed import ROOT, converge, ssh
from ansible_collections.email_engine.fleet.tests.lab.engine import Engine

pytestmark = pytest.mark.engine_lab

SECRETS = Path("/var/lib/email-engine-lab/mailwizz")
TENANTS = {"sos-holidays": 5, "ulixai": 3}
SECOND, FOURTH = "mail2.ulixai.test", "mail4.ulixai.test"
SENDING = ("active", "in-use")


@pytest.fixture(scope="module")
def inventory(tmp_path_factory):
    copy = tmp_path_factory.mktemp("mailwizz") / "inventory"
    subprocess.run(["cp", "-rL", str(ROOT / "inventories/lab_mailwizz"), str(copy)], check=True)
    # Now: an older inventory than the one that was deployed before would be refused.
    (copy / "hosts.yml").touch()
    converge(inventory=copy)
    return copy


@pytest.fixture(scope="module")
def engine(inventory):
    found = Engine()
    found.idle()
    return found


def test_each_sender_has_its_delivery_server_in_its_own_tenants_customer(engine):
    servers = mailing.servers()
    for tenant, count in TENANTS.items():
        senders = [
            one for one in engine.get("/fleet")["senders"] if one["tenant"] == tenant and one["status"] == "active"
        ]
        assert len(senders) >= count - 1, "all but who fell in other tests"
        for sender in senders:
            assert servers[sender["name"]] == {
                "customer": f"customer@{tenant}.test",
                "status": servers[sender["name"]]["status"],
                "probability": "100",
                "quota": str(sender["daily_quota"]),
            }
            assert servers[sender["name"]]["status"] in SENDING
    groups = dict(
        mailing.database(
            "SELECT g.name, COUNT(*) FROM {customer} c JOIN {customer_group} g USING (group_id) GROUP BY g.name;"
        )
    )
    assert {name: groups.get(f"fleet-{name}") for name in TENANTS} == dict.fromkeys(TENANTS, "1")


def test_the_engine_has_a_key_of_each_tenant_and_shows_none(engine):
    shown = {name: engine.get(f"/tenants/{name}/mailwizz") for name in TENANTS}
    keys = [key for (key,) in mailing.database("SELECT `key` FROM {customer_api_key};")]
    assert len(keys) == 2 and not [key for key in keys if key in json.dumps(shown)]
    assert all(one["url"].startswith(f"https://{mailing.HOST}/") and one["certificate"] for one in shown.values())


def test_a_second_run_changes_nothing(inventory, engine):
    recap = converge(inventory=inventory).rpartition("PLAY RECAP")[2]
    # Elsewhere a run may still take away who left before: that takes two.
    (changed,) = re.findall(r"^vps1 .*changed=(\d+)", recap, re.MULTILINE)
    assert changed == "0", recap


def test_a_weight_reaches_the_server(engine):
    etag = engine.ask("GET", f"/ips/{SECOND}").headers["etag"]
    answer = engine.ask("PATCH", f"/ips/{SECOND}", {"weight": 47}, If_Match=etag)
    assert answer.status_code == 200, answer.text
    engine.idle()
    assert mailing.servers()[SECOND]["probability"] == "45", "in steps of five"


def test_a_sender_that_is_added_gets_its_server(engine):
    answer = engine.post("/ips", {"ip": "198.19.1.4", "domain": FOURTH, "tenant": "ulixai"}, expect=(202,))
    assert engine.job(answer["job"]["id"])["state"] == "succeeded"
    engine.idle()
    server, sender = mailing.servers()[FOURTH], engine.get(f"/ips/{FOURTH}")
    assert server["status"] in SENDING and sender["phase"] == "week_1", (server, sender)
    assert server["quota"] == str(sender["daily_quota"]) != mailing.servers()[SECOND]["quota"]


def test_a_stop_by_hand_reaches_mailwizz_and_a_converge_undoes_it_only_when_it_is_lifted(inventory, engine):
    whom = ("-e", json.dumps({"stop_senders": ["ulixai-vmta-2"], "stop_reason": "by hand"}))
    converge(*whom, inventory=inventory, playbook="playbooks/stop.yml")
    assert mailing.servers()[SECOND]["status"] == "disabled"
    engine.idle()
    assert mailing.servers()[SECOND]["status"] == "disabled", "the converge after it kept it"
    said = converge(*whom, inventory=inventory, playbook="playbooks/resume.yml")
    assert "stay paused until a person resumes them" in " ".join(said.split())
    engine.idle()
    assert mailing.servers()[SECOND]["status"] in SENDING


def test_a_mailwizz_that_is_away_keeps_nobody_from_stopping(engine):
    ssh("vps3", "ip route add unreachable 198.18.0.11/32")
    try:
        begin = time.monotonic()
        job = engine.job(engine.post(f"/ips/{SECOND}:pause", {"reason": "a test"})["job"]["id"], seconds=120)
        assert job["state"] == "failed" and "MailWizz" in json.dumps(job), job
        assert "ulixai-vmta-2" in ssh("vps2", "cat /var/lib/email-engine/stops.json"), "PowerMTA was told first"
        assert time.monotonic() - begin < 60
    finally:
        ssh("vps3", "ip route del unreachable 198.18.0.11/32")
    engine.job(engine.post(f"/ips/{SECOND}:pause", {"reason": "a test"})["job"]["id"])
    assert mailing.servers()[SECOND]["status"] == "disabled"
    engine.job(engine.post(f"/ips/{SECOND}:resume", {"reason": "the test is over"})["job"]["id"])
    engine.idle()
    assert mailing.servers()[SECOND]["status"] in SENDING


def test_nothing_of_all_that_holds_a_secret(engine):
    secrets = {path.name: path.read_text().strip() for path in SECRETS.iterdir() if path.stat().st_size < 100}
    secrets |= {f"key {n}": key for n, (key,) in enumerate(mailing.database("SELECT `key` FROM {customer_api_key};"))}
    assert len(secrets) >= 6 and all(len(value) > 8 for value in secrets.values())
    seen = [ssh(machine, "journalctl --no-pager -o cat; ps axww -o args") for machine in ("vps1", "vps2", "vps3")]
    for job in engine.get("/jobs?limit=500")["items"]:
        seen.append(json.dumps([job, engine.get(f"/jobs/{job['id']}/log?limit=500")]))
    text = "\n".join(seen)
    assert [name for name, value in secrets.items() if value in text] == []
