# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine's answers mean: data, or problems an operator can act upon."""

from __future__ import annotations

import json

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.engine_answers import (
    Away,
    judge,
    unreachable,
    untrusted,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

URL = "https://engine.test"


def refused(status, body):
    with pytest.raises(FleetError) as caught:
        judge(URL, "PUT /fleet", status, body if isinstance(body, str) else json.dumps(body))
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_success_is_its_data(status):
    assert judge(URL, "GET /fleet", status, '{"a": [1]}') == {"a": [1]}


def test_every_problem_is_told_with_its_remedy():
    errors = [
        {"where": "declaration", "what": "is empty", "remedy": "Confirm it."},
        {"where": "fleet", "what": "is odd"},
    ]
    found = refused(409, {"title": "no", "detail": "is empty", "errors": errors}).problems
    assert [(one.where, one.what) for one in found] == [("declaration", "is empty"), ("fleet", "is odd")]
    assert found[0].remedy == "Confirm it." and found[1].remedy


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"title": "No valid API key", "detail": "unknown"}, "does not know this API key|engine_admin_key"),
        (403, {"title": "Admins only", "detail": "the key x is a tenant's"}, "tenant's|an admin's key"),
        (429, {"title": "Too many", "detail": "600 a minute"}, "600 a minute|Wait"),
        (500, {"title": "Fault", "detail": "see 4f"}, "status 500|see 4f|journalctl"),
        (502, "<html>Bad Gateway</html>", "behind it does not|systemctl status email-engine-api"),
        (404, "<html>Not Found</html>", "no problem document|Is it an Email-Engine"),
        (422, {"title": "Not valid", "detail": "body.x: is odd"}, "status 422|body.x: is odd"),
        (200, "<html>Welcome to nginx!</html>", "no JSON|Is it an Email-Engine"),
        (418, '"tea"', "status 418"),
        (409, {"title": "no", "detail": "why", "errors": "none"}, "why"),
    ],
)
def test_other_answers_are_told_in_words(status, body, words):
    said = str(refused(status, body))
    assert URL in said
    for word in words.split("|"):
        assert word in said


def test_who_does_not_answer_is_told_apart():
    assert isinstance(unreachable(URL, "Connection refused"), Away)
    assert "Connection refused" in str(unreachable(URL, "Connection refused"))
    assert "renewed" in str(untrusted(URL, "self-signed certificate", True))
    assert "engine_server_name" in str(untrusted(URL, "self-signed certificate", False))
