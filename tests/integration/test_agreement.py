# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory and engine agree: a real engine behind TLS, the modules that talk to it, and the playbooks that act by what it says. No lab."""

from __future__ import annotations

import json
import os
import socket
from datetime import datetime, timedelta, timezone

import pytest
import yaml

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import engine_report, engine_stop
from ansible_collections.email_engine.fleet.tests.integration.served import (
    KEY,
    PASSWORD,
    certificate,
    fill,
    fleet,
    free_port,
)

YEARS = 10 * 365 * 24 * 3600


def refused(call, *args, **more):
    with pytest.raises(FleetError) as caught:
        call(*args, **more)
    return str(caught.value)


# --- The modules ------------------------------------------------------------------------------------------------------


def test_it_is_declared_and_comes_back(engine):
    result = engine.declare(fleet(), wait=True)
    assert result["changed"] and result["new"] == ["m1.sos.test", "m2.sos.test", "m3.sos.test"]
    # Who is new waits until its DNS is green.
    waiting = {**fleet(), "senders": [{**one, "status": "standby", "phase": None} for one in fleet()["senders"]]}
    assert result["fleet"] == waiting and result["diff"]["before"] == "" and "m3.sos.test" in result["diff"]["after"]
    again = engine.declare(fleet(), wait=True)
    assert not again["changed"] and again["fleet"] == waiting and again["revision"] == result["revision"]
    assert again["diff"]["before"] == again["diff"]["after"] == ""


def test_a_change_is_shown_and_lifecycle_is_the_engines(engine):
    engine.declare(fleet())
    engine.sql("UPDATE ips SET status = 'quarantine', reasons = ARRAY['listed'] WHERE hostname = 'm2.sos.test'")
    result = engine.declare(fleet(from_name="SOS"))
    assert result["redeclared"] == ["m1.sos.test", "m2.sos.test", "m3.sos.test"]
    assert json.loads(result["diff"]["after"])["sender m1.sos.test"] == {"from_name": "SOS"}
    assert [one["status"] for one in result["fleet"]["senders"]] == ["warming", "quarantine", "warming"]


def test_check_mode_stores_nothing(engine):
    result = engine.declare(fleet(), check=True)
    assert result["changed"] and len(result["fleet"]["senders"]) == 3
    assert engine.senders() == [] and engine.sql("SELECT count(*) FROM declarations") == [(0,)]
    assert engine.sql("SELECT count(*) FROM audit_log WHERE action = 'declared'") == [(0,)]


def test_an_older_declaration_is_refused(engine):
    engine.declare(fleet())
    before = engine.senders()
    said = refused(engine.declare, fleet(4), age=1)
    assert "is older than the last one" in said and "from control" in said and "fleet_confirm_older" in said
    assert engine.senders() == before


@pytest.mark.parametrize("left", [fleet(1), {**fleet(1), "senders": []}])
def test_vanishing_senders_have_to_be_confirmed(engine, left):
    engine.declare(fleet(5))
    said = refused(engine.declare, left)
    assert "fleet_confirm_removal" in said
    assert all(declared for *_rest, declared in engine.senders())
    result = engine.declare(left, confirm_removal=True)
    assert len(result["leaving"]) == 5 - len(left["senders"])
    assert [one["declared"] for one in result["fleet"]["senders"]].count(False) == len(result["leaving"])


def test_who_is_declared_retired_leaves(engine):
    engine.declare(fleet())
    document = fleet()
    document["senders"][2]["status"] = "retired"
    result = engine.declare(document)
    assert result["leaving"] == ["m3.sos.test"]
    # And once it is gone, its declaration means nothing.
    engine_report.run({**engine.given, "applied": {"revision": 1, "gone": ["m3.sos.test"]}, "dns": None}, False)
    assert not engine.declare(document)["changed"]


def test_strangers_are_named_with_the_lines_that_adopt_them(engine):
    engine.declare(fleet())
    engine.sql("UPDATE ips SET owner = 'api' WHERE hostname = 'm3.sos.test'")
    result = engine.declare(fleet(2))
    (stranger,) = result["strangers"]
    assert (stranger["name"], stranger["tenant"]) == ("m3.sos.test", "sos")
    assert engine.senders()[2] == ("m3.sos.test", "api", "warming", False, True)
    adopting = fleet(2, senders=yaml.safe_load("\n".join(stranger["lines"])))
    result = engine.declare(adopting)
    assert (result["adopted"], result["strangers"], result["changed"]) == (["m3.sos.test"], [], True)
    assert '"owner": "inventory"' in result["diff"]["after"]
    assert engine.senders()[2][1] == "inventory"


