# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MailWizz in small, for jobs of the lane mail: one customer's API on a port of this machine, strict about forms, and disturbed at will.

What it knows outlives the workers that ask it, so that a test sees what was done twice.
"""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

KEY = "k" * 40
ROOT = "/api/index.php"
RUNNING = ("pending-sending", "sending", "processing")
SENDS = ("active", "in-use")
#: The connection ends without an answer; a web server's own page.
LOST = (0, "", "")
PAGE = (502, "text/html", "<html><title>502 Bad Gateway</title>nginx</html>")


class Refused(Exception):
    def __init__(self, status: int, error: object):
        self.status, self.error = status, error


class Disturbance:
    """Of the next request that fits: kept before or after it acts, and then maybe answered by something else. `met` says that it came."""

    def __init__(self, method: str, path: str, *, after: bool, answer: tuple[int, str, str] | None, keep: bool):
        self.method, self.path, self.after, self.answer = method, re.compile(path), after, answer
        self.met, self.go_on = threading.Event(), threading.Event()
        if not keep:
            self.go_on.set()

    def fits(self, method: str, path: str) -> bool:
        return not self.met.is_set() and method == self.method and bool(self.path.search(path))


class Mailwizz:
    def __init__(self, servers: dict[str, str]):
        """servers: name of a delivery server -> its status."""
        self.servers = dict(servers)
        self.lists: dict[str, dict[str, dict[str, str]]] = {"list1": {}}
        self.campaigns: dict[str, dict[str, str]] = {}
        self.blacklist: set[str] = set()
        self.asked: list[str] = []
        #: Of each campaign that began or went on: its From, and the server that its mail goes by. Without a selected one that sends, and
        #: has quota left, it is any other of the customer's.
        self.drawn: list[tuple[str, str | None]] = []
        self.exhausted: set[str] = set()
        self._disturbances: list[Disturbance] = []
        self._lock = threading.RLock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}{ROOT}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def disturb(self, method: str, path: str, *, after: bool = False, answer=None, keep: bool = False) -> Disturbance:
        self._disturbances.append(Disturbance(method, path, after=after, answer=answer, keep=keep))
        return self._disturbances[-1]

    def close(self) -> None:
        for one in self._disturbances:
            one.go_on.set()
        self._server.shutdown()
        self._server.server_close()

    def count(self, begin: str) -> int:
        return sum(one.startswith(begin) for one in self.asked)

    def statuses(self) -> list[str]:
        return sorted(one["status"] for one in self.campaigns.values())

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        mailwizz = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_what: object) -> None:
                pass

            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                key = self.headers.get("X-API-KEY")
                answer = mailwizz._answer(self.command, self.path, key, body)
                if answer is LOST:
                    self.close_connection = True
                    return
                status, kind, text = answer
                data = text.encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", kind)
                    if status == 429:
                        self.send_header("Retry-After", "1")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = _do

        return Handler

    def _answer(self, method: str, target: str, key: str | None, body: str) -> tuple[int, str, str]:
        parts = urlsplit(target)
        path = parts.path.removeprefix(ROOT)
        disturbance = next((one for one in self._disturbances if one.fits(method, path)), None)
        if disturbance is not None and not disturbance.after and self._disturbed(disturbance):
            return disturbance.answer
        with self._lock:
            self.asked.append(f"{method} {path}")
            try:
                if key != KEY:
                    raise Refused(401, "Invalid API key")
                form = dict(parse_qsl(body, keep_blank_values=True, max_num_fields=1000))
                found = self._act(method, path, form if method in ("POST", "PUT") else dict(parse_qsl(parts.query)))
                status = 201 if method == "POST" else 200
                answer = (status, "application/json", json.dumps({"status": "success", **found}))
            except Refused as why:
                answer = (why.status, "application/json", json.dumps({"status": "error", "error": why.error}))
        if disturbance is not None and disturbance.after and self._disturbed(disturbance):
            return disturbance.answer
        return answer

    @staticmethod
    def _disturbed(disturbance: Disturbance) -> bool:
        """Whether it is answered by something else."""
        disturbance.met.set()
        disturbance.go_on.wait(60)
        return disturbance.answer is not None

    def _act(self, method: str, path: str, given: dict[str, str]) -> dict[str, object]:
        routes: list[tuple[str, str, Callable[..., dict[str, object]]]] = [
            ("POST", r"/lists/(\w+)/subscribers/bulk", self._bulk),
            ("GET", r"/lists/(\w+)/subscribers/search-by-email", self._search),
            ("GET", r"/delivery-servers", self._servers),
            ("GET", r"/lists/(\w+)", self._list),
            ("GET", r"/campaigns", self._index),
            ("POST", r"/campaigns", self._create),
            ("GET", r"/campaigns/(\w+)", self._view),
            ("PUT", r"/campaigns/(\w+)", self._update),
            ("DELETE", r"/campaigns/(\w+)", self._delete),
            ("PUT", r"/campaigns/(\w+)/pause-unpause", self._toggle),
            ("PUT", r"/campaigns/(\w+)/mark-sent", self._mark_sent),
            ("GET", r"/campaigns/(\w+)/stats", self._stats),
        ]
        for verb, pattern, do in routes:
            found = re.fullmatch(pattern, path)
            if verb == method and found:
                return do(*found.groups(), given)
        raise Refused(404, "Not found")

    def _page(self, rows: list[dict[str, str]], query: dict[str, str]) -> dict[str, object]:
        size = min(max(int(query.get("per_page", 10)), 10), 50)
        number, pages = int(query.get("page", 1)), -(-len(rows) // size)
        records = rows[(number - 1) * size : number * size]
        following = number + 1 if number < pages else None
        data = {"count": str(len(rows)), "total_pages": pages, "current_page": number, "next_page": following}
        return {"data": {**data, "records": records}}

    def _bulk(self, uid: str, form: dict[str, str]) -> dict[str, object]:
        members, rows = self.lists[uid], {}
        for name, value in form.items():
            number, tags = re.fullmatch(r"subscribers\[(\d+)\]((?:\[\w+\])+)", name).groups()
            rows.setdefault(int(number), {})[tags.strip("[]").replace("][", ".")] = value
        records = []
        for _number, row in sorted(rows.items()):
            email, record = row["EMAIL"], {"data": dict(row)}
            if email in self.blacklist:
                record["errors"] = {"EMAIL": "This email address is blacklisted."}
            elif email in members:
                record["errors"] = {"EMAIL": "The subscriber already exists in this list."}
            else:
                members[email] = {"subscriber_uid": f"sub{len(members)}{uid}", "status": row["details.status"], **row}
                record["data"]["subscriber_uid"] = members[email]["subscriber_uid"]
            records.append(record)
        return {"data": {"records": records}}

    def _search(self, uid: str, query: dict[str, str]) -> dict[str, object]:
        found = self.lists[uid].get(query["EMAIL"])
        if found is None:
            raise Refused(404, "The subscriber does not exist in this list.")
        return {"data": {name: found[name] for name in ("subscriber_uid", "status")}}

    def _servers(self, query: dict[str, str]) -> dict[str, object]:
        rows = [
            {"server_id": str(number), "type": "smtp-pmta", "name": name, "hostname": "vps2", "status": status}
            for number, (name, status) in enumerate(self.servers.items(), 1)
        ]
        return self._page(rows, query)

    def _list(self, uid: str, _query: dict[str, str]) -> dict[str, object]:
        if uid not in self.lists:
            raise Refused(404, "The subscribers list does not exist.")
        return {"data": {"record": {"general": {"list_uid": uid, "name": "people"}}}}

    def _draw(self, uid: str) -> None:
        one, names = self.campaigns[uid], list(self.servers)
        able = [name for name, status in self.servers.items() if status in SENDS and name not in self.exhausted]
        chosen = names[int(one["delivery_servers"]) - 1] if one.get("delivery_servers") else None
        server = chosen if chosen in able else next(iter(able), None)
        self.drawn.append((one["from_email"], server))

    def _one(self, uid: str) -> dict[str, str]:
        if uid not in self.campaigns:
            raise Refused(404, "The campaign does not exist")
        return self.campaigns[uid]

    def _index(self, query: dict[str, str]) -> dict[str, object]:
        shown = ("campaign_uid", "name", "status")
        return self._page([{name: one[name] for name in shown} for one in self.campaigns.values()], query)

    def _create(self, form: dict[str, str]) -> dict[str, object]:
        given = _unwrapped(form)
        for name in ("name", "from_name", "from_email", "subject", "reply_to", "send_at", "list_uid"):
            if not given.get(name):
                raise Refused(422, {name: f"{name} cannot be blank."})
        if given["list_uid"] not in self.lists:
            raise Refused(422, {"list_uid": "Unknown list"})
        if "template.template_uid" not in given:
            given["template.content"] = base64.b64decode(given["template.content"], validate=True).decode()
        uid = f"camp{len(self.campaigns)}"
        # Without a status it is on its way at once.
        self.campaigns[uid] = {"status": "pending-sending", **given, "campaign_uid": uid}
        if self.campaigns[uid]["status"] in RUNNING:
            self._draw(uid)
        return {"campaign_uid": uid}

    def _view(self, uid: str, _query: dict[str, str]) -> dict[str, object]:
        return {"data": {"record": self._one(uid)}}

    def _update(self, uid: str, form: dict[str, str]) -> dict[str, object]:
        if self._one(uid)["status"] not in ("draft", "pending-sending", "paused"):
            raise Refused(422, "This campaign cannot be edited now.")
        before = self._one(uid)["status"]
        self._one(uid).update(_unwrapped(form))
        if self._one(uid)["status"] in RUNNING and before not in RUNNING:
            self._draw(uid)
        return {}

    def _delete(self, uid: str, _query: dict[str, str]) -> dict[str, object]:
        if self._one(uid)["status"] in RUNNING:
            raise Refused(409, "This campaign cannot be removed now.")
        del self.campaigns[uid]
        return {}

    def _toggle(self, uid: str, _form: dict[str, str]) -> dict[str, object]:
        one = self._one(uid)
        if one["status"] in (*RUNNING, "pending-approve"):
            one["status"] = "paused"
        elif one["status"] == "paused":
            one["status"] = "pending-sending"
            self._draw(uid)
        return {"campaign": {"status": one["status"]}}

    def _mark_sent(self, uid: str, _form: dict[str, str]) -> dict[str, object]:
        if self._one(uid)["status"] not in (*RUNNING, "paused"):
            raise Refused(409, "This campaign cannot be marked as sent")
        self._one(uid)["status"] = "sent"
        return {}

    def _stats(self, uid: str, _query: dict[str, str]) -> dict[str, object]:
        one = self._one(uid)
        sent = {name: int(one.get("processed", 0)) for name in ("processed_count", "delivery_success_count")}
        numbers = {"subscribers_count": len(self.lists[one["list_uid"]]), **sent}
        return {"data": {"campaign_status": one["status"], **numbers}}


def _unwrapped(form: dict[str, str]) -> dict[str, str]:
    if not form or not all(name.startswith("campaign[") for name in form):
        raise Refused(422, "Please provide the campaign data.")
    return {re.sub(r"^campaign\[|\]$", "", name).replace("][", "."): value for name, value in form.items()}
