# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the OpenAPI document says, tried by a machine: no request breaks the engine, no answer breaks the document's word."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks

from members import declared

JUDGES = [
    checks.not_a_server_error,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.status_code_conformance,
]


def test_the_whole_document(app, client, admin):
    declared(app, admin)
    client.post("/api/v1/ips", headers=admin, json={"ip": "198.19.0.9", "domain": "m9.sos.test", "tenant": "sos"})
    app.state.settings.requests_per_minute = 10**9
    tried = []
    for found in schemathesis.openapi.from_asgi("/api/v1/openapi.json", app).get_all_operations():
        operation = found.ok()

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def run(case):
            case.call_and_validate(headers=admin, checks=JUDGES)

        run()
        tried.append(operation.label)
    assert len(tried) == len(set(tried)) >= 38
