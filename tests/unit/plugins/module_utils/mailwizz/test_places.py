# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tenant lives in which MailWizz: what the inventory may say, and what it may not."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.places import doors, logins, managed, places
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

BY_ADDRESS, BY_LOGIN = [{"address": "192.0.2.11"}], [{"address": "192.0.2.12"}, {"user": "mw"}]


def fleet(**feeders):
    """A document's tenants: name -> feeders."""
    return {"tenants": [{"name": name, "feeders": given} for name, given in feeders.items()]}


def host(name, archive="/srv/mailwizz.zip", **more):
    return {"inventory_hostname": name, "mailwizz_archive": archive, **more}


def refused(document, hosts, declared=("a", "b")):
    with pytest.raises(FleetError) as caught:
        places(document, hosts, declared)
    return [str(problem) for problem in caught.value.problems]


def test_a_host_without_an_archive_only_hands_in_mail():
    hosts = [host("one", archive=None), {"inventory_hostname": "two"}, host("three")]
    assert managed(hosts) == ["three"]
    assert places(fleet(a=BY_ADDRESS), hosts, ["a"]) == {"three": ["a"]}
    assert places(fleet(a=BY_ADDRESS), hosts[:2], ["a"]) == {}


def test_one_host_holds_whom_the_inventory_declares():
    document = fleet(a=BY_LOGIN, b=[{"user": "mw-b"}], from_api=BY_ADDRESS)
    assert places(document, [host("one")], ["a", "b"]) == {"one": ["a", "b"]}


def test_a_tenant_of_the_api_lives_where_a_host_names_it():
    document = fleet(a=BY_ADDRESS, from_api=[{"address": "192.0.2.12"}])
    hosts = [host("one", mailwizz_tenants=["a"]), host("two", mailwizz_tenants=["from_api"])]
    assert places(document, hosts, ["a"]) == {"one": ["a"], "two": ["from_api"]}


def test_several_hosts_say_whom_they_hold():
    told = refused(fleet(a=BY_LOGIN, b=BY_LOGIN), [host("one"), host("two", mailwizz_tenants=["b"])])
    assert told == [
        "one: mailwizz_tenants: is missing, and MailWizz is also at two. Name the tenants of each host; a tenant lives at one."
    ]


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        (["sso"], "Did you mean 'sos'?"),
        (["nobody"], "'nobody' is no tenant of fleet_tenants. Tenants: sos."),
        ("sos", "must be a list of tenants, found 'sos'"),
        ([], "must be a list of tenants, found []"),
    ],
)
def test_what_is_no_list_of_tenants_is_refused(wanted, what):
    (told,) = refused(fleet(sos=BY_ADDRESS), [host("one", mailwizz_tenants=wanted)])
    assert told.startswith("one: mailwizz_tenants: ") and what in told


def test_a_tenant_lives_at_one_host():
    hosts = [host("one", mailwizz_tenants=["a"]), host("two", mailwizz_tenants=["a"])]
    (told,) = refused(fleet(a=BY_LOGIN), hosts)
    assert (
        told == "two: mailwizz_tenants: a is already at one. A tenant lives at one host: take it out of one of the two."
    )


def test_tenants_of_one_host_are_told_apart_by_logins():
    (told,) = refused(fleet(a=BY_ADDRESS, b=BY_LOGIN), [host("one")])
    assert told.startswith("fleet_tenants[a].feeders: has no 'user', and one also holds b: ")
    assert "a user and a vaulted password" in told


def test_every_fault_is_told_at_once():
    hosts = [host("one", mailwizz_tenants=["a", "b"]), host("two", mailwizz_tenants=["a", "nobody"])]
    assert len(refused(fleet(a=BY_ADDRESS, b=BY_ADDRESS), hosts)) == 4


def test_the_first_login_is_the_one_that_delivery_servers_use():
    document = fleet(a=BY_ADDRESS, b=[*BY_LOGIN, {"user": "other"}])
    assert logins(document, {"mw": "secret", "other": "x"}) == {
        "a": {"user": "", "password": ""},
        "b": {"user": "mw", "password": "secret"},
    }


def test_mail_is_handed_in_at_the_management_address():
    hosts = [{"inventory_hostname": "mta", "powermta_management_address": "192.0.2.2"}, {"inventory_hostname": "new"}]
    assert doors(hosts) == {"mta": {"address": "192.0.2.2", "port": 2525}}
