# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants, delivery servers and stops in a MailWizz stand-in with a real database, through its own models."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_changes
from ansible_collections.email_engine.fleet.plugins.module_utils.local.mailwizz_changes import Unfinished
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import (
    mailwizz_delivery_servers,
    mailwizz_info,
    mailwizz_options,
    mailwizz_stop,
    mailwizz_tenants,
)
from ansible_collections.email_engine.fleet.tests.integration.mailwizz_instance import (
    as_ansible,
    campaign,
    emptied,
    program_of,
    run,
)
from ansible_collections.email_engine.fleet.tests.policy import host_policy
from ansible_collections.email_engine.fleet.tests.standins.mailwizz.instance import Database, Instance

MTAS = {"vps2": {"address": "192.0.2.20", "port": 2525}}
LOGINS = {"sos": {"user": "mw-sos", "password": "p'w\"1"}, "two": {"user": "mw-two", "password": "pw-two"}}
PLACES = [
    {
        "name": name,
        "email": f"{name}@x.example",
        "first_name": "Ada",
        "last_name": "L",
        "timezone": "UTC",
        "password": None,
    }
    for name in ("sos", "two")
]
POLICY = host_policy()


def fleet(count=3, **changes):
    """Two tenants; settings of a sender by its number, for the first."""
    return expand(
        [
            {
                "name": name,
                "feeders": [{"user": f"mw-{name}", "password": "somebody-elses"}],
                "ranges": [
                    {
                        "cidr": f"10.{index}.0.0/16",
                        "count": count,
                        "domain": f"m{{n}}.{name}.test",
                        "vmta": f"{name}-{{n}}",
                        "prefixes": ["hello"],
                        "status": "active",
                        "overrides": changes.get("overrides", {}) if name == "sos" else {},
                    }
                ],
            }
            for index, name in enumerate(("sos", "two"))
        ],
        POLICY,
        ["vps2"],
    )


@pytest.fixture(scope="module")
def database():
    with Database() as one:
        yield one


@pytest.fixture(scope="module")
def installed(database):
    with Instance(database) as one:
        one.install()
        yield one


@pytest.fixture
def mailwizz(installed):
    emptied(installed)
    return Site(installed)


class Site:
    """A MailWizz with two tenants."""

    def __init__(self, instance, runner=run):
        self.instance, self.program = instance, program_of(instance, runner)
        self.places = self.tenants()["tenants"]

    def tenants(self, places=None, check=False):
        return mailwizz_tenants.run({"tenants": places or PLACES}, check, self.program)

    def servers(self, document=None, check=False, **more):
        params = {"fleet": document or fleet(), "tenants": ["sos", "two"], "mtas": MTAS, "logins": LOGINS}
        return mailwizz_delivery_servers.run({**params, "stopped": [], "protocol": "", **more}, check, self.program)

    def stop(self, *senders, tenant=None, everything=False, check=False):
        about = {"senders": list(senders) or None, "tenant": tenant, "everything": everything, "reason": "complaints"}
        return mailwizz_stop.run(about, check, self.program)

    def customer(self, tenant):
        return self.places[tenant]["customer_id"]

    def rows(self):
        rows = self.instance.sql("SELECT * FROM {{delivery_server}} ORDER BY server_id;")
        return {row["name"]: row for row in rows}

    def statuses(self, kind="campaign"):
        return {row["name"]: row["status"] for row in self.instance.sql(f"SELECT name, status FROM {{{{{kind}}}}};")}

    def campaign(self, tenant, name, from_email="x@x.test", servers=(), status="sending"):
        return campaign(self.instance, self.customer(tenant), name, from_email, servers, status)


# Tenants ---------------------------------------------------------------------------------------------------------------


