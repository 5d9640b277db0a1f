# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MailWizz stand-ins on this machine, as processes of the caller: a MariaDB (Database), and nginx with php-fpm over an unpacked tree (Instance).

    with Database() as database, Instance(database) as mailwizz:
        mailwizz.install()              # walks through the wizard
        mailwizz.sql("SELECT ...")      # rows as dicts; {{name}} is a table with the prefix
        mailwizz.console("hello")       # CompletedProcess
        mailwizz.get("/backend/index.php/guest/index")

Ports are free ones of 127.0.0.1. As root the web side runs as www-data, else everything as the caller. Debian packages: mariadb-server, nginx,
php8.2-fpm, php8.2-cli, php8.2-mysql, php8.2-mbstring, php8.2-xml, php8.2-curl, php8.2-zip, php8.2-gd, php8.2-intl. Standard library only.
"""

from __future__ import annotations

import glob
import http.cookiejar
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
# What the installer wants writable.
WRITABLE = (
    "apps/common/config",
    "apps/common/runtime",
    "backend/assets/cache",
    "customer/assets/cache",
    "frontend/assets/cache",
    "frontend/assets/files",
    "frontend/assets/gallery",
    "apps/extensions",
)
STEPS = ("welcome", "requirements", "filesystem", "database", "admin", "cron")
ADMIN = {
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "password": "correct horse",
}
# The vendor's four rewrites.
NGINX = """\
daemon off;
{user}
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/nginx.log;
events {{ worker_connections 256; }}
http {{
    types {{ text/html html; text/css css; image/png png; }}
    access_log off;
    client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
    client_max_body_size 108m;
    server {{
        listen 127.0.0.1:{port};
        server_name _;
        root {root};
        index index.php;
        location / {{
            if (!-e $request_filename) {{
                rewrite ^/api/.* /api/index.php last;
                rewrite ^/customer/.* /customer/index.php last;
                rewrite ^/backend/.* /backend/index.php last;
                rewrite ^ /index.php last;
            }}
        }}
        location ~ ^/apps/ {{ deny all; }}
        location ~ \\.php(/|$) {{
            fastcgi_split_path_info ^(.+?\\.php)(/.*)$;
            set $path_info $fastcgi_path_info;
            fastcgi_param QUERY_STRING $query_string;
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_param CONTENT_TYPE $content_type;
            fastcgi_param CONTENT_LENGTH $content_length;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param SCRIPT_NAME $fastcgi_script_name;
            fastcgi_param PATH_INFO $path_info;
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param DOCUMENT_ROOT $document_root;
            fastcgi_param SERVER_PROTOCOL $server_protocol;
            fastcgi_param REMOTE_ADDR $remote_addr;
            fastcgi_param SERVER_ADDR $server_addr;
            fastcgi_param SERVER_PORT $server_port;
            fastcgi_param SERVER_NAME $host;
            fastcgi_read_timeout 600s;
            fastcgi_pass unix:{work}/fpm.sock;
        }}
    }}
}}
"""
FPM = """\
[global]
pid = {work}/fpm.pid
error_log = {work}/fpm.log
daemonize = no
[www]
{user}
listen = {work}/fpm.sock
pm = dynamic
pm.max_children = 8
pm.start_servers = 1
pm.min_spare_servers = 1
pm.max_spare_servers = 2
catch_workers_output = yes
php_admin_value[session.save_path] = {work}/sessions
php_admin_value[upload_max_filesize] = 100M
php_admin_value[post_max_size] = 100M
php_admin_value[opcache.revalidate_freq] = 0
php_admin_flag[display_errors] = off
"""


class Redirected(urllib.request.HTTPRedirectHandler):
    """Redirects are answers."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


class Answer:
    """What came back: status (int), headers, text (str)."""

    def __init__(self, response: Any) -> None:
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


class Browser:
    """A visitor with cookies. Paths are relative to the site's root; redirects are not followed."""

    def __init__(self, url: str, headers: dict[str, str] | None = None) -> None:
        self.url = url
        self.headers = {"User-Agent": "standin-browser", "Accept": "*/*"} if headers is None else headers
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(Redirected, jar)
        self.opener.addheaders = []

    def request(
        self, method: str, path: str, data: dict[str, str] | bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        body = urllib.parse.urlencode(data).encode() if isinstance(data, dict) else data
        request = urllib.request.Request(
            self.url + path, data=body, method=method, headers={**self.headers, **(headers or {})}
        )
        if body is not None and not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        try:
            with self.opener.open(request, timeout=60) as response:
                return Answer(response)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error)

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.request("GET", path, **kwargs)

    def post(self, path: str, data: dict[str, str], **kwargs: Any) -> Answer:
        return self.request("POST", path, data, **kwargs)


