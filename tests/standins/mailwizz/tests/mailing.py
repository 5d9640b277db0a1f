# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tenants, lists, servers and campaigns in one instance of the stand-in, as its clients make them."""

from __future__ import annotations

import base64
import json
import re
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from instance import Browser, Instance

HTML = (
    '<html><body><p>Hello [FNAME]</p><p><a href="https://shop.example/?a=1&amp;e=[EMAIL]">Shop</a></p>'
    '<p><a href="[UNSUBSCRIBE_URL]">Unsubscribe</a> [COMPANY_FULL_ADDRESS]</p></body></html>'
)
COMPANY = {"name": "Ex Ltd", "country": "Germany", "address_1": "Street 1", "city": "Berlin", "zip_code": "10115"}


def flat(form: Any, name: str = "") -> list[tuple[str, str]]:
    """Nested values as PHP's bracket keys: {"a": {"b": [1]}} -> [("a[b][0]", "1")]."""
    pairs = form.items() if isinstance(form, dict) else enumerate(form)
    fields: list[tuple[str, str]] = []
    for key, value in pairs:
        full = f"{name}[{key}]" if name else str(key)
        fields += flat(value, full) if isinstance(value, (dict, list)) else [(full, str(value))]
    return fields


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass
class Said:
    """status (int), data (the JSON), headers."""

    status: int
    data: Any
    headers: Any


class Api:
    """The API with one key. Paths begin behind /api."""

    def __init__(self, url: str, key: str, base: str = "/api") -> None:
        self.browser = Browser(url)
        self.key = key
        self.base = base

    def call(
        self, method: str, path: str, form: Any = None, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Said:
        sent = dict(headers or {})
        if self.key:
            sent["X-API-KEY"] = self.key
        data = urlencode(flat(form)).encode() if form is not None else body
        answer = self.browser.request(method, self.base + path, data, headers=sent)
        return Said(answer.status, json.loads(answer.text) if answer.text else None, answer.headers)

    def get(self, path: str, **headers: str) -> Said:
        return self.call("GET", path, headers=headers)

    def post(self, path: str, form: Any) -> Said:
        return self.call("POST", path, form)

    def put(self, path: str, form: Any = None) -> Said:
        return self.call("PUT", path, form or {})

    def delete(self, path: str) -> Said:
        return self.call("DELETE", path)


class Tenant(Api):
    """A customer with a group of its own and a key."""

    def __init__(self, site: Instance, name: str, timezone: str = "UTC", **options: str) -> None:
        self.site = site
        key = secrets.token_hex(20)
        made = site.script(
            f"""
            $group = new CustomerGroup(); $group->name = 'fleet-{name}'; if (!$group->save()) {{ throw new Exception(json_encode($group->getErrors())); }}
            foreach (json_decode({php(options)}, true) as $code => $value) {{
                $row = new CustomerGroupOption(); $row->group_id = $group->group_id; $row->code = $code; $row->value = $value;
                if (!$row->save()) {{ throw new Exception(json_encode($row->getErrors())); }}
            }}
            $customer = new Customer();
            $customer->setAttributes(['first_name' => 'Ada', 'last_name' => 'Lovelace', 'email' => '{name}@tenants.test', 'timezone' => '{timezone}',
                'status' => 'active', 'group_id' => $group->group_id]);
            $customer->fake_password = 'correct horse';
            if (!$customer->save()) {{ throw new Exception(json_encode($customer->getErrors())); }}
            $key = new CustomerApiKey(); $key->customer_id = $customer->customer_id; $key->name = 'email_engine'; $key->key = '{key}';
            if (!$key->save()) {{ throw new Exception(json_encode($key->getErrors())); }}
            return ['customer_id' => (int) $customer->customer_id, 'customer_uid' => $customer->customer_uid, 'group_id' => (int) $group->group_id];
            """
        )
        self.customer_id: int = made["customer_id"]
        self.customer_uid: str = made["customer_uid"]
        self.group_id: int = made["group_id"]
        super().__init__(site.url, key)

    def list(self, *addresses: str, **general: str) -> str:
        """uid of a new list with these confirmed subscribers."""
        uid = self.post(
            "/lists",
            {
                "general": {"name": "Readers", "description": "All", **general},
                "defaults": {"from_name": "Shop", "from_email": "news@shop.example", "reply_to": "help@shop.example"},
                "company": COMPANY,
            },
        ).data["list_uid"]
        for start in range(0, len(addresses), 100):
            rows = [
                {"EMAIL": a, "FNAME": a.split("@")[0], "details": {"status": "confirmed"}}
                for a in addresses[start : start + 100]
            ]
            said = self.post(f"/lists/{uid}/subscribers/bulk", {"subscribers": rows})
            assert said.status == 201 and not [r for r in said.data["data"]["records"] if "errors" in r]
        return uid

    def form(self, list_uid: str, **values: Any) -> dict[str, Any]:
        return {
            "campaign": {
                "name": "Spring",
                "from_name": "Shop",
                "from_email": "news@shop.example",
                "subject": "Hello [FNAME]",
                "reply_to": "help@shop.example",
                "send_at": "2026-01-01 00:00:00",
                "list_uid": list_uid,
                "template": {"content": b64(HTML)},
                **values,
            }
        }

    def campaign(self, list_uid: str, **values: Any) -> str:
        """uid of a campaign that is due."""
        said = self.post("/campaigns", self.form(list_uid, **values))
        assert said.status == 201, said.data
        return said.data["campaign_uid"]

    def server(self, port: int, name: str = "mta-01", owned: bool = True, **values: Any) -> int:
        """server_id of an active smtp-pmta server on loopback; owned=False: the system's."""
        row = {
            "name": name,
            "hostname": "127.0.0.1",
            "port": port,
            "username": "",
            "password": "",
            "from_email": f"news@{name}.example",
            "from_name": "Shop",
            "force_from": "always",
            "signing_enabled": "no",
            "max_connection_messages": 100,
            **values,
        }
        status = row.pop("status", "active")
        headers = row.pop("headers", {})
        return self.site.script(
            f"""
            $server = new DeliveryServerSmtpPmta();
            foreach (json_decode({php(row)}, true) as $name => $value) {{ $server->$name = $value; }}
            $server->customer_id = {self.customer_id if owned else "null"}; $server->status = '{status}';
            $headers = [];
            foreach (json_decode({php(headers)}, true) as $name => $value) {{ $headers[] = ['name' => $name, 'value' => $value]; }}
            $server->additional_headers = $headers;
            if (!$server->save()) {{ throw new Exception(json_encode($server->getErrors())); }}
            return (int) $server->server_id;
            """
        )

    def status(self, campaign: str) -> str:
        return self.get(f"/campaigns/{campaign}").data["data"]["record"]["status"]

    def logs(self, campaign: str) -> dict[str, dict[str, str]]:
        """The delivery log by address."""
        rows = self.site.sql(
            "SELECT s.email, l.status, l.message, l.retries, l.email_message_id, l.server_id FROM {{campaign_delivery_log}} l"
            " JOIN {{list_subscriber}} s ON s.subscriber_id = l.subscriber_id JOIN {{campaign}} c ON c.campaign_id = l.campaign_id"
            f" WHERE c.campaign_uid = '{campaign}'"
        )
        return {row["email"]: row for row in rows}


def php(value: Any) -> str:
    """A value as a PHP string that holds its JSON."""
    text = json.dumps(value or {}).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{text}'"


def path(link: str) -> str:
    """An absolute link without scheme and host."""
    return re.sub(r"^https?://[^/]+", "", link)