def test_a_tenant_gets_a_group_a_customer_and_a_key(mailwizz):
    assert set(mailwizz.places) == {"sos", "two"}
    sos = mailwizz.places["sos"]
    assert re.fullmatch(r"[0-9a-zA-Z]{40}", sos["key"])
    assert re.fullmatch(r"[a-z0-9]{13}", sos["customer_uid"])
    options = mailwizz.instance.sql(
        f"SELECT code, value FROM {{{{customer_group_option}}}} WHERE group_id = {sos['group_id']};"
    )
    assert {row["code"]: row["value"] for row in options} == {
        "servers.can_send_from_system_servers": "no",
        "servers.can_select_delivery_servers_for_campaign": "yes",
        "servers.max_delivery_servers": "0",
        "api.enabled": "yes",
    }
    again = mailwizz.tenants()
    assert not again["changed"]
    assert again["tenants"] == mailwizz.places


def test_the_key_opens_the_api(mailwizz):
    answer = mailwizz.instance.get("/api/index.php/lists", headers={"X-API-KEY": mailwizz.places["sos"]["key"]})
    assert answer.status == 200, answer.text


def test_check_mode_makes_no_tenant(installed):
    emptied(installed)
    made = mailwizz_tenants.run({"tenants": PLACES}, True, program_of(installed))
    assert made["changed"] and made["tenants"]["sos"]["key"] is None
    assert installed.sql("SELECT name FROM {{customer_group}} WHERE name LIKE 'fleet-%';") == []


def test_a_group_that_somebody_opened_is_closed_again(mailwizz):
    mailwizz.instance.sql(
        "UPDATE {{customer_group_option}} SET value = 'yes' WHERE code = 'servers.can_send_from_system_servers';"
    )
    looked = mailwizz.tenants(check=True)
    assert looked["changed"] and "can_send_from_system_servers=yes" in looked["diff"]["before"]
    assert mailwizz.tenants()["changed"]
    assert not mailwizz.tenants()["changed"]
    rows = mailwizz.instance.sql(
        "SELECT DISTINCT value FROM {{customer_group_option}} WHERE code = 'servers.can_send_from_system_servers';"
    )
    assert rows == [{"value": "no"}]


def test_somebody_elses_customer_is_not_taken(installed):
    emptied(installed)
    installed.script(
        "$g = new CustomerGroup(); $g->name = 'Others'; $g->save(); $c = new Customer(); $c->group_id = $g->group_id;"
        "$c->first_name = 'Ada'; $c->last_name = 'L'; $c->email = 'sos@x.example'; $c->timezone = 'UTC'; $c->status = 'active';"
        "$c->fake_password = 'not yours'; return $c->save();"
    )
    with pytest.raises(FleetError, match="another group"):
        mailwizz_tenants.run({"tenants": PLACES}, False, program_of(installed))
    assert installed.sql("SELECT name FROM {{customer_group}} WHERE name LIKE 'fleet-%';") == []


def test_one_tenant_that_mailwizz_refuses_keeps_all_from_being_made(installed):
    emptied(installed)
    wrong = [PLACES[0], {**PLACES[1], "timezone": "Mars/Olympus"}]
    with pytest.raises(FleetError, match="tenant two: customer: MailWizz refuses it: timezone"):
        mailwizz_tenants.run({"tenants": wrong}, False, program_of(installed))
    assert installed.sql("SELECT name FROM {{customer_group}} WHERE name LIKE 'fleet-%';") == []


# Delivery servers ------------------------------------------------------------------------------------------------------


def test_each_sender_gets_its_server_once(mailwizz):
    made = mailwizz.servers()
    assert len(made["created"]) == 6
    assert made["warnings"] == [] and made["foreign"] == []
    again = mailwizz.servers()
    assert not again["changed"], again["diff"]
    assert again["servers"] == made["servers"]
    row = mailwizz.rows()["m1.sos.test"]
    assert {name: row[name] for name in ("type", "hostname", "port", "protocol", "username", "password")} == {
        "type": "smtp-pmta",
        "hostname": "192.0.2.20",
        "port": "2525",
        "protocol": "",
        "username": "mw-sos",
        "password": "p'w\"1",
    }
    assert row["customer_id"] == str(mailwizz.customer("sos"))
    assert (row["from_email"], row["force_from"], row["signing_enabled"]) == ("hello@m1.sos.test", "always", "no")
    assert (row["status"], row["probability"], row["use_for"], row["locked"]) == ("active", "100", "all", "yes")


