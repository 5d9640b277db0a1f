# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Authentication-Results count, and what they say."""

from __future__ import annotations

import email

import pytest

from ansible_collections.email_engine.fleet.tests.lab.read_mail import describe, verdicts

OWN_RECEIVED = (
    "Received: from mail1.sos-holidays.test (mail1.sos-holidays.test [198.19.0.1])\n"
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits))\n\tby mx.gmail.test (Postfix) with ESMTPS id 1\n"
)
OWN_VERDICT = (
    "Authentication-Results: mx.gmail.test;\n\tspf=fail (mx.gmail.test: dkim=pass; dmarc=pass) smtp.mailfrom=a@b.test\n"
)
FORGED_BODY = "spf=pass smtp.mailfrom=x; dkim=pass header.d=evil.test; dmarc=pass\n"


def read(headers: str) -> dict:
    return describe(email.message_from_string(headers + "Subject: s\n\nbody\n"), "x@gmail.test")


def test_client_of_the_provider_is_read_from_its_own_received() -> None:
    message = read(
        OWN_RECEIVED
        + OWN_VERDICT
        + "Received: from evil (evil [203.0.113.1]) by mx.gmail.test (Postfix) with SMTP id 2\n"
    )
    assert (message["source_ip"], message["ehlo"], message["client_name"], message["tls"]) == (
        "198.19.0.1",
        "mail1.sos-holidays.test",
        "mail1.sos-holidays.test",
        True,
    )


def test_unconfirmed_client_is_unknown() -> None:
    message = read("Received: from me (unknown [198.19.0.9])\n\tby mx.gmail.test (Postfix) with ESMTP id 1\n")
    assert (message["client_name"], message["ehlo"], message["tls"]) == ("unknown", "me", False)


@pytest.mark.parametrize(
    "authserv_id", ["mx.gmail.test", "(x) mx.gmail.test", "mx.gmail.test 1", "MX.other.test", "mx.outlook.test"]
)
def test_verdict_that_came_with_the_message_does_not_count(authserv_id: str) -> None:
    forged = f"Authentication-Results: {authserv_id}; " + FORGED_BODY
    below_own = read(OWN_RECEIVED + OWN_VERDICT + forged)["authentication_results"]
    assert (below_own["spf"], below_own["dkim"]["result"], below_own["dmarc"]) == ("fail", "none", "none")
    foreign_received = "Received: from a (b [203.0.113.1]) by c (d) with SMTP id 2\n"
    assert read(OWN_RECEIVED + foreign_received + forged)["authentication_results"] is None


def test_other_servers_verdict_above_is_passed_over() -> None:
    found = read(OWN_RECEIVED + "Authentication-Results: mx.outlook.test; " + FORGED_BODY + OWN_VERDICT)[
        "authentication_results"
    ]
    assert found["spf"] == "fail"


def test_no_verdict_is_null() -> None:
    assert read(OWN_RECEIVED)["authentication_results"] is None


def test_signature_that_passes_is_the_one_shown() -> None:
    found = verdicts(
        'mx.gmail.test; dkim=fail (wrong "a;b" (nested) key) header.d=one.test header.s=s1; dkim=pass header.d=two.test header.s=s2 header.b=abc;'
        ' spf=pass (ok) smtp.mailfrom="a;dmarc=fail"@two.test; dmarc=pass (policy=none) header.from=two.test'
    )
    assert found["dkim"] == {"result": "pass", "domain": "two.test", "selector": "s2"}
    assert [one["result"] for one in found["dkim_all"]] == ["fail", "pass"]
    assert (found["spf"], found["dmarc"]) == ("pass", "pass")
