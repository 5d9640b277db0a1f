# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role leaves on the host, looked at from outside the role: from the control node, from PowerMTA's host, and as PHP's user."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import time
import urllib.parse
from pathlib import Path

import pytest
import testinfra

testinfra_hosts = ["ansible://mailwizz"]

NAME = "mailwizz.lab.test"
ROOT = "/var/www/mailwizz"
OPEN = [
    "apps/common/runtime",
    "backend/assets/cache",
    "customer/assets/cache",
    "frontend/assets/cache",
    "frontend/assets/files",
    "frontend/assets/gallery",
]
JOBS = {
    "send-campaigns": "* * * * *",
    "queue": "* * * * *",
    "send-transactional-emails": "*/2 * * * *",
    "bounce-handler": "*/10 * * * *",
    "feedback-loop-handler": "*/20 * * * *",
    "process-delivery-and-bounce-log": "*/3 * * * *",
    "hourly": "0 * * * *",
    "daily": "0 0 * * *",
}


def kept(name):
    """A password that the inventory made up."""
    return Path(f"~/.cache/email-engine-lab/mailwizz-{name}").expanduser().read_text().strip()


class Site:
    """The host's site under any name, over TLS or without; redirects are not followed, cookies are kept."""

    def __init__(self, address, pem):
        self.address, self.cookies = address, {}
        self.context = ssl.create_default_context(cadata=pem)

    def ask(self, method, path, body=None, headers=(), name=NAME):
        plain = socket.create_connection((self.address, 443), 30)
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.sock = self.context.wrap_socket(plain, server_hostname=name)
        sent = {"Host": name, "User-Agent": "a test", "Accept": "*/*", **dict(headers)}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{key}={value}" for key, value in self.cookies.items())
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            body = urllib.parse.urlencode(body)
        # As written: the client is not to tidy up what a hostile one would not.
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for key, value in {**sent, "Content-Length": str(len(body or ""))}.items():
            connection.putheader(key, value)
        connection.endheaders((body or "").encode())
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        self.set_cookies = answer.headers.get_all("Set-Cookie") or []
        for line in self.set_cookies:
            key, _is, value = line.partition(";")[0].partition("=")
            self.cookies[key] = value
        return answer.status, answer.headers, text

    def status(self, method, path, **more):
        return self.ask(method, path, **more)[0]


@pytest.fixture
def site(host):
    address = host.backend.get_variables()["ansible_host"]
    return Site(address, host.file("/etc/email-engine-mailwizz/tls/certificate.pem").content_string)


def sql(host, statement):
    return host.check_output(f'mariadb --batch --skip-column-names mailwizz --execute="{statement}"')


# Files ------------------------------------------------------------------------------------------------------------------


def test_the_web_user_writes_to_the_six_folders_and_nowhere_else(host):
    found = host.check_output(f"cd / && runuser -u www-data -- find {ROOT} -writable").splitlines()
    paths = [path.removeprefix(f"{ROOT}/") for path in found]
    assert set(OPEN) <= set(paths)
    assert [path for path in paths if not any(f"{path}/".startswith(f"{folder}/") for folder in OPEN)] == []


def test_nobody_else_reads_anything_of_it(host):
    # What the product itself writes lies below folders that let nobody else in.
    folders = " -o ".join(f"-path '{ROOT}/{folder}/*'" for folder in OPEN)
    assert host.check_output(f"find {ROOT} -perm /o=rwx ! -type l ! \\( {folders} \\)") == ""
    assert host.run(f"cd / && runuser -u nobody -- ls {ROOT}").rc != 0


def test_code_belongs_to_root(host):
    assert host.check_output(f"find {ROOT} -name '*.php' ! -user root ! -path '*/runtime/*'") == ""