def test_the_product_reads_the_headers_that_were_written(mailwizz):
    mailwizz.servers()
    headers = mailwizz.instance.script(
        "return DeliveryServerSmtpPmta::model()->findByAttributes(['name' => 'm2.sos.test'])->additional_headers;"
    )
    assert headers == [
        {"name": "X-Force-Return-Path", "value": "bounce@m2.sos.test"},
        {"name": "X-Job", "value": "[CAMPAIGN_UID]"},
    ]


def test_the_mark_stays_when_the_product_saves_the_server(mailwizz):
    mailwizz.servers()
    mailwizz.instance.script(
        "$s = DeliveryServerSmtpPmta::model()->findByAttributes(['name' => 'm2.sos.test']); $s->name = 'mine'; $s->pause_after_send = 3; return $s->save();"
    )
    made = mailwizz.servers()
    assert (made["created"], made["updated"]) == ([], ["m2.sos.test"])
    assert mailwizz.rows()["m2.sos.test"]["pause_after_send"] == "3"


def test_a_server_whose_mark_a_version_dropped_is_still_ours(mailwizz):
    made = mailwizz.servers()
    mailwizz.instance.script(
        "foreach (DeliveryServer::model()->findAll() as $s) { $m = unserialize($s->meta_data); unset($m['email_engine']);"
        " $s->saveAttributes(['meta_data' => serialize($m)]); } return true;"
    )
    assert not mailwizz.servers()["changed"]
    changed = mailwizz.servers(fleet(count=2))
    assert changed["disabled"] == ["m3.sos.test", "m3.two.test"]
    assert set(changed["servers"].values()) < set(made["servers"].values())


def test_a_copy_is_disabled_and_the_first_stays_the_senders(mailwizz):
    made = mailwizz.servers()
    mailwizz.instance.script(
        "$s = DeliveryServerSmtpPmta::model()->findByAttributes(['name' => 'm1.sos.test']); $s->setIsNewRecord(true); $s->server_id = null; return $s->save();"
    )
    changed = mailwizz.servers()
    assert (changed["disabled"], changed["servers"]) == (["m1.sos.test"], made["servers"])
    assert not mailwizz.servers()["changed"]


def test_check_mode_and_diff_say_what_would_be(mailwizz):
    looked = mailwizz.servers(check=True)
    assert looked["changed"] and len(looked["created"]) == 6 and set(looked["servers"].values()) == {None}
    assert "m1.sos.test: daily_quota=" in looked["diff"]["after"]
    assert mailwizz.rows() == {}
    assert LOGINS["two"]["password"] not in json.dumps(looked)


def test_quotas_and_weights_reach_their_servers(mailwizz):
    mailwizz.servers()
    changed = mailwizz.servers(fleet(overrides={1: {"weight": 52}, 2: {"status": "warming"}, 3: {"weight": 0}}))
    assert changed["updated"] == ["m1.sos.test", "m2.sos.test"]
    assert changed["disabled"] == ["m3.sos.test"]
    rows = mailwizz.rows()
    assert rows["m1.sos.test"]["probability"] == "50"
    assert 0 < int(rows["m2.sos.test"]["daily_quota"]) < POLICY["active_daily_quota"]
    assert (rows["m3.sos.test"]["status"], rows["m3.sos.test"]["probability"]) == ("disabled", "5")


def test_a_quota_counts_at_once(mailwizz):
    """What is left of a quota is kept in MailWizz's cache, which only its own save() empties."""
    mailwizz.servers()
    left = "return DeliveryServerSmtpPmta::model()->findByAttributes(['name' => 'm1.sos.test'])->getQuotaLeft();"
    before = mailwizz.instance.script(left)
    document = fleet()
    document["senders"][0]["daily_quota"] = 7
    assert mailwizz.servers(document)["updated"] == ["m1.sos.test"]
    assert (before > 7, mailwizz.instance.script(left)) == (True, 7)


