# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every secret of a whole verbose run, looked for in everything that the run put out or kept."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

import members
import samples
import servers
from email_engine.settings import Settings

# Each of another form, and none in any text by chance.
PEPPER, SESSION, DATABASE = "pepper-Q7vX2mL9", "session-N3kT8wZ5 with a space", "db-p4sS%2Fword-H6"
POSTED = {
    "feeder": "feeder-Z8rB4tK1",
    "field": "field-M2nC6yP3",
    "query": "query-J5hD9sF7",
    "path": "path-L1gR3vW8",
    "header": "header-T6bQ2xN4",
    "policy": "policy-V9fS5kH2",
    "form": "form-C4jM7zD6",
}
PRIVATE = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcw\n-----END PRIVATE KEY-----"
FOREIGN = f"ee_0a1b2c3d_{'Xy-9' * 10}abc"
#: The application with nothing hidden: what finds nothing here would find nothing ever.
OPEN = """
import sys
from email_engine.redaction import Redactor
Redactor.text = lambda self, text: text
Redactor.value = lambda self, value: value
from email_engine.api.serve import serve
serve(sys.argv[1])
"""


def run(api, key, app_secrets):
    """What a user and a clumsy user do; texts of all answers in which no secret belongs, and the secrets that were in use."""
    used = {**POSTED, **app_secrets, "admin": key["X-API-KEY"], "foreign": FOREIGN, "private": PRIVATE.splitlines()[1]}
    said = []

    def ask(method, path, wanted, **more):
        with api.client(headers={**key, **more.pop("headers", {})}, timeout=60) as client:
            answer = client.request(method, path, **more)
        assert answer.status_code in wanted, (method, path, answer.text)
        said.append(f"{answer.text}\n{answer.headers}")
        return answer

    # Good ones.
    ask("GET", "/api/v1/fleet", [200])
    made = ask("POST", "/api/v1/keys", [201], json={"name": "second"}, headers={"Idempotency-Key": "once"})
    said.pop()
    used["made"] = made.json()["key"]
    ask("POST", "/api/v1/keys", [201], json={"name": "second"}, headers={"Idempotency-Key": "once"})
    ask("POST", "/api/v1/ips", [202], json=members.NEW)
    with api.client(timeout=60) as client:
        page = client.get("/login")
        token = re.search(r'name="token" value="([^"]+)"', page.text)[1]
        cookie = {"Cookie": f"{page.headers['set-cookie'].partition(';')[0]}"}
        form = {"token": token, "key": used["made"]}
        entered = client.post("/login", data=form, headers=cookie)
        assert entered.status_code == 303, entered.text
        session = entered.headers["set-cookie"].partition(";")[0]
        used["cookie"] = session.partition("=")[2]
        seen = client.get("/", headers={"Cookie": session})
        assert seen.status_code == 200
        said += [seen.text, client.get("/api/v1/fleet", headers={"Cookie": session}).text]
        said.append(client.post("/login", data={**form, "key": FOREIGN}, headers=cookie).text)
        said.append(client.post("/login", data={"key": POSTED["form"]}, headers=cookie).text)
    # Keys that are none.
    for wrong in (FOREIGN, POSTED["header"], f"ee_{POSTED['header']}", used["made"][:-1] + "~"):
        ask("GET", "/api/v1/fleet", [401], headers={"X-API-KEY": wrong})
    # Secrets where none belong.
    ask("GET", f"/api/v1/fleet?password={POSTED['query']}", [200])
    ask("GET", f"/api/v1/{POSTED['path']}", [404])
    ask("GET", "/api/v1/ips/UPPER", [404, 422], headers={"X-Request-ID": FOREIGN, "Authorization": POSTED["header"]})
    ask("POST", "/api/v1/ips", [409, 422], json={"ip": FOREIGN, "domain": PRIVATE, "password": POSTED["field"]})
    ask("PATCH", "/api/v1/ips/m1.sos.test", [422], json={"weight": POSTED["field"], "secret": POSTED["field"]})
    ask("PATCH", "/api/v1/ips/m1.sos.test", [412], json={"weight": 1}, headers={"If-Match": FOREIGN})
    ask("POST", "/api/v1/senders:select", [422], json={"campaign": POSTED["field"]})
    ask("POST", "/api/v1/senders:select", [422], content=f'{{"password": "{POSTED["field"]}"')
    ask("POST", "/api/v1/ips/m1.sos.test:pause", [200], json={"reason": f"somebody wrote {FOREIGN} and\n{PRIVATE}"})
    feeders = [{"address": "198.18.0.11", "password": POSTED["feeder"]}]
    body = {"made_at": "2026-11-22T00:00:00Z", "declared_from": "control", "revision": "abc"}
    spoilt = samples.fleet(samples.sender(1), tenants=[samples.tenant(feeders=feeders)])
    ask("PUT", "/api/v1/fleet", [422], json={**body, "fleet": spoilt})
    spoilt = samples.fleet(samples.sender(1, status=POSTED["feeder"]))
    ask("PUT", "/api/v1/fleet", [422], json={**body, "fleet": spoilt})
    policy = {**members.POLICY, "sender_defaults": {"password": POSTED["policy"]}}
    good = samples.fleet(samples.sender(1), samples.sender(2))
    ask("PUT", "/api/v1/fleet", [200, 422], json={**body, "fleet": good, "policy": policy, "mtas": ["vps2"]})
    for path in ("/api/v1/audit", "/api/v1/jobs", "/api/v1/keys", "/metrics", "/ready", "/api/v1/openapi.json"):
        ask("GET", path, [200])
    return said, used


