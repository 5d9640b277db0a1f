# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is compared with the DNS is the key on the host that signs, never one that somebody remembers."""

from __future__ import annotations

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.host_keys import with_host_keys


def key(selector="s1", public="AAA", domain="mail.test") -> dict:
    return {"domain": domain, "selector": selector, "public": public, "path": "/x"}


@pytest.mark.parametrize(
    ("remembered", "keys", "selector", "public", "trouble", "note"),
    [
        (("s1", "AAA"), {"vps2": [key()]}, "s1", "AAA", None, ""),
        ((None, None), {"vps2": [key()]}, "s1", "AAA", None, ""),
        (("s1", "AAA"), {"vps2": [key("s2", "BBB")]}, "s2", "BBB", None, "remembers key s1, vps2 signs with s2"),
        (("s1", "AAA"), {"vps2": [key("s1", "BBB")]}, "s1", "BBB", None, "remembers another key under s1"),
        # Only foreseen: there is no key yet to differ from.
        (("s1", "AAA"), {"vps2": [key("s2", None)]}, "s2", None, None, ""),
        (("s1", "AAA"), {"vps2": None}, None, None, "vps2 was not looked at", ""),
        (("s1", "AAA"), {}, None, None, "vps2 was not looked at", ""),
        (("s1", "AAA"), {"vps9": [key()]}, None, None, "vps2 was not looked at", ""),
        (("s1", "AAA"), {"vps2": []}, None, None, "vps2 has no key of mail.test", ""),
        (("s1", "AAA"), {"vps2": [key(domain="other.test")]}, None, None, "has no key of mail.test", ""),
        (("s1", "AAA"), {"vps2": [key(domain="Mail.test.")]}, "s1", "AAA", None, ""),
    ],
)
def test_the_host_decides(remembered, keys, selector, public, trouble, note):
    one = {
        "name": "mail.test",
        "domain": "mail.test",
        "mta": "vps2",
        "status": "active",
        "selector": remembered[0],
        "public": remembered[1],
    }
    document, notes = with_host_keys({"senders": [one], "tenants": []}, keys)
    (found,) = document["senders"]
    assert (found["selector"], found["public"]) == (selector, public)
    assert (trouble or "") in found.get("key_trouble", "") and bool(trouble) == bool(found.get("key_trouble"))
    assert len(notes) == bool(note) and note in "".join(notes)


def test_senders_of_one_domain_are_told_once():
    senders = [
        {"name": n, "domain": "mail.test", "mta": "vps2", "status": "active", "selector": "s0", "public": "A"}
        for n in ("a", "b")
    ]
    assert len(with_host_keys({"senders": senders}, {"vps2": [key()]})[1]) == 1
