# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves on the engine's host and on the servers its jobs work on, looked at from outside the role."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import testinfra

ROOT = Path(__file__).resolve().parents[2]
INVENTORY = ROOT / "inventories/lab_engine"
ADDRESS, MTA = "198.18.0.13", "198.18.0.12"
STATE = "/var/lib/email-engine-control"
SERVICES = (
    "email-engine-api",
    "email-engine-worker",
    "email-engine-stop-worker",
    "email-engine-check-worker",
    "email-engine-mail-worker",
)
CURL = "curl -sS --max-time 20 --cacert /etc/email-engine/tls/certificate.pem"
SSH = (
    f"runuser -u email-engine -- ssh -i {STATE}/ssh/id_ed25519 -o BatchMode=yes -o IdentitiesOnly=yes"
    f" -o StrictHostKeyChecking=yes -o UserKnownHostsFile={STATE}/ssh/known_hosts"
)
# Every place a person without rights, or one who reads logs, could look at. Secrets are read from where root keeps them.
SECRETS = """
import os, pathlib, re, subprocess, sys
credentials = pathlib.Path("/etc/email-engine/credentials")
secrets = {path.name: path.read_bytes() for path in credentials.iterdir()}
secrets["admin_key"] = pathlib.Path("/var/lib/email-engine-lab/engine/admin_key").read_bytes().strip()
secrets["ssh"] = pathlib.Path("/var/lib/email-engine-control/ssh/id_ed25519").read_bytes().splitlines()[2]
# Addresses of alerts are there where some are set.
secrets = {name: secret for name, secret in secrets.items() if secret}
assert all(len(secret) >= 32 for secret in secrets.values()) and len(secrets) in (5, 6), sorted(secrets)
def look(where, content):
    for name, secret in secrets.items():
        if secret in content:
            print(f"{name} in {where}")
look("the journal", subprocess.run(["journalctl", "-o", "export", "--no-pager"], capture_output=True).stdout)
look("units", subprocess.run(["systemctl", "show", "*"], capture_output=True).stdout)
for process in pathlib.Path("/proc").glob("[0-9]*"):
    for name in ("cmdline", "environ"):
        try:
            look(f"/proc/PID/{name} of " + (process / "comm").read_text().strip(), (process / name).read_bytes())
        except OSError:
            pass
seen = 0
for root in ("/etc", "/opt", "/root", "/home", "/run", "/srv", "/tmp", "/usr/local", "/var"):
    for where, folders, names in os.walk(root):
        for name in names:
            path = pathlib.Path(where, name)
            try:
                mode = path.lstat().st_mode
                # A directory that is closed to others closes what is below it; the log files count whoever reads them.
                if path.is_symlink() or not path.is_file() or not (mode & 0o004 or where.startswith("/var/log")):
                    continue
                if path.is_relative_to("/var/log/journal"):
                    continue
                look(path, path.read_bytes())
                seen += 1
            except OSError:
                pass
print(f"looked at {seen > 500 and 'enough' or seen} files", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def vps1():
    return testinfra.get_host("ansible://vps1", ansible_inventory=str(INVENTORY))


@pytest.fixture(scope="module")
def vps2():
    return testinfra.get_host("ansible://vps2", ansible_inventory=str(INVENTORY))


def status(host, url, options="", curl=CURL):
    return host.run(f"{curl} {options} -o /dev/null -w '%{{http_code}}' {url}").stdout


# --- It runs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [*SERVICES, "redis-server@email-engine", "postgresql", "nginx"])
def test_services_run_and_start_at_boot(host, unit):
    service = host.service(unit)
    assert service.is_running and service.is_enabled
    assert host.check_output(f"systemctl show -P NRestarts {unit}") == "0", "it died and was started again"


@pytest.mark.parametrize("unit", ["email-engine-api.socket", "email-engine-certificate.timer"])
def test_units_wait_for_their_moment(host, unit):
    assert host.check_output(f"systemctl is-active {unit}") == "active"
    assert host.check_output(f"systemctl is-enabled {unit}") == "enabled"


@pytest.mark.parametrize("name", ["collect", "dns", "dnsbl", "recheck", "warmup"])
def test_schedules_wait_for_their_time(host, name):
    timer = f"email-engine-schedule-{name}.timer"
    assert host.check_output(f"systemctl is-active {timer}") == "active"
    assert host.check_output(f"systemctl is-enabled {timer}") == "enabled"
    assert host.check_output(f"systemctl show -P NextElapseUSecRealtime {timer}").endswith(" UTC")


def test_a_schedule_asks_the_engine_for_its_job(host):
    assert host.run("systemctl start email-engine-schedule-recheck.service").rc == 0
    key = host.file("/var/lib/email-engine-lab/engine/admin_key").content_string.strip()
    found = json.loads(host.check_output(f"{CURL} -H 'X-API-KEY: {key}' https://{ADDRESS}/api/v1/jobs?kind=recheck"))
    assert {one["lane"] for one in found["items"]} == {"check"}


def test_the_receivers_of_alerts_can_be_reached(host):
    assert host.run("email-engine alerts list").rc == 0
    tried = host.run("email-engine alerts test")
    # By its digest: an address may hold a password.
    assert tried.rc == 0 and re.fullmatch(r"mailto-\w+ \(1 of 1\): sent\s*", tried.stdout), tried


@pytest.mark.parametrize(("unit", "most"), [*zip(SERVICES, (1.5, 2.0, 2.0, 2.0, 2.0), strict=True)])
def test_services_are_sandboxed(host, unit, most):
    last = host.check_output(f"systemd-analyze security --no-pager {unit}.service").splitlines()[-1]
    assert float(re.search(r"\d+\.\d+", last)[0]) <= most, last


def test_it_listens_where_it_has_to_and_nowhere_else(host):
    lines = host.check_output("ss -Hltn").splitlines()
    listening = {line.split()[3] for line in lines} - {"127.0.0.1:5432", "[::1]:5432"}
    assert {place.rsplit(":", 1)[1] for place in listening} == {"22", "80", "443"}


# --- The door ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [ADDRESS, "vps3.lab.test"])
def test_the_api_answers_under_a_certificate_of_its_name_and_address(host, name):
    assert json.loads(host.check_output(f"{CURL} https://{name}/ready"))["status"] == "ok"


def test_the_administrators_key_opens_it_and_another_does_not(host):
    key = host.file("/var/lib/email-engine-lab/engine/admin_key").content_string.strip()
    url = f"https://{ADDRESS}/api/v1/fleet"
    assert status(host, url, f"-H 'X-API-KEY: {key}'") == "200"
    assert status(host, url, f"-H 'X-API-KEY: {key[:-1]}'") == "401"
    assert status(host, url) == "401"


def test_http_leads_to_https(host):
    answer = host.check_output(f"curl -sSI http://{ADDRESS}/api/v1/fleet")
    assert " 308 " in answer and f"Location: https://{ADDRESS}/api/v1/fleet" in answer


def test_old_tls_is_refused(host):
    assert host.run(f"{CURL} --tls-max 1.2 https://{ADDRESS}/health").rc == 35
    assert host.run(f"{CURL} --tlsv1.3 https://{ADDRESS}/health").rc == 0


def test_answers_carry_the_headers_that_browsers_heed(host):
    answer = host.check_output(f"{CURL} -I -X GET https://{ADDRESS}/health").lower()
    for header in ("x-content-type-options: nosniff", "x-frame-options: deny", "referrer-policy: no-referrer"):
        assert header in answer
    assert "uvicorn" not in answer and not re.search(r"nginx/\d", answer)


def test_too_large_a_request_is_refused(host):
    big = "head -c 9000000 /dev/zero | "
    assert (
        host.run(f"{big}{CURL} -o /dev/null -w '%{{http_code}}' --data-binary @- https://{ADDRESS}/health").stdout
        == "413"
    )


def test_metrics_are_for_listed_addresses(host, vps1):
    assert status(host, "https://127.0.0.1/metrics", curl="curl -sSk") == "200"
    assert status(host, f"https://{ADDRESS}/metrics") == "403"
    assert status(vps1, f"https://{ADDRESS}/metrics", curl="curl -sSk --max-time 20") == "403"


def test_the_certificate_is_renewed_before_it_ends(host):
    where = "/etc/email-engine/tls"
    before = host.check_output(f"openssl x509 -in {where}/certificate.pem -noout -fingerprint")
    host.check_output("systemctl start email-engine-certificate.service")
    assert host.check_output(f"openssl x509 -in {where}/certificate.pem -noout -fingerprint") == before
    host.check_output(
        f"openssl req -x509 -key {where}/key.pem -days 20 -subj /CN=old -out {where}/certificate.pem"
        " && systemctl start email-engine-certificate.service"
    )
    assert host.run(f"openssl x509 -in {where}/certificate.pem -noout -checkend 25920000").rc == 0
    # nginx takes it up in its own time.
    patient = f"{CURL} --retry 10 --retry-delay 1 --retry-all-errors https://{ADDRESS}/ready"
    assert json.loads(host.check_output(patient))["status"] == "ok"
    assert host.file(f"{where}/key.pem").mode == 0o600


# --- What it remembers with -------------------------------------------------------------------------------------------


def psql(host, statement, user="email-engine", database="email_engine"):
    return host.run(f'cd / && runuser -u {user} -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c "{statement}"')


def test_the_application_reads_and_writes_and_cannot_change_its_past(host):
    assert int(psql(host, "SELECT count(*) FROM audit_log").stdout) >= 1, "the key was made by somebody"
    for statement in (
        "DELETE FROM audit_log",
        "UPDATE audit_log SET actor = 'x'",
        "TRUNCATE audit_log",
        "CREATE TABLE x ()",
    ):
        done = psql(host, statement)
        assert done.rc and "permission denied" in done.stderr, statement


def test_nobody_else_opens_the_database(host):
    assert psql(host, "SELECT 1", user="www-data").rc
    assert psql(host, "SELECT 1", user="postgres").stdout.strip() == "1", "so the refusals are refusals"
    host.check_output("runuser -u postgres -- createuser www-data")
    try:
        assert "permission denied for database" in psql(host, "SELECT 1", user="www-data").stderr
    finally:
        host.check_output("runuser -u postgres -- dropuser www-data")
    assert psql(host, "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'email_engine_owner'").stdout == "f\n"


def test_the_distributions_versions_are_new_enough(host):
    assert int(psql(host, "SHOW server_version_num").stdout) >= 150000
    assert int(re.search(r"v=(\d+)", host.check_output("redis-server --version"))[1]) >= 7


def test_redis_is_the_engines_alone(host):
    command = "redis-cli -s /run/redis-email-engine/redis.sock ping"
    assert host.check_output(f"runuser -u email-engine -- {command}") == "PONG"
    assert "Permission denied" in host.run(f"runuser -u www-data -- {command} 2>&1").stdout


# --- Secrets ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "mode", "user", "group"),
    [
        ("/etc/email-engine/credentials", 0o700, "root", "root"),
        ("/etc/email-engine/credentials/email_engine_key_pepper", 0o400, "root", "root"),
        ("/etc/email-engine/credentials/vault_password", 0o400, "root", "root"),
        ("/etc/email-engine/tls/key.pem", 0o600, "root", "root"),
        (f"{STATE}/ssh/id_ed25519", 0o600, "email-engine", "email-engine"),
        (f"{STATE}/inventory/group_vars/all/engine.yml", 0o640, "root", "email-engine"),
        ("/var/lib/email-engine-lab/tsig.secret", 0o640, "root", "email-engine"),
        ("/run/email-engine/api.sock", 0o660, "root", "www-data"),
    ],
)
def test_nobody_else_reads(host, path, mode, user, group):
    file = host.file(path)
    assert (file.mode, file.user, file.group) == (mode, user, group)


def look_for_secrets(host):
    done = host.run(f"python3 - <<'SCRIPT'\n{SECRETS}\nSCRIPT")
    assert done.rc == 0, done.stderr
    assert "looked at enough files" in done.stderr
    return done.stdout.splitlines()


def test_no_secret_lies_open(host):
    assert look_for_secrets(host) == []


def test_a_secret_that_lies_open_is_seen(host):
    where = "/etc/email-engine/credentials"
    host.check_output(f"cp {where}/email_engine_key_pepper /var/lib/open && chmod 0644 /var/lib/open")
    host.check_output(f"OPEN=$(cat {where}/email_engine_session_secret) setsid sleep 30 >/dev/null 2>&1 </dev/null &")
    try:
        found = look_for_secrets(host)
        assert "email_engine_key_pepper in /var/lib/open" in found
        assert "email_engine_session_secret in /proc/PID/environ of sleep" in found
    finally:
        host.check_output("rm /var/lib/open; pkill -x sleep")


# --- What jobs run with -----------------------------------------------------------------------------------------------


def test_the_code_came_without_a_package_index(host):
    assert "192.0.2.1" in host.check_output("getent hosts pypi.org")
    said = host.check_output(
        "/opt/email-engine/venv/bin/pip list --format=freeze --disable-pip-version-check"
    ).splitlines()
    assert "email-engine==0.1.0" in said and any(line.startswith("ansible-core==") for line in said)
    assert host.run("/opt/email-engine/venv/bin/pip check").rc == 0


def test_the_inventory_is_there_with_its_revision_and_still_vaulted(host):
    known = json.loads(host.file(f"{STATE}/inventory/.email-engine-revision.json").content_string)
    assert set(known) == {"made_at", "revision"} and known["made_at"].startswith("20")
    assert host.file(f"{STATE}/inventory/group_vars/all/vault.yml").content_string.startswith("$ANSIBLE_VAULT")
    assert not host.file(f"{STATE}/inventory/group_vars/all/fleet.yml").is_symlink
    # Its directory's name stands for its content: a run with the same one brings nothing.
    assert re.fullmatch(rf"{STATE}/inventories/[0-9a-f]{{16}}", host.file(f"{STATE}/inventory").linked_to)


def over_ssh(host, arguments):
    """What ssh says of a refusal. Its status 255 would look like that of the connection to the host itself."""
    return host.check_output(f"timeout 20 {SSH} {arguments} </dev/null 2>&1 || true")


def test_the_deploy_account_comes_from_the_engine_alone(host, vps2):
    line = vps2.file("/var/lib/email-engine-deploy/.ssh/authorized_keys").content_string.splitlines()[-1]
    assert line.startswith(f'from="{ADDRESS}",restrict ssh-ed25519 ')
    assert vps2.check_output("getent shadow email-engine-deploy").split(":")[1] == "*", "no password opens it"
    assert host.check_output(f"{SSH} email-engine-deploy@{MTA} sudo -n id -u") == "0"
    other = "198.18.0.213"
    host.check_output(f"ip address add {other}/15 dev host0")
    try:
        assert "Permission denied" in over_ssh(host, f"-b {other} email-engine-deploy@{MTA} true")
    finally:
        host.check_output(f"ip address del {other}/15 dev host0")


def test_the_deploy_account_opens_neither_terminals_nor_tunnels(host):
    assert "PTY allocation request failed" in over_ssh(host, f"-tt email-engine-deploy@{MTA} true")
    assert "prohibited" in over_ssh(host, f"-W 127.0.0.1:22 email-engine-deploy@{MTA}")


def test_an_unknown_host_key_is_refused(host):
    assert "Host key verification failed" in over_ssh(host, "email-engine-deploy@198.18.0.50 true")


def test_a_job_reaches_the_servers(host):
    ansible = (
        f"/opt/email-engine/venv/bin/ansible --inventory {STATE}/inventory powermta:mailwizz --become --module-name ping --one-line"
        f" --extra-vars ansible_user=email-engine-deploy --extra-vars ansible_ssh_private_key_file={STATE}/ssh/id_ed25519"
        f" --extra-vars \"ansible_ssh_common_args='-o StrictHostKeyChecking=yes -o UserKnownHostsFile={STATE}/ssh/known_hosts'\""
    )
    sandbox = (
        f"systemd-run --quiet --pipe --wait --collect -p User=email-engine -p Group=email-engine -p WorkingDirectory={STATE}/work"
        f" -p Environment='HOME={STATE}/work ANSIBLE_VAULT_PASSWORD_FILE=/run/credentials/ping.service/vault_password'"
        " -p LoadCredential=vault_password:/etc/email-engine/credentials/vault_password --unit=ping"
    )
    said = host.check_output(f"{sandbox} {ansible}")
    assert sorted(line.split(" => ")[0] for line in said.splitlines()) == ["vps1 | SUCCESS", "vps2 | SUCCESS"]