def test_the_password_is_in_one_file_which_the_web_user_reads(host):
    file = host.file(f"{ROOT}/apps/common/config/main-custom.php")
    assert (file.user, file.group, file.mode) == ("root", "www-data", 0o640)
    for secret in ("TEST-0000-0000-0000", kept("admin"), kept("database")):
        places = f"/etc /usr/local /var/log /var/lib/email-engine-mailwizz {ROOT} /tmp /root"
        found = host.check_output(f"grep -rlF '{secret}' {places} || true")
        assert found in ("", file.path), "the others are in the database alone"


def test_the_wizard_is_gone(host, site):
    assert not host.file(f"{ROOT}/install").exists
    assert site.status("GET", "/install/index.php") == 404
    assert host.check_output("ss -Hlnt sport = :8480") == ""


# The door ---------------------------------------------------------------------------------------------------------------

CLOSED = [
    "/apps/init.php",
    "/apps/common/config/main-custom.php",
    "/APPS/common/config/main-custom.php",
    "/apps/common/runtime/application.log",
    "/apps/common/data/install-sql/schema.sql",
    "/apps/console/console.php",
    "//apps/init.php",
    "/%61pps/init.php",
    "/vendor/autoload.php",
    "/install/",
    "/install",
    "/update/index.php",
    "/.git/config",
    "/.env",
    "/frontend/.htaccess",
    "/backup.sql",
    "/backup.sql.gz",
    "/mailwizz.tar.gz",
    "/index.php.bak",
    "/composer.json",
    "/frontend/assets/files/shell.php",
    "/frontend/assets/files/shell.php/x",
    "/frontend/assets/files/shell.phtml",
    "/frontend/assets/files/shell.pHp",
    "/other.php",
    "/api/other.php",
    "/backend/index.php7",
]


@pytest.mark.parametrize("path", CLOSED)
def test_closed(site, path):
    status, headers, _text = site.ask("GET", path)
    assert status == 404, path
    assert "PHPSESSID" not in str(headers)


@pytest.fixture
def uploads(host):
    """What somebody brought into the folder of uploads."""
    folder = f"{ROOT}/frontend/assets/files"
    for name in ("shell.php", "shell.phtml", "shell.pHp", "page.html", "picture.svg"):
        host.check_output(f"echo '<?php echo 6*7;' >{folder}/{name}; chown www-data:www-data {folder}/{name}")
    yield
    host.check_output(f"rm {folder}/shell.* {folder}/page.html {folder}/picture.svg")


@pytest.mark.usefixtures("uploads")
def test_what_was_uploaded_is_not_run(site):
    for name in ("shell.php", "shell.phtml", "shell.pHp", "shell.php/index.php"):
        status, _headers, text = site.ask("GET", f"/frontend/assets/files/{name}")
        assert status == 404 and "42" not in text and "echo" not in text, name
    for name in ("page.html", "picture.svg"):
        status, headers, text = site.ask("GET", f"/frontend/assets/files/{name}")
        assert status == 200 and "echo 6*7" in text
        assert "sandbox" in headers["Content-Security-Policy"], "nothing of it acts in the name of this site"
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/backend/guest/index", "/backend/index.php/guest/index", "/customer/guest/index"])
def test_the_product_answers_with_and_without_its_doors_name(site, path):
    status, headers, text = site.ask("GET", path)
    assert status == 200 and "<form" in text
    assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "SAMEORIGIN"
    assert headers["Server"] == "nginx" and "X-Powered-By" not in headers
    assert any("; secure" in line.lower() and "; httponly" in line.lower() for line in site.set_cookies)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/api/lists", "/api/index.php/lists"])
def test_every_verb_of_the_api_reaches_it(site, method, path):
    path = path if method in ("GET", "POST") else f"{path}/ab123cd456ef7"
    status, headers, text = site.ask(method, path, body={"a": "b"} if method in ("POST", "PUT") else None)
    assert headers["Content-Type"].startswith("application/json"), (status, text)
    assert '"status":"error"' in text.replace(" ", "") and status in (400, 401)