def test_a_sender_that_stops_has_its_campaigns_paused_and_one_that_goes_on_is_drawn_again(mailwizz):
    made = mailwizz.servers()
    chosen = made["servers"]["m1.sos.test"]
    mailwizz.campaign("sos", "chosen", servers=(chosen,))
    mailwizz.campaign("sos", "from", "Hello@m1.sos.test", status="pending-sending")
    mailwizz.campaign("sos", "draft", servers=(chosen,), status="draft")
    mailwizz.campaign("sos", "other", servers=(made["servers"]["m2.sos.test"],))
    mailwizz.campaign("two", "theirs", "hello@m1.sos.test")
    paused = {"overrides": {1: {"paused": True}}}
    looked = mailwizz.servers(fleet(**paused), check=True)
    done = mailwizz.servers(fleet(**paused))
    assert looked["campaigns"] == done["campaigns"]
    assert {one["name"]: one["sender"] for one in done["campaigns"]} == {"chosen": "m1.sos.test", "from": "m1.sos.test"}
    assert mailwizz.statuses() == {
        "chosen": "paused",
        "from": "paused",
        "draft": "draft",
        "other": "sending",
        "theirs": "sending",
    }
    assert mailwizz.rows()["m1.sos.test"]["status"] == "disabled"
    assert not mailwizz.servers(fleet(**paused))["changed"]
    assert mailwizz.servers()["updated"] == ["m1.sos.test"]
    assert mailwizz.statuses()["chosen"] == "paused"


def test_who_powermta_holds_is_disabled_too(mailwizz):
    mailwizz.servers()
    assert mailwizz.servers(stopped=["SOS-2"])["disabled"] == ["m2.sos.test"]


def test_who_left_is_disabled_and_never_deleted(mailwizz):
    mailwizz.servers(fleet(count=4))
    assert mailwizz.servers(fleet(count=3))["disabled"] == ["m4.sos.test", "m4.two.test"]
    assert len(mailwizz.rows()) == 8
    assert mailwizz.servers(fleet(count=4))["updated"] == ["m4.sos.test", "m4.two.test"]


def test_servers_of_others_are_told_and_left_alone(mailwizz):
    mailwizz.servers()
    code = (
        "$s = new DeliveryServerSmtp(); $s->hostname = 'smtp.x.test'; $s->name = '%s'; $s->from_email = 'a@x.test';"
        " $s->status = 'active'; %s return $s->save();"
    )
    mailwizz.instance.script(code % ("theirs", f"$s->customer_id = {mailwizz.customer('sos')};"))
    mailwizz.instance.script(code % ("system", ""))
    before = {name: mailwizz.rows()[name] for name in ("theirs", "system")}
    found = mailwizz.servers()
    assert not found["changed"]
    assert [(one["name"], one["tenant"]) for one in found["foreign"]] == [("theirs", "sos")]
    assert "whose mail may leave through it" in found["warnings"][0]
    mailwizz.instance.sql(
        "UPDATE {{customer_group_option}} SET value = 'yes' WHERE code = 'servers.can_send_from_system_servers';"
    )
    assert [one["name"] for one in mailwizz.servers()["foreign"]] == ["theirs", "system"]
    assert {name: mailwizz.rows()[name] for name in ("theirs", "system")} == before


def test_one_server_that_mailwizz_refuses_keeps_all_as_they_were(mailwizz):
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],))
    before = mailwizz.rows()
    document = fleet(count=5, overrides={1: {"paused": True}})
    document["senders"][-1]["from_email"] = "nobody"
    with pytest.raises(FleetError, match=r"delivery server m5\.two\.test: MailWizz refuses it: from_email"):
        mailwizz.servers(document)
    assert mailwizz.rows() == before
    assert mailwizz.statuses() == {"chosen": "sending"}


def test_the_database_is_asked_as_often_for_many_senders_as_for_few(mailwizz):
    def questions(count):
        mailwizz.servers(fleet(count=count))
        number = "SHOW GLOBAL STATUS LIKE 'Questions';"
        before = int(mailwizz.instance.sql(number)[0]["Value"])
        assert not mailwizz.servers(fleet(count=count))["changed"]
        return int(mailwizz.instance.sql(number)[0]["Value"]) - before

    assert questions(3) == questions(30)


