# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz.customers import access, customers
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError


def test_a_tenant_nobody_says_anything_of_has_a_login_of_its_own():
    assert customers(["sos-holidays"], {}, "mail.example.org") == [
        {
            "name": "sos-holidays",
            "email": "sos-holidays@mail.example.org",
            "first_name": "Email",
            "last_name": "Engine",
            "timezone": "UTC",
        }
    ]


def test_what_is_said_comes_first_and_null_says_nothing():
    said = {"a": {"email": "ops@a.example", "password": None}, "elsewhere": {}}
    first, second = customers(["a", "b"], said, "m.example.org")
    assert (first["email"], "password" in first) == ("ops@a.example", False)
    assert second["email"] == "b@m.example.org"


def test_a_field_that_is_none_is_named():
    with pytest.raises(FleetError, match=r"mailwizz_customers\[a\]: has no field 'mail'. Did you mean 'email'"):
        customers(["a"], {"a": {"mail": "x@example.org"}}, "m.example.org")


def test_customers_are_of_the_zone_in_which_the_engine_tells_times():
    with pytest.raises(FleetError, match="timezone.*Leave it out: customers are of UTC"):
        customers(["a"], {"a": {"timezone": "Europe/Paris"}}, "m.example.org")


def test_the_engine_is_told_of_keys_that_there_are():
    places = {"a": {"customer_id": 1, "key": "k" * 40}, "b": {"customer_id": None, "key": None}}
    assert access(places, "https://m.example.org", None) == {
        "a": {"url": "https://m.example.org", "key": "k" * 40, "certificate": None}
    }
