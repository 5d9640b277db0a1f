# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A MailWizz of the tests' own, in this process: its REST API as far as the engine asks it, and as strict.

It reads forms as PHP does, so JSON arrives empty and what is beyond 1,000 variables is lost; it gives at most 50 rows a page, counts as
texts, and nulls for an empty set. `old`: as 2.x (a bad key is 400, what was created stands in data.record), else as 3.x.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PREFIX = "/api/index.php"
VARIABLES = 1000
PAUSABLE = ("pending-sending", "sending", "processing")


class Answer(Exception):
    """The end of a request."""

    def __init__(self, status, body, headers=None):
        self.status, self.body, self.headers = status, body, headers or {}


def error(status, what):
    return Answer(status, {"status": "error", "error": what})


def parse(text):
    """A form as PHP reads it: nested dicts of texts."""
    found = {}
    for name, value in parse_qsl(text, keep_blank_values=True)[:VARIABLES]:
        first, *rest = re.match(r"[^\[]*", name)[0], *re.findall(r"\[([^\]]*)\]", name)
        *path, last = [re.sub(r"[. ]", "_", first), *rest]
        place = found
        for part in path:
            place = place.setdefault(part, {})
        place[last] = value
    return found


class Customer:
    def __init__(self):
        self.lists, self.templates, self.campaigns, self.servers = {}, {}, {}, []