def test_a_pool_has_one_server(mailwizz):
    document = fleet(overrides={3: {"status": "standby"}})
    document["tenants"][0].update(routing="pool", domain="pool.sos.test", from_email="hello@pool.sos.test")
    made = mailwizz.servers(document)
    assert made["created"] == ["sos-pool", "m1.two.test", "m2.two.test", "m3.two.test"]
    row = mailwizz.rows()["sos-pool"]
    quotas = [one["daily_quota"] for one in document["senders"][:2]]
    assert (row["from_email"], row["daily_quota"], row["status"]) == ("hello@pool.sos.test", str(sum(quotas)), "active")
    assert not mailwizz.servers(document)["changed"]


def test_a_tenant_without_its_place_is_named(mailwizz):
    mailwizz.instance.sql("DELETE FROM {{customer}} WHERE email = 'two@x.example';")
    with pytest.raises(FleetError, match="tenant two: has no customer"):
        mailwizz.servers()


# The order -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def stubborn(mailwizz):
    """A campaign that the database does not let pause."""
    made = mailwizz.servers()
    for number in (1, 2):
        mailwizz.campaign("sos", f"campaign{number}", servers=(made["servers"][f"m{number}.sos.test"],))
    mailwizz.instance.sql(
        "DELIMITER //\nCREATE TRIGGER stubborn BEFORE UPDATE ON {{campaign}} FOR EACH ROW"
        " IF NEW.name = 'campaign1' AND NEW.status = 'paused' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not now'; END IF //\n"
    )
    yield mailwizz
    mailwizz.instance.sql("DROP TRIGGER stubborn;")


def test_no_server_is_disabled_before_its_campaign_is_paused(stubborn):
    with pytest.raises(FleetError, match="not now"):
        stubborn.servers(fleet(overrides={1: {"paused": True}, 2: {"paused": True}}))
    assert set(stubborn.statuses("delivery_server").values()) == {"active"}
    assert stubborn.statuses() == {"campaign1": "sending", "campaign2": "sending"}


def test_a_stop_does_what_it_can_and_says_what_it_could_not(stubborn):
    with pytest.raises(Unfinished, match=r"not now.*\n.*m1\.sos\.test: is left as it is") as caught:
        stubborn.stop(tenant="sos")
    result = caught.value.result
    assert result["servers"] == ["m2.sos.test", "m3.sos.test"]
    assert [one["name"] for one in result["campaigns"]] == ["campaign2"]
    servers = stubborn.statuses("delivery_server")
    assert (servers["m1.sos.test"], servers["m2.sos.test"], servers["m1.two.test"]) == ("active", "disabled", "active")
    assert stubborn.statuses() == {"campaign1": "sending", "campaign2": "paused"}


def test_the_campaign_is_paused_first_in_the_statements_themselves(mailwizz):
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],))
    mailwizz.instance.sql(
        "CREATE TABLE IF NOT EXISTS spy (n INT AUTO_INCREMENT PRIMARY KEY, what TEXT); DELETE FROM spy;"
    )
    for table in ("campaign", "delivery_server"):
        mailwizz.instance.sql(
            f"CREATE TRIGGER spy_{table} AFTER UPDATE ON {{{{{table}}}}} FOR EACH ROW INSERT INTO spy (what) VALUES (CONCAT(NEW.name, ' ', NEW.status));"
        )
    try:
        mailwizz.stop("m1.sos.test")
    finally:
        for table in ("campaign", "delivery_server"):
            mailwizz.instance.sql(f"DROP TRIGGER spy_{table};")
    seen = [row["what"] for row in mailwizz.instance.sql("SELECT what FROM spy ORDER BY n;")]
    assert seen[0] == "chosen paused"
    assert set(seen[1:]) == {"m1.sos.test disabled"}


def test_a_campaign_that_starts_meanwhile_is_seen(mailwizz):
    made = mailwizz.servers()
    asked = []

    class Late(type(mailwizz.program)):
        def ask(self, command, document):
            asked.append(command)
            if command == "servers" and asked.count("servers") == 1:
                mailwizz.campaign("sos", "late", servers=(made["servers"]["m1.sos.test"],))
            return super().ask(command, document)

    mailwizz.program.__class__ = Late
    done = mailwizz.stop("m1.sos.test")
    assert [one["name"] for one in done["campaigns"]] == ["late"]
    assert asked == ["state", "servers", "state", "servers", "state"]
    assert mailwizz.statuses() == {"late": "paused"}