def test_nobody_elses_address_is_taken(engine):
    engine.declare(fleet())
    engine.sql("UPDATE ips SET owner = 'api' WHERE hostname = 'm3.sos.test'")
    entry = {"ip": "198.51.100.3", "domain": "m9.sos.test", "prefix": "info"}
    said = refused(engine.declare, fleet(2, senders=[entry]))
    assert "sender m9.sos.test: its ip 198.51.100.3 is still held by m3.sos.test" in said


def test_what_is_wrong_with_a_document_is_named(engine):
    document = fleet()
    del document["senders"][1]["vmta"]
    assert "fleet/senders/1" in refused(engine.declare, document)


def test_what_was_applied_is_taken(engine):
    revision = engine.declare(fleet())["revision"]
    engine.declare(fleet(2))
    key = {"domain": "m1.sos.test", "selector": "s1", "path": "/etc/pmta/dkim/m1", "public": "MIIB"}
    applied = {
        "revision": revision,
        "keys": [key],
        "gone": ["m3.sos.test"],
        "waiting": {"m1.sos.test": 4, "m2.sos.test": 0},
    }
    assert not engine_report.run({**engine.given, "applied": applied, "dns": None}, True)["changed"]
    assert engine.senders()[2][2] != "retired"
    result = engine_report.run({**engine.given, "applied": applied, "dns": None}, False)
    assert result == {"changed": True, "retired": ["m3.sos.test"]}
    document = engine.declare(fleet(2))["fleet"]
    assert [one["name"] for one in document["senders"]] == ["m1.sos.test", "m2.sos.test"]
    assert document["senders"][0]["public"] == "MIIB"


@pytest.mark.parametrize(
    ("whom", "paused"),
    [
        ({"senders": ["m2.sos.test"]}, ["m2.sos.test"]),
        ({"tenant": "sos"}, ["m1.sos.test", "m2.sos.test", "m3.sos.test"]),
        ({"everything": True}, ["m1.sos.test", "m2.sos.test", "m3.sos.test"]),
    ],
)
def test_the_engine_is_told_of_stops(engine, whom, paused):
    engine.declare(fleet())
    given = {**engine.given, "senders": None, "tenant": None, "everything": False, "reason": "complaints", **whom}

    def stopped():
        return [one["name"] for one in engine.declare(fleet())["fleet"]["senders"] if one["paused"]]

    assert engine_stop.run({**given, "state": "present"}, True) == {"changed": False} and stopped() == []
    assert engine_stop.run({**given, "state": "present"}, False)["changed"] and stopped() == paused
    assert not engine_stop.run({**given, "state": "present"}, False)["changed"]
    assert engine_stop.run({**given, "state": "absent"}, False)["changed"] and stopped() == []


def test_one_sender_that_is_unknown_keeps_nobody_from_stopping(engine):
    engine.declare(fleet())
    given = {**engine.given, "tenant": None, "everything": False, "reason": "x", "state": "present"}
    assert "m9.sos.test" in refused(engine_stop.run, {**given, "senders": ["m9.sos.test", "m1.sos.test"]}, False)
    assert engine.senders()[0][3] is True


def test_a_wrong_key_is_refused(engine):
    said = refused(engine.declare, fleet(), key="ee_0123abcd_" + "x" * 43)
    assert "does not know this API key" in said and "engine_admin_key" in said
    assert "xxxx" not in said


def test_a_tenants_key_is_refused(engine):
    engine.declare(fleet())
    engine.sql("UPDATE api_keys SET tenant_id = (SELECT id FROM tenants) WHERE name = 'unbound'")
    assert "an admin's key" in refused(engine.declare, fleet(), key=engine.tenant_key)


def test_another_certificate_is_not_trusted(engine, tmp_path):
    other = certificate(tmp_path, "other")[0].read_text()
    said = refused(engine.declare, fleet(), ca=other)
    assert "certificate is not trusted" in said and "fleet_engine_ca_file" in said
    assert "certificate is not trusted" in refused(engine.declare, fleet(), ca=None)
    # The right certificate at another name.
    elsewhere = engine.url.replace("127.0.0.1", "localhost")
    assert "certificate is not trusted" in refused(engine.declare, fleet(), url=elsewhere)
    assert engine.senders() == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": "http://127.0.0.1"}, "is not an https address"),
        ({"url": "engine"}, "is not an https address"),
        ({"ca": "/etc/ssl/engine.pem"}, "holds no certificate in PEM"),
        ({"ca": "-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n"}, "certificate"),
        ({"url": f"https://127.0.0.1:{free_port()}"}, "does not answer (Connection refused)"),
    ],
)
def test_an_engine_that_is_not_there(engine, change, words):
    assert words in refused(engine.declare, fleet(), **change)