class Processes:
    """Children that end with their owner, in a directory that goes with them."""

    def __init__(self, name: str) -> None:
        # Not below a directory of pytest's: those are closed to www-data, and socket paths must be short.
        self.work = Path(tempfile.mkdtemp(prefix=f"mw-{name}-", dir="/tmp"))
        self.work.chmod(0o755)
        self.running: list[subprocess.Popen[bytes]] = []

    def spawn(self, *command: str) -> subprocess.Popen[bytes]:
        command = ("setpriv", "--pdeathsig", "TERM", *command)  # a killed owner leaves nothing running
        with (self.work / "output.log").open("ab") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(process)
        return process

    def wait(self, what: str, ready: Any, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > end or any(p.poll() is not None for p in self.running):
                logs = "\n".join(p.read_text(errors="replace")[-2000:] for p in sorted(self.work.glob("*.log")))
                self.stop()
                raise RuntimeError(f"{what} did not start:\n{logs}")
            time.sleep(0.05)

    def stop(self) -> None:
        for process in reversed(self.running):
            if process.poll() is None:
                process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(20)
        self.running.clear()
        shutil.rmtree(self.work, ignore_errors=True)


class Database(Processes):
    """A MariaDB. Attributes: host, port, socket, user ("root"), password ("")."""

    host = "127.0.0.1"
    user = "root"
    password = ""

    def __init__(self) -> None:
        super().__init__("db")
        self.socket = str(self.work / "db.sock")
        self.port = free_port()
        data = self.work / "data"
        account = pwd.getpwuid(os.getuid()).pw_name
        options = ["--no-defaults", f"--datadir={data}", f"--user={account}"]
        made = subprocess.run(
            [
                "mariadb-install-db",
                *options,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
            ],
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise RuntimeError(f"mariadb-install-db: {made.stdout}{made.stderr}")
        self.spawn(
            "/usr/sbin/mariadbd",
            *options,
            f"--socket={self.socket}",
            f"--port={self.port}",
            f"--bind-address={self.host}",
            f"--pid-file={self.work / 'db.pid'}",
            "--skip-name-resolve",
            "--innodb-buffer-pool-size=64M",
            "--innodb-flush-log-at-trx-commit=0",
        )
        self.wait("MariaDB", lambda: answers(self.host, self.port))

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def execute(self, statement: str, database: str = "") -> str:
        """What the mariadb client prints (tab-separated, with a header)."""
        command = [
            "mariadb",
            "--no-defaults",
            "--batch",
            f"--socket={self.socket}",
            "--user=root",
            "--default-character-set=utf8mb4",
        ]
        done = subprocess.run(
            [*command, *([database] if database else [])], input=statement, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"{done.stderr.strip()}: {statement}")
        return done.stdout

    def create(self, name: str, user: str, password: str) -> None:
        """An empty database and who may use it, over the socket and 127.0.0.1."""
        quoted = password.replace("\\", "\\\\").replace("'", "\\'")
        self.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;")
        for host in ("localhost", "127.0.0.1"):
            self.execute(
                f"CREATE USER IF NOT EXISTS '{user}'@'{host}' IDENTIFIED BY '{quoted}';"
                f"GRANT ALL ON `{name}`.* TO '{user}'@'{host}';"
            )


class Instance(Processes):
    """One MailWizz of its own, with an empty database; not installed until install() is called.

    Attributes: root (the web root), url ("http://127.0.0.1:PORT", no slash at the end), port, user (system account of the web side), php,
    db {host, port, socket, name, user, password, prefix}, browser (a Browser).
    newer=True gives the delivery servers the columns of newer versions. tree: a web root to copy instead of the sources here.
    """

    def __init__(
        self,
        database: Database,
        newer: bool = False,
        tree: Path | None = None,
        db_user: str | None = None,
        db_password: str | None = None,
    ) -> None:
        super().__init__("web")
        self.database = database
        self.php = "/usr/bin/php"
        self.user = "www-data" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.root = self.work / "mailwizz"
        unpack(self.root, newer, tree)
        name = "mailwizz_" + secrets.token_hex(4)
        self.db: dict[str, Any] = {
            "host": database.host,
            "port": database.port,
            "socket": database.socket,
            "name": name,
            "user": db_user or name,
            "password": secrets.token_hex(8) if db_password is None else db_password,
            "prefix": "mw_",
        }
        database.create(name, self.db["user"], self.db["password"])
        if os.getuid() == 0:
            for folder in WRITABLE:
                subprocess.run(["chown", "-R", f"{self.user}:{self.user}", str(self.root / folder)], check=True)
        sessions = self.work / "sessions"
        sessions.mkdir()
        sessions.chmod(0o777)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.browser = Browser(self.url)
        self._serve()

    def __enter__(self) -> Instance:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _serve(self) -> None:
        as_root = os.getuid() == 0
        values = {"work": self.work, "port": self.port, "root": self.root}
        pool = (
            f"user = {self.user}\ngroup = {self.user}\nlisten.owner = {self.user}\nlisten.group = {self.user}"
            if as_root
            else ""
        )
        (self.work / "fpm.conf").write_text(FPM.format(user=pool, **values))
        (self.work / "nginx.conf").write_text(NGINX.format(user=f"user {self.user};" if as_root else "", **values))
        fpm = max(glob.glob("/usr/sbin/php-fpm8*"))
        self.spawn(fpm, "-F", "-y", str(self.work / "fpm.conf"), "-n", *extensions())
        self.spawn("/usr/sbin/nginx", "-e", str(self.work / "nginx.log"), "-c", str(self.work / "nginx.conf"))
        self.wait("the web server", lambda: (self.work / "fpm.sock").exists() and answers("127.0.0.1", self.port))

    def wizard(self, prefix: str = "mw_", **overrides: dict[str, str]) -> dict[str, dict[str, str]]:
        """Fields of each step; overrides: step={field: value}."""
        fields = {
            "welcome": {
                "market_place": "envato",
                "purchase_code": "TEST-1234",
                "site_name": "Fleet",
                "site_tagline": "Mail of ours",
                "site_description": "Mail of ours",
                "terms_consent": "1",
            },
            "requirements": {"result": "1"},
            "filesystem": {"result": "1"},
            "database": {
                "hostname": self.db["host"],
                "port": str(self.db["port"]),
                "dbname": self.db["name"],
                "username": self.db["user"],
                "password": self.db["password"],
                "prefix": prefix,
            },
            "admin": {**ADMIN, "timezone": "UTC", "create_customer": "yes"},
            "cron": {},
        }
        for step, values in overrides.items():
            fields[step].update(values)
        return fields

    def install(self, prefix: str = "mw_", first_hit: bool = True, **overrides: dict[str, str]) -> None:
        """Walks through the wizard and opens the site once, so that it knows its address. RuntimeError: which step said what."""
        browser = Browser(self.url)
        for step, fields in self.wizard(prefix, **overrides).items():
            answer = browser.post(f"/install/index.php?route={step}", {**fields, "next": "1"})
            if answer.status != 302:
                raise RuntimeError(f"step {step}: {answer.text}")
        self.db["prefix"] = prefix
        shutil.rmtree(self.root / "install")
        if first_hit:
            self.get("/index.php")

    # Requests

    def get(self, path: str, **kwargs: Any) -> Answer:
        return self.browser.get(path, **kwargs)

    def post(self, path: str, data: dict[str, str], **kwargs: Any) -> Answer:
        return self.browser.post(path, data, **kwargs)

    # The command line, as the web side's user

    def run_php(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [self.php, *arguments]
        if os.getuid() == 0:
            command = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", *command]
        return subprocess.run(command, input=stdin or "", capture_output=True, text=True, cwd=self.root)

    def console(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run_php(str(self.root / "apps/console/console.php"), *arguments)

    def script(self, code: str) -> Any:
        """Runs PHP (without <?php) inside the booted application; what it returns, as JSON knows it."""
        program = (
            "define('MW_APP_NAME', 'console'); define('MW_RETURN_APP_INSTANCE', true);"
            f" require {php_string(str(self.root / 'apps/init.php'))};"
            f" echo json_encode((static function () {{ {code} }})(), JSON_THROW_ON_ERROR);"
        )
        done = self.run_php("-r", program)
        if done.returncode:
            raise RuntimeError(done.stderr or done.stdout)
        return json.loads(done.stdout)

    # The database

    def sql(self, statement: str) -> list[dict[str, str]]:
        """Rows by column; NULL is the text "NULL". {{name}} is a table with the prefix."""
        text = statement.replace("{{", "`" + self.db["prefix"]).replace("}}", "`")
        lines = self.database.execute(text, self.db["name"]).splitlines()
        names = lines[0].split("\t") if lines else []
        return [dict(zip(names, line.split("\t"))) for line in lines[1:]]

    def option(self, name: str, value: str | None = None) -> str:
        """Reads, or sets and returns, an option."""
        if value is not None:
            done = self.console("option", "set_option", f"--name={name}", f"--value={value}")
        else:
            done = self.console("option", "get_option", f"--name={name}")
        if done.returncode:
            raise RuntimeError(done.stderr)
        return value if value is not None else done.stdout.rstrip("\n")


def unpack(root: Path, newer: bool = False, tree: Path | None = None) -> None:
    """The web root as the archive's latest/ has it, at a path that does not exist yet."""
    shutil.copytree(tree or HERE / "latest", root, ignore=shutil.ignore_patterns("__pycache__"))
    for folder in WRITABLE:
        (root / folder).mkdir(parents=True, exist_ok=True)
    if newer:
        schema = root / "apps/common/data/install-sql/schema.sql"
        with schema.open("a") as file:
            file.write((HERE / "newer.sql").read_text())
    for path in [root, *root.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.name == "set-dir-perms" else 0o644)


def extensions() -> list[str]:
    """Arguments that load the extensions the installer asks for, and no configuration of the machine."""
    place = subprocess.run(
        ["php", "-r", "echo ini_get('extension_dir');"], capture_output=True, text=True, check=True
    ).stdout
    wanted = "pdo mysqlnd pdo_mysql mbstring curl dom xml simplexml xmlwriter zip gd intl ctype fileinfo tokenizer iconv imap sockets"
    arguments = [f"-dextension={name}" for name in wanted.split() if (Path(place) / f"{name}.so").exists()]
    return [*arguments, "-dzend_extension=opcache"]


def php_string(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((host, port)) == 0