def test_what_somebody_deletes_meanwhile_holds_up_no_stop(mailwizz):
    made = mailwizz.servers()
    for number in (1, 2):
        mailwizz.campaign("sos", f"campaign{number}", servers=(made["servers"][f"m{number}.sos.test"],))

    class Late(type(mailwizz.program)):
        def ask(self, command, document):
            if command == "servers":
                mailwizz.instance.sql(
                    "DELETE FROM {{campaign}} WHERE name = 'campaign1'; DELETE FROM {{delivery_server}} WHERE name = 'm3.sos.test';"
                )
            return super().ask(command, document)

    mailwizz.program.__class__ = Late
    done = mailwizz.stop(tenant="sos")
    assert done["servers"] == ["m1.sos.test", "m2.sos.test"]
    assert mailwizz.statuses() == {"campaign2": "paused"}
    assert mailwizz.statuses("delivery_server")["m1.sos.test"] == "disabled"


def lose(mailwizz, how):
    """Takes the server of m1.sos.test, or its customer, away from the tenant."""
    mailwizz.instance.sql(
        {
            "nobody's": "UPDATE {{delivery_server}} SET customer_id = NULL WHERE name = 'm1.sos.test';",
            "moved": "SET SQL_MODE=''; INSERT INTO {{customer_group}} (name) VALUES ('Others');"
            f" UPDATE {{{{customer}}}} SET group_id = LAST_INSERT_ID() WHERE customer_id = {mailwizz.customer('sos')};",
        }[how]
    )


@pytest.mark.parametrize("how", ["nobody's", "moved"])
@pytest.mark.parametrize("whom", [{"tenant": "sos"}, {"everything": True}, {"name": "m1.sos.test"}])
def test_a_stop_meets_a_server_that_is_no_tenants_any_more(mailwizz, how, whom):
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],))
    lose(mailwizz, how)
    done = mailwizz.stop(*[whom["name"]] if "name" in whom else (), **{k: v for k, v in whom.items() if k != "name"})
    assert "m1.sos.test" in done["servers"]
    assert mailwizz.rows()["m1.sos.test"]["status"] == "disabled"
    assert mailwizz.statuses() == {"chosen": "paused"}


def test_a_server_that_is_no_tenants_any_more_is_disabled_and_told(mailwizz):
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],))
    lose(mailwizz, "nobody's")
    done = mailwizz.servers()
    assert (done["created"], done["disabled"]) == (["m1.sos.test"], ["m1.sos.test"])
    assert "which is no tenant's; it is disabled" in done["warnings"][0]
    assert mailwizz.statuses() == {"chosen": "paused"}
    again = mailwizz.servers()
    assert (again["changed"], again["warnings"]) == (False, [])


@pytest.fixture
def busy(mailwizz, monkeypatch):
    """A batch of a campaign over m1.sos.test is under way; at the third look, it writes back what it remembers."""
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],), status="processing")
    mailwizz.instance.sql("UPDATE {{delivery_server}} SET status = 'in-use' WHERE name = 'm1.sos.test';")
    naps = []

    def nap(seconds):
        naps.append(seconds)
        if len(naps) in mailwizz.ends:
            mailwizz.instance.sql(
                "UPDATE {{campaign}} SET status = 'sending';"
                "UPDATE {{delivery_server}} SET status = 'active' WHERE name = 'm1.sos.test';"
            )

    monkeypatch.setattr(mailwizz_changes.time, "sleep", nap)
    mailwizz.ends, mailwizz.naps = {3}, naps
    return mailwizz