def test_one_that_hangs_is_given_up(engine):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        assert "within 1 seconds" in refused(engine.declare, fleet(), url=url, timeout=1)


# --- The playbooks ----------------------------------------------------------------------------------------------------


def play(site, engine, *more, playbook="playbooks/converge.yml", ca=True):
    extra = (
        ["-e", f"fleet_engine_ca_file={engine.file}"]
        if ca
        else ["-e", "__fleet_engine_certificate=/nonexistent/certificate.pem"]
    )
    run = site.play(playbook, *extra, *more)
    assert KEY not in run.output and PASSWORD not in run.output
    return run


def test_check_mode_shows_what_the_engine_says_and_stores_nothing(site, engine):
    # The file is read, as it would be from the engine host by ssh.
    run = play(site, engine, "-e", f"__fleet_engine_certificate={engine.file}", ca=False)
    assert run.code == 0, run.output[-4000:]
    assert engine.senders() == [] and "the inventory alone" not in run.output
    engine.declare(fleet(), age=YEARS)
    engine.sql("UPDATE ips SET owner = 'api', paused = true WHERE hostname = 'm3.sos.test'")
    fill(site, 2)
    run = play(site, engine, "-e", f"__fleet_engine_certificate={engine.file}", ca=False)
    assert run.code == 0, run.output[-4000:]
    assert "Added through the API" in run.output and "  domain: m3.sos.test" in run.output
    config = run.named("Apply the configuration")["diff"]
    shown = next(one["after"] for one in (config if isinstance(config, list) else [config]) if "after" in one)
    stopped = shown.split("<virtual-mta vmta-m3>")[1].split("</virtual-mta>")[0]
    assert (
        "[127.0.0.1]:9" in stopped
        and "[127.0.0.1]:9" not in shown.split("<virtual-mta vmta-m1>")[1].split("</virtual-mta>")[0]
    )
    assert engine.sql("SELECT count(*) FROM declarations") == [(1,)]


def test_check_mode_before_there_is_an_engine(site, engine):
    engine.stop()
    try:
        run = play(site, engine, ca=False)
    finally:
        engine.start()
    assert run.code == 0, run.output[-4000:]
    assert "the inventory alone" in " ".join(run.output.split())
    assert "Apply the configuration" in [task["task"] for task in run.tasks]


def test_a_real_run_declares_before_any_host_is_looked_at(site, engine):
    site.out_of_reach()
    run = play(site, engine)
    assert run.code != 0 and "vps2" in run.hosts
    assert [one[0] for one in engine.senders()] == ["m1.sos.test", "m2.sos.test", "m3.sos.test"]
    assert PASSWORD not in json.dumps(engine.sql("SELECT settings::text FROM tenants"))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("away", "the engine does not answer (Connection refused)"),
        ("never installed", "no engine is installed there"),
        ("wrong key", "does not know this API key"),
        ("no key", "engine_admin_key is not set"),
        ("another certificate", "certificate is not trusted"),
        ("older", "is older than the last one"),
        ("vanishing", "fleet_confirm_removal"),
    ],
)
def test_what_stops_stops_before_any_host_is_touched(site, engine, how, words, tmp_path):
    site.out_of_reach()
    more = []
    if how == "wrong key":
        more = ["-e", "engine_admin_key=ee_0123abcd_" + "x" * 43]
    elif how == "no key":
        more = ["-e", "engine_admin_key="]
    elif how == "another certificate":
        more = ["-e", f"fleet_engine_ca_file={certificate(tmp_path, 'other')[0]}"]
    elif how == "older":
        engine.declare(fleet(), age=-YEARS)
    elif how == "vanishing":
        engine.declare(fleet(5), age=YEARS)
        fill(site, 1)
    before = engine.senders()
    if how == "away":
        engine.stop()
    try:
        run = play(site, engine, *more, ca=how != "never installed")
    finally:
        if how == "away":
            engine.start()
    assert run.code != 0 and words in run.failures, run.output[-3000:]
    assert run.hosts == {"localhost"} and run.changed == []
    assert engine.senders() == before