class FakeMailwizz:
    """customers: by API key. instead: answers every request with that Answer, while set. asked: (method, path, form) of all requests."""

    def __init__(self, old=False):
        self.old, self.customers, self.instead, self.asked = old, {}, None, []
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                is_form = self.headers.get_content_type() == "application/x-www-form-urlencoded"
                try:
                    with fake._lock:
                        fake.answer(self.command, self.path, self.headers, parse(body) if is_form else {})
                except Answer as one:
                    self.send(one)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def send(self, one):
                text = one.body if isinstance(one.body, str) else json.dumps(one.body)
                kind = "text/html" if isinstance(one.body, str) else "application/json"
                self.send_response(one.status)
                for name, value in {
                    "Content-Type": kind,
                    "Content-Length": str(len(text.encode())),
                    **one.headers,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def log_message(self, *_args):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def customer(self, key, *servers):
        """A customer with that key, who owns delivery servers of these names."""
        one = self.customers[key] = Customer()
        one.servers = [
            {
                "server_id": next(self._numbers),
                "type": "smtp-pmta",
                "name": name,
                "hostname": "vps2",
                "status": "active",
            }
            for name in servers
        ]
        return one

    def uid(self):
        return f"uid{next(self._numbers):010d}"

    def answer(self, method, target, headers, form):
        path = urlsplit(target).path
        query = dict(parse_qsl(urlsplit(target).query))
        self.asked.append((method, path.removeprefix(PREFIX), form))
        if self.instead is not None:
            raise self.instead
        if not path.startswith(PREFIX + "/"):
            raise Answer(404, "<html><head><title>404 Not Found</title></head></html>")
        if method in ("PUT", "DELETE") and headers.get("X-HTTP-Method-Override") != method:
            raise error(400, "Invalid request.")
        customer = self.customers.get(headers.get("X-API-KEY"))
        if customer is None:
            raise error(400 if self.old else 401, "Invalid API key!")
        parts = path.removeprefix(PREFIX).strip("/").split("/")
        for pattern, handler in _ROUTES:
            verb, *names = pattern.split("/")
            if verb == method and len(names) == len(parts):
                given = [part for name, part in zip(names, parts, strict=True) if name == "*"]
                if all(name in ("*", part) for name, part in zip(names, parts, strict=True)):
                    raise Answer(*getattr(self, handler)(customer, *given, form=form, query=query))
        raise error(404, "Page not found.")

    def created(self, name, uid, **more):
        if self.old:
            return 201, {
                "status": "success",
                "data": {"record": {name: uid, **more}},
                name: uid if more == {} else None,
            }
        return 201, {"status": "success", name: uid, **more}

    def page(self, rows, query):
        size = min(50, max(10, int(query.get("per_page", 10))))
        number = int(query.get("page", 1))
        if not rows:
            empty = dict.fromkeys(("count", "total_pages", "current_page", "next_page", "prev_page"))
            return 200, {"status": "success", "data": {**empty, "records": []}}
        pages = -(-len(rows) // size)
        data = {
            "count": str(len(rows)),
            "total_pages": pages,
            "current_page": number,
            "next_page": number + 1 if number < pages else None,
            "prev_page": number - 1 if number > 1 else None,
            "records": rows[(number - 1) * size : number * size],
        }
        return 200, {"status": "success", "data": data}

    # Lists and their subscribers.

    def get_lists(self, customer, form, query):
        return self.page([{"general": one["general"]} for one in customer.lists.values()], query)

    def post_list(self, customer, form, query):
        general, defaults = form.get("general") or {}, form.get("defaults") or {}
        wrong = {name: [f"{name} cannot be blank."] for name in ("name", "description") if not general.get(name)}
        wrong |= {
            name: [f"{name} cannot be blank."]
            for name in ("from_name", "from_email", "reply_to")
            if not defaults.get(name)
        }
        if wrong:
            raise error(422, {"general": wrong})
        uid = self.uid()
        customer.lists[uid] = {"general": {"list_uid": uid, **general}, "defaults": defaults, "people": {}, **form}
        customer.lists[uid]["general"] = {"list_uid": uid, **general}
        return 201, {"status": "success", "list_uid": uid}

    def a_list(self, customer, uid):
        if uid not in customer.lists:
            raise error(404, "The subscribers list does not exist.")
        return customer.lists[uid]

    def get_list(self, customer, uid, form, query):
        return 200, {"status": "success", "data": {"record": {"general": self.a_list(customer, uid)["general"]}}}

    def delete_list(self, customer, uid, form, query):
        self.a_list(customer, uid)
        del customer.lists[uid]
        return 200, {"status": "success"}

    def get_fields(self, customer, uid, form, query):
        self.a_list(customer, uid)
        rows = [
            {"tag": tag, "label": tag, "required": "yes" if tag == "EMAIL" else "no"}
            for tag in ("EMAIL", "FNAME", "LNAME")
        ]
        return 200, {"status": "success", "data": {"records": rows}}

    def get_people(self, customer, uid, form, query):
        rows = [
            one for one in self.a_list(customer, uid)["people"].values() if query.get("status") in (None, one["status"])
        ]
        return self.page(rows, query)

    def subscribe(self, mails, given):
        """(record, None) or (None, what is wrong)."""
        email = given.get("EMAIL", "")
        if not re.fullmatch(r"[^@\s\"]+@[^@\s\"]+\.[^@\s\"]+", email) or not email.isascii():
            return None, "Please provide a valid email address."
        if any(one["EMAIL"] == email for one in mails["people"].values()):
            return None, "The subscriber already exists in this list."
        uid = self.uid()
        status = (given.get("details") or {}).get("status", "unconfirmed")
        fields = {name: value for name, value in given.items() if isinstance(value, str)}
        mails["people"][uid] = {"subscriber_uid": uid, "status": status, **fields, "details": given.get("details")}
        return mails["people"][uid], None

    def post_person(self, customer, uid, form, query):
        record, wrong = self.subscribe(self.a_list(customer, uid), form)
        if wrong:
            raise error(409 if "exists" in wrong else 422, wrong)
        return self.created("subscriber_uid", record["subscriber_uid"], email=record["EMAIL"])

    def post_bulk(self, customer, uid, form, query):
        mails = self.a_list(customer, uid)
        rows = form.get("subscribers")
        if not isinstance(rows, dict) or not rows:
            raise error(422, "Please provide the subscribers list.")
        records = []
        for row in rows.values():
            record, wrong = self.subscribe(mails, row)
            records.append(
                {"data": record} if record else {"data": {"EMAIL": row.get("EMAIL")}, "errors": {"email": wrong}}
            )
        return 201, {"status": "success", "data": {"records": records}}

    def person(self, customer, uid, number):
        people = self.a_list(customer, uid)["people"]
        if number not in people:
            raise error(404, "The subscriber does not exist in this list.")
        return people[number]

    def search(self, customer, uid, form, query):
        for one in self.a_list(customer, uid)["people"].values():
            if one["EMAIL"] == query.get("EMAIL"):
                return 200, {
                    "status": "success",
                    "data": {"subscriber_uid": one["subscriber_uid"], "status": one["status"]},
                }
        raise error(404, "The subscriber does not exist in this list.")

    def put_person(self, customer, uid, number, form, query):
        one = self.person(customer, uid, number)
        one.update({name: value for name, value in form.items() if isinstance(value, str)})
        one["status"] = (form.get("details") or {}).get("status", one["status"])
        return self.created("subscriber_uid", number)

    def unsubscribe(self, customer, uid, number, form, query):
        self.person(customer, uid, number)["status"] = "unsubscribed"
        return 200, {"status": "success"}

    def unsubscribe_all(self, customer, form, query):
        found = [
            one
            for mails in customer.lists.values()
            for one in mails["people"].values()
            if one["EMAIL"] == form.get("EMAIL")
        ]
        if not found:
            raise error(404, "The subscriber does not exist in any list.")
        for one in found:
            one["status"] = "unsubscribed"
        return 200, {"status": "success"}

    def delete_person(self, customer, uid, number, form, query):
        self.person(customer, uid, number)
        del self.a_list(customer, uid)["people"][number]
        return 200, {"status": "success"}

    # Templates.

    def decoded(self, given):
        try:
            return base64.b64decode(given.get("content", ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return "garbage"

    def get_templates(self, customer, form, query):
        rows = [{"template_uid": uid, "name": one["name"]} for uid, one in customer.templates.items()]
        return self.page(rows, query)

    def a_template(self, customer, uid):
        if uid not in customer.templates:
            raise error(404, "The template does not exist.")
        return customer.templates[uid]

    def template_of(self, form):
        given = form.get("template") or {}
        if not given.get("name") or not given.get("content"):
            raise error(422, {"content": "Please provide the template content."})
        return {"name": given["name"], "content": self.decoded(given)}

    def post_template(self, customer, form, query):
        uid = self.uid()
        customer.templates[uid] = self.template_of(form)
        return 201, {"status": "success", "template_uid": uid}

    def put_template(self, customer, uid, form, query):
        self.a_template(customer, uid).update(self.template_of(form))
        return 200, {"status": "success"}

    def delete_template(self, customer, uid, form, query):
        self.a_template(customer, uid)
        del customer.templates[uid]
        return 200, {"status": "success"}

    # Campaigns.

    def get_campaigns(self, customer, form, query):
        return self.page([one["shown"] for one in customer.campaigns.values()], query)

    def a_campaign(self, customer, uid):
        if uid not in customer.campaigns:
            raise error(404, "The campaign does not exist.")
        return customer.campaigns[uid]

    def post_campaign(self, customer, form, query):
        given = form.get("campaign") or {}
        needed = ("name", "from_name", "from_email", "subject", "reply_to", "send_at", "list_uid")
        wrong = {name: [f"{name} cannot be blank."] for name in needed if not given.get(name)}
        if wrong:
            raise error(422, wrong)
        uid = self.uid()
        status = given.get("status", "draft")
        shown = {"campaign_uid": uid, "name": given["name"], "status": status, "from_email": given["from_email"]}
        content = self.decoded(given.get("template") or {})
        customer.campaigns[uid] = {"shown": shown, "given": given, "content": content}
        return 201, {"status": "success", "campaign_uid": uid}

    def get_campaign(self, customer, uid, form, query):
        return 200, {"status": "success", "data": {"record": self.a_campaign(customer, uid)["shown"]}}

    def put_campaign(self, customer, uid, form, query):
        one, given = self.a_campaign(customer, uid), form.get("campaign") or {}
        if not given:
            raise error(422, "Please provide the campaign.")
        one["given"].update(given)
        one["shown"].update({name: given[name] for name in ("name", "status", "from_email") if name in given})
        return 200, {"status": "success"}

    def delete_campaign(self, customer, uid, form, query):
        self.a_campaign(customer, uid)
        del customer.campaigns[uid]
        return 200, {"status": "success"}

    def toggle(self, customer, uid, form, query):
        shown = self.a_campaign(customer, uid)["shown"]
        if shown["status"] in PAUSABLE:
            shown["status"] = "paused"
        elif shown["status"] == "paused":
            shown["status"] = "sending"
        else:
            raise error(400, "Pausing/Unpausing is not allowed.")
        return 200, {"status": "success", "campaign": {"status": shown["status"]}}

    def mark_sent(self, customer, uid, form, query):
        self.a_campaign(customer, uid)["shown"]["status"] = "sent"
        return 200, {"status": "success"}

    def stats(self, customer, uid, form, query):
        status = self.a_campaign(customer, uid)["shown"]["status"]
        numbers = {"campaign_status": status, "subscribers_count": "13", "opens_count": 4, "opens_rate": "30.77"}
        return 200, {"status": "success", "data": numbers}

    def get_servers(self, customer, form, query):
        return self.page(customer.servers, query)


_ROUTES = [
    ("GET/lists", "get_lists"),
    ("POST/lists", "post_list"),
    ("PUT/lists/subscribers/unsubscribe-by-email-from-all-lists", "unsubscribe_all"),
    ("GET/lists/*", "get_list"),
    ("DELETE/lists/*", "delete_list"),
    ("GET/lists/*/fields", "get_fields"),
    ("GET/lists/*/subscribers", "get_people"),
    ("POST/lists/*/subscribers", "post_person"),
    ("POST/lists/*/subscribers/bulk", "post_bulk"),
    ("GET/lists/*/subscribers/search-by-email", "search"),
    ("PUT/lists/*/subscribers/*", "put_person"),
    ("PUT/lists/*/subscribers/*/unsubscribe", "unsubscribe"),
    ("DELETE/lists/*/subscribers/*", "delete_person"),
    ("GET/templates", "get_templates"),
    ("POST/templates", "post_template"),
    ("PUT/templates/*", "put_template"),
    ("DELETE/templates/*", "delete_template"),
    ("GET/campaigns", "get_campaigns"),
    ("POST/campaigns", "post_campaign"),
    ("GET/campaigns/*", "get_campaign"),
    ("PUT/campaigns/*", "put_campaign"),
    ("DELETE/campaigns/*", "delete_campaign"),
    ("PUT/campaigns/*/pause-unpause", "toggle"),
    ("PUT/campaigns/*/mark-sent", "mark_sent"),
    ("GET/campaigns/*/stats", "stats"),
    ("GET/delivery-servers", "get_servers"),
]