@pytest.mark.parametrize("way", ["stop", "converge"])
def test_what_a_job_writes_back_is_stopped_again(busy, way):
    done = busy.stop("m1.sos.test") if way == "stop" else busy.servers(fleet(overrides={1: {"paused": True}}))
    assert [one["name"] for one in done["campaigns"]] == ["chosen"]
    assert busy.statuses() == {"chosen": "paused"}
    assert busy.rows()["m1.sos.test"]["status"] == "disabled"
    # Once the job has ended, nobody waits for it.
    assert len(busy.naps) == 4


def test_what_does_not_hold_is_an_error(busy):
    busy.ends = range(1, 100)
    with pytest.raises(Unfinished, match="sets back what was paused or disabled, also after 60 s: chosen, m1.sos.test"):
        busy.stop("m1.sos.test")
    assert len(busy.naps) == mailwizz_changes.LOOKS


def test_nobody_waits_where_nothing_is_under_way(mailwizz, monkeypatch):
    made = mailwizz.servers()
    mailwizz.campaign("sos", "chosen", servers=(made["servers"]["m1.sos.test"],))
    monkeypatch.setattr(mailwizz_changes.time, "sleep", lambda _seconds: pytest.fail("waits"))
    assert mailwizz.stop(everything=True)["changed"]


# Stops -----------------------------------------------------------------------------------------------------------------


def test_a_stop_by_name_by_tenant_and_of_everything(mailwizz):
    mailwizz.servers()
    mailwizz.campaign("sos", "loose")
    assert mailwizz.stop("m1.sos.test", "sos-2", "nobody", check=True)["changed"]
    first = mailwizz.stop("m1.sos.test", "sos-2", "nobody")
    assert (first["servers"], first["unknown"], first["campaigns"]) == (["m1.sos.test", "m2.sos.test"], ["nobody"], [])
    assert not mailwizz.stop("m1.sos.test", "sos-2", "nobody")["changed"]
    second = mailwizz.stop(tenant="sos")
    assert (second["servers"], [one["name"] for one in second["campaigns"]]) == (["m3.sos.test"], ["loose"])
    third = mailwizz.stop(everything=True)
    assert third["servers"] == ["m1.two.test", "m2.two.test", "m3.two.test"]
    assert not mailwizz.stop(everything=True)["changed"]
    assert len(mailwizz.servers()["updated"]) == 6


# What the product may do beside ----------------------------------------------------------------------------------------


@pytest.fixture
def edited(mailwizz):
    """Changes the product's own first file, for one test."""
    path = mailwizz.instance.root / "apps/init.php"
    before = path.read_text()

    def edit(old, new):
        assert old in before
        path.write_text(before.replace(old, new))

    yield edit
    path.write_text(before)


def test_noise_and_warnings_change_nothing(mailwizz, edited):
    edited(
        "declare(strict_types=1);",
        "declare(strict_types=1);\necho \"email_engine.fleet: {}\\nNotice: hello\\n\"; trigger_error('old', E_USER_DEPRECATED);",
    )
    assert len(mailwizz.servers()["created"]) == 6
    assert not mailwizz.servers()["changed"]


def test_a_version_without_the_hook_is_named(mailwizz, edited):
    edited("if (defined('MW_RETURN_APP_INSTANCE') && MW_RETURN_APP_INSTANCE) {", "if (false) {")
    with pytest.raises(FleetError, match="MW_RETURN_APP_INSTANCE"):
        mailwizz.servers()


def test_a_product_that_breaks_is_an_error_with_its_words(mailwizz, edited):
    edited("declare(strict_types=1);", "declare(strict_types=1);\nthrow new RuntimeException('no licence today');")
    with pytest.raises(FleetError, match="no licence today"):
        mailwizz.servers()
    edited("declare(strict_types=1);", "declare(strict_types=1);\necho 'Licence expired'; exit(0);")
    with pytest.raises(FleetError, match="ended the process while starting MailWizz, and said: Licence expired"):
        mailwizz.servers()


@pytest.fixture
def without_database(mailwizz):
    path = mailwizz.instance.root / "apps/common/config/main-custom.php"
    before = path.read_text()
    path.chmod(0o644)
    path.write_text(before.replace(str(mailwizz.instance.db["port"]), "1"))
    yield mailwizz
    path.write_text(before)