DSWH = [
    "/dswh/pmta",
    "/index.php/dswh/pmta",
    "/Dswh/pmta",
    "/index.php/DSWH/pmta",
    "//dswh/pmta",
    "/%64swh/pmta",
    "/index.php//dswh/pmta",
    "/dswh",
]


@pytest.mark.parametrize("path", DSWH)
def test_reports_of_bounces_are_taken_from_nobody_else(site, path):
    assert site.status("POST", path, body={}) == 403


DOTS = [
    "/x/../dswh/pmta",
    "/dswh/pmta/../../foo",
    "/dswh/pmta/x/%2e%2e/%2E%2e/.%2e/foo",
    "/index.php/dswh/pmta/../../foo",
    "/dswh/pmta/..%2f..%2Findex.php",
    "/dswh/./pmta",
    "/dswh/pmta/..",
    "/dswh/pmta/..?a=b",
    "/dswh/pmta/..#a",
    "/./apps/init.php",
    "/backend/../apps/init.php",
]


@pytest.mark.parametrize("path", DOTS)
def test_an_address_that_leads_elsewhere_than_it_says_is_refused(site, path):
    assert site.status("POST", path, body={}) == 400


def test_dots_in_a_query_and_in_names_are_nobodys_business(site):
    assert site.status("GET", "/customer/guest/index?next=/a/../b") == 200
    assert site.status("POST", "/dswh/pmta/%252e%252e/%252e%252e/foo", body={}) == 403


def test_nor_under_another_address_in_a_header(site):
    for name, value in (("X-Forwarded-For", "198.18.0.12"), ("X-Real-IP", "198.18.0.12"), ("Client-IP", "198.18.0.12")):
        assert site.status("POST", "/dswh/pmta", body={}, headers=[(name, value)]) == 403
    assert site.status("POST", "/", body={}, headers=[("X-Rewrite-Url", "/dswh/pmta")]) == 400


def test_powermta_may_report(host, request):
    other = testinfra.get_host("ansible://vps2", ansible_inventory=request.config.getoption("ansible_inventory"))
    address = host.backend.get_variables()["ansible_host"]
    ask = (
        "import ssl, http.client, socket; c = ssl._create_unverified_context(); "
        f"s = c.wrap_socket(socket.create_connection(('{address}', 443)), server_hostname='{NAME}'); "
        f"s.sendall(b'POST /dswh/pmta HTTP/1.1\\r\\nHost: {NAME}\\r\\nConnection: close\\r\\nContent-Length: 2\\r\\n\\r\\n[]'); "
        "print(s.recv(12).decode())"
    )
    assert other.check_output(f'python3 -c "{ask}"') == "HTTP/1.1 200"


def test_plain_http_leads_to_https(site):
    connection = http.client.HTTPConnection(site.address, 80, timeout=10)
    connection.request("GET", "/lists/x?y=1", headers={"Host": NAME})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (308, f"https://{NAME}/lists/x?y=1")


def test_names_that_nobody_has_are_not_answered(site):
    connection = http.client.HTTPConnection(site.address, 80, timeout=10)
    with pytest.raises(http.client.RemoteDisconnected):
        connection.request("GET", "/", headers={"Host": "another.test"})
        connection.getresponse()
    site.context.check_hostname = False
    with pytest.raises(http.client.RemoteDisconnected):
        site.ask("GET", "/backend/guest/index", name="another.test")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_tls_is_not_spoken(site):
    site.context.check_hostname = False
    site.context.set_ciphers("ALL:@SECLEVEL=0")
    site.context.minimum_version = ssl.TLSVersion.TLSv1
    site.context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError):
        site.ask("GET", "/")


# What is behind it ------------------------------------------------------------------------------------------------------


