# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module that tells a real engine where each tenant's MailWizz is. No lab."""

from __future__ import annotations

import json

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError
from ansible_collections.email_engine.fleet.plugins.modules import engine_mailwizz
from ansible_collections.email_engine.fleet.tests.integration.served import certificate, fleet

KEY = "0123456789abcdef0123456789abcdef01234567"
SOS = {"url": "https://mw.test", "key": KEY}
API = "https://mw.test/api/index.php"


@pytest.fixture
def tell(engine):
    engine.declare(fleet())

    def tell(check_mode=False, **tenants):
        return engine_mailwizz.run({**engine.given, "tenants": tenants}, check_mode)

    return tell


def test_told_once(tell, engine):
    tried = tell(check_mode=True, sos=SOS)
    assert tried["changed"] and tried["told"] == {"sos": {"url": API, "certificate": None, "changed": True}}
    assert engine.sql("SELECT count(*) FROM mailwizz_instances") == [(0,)]
    assert tell(sos=SOS) == tried
    assert json.loads(tried["diff"][0]["before"]) == {}
    assert json.loads(tried["diff"][0]["after"]) == {"url": API, "certificate": None, "key": "another"}
    assert tried["diff"][0]["after_header"] == "MailWizz of tenant sos"
    again = tell(sos={**SOS, "certificate": None})
    assert (again["changed"], again["diff"], again["told"]["sos"]["changed"]) == (False, [], False)
    assert tell(check_mode=True, sos=SOS) == again
    assert KEY not in json.dumps([tried, again])


def test_another_key_and_another_certificate_are_changes(tell, tmp_path):
    tell(sos=SOS)
    other = tell(sos={**SOS, "key": KEY[::-1]})
    assert json.loads(other["diff"][0]["before"])["key"] == "before" and KEY[::-1] not in json.dumps(other)
    pem = certificate(tmp_path, "mw.test")[0].read_text()
    trusted = tell(sos={**SOS, "key": KEY[::-1], "certificate": pem})
    assert trusted["changed"] and "key" not in json.loads(trusted["diff"][0]["after"])
    assert len(trusted["told"]["sos"]["certificate"][0]) == 95


def test_one_that_is_refused_keeps_no_other(tell, engine):
    with pytest.raises(FleetError) as caught:
        tell(nobody=SOS, sos=SOS)
    assert "nobody" in str(caught.value) and "sos:" not in str(caught.value)
    assert engine.sql("SELECT count(*) FROM mailwizz_instances") == [(1,)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("x", "tenants.sos: is no mapping"),
        ({"url": "https://mw.test"}, "tenants.sos.key: is missing"),
        ({"url": None, "key": KEY}, "tenants.sos.url: is missing"),
        ({**SOS, "keys": "x"}, "tenants.sos.keys: is no option"),
        ({**SOS, "url": "http://mw.test"}, "sos: body.url: .*is not https"),
        ({**SOS, "certificate": "/etc/ssl/mw.pem"}, "sos: body.certificate: .*PEM"),
        ({**SOS, "key": "short"}, "sos: body.key: "),
    ],
)
def test_what_cannot_be(tell, given, words):
    with pytest.raises(FleetError, match=words) as caught:
        tell(sos=given)
    assert KEY not in str(caught.value)