def test_a_database_that_is_away_is_named(without_database):
    for call in (without_database.servers, without_database.tenants, lambda: without_database.stop(everything=True)):
        with pytest.raises(FleetError, match="database of MailWizz: .*Connection refused"):
            call()
    with pytest.raises(FleetError, match=r"database .*port=1.* cannot be opened as"):
        mailwizz_info.run(without_database.program, False)


def test_where_there_is_no_mailwizz_check_mode_predicts_and_the_rest_says_so(database, tmp_path_factory):
    with Instance(database) as bare:
        program = program_of(bare)
        assert mailwizz_info.run(program, False)["reason"] == "apps/common/config/main-custom.php names no database"
        with pytest.raises(FleetError, match="is not installed there"):
            mailwizz_tenants.run({"tenants": PLACES}, False, program)
        assert mailwizz_tenants.run({"tenants": PLACES}, True, program)["changed"]
        params = {
            "fleet": fleet(),
            "tenants": ["sos", "two"],
            "mtas": MTAS,
            "logins": LOGINS,
            "stopped": [],
            "protocol": "",
        }
        assert len(mailwizz_delivery_servers.run(params, True, program)["created"]) == 6
        assert mailwizz_options.run({"options": {"system.common.clean_urls": 1}}, True, program)["changed"]


# Other versions --------------------------------------------------------------------------------------------------------


def test_the_columns_of_newer_versions(database):
    with Instance(database, newer=True) as one:
        one.install(prefix="")
        newer = Site(one)
        newer.servers()
        assert not newer.servers()["changed"]
        one.sql("UPDATE {{delivery_server}} SET minute_quota = 5, warmup_plan_id = 1;")
        assert len(newer.servers()["updated"]) == 6
        row = newer.rows()["m1.sos.test"]
        assert (row["minute_quota"], row["second_quota"], row["warmup_plan_id"]) == ("0", "0", "NULL")


# Options, and the modules as Ansible runs them -------------------------------------------------------------------------


def test_options_are_set_and_left(mailwizz):
    wanted = {"options": {"system.urls.scheme": "https", "system.cron.send_campaigns.subscribers_at_once": 300}}
    assert mailwizz_options.run(wanted, True, mailwizz.program)["changed"]
    assert mailwizz_options.run(wanted, False, mailwizz.program)["options"]
    assert not mailwizz_options.run(wanted, False, mailwizz.program)["changed"]
    assert mailwizz.instance.option("system.cron.send_campaigns.subscribers_at_once") == "300"


def test_the_modules_as_ansible_runs_them(mailwizz):
    site = mailwizz.instance
    about = as_ansible("mailwizz_info", site)
    assert (about["installed"], about["version"], about["prefix"]) == (True, "2.1.13", "mw_")
    assert about["counts"]["customers"] == 2 and about["counts"]["templates"] == 0
    assert about["urls"]["frontend"].startswith("http://127.0.0.1")
    params = {"fleet": fleet(), "tenants": ["sos", "two"], "mtas": MTAS, "logins": LOGINS}
    made = as_ansible("mailwizz_delivery_servers", site, **params)
    assert made["changed"] and len(made["created"]) == 6, made
    assert "pw-two" not in json.dumps({**made, "invocation": None})
    assert "pw-two" not in json.dumps(made["invocation"])
    renamed = {**params, "logins": {**LOGINS, "sos": {"user": "sos", "password": "pw-sos"}}}
    again = as_ansible("mailwizz_delivery_servers", site, **renamed)
    # A user that is part of every name.
    assert again["updated"] == ["m1.sos.test", "m2.sos.test", "m3.sos.test"]
    assert "pw-sos" not in json.dumps(again)
    stopped = as_ansible("mailwizz_stop", site, everything=True, reason="x")
    assert len(stopped["servers"]) == 6
    assert as_ansible("mailwizz_stop", site, reason="x")["failed"]
    assert not as_ansible(
        "mailwizz_tenants", site, tenants=[{k: v for k, v in p.items() if k != "password"} for p in PLACES]
    )["changed"]
    assert as_ansible("mailwizz_options", site, options={"nonsense": 1})["failed"]