def test_the_certificate_is_that_of_the_engine_host_not_of_this_one(site, engine):
    """The play's connection is local; the engine's host is asked by ssh all the same."""
    site.out_of_reach()
    more = ["-e", f"__fleet_engine_certificate={engine.file}"]
    site.write("engine.yml", {"engine": {"hosts": {"vps3": {"ansible_host": "127.0.0.1", "ansible_port": 1}}}})
    try:
        run = play(site, engine, *more, ca=False)
    finally:
        site.engine_here()
    assert run.code != 0 and "connect to host 127.0.0.1 port 1" in run.output, run.output[-3000:]
    assert run.hosts == {"localhost"} and engine.senders() == []


@pytest.mark.parametrize("confirm", ["fleet_confirm_older", "fleet_confirm_removal"])
def test_a_person_may_confirm(site, engine, confirm):
    site.out_of_reach()
    if confirm == "fleet_confirm_older":
        now = (datetime.now(timezone.utc) - timedelta(seconds=2)).isoformat()
        engine.declare(fleet(2), made_at=now)
        for path in site.inventory.rglob("*"):
            os.utime(path, (1_700_000_000, 1_700_000_000))
    else:
        engine.declare(fleet(5), age=YEARS)
        fill(site, 1)
    run = play(site, engine)
    assert confirm in run.failures
    play(site, engine, "-e", f"{confirm}=true")
    assert len(engine.sql("SELECT 1 FROM declarations")) == 2


def test_add_ip_takes_nothing_from_the_api(site, engine):
    site.out_of_reach()
    engine.declare(fleet(4), age=YEARS)
    engine.sql("UPDATE ips SET owner = 'api' WHERE hostname = 'm4.sos.test'")
    before = site.files()
    for ip, domain, words in (
        ("198.51.100.4", "m9.sos.test", "belongs to m4.sos.test"),
        ("198.51.100.9", "m4.sos.test", "belongs to m4.sos.test"),
        ("198.51.100.4", "m4.sos.test", "was added through the API already"),
    ):
        run = play(
            site, engine, "-e", f"add_ip_ip={ip}", "-e", f"add_ip_domain={domain}", playbook="playbooks/add_ip.yml"
        )
        assert run.code != 0 and words in run.failures, run.output[-3000:]
    assert "  vmta: vmta-m4" in run.failures
    assert site.files() == before and len(engine.senders()) == 4


def test_add_ip_writes_and_declares(site, engine):
    site.out_of_reach()
    engine.declare(fleet(), age=YEARS)
    extra = ["-e", "add_ip_ip=198.51.100.9", "-e", "add_ip_domain=m9.sos.test", "--skip-tags", "engine"]
    run = play(site, engine, *extra, playbook="playbooks/add_ip.yml")
    assert "Write the inventory" in run.changed, run.output[-3000:]
    assert engine.senders()[-1][:2] == ("m9.sos.test", "inventory")


def test_drift_compares_with_the_engine_and_declares_nothing(site, engine):
    engine.declare(fleet(), age=YEARS)
    engine.sql("UPDATE ips SET paused = true WHERE hostname = 'm3.sos.test'")
    run = play(site, engine, playbook="playbooks/drift.yml")
    document = run.named("Take the fleet document from the engine")["facts"]["fleet_document"]
    assert [one["paused"] for one in document["senders"]] == [False, False, True]
    assert engine.sql("SELECT count(*) FROM declarations") == [(1,)]


def test_what_the_dns_shows_is_told(site, engine):
    """Nobody answers here, so nothing is known; and that is what the engine learns."""
    site.out_of_reach()
    engine.declare(fleet(), age=YEARS)
    run = play(
        site, engine, "-e", f'{{"dns_resolver": ["127.0.0.1@{free_port()}"]}}', playbook="playbooks/dns_check.yml"
    )
    assert run.code == 0, run.output[-3000:]
    assert "0 of 3 senders are green, 0 are not, 3 are unknown" in run.output
    assert engine.sql("SELECT DISTINCT green FROM dns_checks") == [("unknown",)]


def test_without_an_engine_the_keys_are_looked_for_on_the_hosts(scratch):
    fill(scratch)
    scratch.write("group_vars/all/vault.yml", {"vault_feeder": PASSWORD})
    run = scratch.play("playbooks/dns_check.yml", "-e", f'{{"dns_resolver": ["127.0.0.1@{free_port()}"]}}')
    assert run.code == 0, run.output[-3000:]
    # Nobody converged this host, which can be seen; nobody answers for the DNS.
    assert "0 of 3 senders are green, 3 are not" in run.output and "vps2" in run.hosts
    assert "m1.sos.test: mta is missing at vps2" in run.output and "m1.sos.test: a is unknown" in run.output