def everything(url):
    """Every row of every table, as text."""
    engine = create_engine(url)
    with engine.connect() as connection:
        tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        found = [connection.scalars(text(f"SELECT row_to_json(t)::text FROM {table} t")).all() for table in tables]
    engine.dispose()
    return "\n".join(row for rows in found for row in rows)


def processes(first):
    """Command lines and environments of a process and its children, as anybody who may look sees them."""
    found = []
    for number in (first, *servers.children(first)):
        found += [Path(f"/proc/{number}/{what}").read_text() for what in ("cmdline", "environ")]
    return "\n".join(found)


def leaks(secrets, **places):
    """Where which of them stands, also as it looks in JSON or in a URL."""
    return {
        (name, place)
        for name, secret in secrets.items()
        for place, text in places.items()
        if secret in text or json.dumps(secret)[1:-1] in text
    }


@pytest.mark.parametrize("hidden", [True, False])
def test_no_secret_leaves_a_verbose_run(database, redis, tmp_path, hidden):
    url = database[servers.ROLE].replace("@", f":{DATABASE}@")
    known = {"database": url, "redis": redis[0], "key_pepper": "pepper", "session_secret": SESSION}
    wanted = samples.fleet(samples.sender(1), samples.sender(2))
    (key,) = samples.populated(Settings(**known), wanted, policy=members.POLICY, mtas=["vps2"])
    program = ["-m", "email_engine.api.serve"] if hidden else ["-c", OPEN]
    api = servers.Api(tmp_path, 1, program, log_level="DEBUG", **known)
    try:
        said, used = run(api, key, {"session": SESSION, "database": DATABASE})
        seen = processes(api.process)
    finally:
        api.close()
    assert '"level": "debug"' in api.output and "sqlalchemy" in api.output
    assert all(json.loads(line) for line in api.output.splitlines())
    found = leaks(used, output=api.output, answers="\n".join(said), rows=everything(database["owner"]), processes=seen)
    if hidden:
        assert not found
        assert "ee_0a1b2c3d_***" in everything(database["owner"])
    else:
        assert {("foreign", "answers"), ("foreign", "rows"), ("private", "rows")} <= found


LINES = """
import logging, sys, warnings
from email_engine import logs, settings
logs.configure(settings.Settings(database="postgresql://u:{database}@/x", redis="redis://", key_pepper="{pepper}", log_level="DEBUG"),
               ["{more}"])
log = logging.getLogger(sys.argv[1])
log.error("of %s and %s", "{pepper}", dict(password="{field}"), extra=dict(token="{field}", deep=[dict(x="{more}")]))
warnings.warn("{more}")
with logs.about(job="4711", why="{pepper}"):
    try:
        raise ValueError("postgresql://u:{database}@/x", "line\\n{private}")
    except ValueError:
        log.exception("caught")
"""


@pytest.mark.parametrize("logger", ["email_engine.x", "uvicorn.error", "celery.worker", "sqlalchemy.engine", "alembic"])
def test_whoever_writes_a_line_it_is_json_and_hides_secrets(logger):
    secrets = {
        "pepper": PEPPER,
        "database": DATABASE,
        "field": POSTED["field"],
        "more": 'more "secret"',
        "private": PRIVATE,
    }
    program = LINES.format(**{name: json.dumps(value)[1:-1] for name, value in secrets.items()})
    done = subprocess.run(
        [sys.executable, "-c", program, logger], capture_output=True, text=True, cwd=servers.HERE.parent, check=True
    )
    first, warning, second = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["logger"], first["level"], first["token"]) == (logger, "error", "***")
    assert first["event"] == "of *** and {'password': '***'}" and first["deep"] == [{"x": "***"}]
    assert warning["logger"] == "py.warnings"
    assert second["job"] == "4711" and "ValueError" in second["exception"] and "Traceback" in second["exception"]
    assert not done.stderr and not leaks({**secrets, "private": PRIVATE.splitlines()[1]}, output=done.stdout)


def test_a_request_is_one_line(database, redis, tmp_path):
    known = {"database": database[servers.ROLE], "redis": redis[0], "key_pepper": "pepper"}
    (key,) = samples.populated(Settings(**known), samples.fleet(samples.sender(1)))
    api = servers.Api(tmp_path, 1, **known)
    try:
        with api.client(headers={**key, "X-Request-ID": "mine-0123"}) as client:
            assert client.get("/api/v1/ips/m1.sos.test").headers["X-Request-ID"] == "mine-0123"
        with api.client(headers={**key, "X-Request-ID": "not sane"}) as client:
            made = client.get("/api/v1/ips/m1.sos.test").headers["X-Request-ID"]
    finally:
        api.close()
    lines = [json.loads(line) for line in api.output.splitlines()]
    ours = [line for line in lines if line["event"] == "request"]
    assert [line["request"] for line in ours] == ["mine-0123", made] and re.fullmatch("[0-9a-f]{16}", made)
    for line in ours:
        assert (line["method"], line["route"], line["status"]) == ("GET", "/api/v1/ips/{name}", 200)
        assert line["key"] == "admin" and line["ms"] > 0 and line["level"] == "info"
    assert not [line for line in lines if line["logger"] == "uvicorn.access"]


def test_what_nobody_foresaw_is_told_in_the_log_only(app, client, admin, monkeypatch, caplog):
    monkeypatch.setattr("email_engine.api.fleet.fleet.document", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = client.get("/api/v1/fleet", headers={**admin, "X-Request-ID": "mine-0123"})
    assert answer.status_code == 500 and answer.headers["content-type"] == "application/problem+json"
    assert "mine-0123" in answer.json()["detail"] and "Zero" not in answer.text
    (record,) = caplog.records
    assert record.exc_info[0] is ZeroDivisionError and record.status == 500