def log_in(site):
    _status, _headers, page = site.ask("GET", "/backend/guest/index")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page).group(1)
    form = {"csrf_token": token, "UserLogin[email]": "admin@operator.test", "UserLogin[password]": kept("admin")}
    return site.ask("POST", "/backend/guest/index", body=form)


def test_the_administrator_logs_in(site):
    status, headers, _text = log_in(site)
    assert status == 302 and headers["Location"].endswith("/backend/dashboard")
    assert site.status("GET", "/backend/dashboard") == 200


def test_it_starts_empty(host):
    for table in ("customer_email_template", "campaign", "list", "list_subscriber", "delivery_server", "customer"):
        assert sql(host, f"SELECT COUNT(*) FROM mw_{table}") == "0", table
    assert not host.file("/var/lib/email-engine-mailwizz/unproven-var-www-mailwizz").exists, "the role looked, too"


def test_mail_will_hold_https_addresses_of_the_public_name(host):
    found = sql(host, "SELECT \\`key\\`, value FROM mw_option WHERE category = 'system.urls'")
    urls = dict(line.split("\t") for line in found.splitlines())
    assert urls["scheme"] == "https"
    assert urls["frontend_absolute_url"] == f"https://{NAME}/"
    assert urls["api_absolute_url"] == f"https://{NAME}/api/"


def test_the_database_is_reached_from_this_host_alone(host):
    listening = host.check_output("ss -Hlnt sport = :3306").split()
    assert listening[3] == "127.0.0.1:3306"
    assert sql(host, "SELECT @@character_set_database, @@collation_database") == "utf8mb4\tutf8mb4_unicode_ci"
    assert host.run("runuser -u nobody -- mariadb -u mailwizz mailwizz -e 'SELECT 1'").rc != 0


def test_its_user_sees_no_other_database(host):
    statement = "SELECT CONCAT(db, ' ', user, '@', host) FROM mysql.db WHERE user = 'mailwizz'"
    assert sql(host, statement) == "mailwizz mailwizz@localhost"


def test_the_eight_jobs_run_as_the_web_user(host):
    lines = [
        line.split(None, 6)
        for line in host.file("/etc/cron.d/mailwizz").content_string.splitlines()
        if "console.php" in line
    ]
    found = {re.search(r"console\.php (\S+)", line[6]).group(1): (" ".join(line[:5]), line[5]) for line in lines}
    assert found == {name: (when, "www-data") for name, when in JOBS.items()}
    assert all("/usr/bin/php8.2 " in line[6] for line in lines)


def test_cron_runs_them(host):
    end = time.monotonic() + 130
    log = "/var/log/mailwizz/send-transactional-emails.log"
    while not host.file(log).exists and time.monotonic() < end:
        time.sleep(2)
    assert host.file(log).user == "www-data"
    said = host.check_output("cat /var/log/mailwizz/*.log")
    assert not re.search(r"fatal|exception|could not|is empty", said, re.IGNORECASE), said
    strange = host.check_output(f"find {ROOT}/apps/common/runtime ! -user www-data -type f ! -name index.html")
    assert strange == ""


def test_the_web_cannot_start_programs(host):
    """A probe of this pool's own, where only root can put it."""
    host.check_output(
        f"mv {ROOT}/index.php {ROOT}/index.kept && echo '<?php var_dump(function_exists(\"exec\"));' >{ROOT}/index.php"
    )
    try:
        host.check_output(f"chgrp www-data {ROOT}/index.php && chmod 0640 {ROOT}/index.php")
        asked = f"curl --silent --insecure --noproxy '*' --resolve {NAME}:443:127.0.0.1 https://{NAME}/"
        assert host.check_output(asked) == "bool(false)"
    finally:
        host.check_output(f"mv {ROOT}/index.kept {ROOT}/index.php")


@pytest.mark.parametrize("name", ["nginx", "php8.2-fpm", "mariadb", "cron"])
def test_it_runs_and_starts_at_boot(host, name):
    assert host.service(name).is_running and host.service(name).is_enabled
