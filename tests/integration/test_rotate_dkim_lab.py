# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sender of the lab gets a new DKIM key: its mail is signed at every moment by a key that receivers find. Needs the deployed lab."""

from __future__ import annotations

import json

import pytest

from ansible_collections.email_engine.fleet.tests.lab import client
from ansible_collections.email_engine.fleet.tests.lab.deployed import ONE, Mail, arrived, converge, send, ssh

pytestmark = pytest.mark.lab

DOMAIN, KEYS = "mail1.sos-holidays.test", "/etc/pmta/dkim"
# Checks run on a host of the lab, whose resolver begins at the lab's root.
HERE = ("-e", "checks_host=vps2", "-e", '{"checks_resolvers": ["127.0.0.1"]}')


def books() -> dict:
    return json.loads(ssh("vps2", f"cat {KEYS}/keys.json"))["domains"][DOMAIN]


def as_if_long_ago(selector: str, date: str) -> None:
    script = (
        f"import json; p = '{KEYS}/keys.json'; r = json.load(open(p)); "
        f"r['domains']['{DOMAIN}']['keys']['{selector}']['{date}'] = '2026-01-01T00:00:00Z'; json.dump(r, open(p, 'w'))"
    )
    ssh("vps2", f'python3 -c "{script}"')


def rotate(*extra: str) -> str:
    return converge(*HERE, *extra, playbook="playbooks/rotate_dkim.yml")


def signed_by() -> str:
    """The selector of a message that arrives now, whose signature its receiver found good."""
    mail = Mail(ONE)
    assert send(mail)[0][0] == 250
    verdict = arrived(mail)["authentication_results"]["dkim"]
    assert (verdict["result"], verdict["domain"]) == ("pass", DOMAIN), verdict
    return verdict["selector"]


def published(selector: str) -> list[list[str]]:
    name = f"{selector}._domainkey.{DOMAIN}"
    return [client.resolve(name, "TXT", server) for server in (client.PRIMARY, client.SECONDARY)]


def test_a_key_is_replaced_and_no_message_goes_unsigned():
    converge()
    old = books()["current"]
    assert signed_by() == old

    rotate("-e", f"rotate_dkim_domains={DOMAIN}")
    (new,) = [name for name, key in books()["keys"].items() if key.get("published") and name != old]
    assert signed_by() == old and all(published(new)) and all(published(old))
    converge()
    assert all(published(new)), "a converge took the new record away"

    as_if_long_ago(new, "usable")
    rotate()
    assert signed_by() == new and all(published(old))
    assert f"{old}.{DOMAIN}.pem" not in ssh("vps2", f"ls {KEYS}").split()

    as_if_long_ago(old, "retired")
    rotate()
    assert all(values and values[0].rstrip('"').endswith("p=") for values in published(old)), published(old)
    assert books()["keys"][old].get("void"), "no server was seen to say that it is void"
    as_if_long_ago(old, "void")
    rotate()
    assert not any(published(old)) and signed_by() == new
    assert "Nothing is due." in rotate("--check")
