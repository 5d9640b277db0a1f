# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mail that leaves a MailWizz stand-in over the delivery servers that the modules made: as whom, and never as anybody else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ansible_collections.email_engine.fleet.plugins.modules import (
    mailwizz_delivery_servers,
    mailwizz_stop,
    mailwizz_tenants,
)
from ansible_collections.email_engine.fleet.tests.integration.mailwizz_instance import emptied, program_of
from ansible_collections.email_engine.fleet.tests.integration.test_mailwizz_modules import PLACES, fleet

STANDIN = Path(__file__).resolve().parents[1] / "standins/mailwizz"
sys.path[:0] = [str(STANDIN), str(STANDIN / "tests")]
from instance import Database, Instance  # noqa: E402
from mailing import Api, Tenant  # noqa: E402
from sink import Sink  # noqa: E402

LOGINS = {name: {"user": f"mw-{name}", "password": f"pw-{name}"} for name in ("sos", "two")}


@pytest.fixture(scope="module")
def installed():
    with Database() as database, Instance(database) as one:
        one.install()
        yield one


class Home(Tenant):
    """A tenant that the module made, at work through the API."""

    def __init__(self, site, place):
        self.site, self.customer_id = site, place["customer_id"]
        Api.__init__(self, site.url, place["key"])


class Platform:
    """Two tenants with three senders each, whose PowerMTA is a sink that knows them by their login."""

    def __init__(self, instance, sink):
        self.instance, self.sink, self.program = instance, sink, program_of(instance)
        places = mailwizz_tenants.run({"tenants": PLACES}, False, self.program)["tenants"]
        self.homes = {name: Home(instance, place) for name, place in places.items()}
        self.servers = self.converge()["servers"]

    def converge(self, **changes):
        params = {
            "fleet": fleet(**changes),
            "tenants": ["sos", "two"],
            "mtas": {"vps2": {"address": "127.0.0.1", "port": self.sink.port}},
            "logins": LOGINS,
            "stopped": [],
            "protocol": "",
        }
        return mailwizz_delivery_servers.run(params, False, self.program)

    def stop(self, name):
        about = {"senders": [name], "tenant": None, "everything": False, "reason": "complaints"}
        return mailwizz_stop.run(about, False, self.program)

    def campaign(self, tenant, readers, server=None, **values):
        home = self.homes[tenant]
        chosen = {"delivery_servers": str(self.servers[server])} if server else {}
        return home.campaign(home.list(*readers), **chosen, **values)

    def send(self):
        done = self.instance.console("send-campaigns")
        assert done.returncode == 0, done.stderr


@pytest.fixture
def platform(installed):
    emptied(installed)
    installed.option("system.cron.send_campaigns.subscribers_at_once", "2")
    installed.option("system.cron.send_campaigns.change_server_at", "1")
    with Sink(users={login["user"]: login["password"] for login in LOGINS.values()}) as sink:
        yield Platform(installed, sink)


def test_each_sender_is_itself_on_the_wire(platform):
    ones = platform.campaign("sos", ["a@r.test"], "m1.sos.test", from_email="forged@two.test")
    twos = platform.campaign("two", ["b@r.test"], "m2.two.test")
    platform.send()
    seen = {mail.recipient: mail for mail in platform.sink.mails}
    assert sorted(seen) == ["a@r.test", "b@r.test"]
    for reader, sender, user, campaign in (
        ("a@r.test", "m1.sos.test", "mw-sos", ones),
        ("b@r.test", "m2.two.test", "mw-two", twos),
    ):
        mail = seen[reader]
        assert (mail.user, mail.sender) == (user, f"bounce@{sender}")
        assert f"hello@{sender}" in mail["From"]
        assert mail["X-Job"] == campaign
        assert mail.message["X-Virtual-MTA"] is None
        assert mail.message["X-Force-Return-Path"] is None


def test_without_a_choice_mail_leaves_as_one_of_the_tenants_own(platform):
    platform.campaign("sos", [f"r{n}@r.test" for n in range(2)])
    platform.send()
    assert {mail.user for mail in platform.sink.mails} == {"mw-sos"}
    assert all(mail.sender.endswith(".sos.test") for mail in platform.sink.mails)


def test_a_tenant_whose_servers_are_exhausted_waits(platform):
    """Beside servers of another tenant and of the system that are idle."""
    system = "$s = new DeliveryServerSmtp(); $s->hostname = '127.0.0.1'; $s->port = %d; $s->username = 'mw-two'; $s->password = 'pw-two';"
    system += " $s->from_email = 'x@two.test'; $s->status = 'active'; return $s->save();"
    assert platform.instance.script(system % platform.sink.port)
    platform.instance.sql("UPDATE {{delivery_server}} SET daily_quota = 1 WHERE name LIKE '%.sos.test';")
    platform.instance.console("clear-cache")
    platform.campaign("sos", [f"r{n}@r.test" for n in range(9)])
    for _minute in range(6):
        platform.send()
    assert len(platform.sink.mails) == 3
    assert {mail.user for mail in platform.sink.mails} == {"mw-sos"}


def test_another_tenants_server_cannot_be_chosen(platform):
    platform.homes["sos"].post(
        "/campaigns",
        platform.homes["sos"].form(
            platform.homes["sos"].list("r@r.test"), delivery_servers=str(platform.servers["m1.two.test"])
        ),
    )
    platform.send()
    assert "mw-two" not in {mail.user for mail in platform.sink.mails}


READERS = [f"r{n}@r.test" for n in range(8)]


def test_a_stop_in_the_middle_of_a_campaign_moves_nothing_to_other_servers(platform):
    campaign = platform.campaign("sos", READERS, "m1.sos.test")
    platform.send()
    assert len(platform.sink.mails) == 2
    assert [one["uid"] for one in platform.stop("m1.sos.test")["campaigns"]] == [campaign]
    for _minute in range(4):
        platform.send()
    assert len(platform.sink.mails) == 2
    assert platform.homes["sos"].status(campaign) == "paused"


def test_a_server_disabled_alone_would_move_the_rest(platform):
    """Why campaigns are paused first."""
    platform.campaign("sos", READERS, "m1.sos.test")
    platform.send()
    platform.instance.sql("UPDATE {{delivery_server}} SET status = 'disabled' WHERE name = 'm1.sos.test';")
    for _minute in range(4):
        platform.send()
    assert len(platform.sink.mails) == 8
    assert {mail.sender for mail in platform.sink.mails[2:]} & {"bounce@m2.sos.test", "bounce@m3.sos.test"}
