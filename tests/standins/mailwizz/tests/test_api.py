# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The API: forms, keys, pages, errors, and who sees what."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instance import Database, Instance
from mailing import COMPANY, HTML, Api, Tenant, b64

MULTIPART = 'multipart/form-data; boundary="x"'


@pytest.fixture(scope="module")
def site(database: Database) -> Iterator[Instance]:
    with Instance(database) as instance:
        instance.install()
        yield instance


@pytest.fixture(scope="module")
def tenant(site: Instance) -> Tenant:
    return Tenant(site, "one", timezone="Europe/Berlin")


@pytest.fixture(scope="module")
def stranger(site: Instance) -> Tenant:
    return Tenant(site, "two")


@pytest.fixture
def mode(site: Instance) -> Iterator[Any]:
    yield lambda value: site.option("system.standin.api_mode", value)
    site.option("system.standin.api_mode", "2")


@pytest.fixture
def uid(tenant: Tenant) -> str:
    return tenant.list()


def multipart(fields: dict[str, str]) -> bytes:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    return ("".join(parts) + "--x--\r\n").encode()


# Keys


@pytest.mark.parametrize(("generation", "status"), [("2.0", 400), ("2", 400), ("3", 401)])
@pytest.mark.parametrize("key", ["", "0" * 40])
def test_keys_that_open_nothing(site: Instance, mode: Any, generation: str, status: int, key: str) -> None:
    mode(generation)
    said = Api(site.url, key).get("/lists")
    assert (said.status, said.data["status"]) == (status, "error")
    assert said.headers["Content-Type"] == "application/json"


def test_key_in_the_old_header(site: Instance, tenant: Tenant) -> None:
    assert Api(site.url, "").get("/lists", **{"X-MW-PUBLIC-KEY": tenant.key}).status == 200


@pytest.mark.parametrize(
    ("statement", "back"),
    [
        (
            "UPDATE {{customer}} SET status = 'inactive' WHERE customer_id = %c",
            "UPDATE {{customer}} SET status = 'active' WHERE customer_id = %c",
        ),
        (
            "INSERT INTO {{customer_group_option}} (group_id, code, value, date_added, last_updated) VALUES (%g, 'api.enabled', 'no', NOW(), NOW())",
            "DELETE FROM {{customer_group_option}} WHERE group_id = %g",
        ),
        (
            "UPDATE {{customer_api_key}} SET ip_whitelist = '192.0.2.1' WHERE customer_id = %c",
            "UPDATE {{customer_api_key}} SET ip_whitelist = NULL",
        ),
        (
            "UPDATE {{customer_api_key}} SET ip_blacklist = '127.0.0.1' WHERE customer_id = %c",
            "UPDATE {{customer_api_key}} SET ip_blacklist = NULL",
        ),
    ],
)
def test_keys_that_are_shut(site: Instance, stranger: Tenant, statement: str, back: str) -> None:
    def run(text: str) -> None:
        site.sql(text.replace("%c", str(stranger.customer_id)).replace("%g", str(stranger.group_id)))

    run(statement)
    try:
        assert stranger.get("/lists").status == 400
    finally:
        run(back)
    assert stranger.get("/lists").status == 200


def test_offline(site: Instance, tenant: Tenant) -> None:
    site.option("system.common.api_status", "offline")
    try:
        assert tenant.get("/lists").status == 503
    finally:
        site.option("system.common.api_status", "online")


# Paths, methods, bodies


@pytest.mark.parametrize("base", ["/api", "/api/index.php"])
def test_with_and_without_rewrites(site: Instance, tenant: Tenant, base: str) -> None:
    assert Api(site.url, tenant.key, base).get("/lists").status == 200
    assert Api(site.url, tenant.key, base).get("/lists?per_page=20").status == 200


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/lists/short", "/campaigns/" + "a" * 13 + "/send", "/delivery-servers/x"]
)
def test_unknown_paths(tenant: Tenant, path: str) -> None:
    said = tenant.get(path)
    assert (said.status, said.data) == (404, {"status": "error", "error": "Page not found."})


@pytest.mark.parametrize(("generation", "status"), [("2", 400), ("3", 405)])
def test_wrong_methods(tenant: Tenant, mode: Any, generation: str, status: int) -> None:
    mode(generation)
    for method, path in (
        ("POST", "/delivery-servers"),
        ("PUT", "/delivery-servers/1"),
        ("PUT", "/lists"),
        ("POST", "/countries"),
    ):
        assert tenant.call(method, path, {"a": "b"}).status == status


@pytest.mark.parametrize("path", ["/lists", "/campaigns", "/templates", "/transactional-emails"])
def test_json_is_no_form(tenant: Tenant, path: str) -> None:
    body = json.dumps(
        {"general": {"name": "x"}, "campaign": {"name": "x"}, "template": {"name": "x"}, "email": {"subject": "x"}}
    ).encode()
    said = tenant.call("POST", path, body=body, headers={"Content-Type": "application/json"})
    assert (said.status, said.data["status"]) == (422, "error")


def test_json_makes_no_subscriber(tenant: Tenant, uid: str) -> None:
    said = tenant.call(
        "POST", f"/lists/{uid}/subscribers", body=b'{"EMAIL": "a@b.test"}', headers={"Content-Type": "application/json"}
    )
    assert said.status == 422


def test_multipart_is_read_from_post_only(tenant: Tenant, uid: str) -> None:
    body = multipart({"EMAIL": "multi@b.test", "FNAME": "M"})
    said = tenant.call("POST", f"/lists/{uid}/subscribers", body=body, headers={"Content-Type": MULTIPART})
    assert said.status == 201
    one = said.data["data"]["record"]["subscriber_uid"]
    body = multipart({"FNAME": "N"})
    assert (
        tenant.call("PUT", f"/lists/{uid}/subscribers/{one}", body=body, headers={"Content-Type": MULTIPART}).status
        == 422
    )
    assert tenant.get(f"/lists/{uid}/subscribers/{one}").data["data"]["record"]["FNAME"] == "M"


def test_method_in_a_header(tenant: Tenant, uid: str) -> None:
    said = tenant.call(
        "POST", f"/lists/{uid}", {"general": {"name": "Renamed"}}, headers={"X-HTTP-Method-Override": "PUT"}
    )
    assert said.status == 200
    assert tenant.get(f"/lists/{uid}").data["data"]["record"]["general"]["name"] == "Renamed"


def test_not_modified(tenant: Tenant, uid: str) -> None:
    tag = tenant.get(f"/lists/{uid}").headers["ETag"]
    said = tenant.get(f"/lists/{uid}", **{"If-None-Match": tag})
    assert (said.status, said.data) == (304, None)
    tenant.put(f"/lists/{uid}", {"general": {"name": "Another"}})
    assert tenant.get(f"/lists/{uid}", **{"If-None-Match": tag}).status == 200


# Pages


def test_empty_page(stranger: Tenant) -> None:
    assert stranger.get("/lists").data == {
        "status": "success",
        "data": {
            "count": None,
            "total_pages": None,
            "current_page": None,
            "next_page": None,
            "prev_page": None,
            "records": [],
        },
    }


def test_pages(tenant: Tenant) -> None:
    uid = tenant.list(*[f"n{number}@pages.test" for number in range(23)])

    def page(query: str) -> dict[str, Any]:
        return tenant.get(f"/lists/{uid}/subscribers?{query}").data["data"]

    first = page("")
    assert {key: value for key, value in first.items() if key != "records"} == {
        "count": "23",
        "total_pages": 3,
        "current_page": 1,
        "next_page": 2,
        "prev_page": None,
    }
    assert len(page("per_page=2")["records"]) == 10
    assert len(page("per_page=1000")["records"]) == 23
    last = page("page=3")
    assert (len(last["records"]), last["next_page"], last["prev_page"]) == (3, None, 2)
    assert page("page=9")["records"] == []
    seen = [row["EMAIL"] for number in (1, 2, 3) for row in page(f"page={number}")["records"]]
    assert len(set(seen)) == 23


# Lists and fields


def test_list_needs_its_parts(tenant: Tenant) -> None:
    said = tenant.post("/lists", {"general": {"name": "x"}})
    assert said.status == 422
    assert set(said.data["error"]) == {"general", "defaults", "company"}
    assert said.data["error"]["general"] == {"description": "Description cannot be blank."}


@pytest.mark.parametrize(("field", "value"), [("country", "Atlantis"), ("zip_code", "1" * 11)])
def test_company_of_a_list(tenant: Tenant, field: str, value: str) -> None:
    form = {
        "general": {"name": "x", "description": "y"},
        "defaults": {"from_name": "x", "from_email": "a@b.test", "reply_to": "a@b.test"},
        "company": {**COMPANY, field: value},
    }
    assert "company" in tenant.post("/lists", form).data["error"]


def test_list_goes(tenant: Tenant, uid: str) -> None:
    record = tenant.get(f"/lists/{uid}").data["data"]["record"]
    assert record["general"]["list_uid"] == uid
    assert record["company"]["country"] == "Germany"
    assert record["defaults"]["from_email"] == "news@shop.example"
    assert tenant.delete(f"/lists/{uid}").status == 200
    assert tenant.get(f"/lists/{uid}").status == 404


def test_fields(tenant: Tenant, uid: str) -> None:
    assert [row["tag"] for row in tenant.get(f"/lists/{uid}/fields").data["data"]["records"]] == [
        "EMAIL",
        "FNAME",
        "LNAME",
    ]
    new = tenant.post(f"/lists/{uid}/fields", {"type": "text", "label": "Tags", "tag": "TAGS", "required": "no"})
    assert new.status == 201
    assert tenant.post(f"/lists/{uid}/fields", {"type": "text", "label": "Tags", "tag": "TAGS"}).status == 422
    assert tenant.post(f"/lists/{uid}/fields", {"type": "text", "label": "Tags", "tag": "no good"}).status == 422
    assert tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "t@fields.test", "TAGS": "vip"}).status == 201
    found = tenant.get(f"/lists/{uid}/subscribers/search-by-custom-fields?TAGS=vip").data["data"]["records"]
    assert [row["EMAIL"] for row in found] == ["t@fields.test"]


def test_fields_of_the_oldest(tenant: Tenant, uid: str, mode: Any) -> None:
    mode("2.0")
    assert tenant.post(f"/lists/{uid}/fields", {"type": "text", "label": "Tags", "tag": "TAGS"}).status == 400
    assert tenant.get(f"/campaigns/{'a' * 13}/delivery-logs").data["error"] == "Page not found."


# Subscribers


@pytest.mark.parametrize(("generation", "flat"), [("2", False), ("3", True)])
def test_shape_of_a_new_subscriber(tenant: Tenant, uid: str, mode: Any, generation: str, flat: bool) -> None:
    mode(generation)
    said = tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "new@shape.test"})
    record = said.data if flat else said.data["data"]["record"]
    assert said.status == 201
    assert record["email"] == "new@shape.test"
    assert len(record["subscriber_uid"]) == 13


@pytest.mark.parametrize(
    "address",
    [
        "",
        "a",
        "a@b",
        '"a b"@c.test',
        "a@b_c.test",
        "ä@b.test",
        "a@bücher.test",
        "a b@c.test",
        ".a@b.test",
        "a..b@c.test",
        "a@-b.test",
        "a@b.test\n",
    ]
    + ["x" * 65 + "@b.test"],
)
def test_addresses_that_are_refused(tenant: Tenant, uid: str, address: str) -> None:
    """Blanks around an address are cut, so the newline is no part of it."""
    said = tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": address})
    assert said.status == (201 if address.endswith("\n") else 422)


@pytest.mark.parametrize(
    "address", ["a+b@c.test", "o'neil@c.test", "a@xn--bcher-kva.test", "A.B@C.Test", "a=b&c@d.test", "{x}@d.test"]
)
def test_addresses_that_are_taken(tenant: Tenant, uid: str, address: str) -> None:
    assert tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": address}).status == 201
    found = tenant.get(f"/lists/{uid}/subscribers/search-by-email?EMAIL={quote(address, safe='')}")
    assert found.status == 200


def test_plus_must_be_encoded(tenant: Tenant, uid: str) -> None:
    tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "a+b@c.test"})
    assert tenant.get(f"/lists/{uid}/subscribers/search-by-email?EMAIL=a+b@c.test").status == 422


def test_double_opt_in_is_the_default(tenant: Tenant, uid: str) -> None:
    status = "/lists/{}/subscribers/search-by-email?EMAIL=s@optin.test"
    tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "s@optin.test"})
    assert tenant.get(status.format(uid)).data["data"]["status"] == "unconfirmed"
    single = tenant.list(opt_in="single")
    tenant.post(f"/lists/{single}/subscribers", {"EMAIL": "s@optin.test"})
    assert tenant.get(status.format(single)).data["data"]["status"] == "confirmed"


@pytest.mark.parametrize("status", ["confirmed", "unconfirmed", "unsubscribed"])
def test_nobody_is_added_twice(tenant: Tenant, uid: str, status: str) -> None:
    form = {"EMAIL": "twice@c.test", "details": {"status": status}}
    assert tenant.post(f"/lists/{uid}/subscribers", form).status == 201
    again = {"EMAIL": "TWICE@c.test", "details": {"status": "confirmed"}}
    assert tenant.post(f"/lists/{uid}/subscribers", again).status == 409
    (record,) = tenant.post(f"/lists/{uid}/subscribers/bulk", {"subscribers": [again]}).data["data"]["records"]
    assert "already exists" in record["errors"]["EMAIL"]
    assert tenant.get(f"/lists/{uid}/subscribers/search-by-email?EMAIL=twice@c.test").data["data"]["status"] == status


def test_blacklisted_for_one_is_blacklisted_for_all(site: Instance, tenant: Tenant, stranger: Tenant, uid: str) -> None:
    site.sql(
        "INSERT INTO {{email_blacklist}} (email, date_added, last_updated) VALUES ('bad@black.test', NOW(), NOW())"
    )
    for one, its in ((tenant, uid), (stranger, stranger.list())):
        assert one.post(f"/lists/{its}/subscribers", {"EMAIL": "bad@black.test"}).status == 409


def test_bulk_says_which_are_wrong(tenant: Tenant, uid: str) -> None:
    rows = [{"EMAIL": "b1@bulk.test", "FNAME": "Ann"}, {"EMAIL": "no"}, {"FNAME": "none"}, {"EMAIL": "b2@bulk.test"}]
    said = tenant.post(f"/lists/{uid}/subscribers/bulk", {"subscribers": rows})
    assert said.status == 201
    records = said.data["data"]["records"]
    assert ["errors" in record for record in records] == [False, True, True, False]
    assert records[0]["data"]["EMAIL"] == "b1@bulk.test"
    assert len(records[0]["data"]["subscriber_uid"]) == 13
    assert tenant.post(f"/lists/{uid}/subscribers/bulk", {"EMAIL": "x@y.test"}).status == 422


def test_bulk_may_ignore_the_details_of_a_row(site: Instance, tenant: Tenant, uid: str) -> None:
    def status(address: str) -> str:
        tenant.post(
            f"/lists/{uid}/subscribers/bulk",
            {"subscribers": [{"EMAIL": address, "FNAME": "Ann", "details": {"status": "confirmed"}}]},
        )
        return tenant.get(f"/lists/{uid}/subscribers/search-by-email?EMAIL={address}").data["data"]["status"]

    assert status("d1@details.test") == "confirmed"
    site.option("system.standin.bulk_details", "ignored")
    try:
        assert status("d2@details.test") == "unconfirmed"
    finally:
        site.option("system.standin.bulk_details", "honoured")


def test_bulk_is_cut_by_php(tenant: Tenant, uid: str) -> None:
    """PHP reads the first 1,001 fields of a form and drops the rest without an error."""
    rows = [{"EMAIL": f"c{number}@cut.test", "FNAME": "x"} for number in range(600)]
    said = tenant.post(f"/lists/{uid}/subscribers/bulk", {"subscribers": rows})
    assert (said.status, len(said.data["data"]["records"])) == (201, 501)


def test_update_unsubscribe_delete(tenant: Tenant, uid: str) -> None:
    one = tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "u@life.test", "details": {"status": "confirmed"}}).data[
        "data"
    ]["record"]["subscriber_uid"]
    tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": "v@life.test"})
    base = f"/lists/{uid}/subscribers/{one}"
    assert tenant.put(base, {"LNAME": "Life"}).status == 200
    assert tenant.get(base).data["data"]["record"]["LNAME"] == "Life"
    assert tenant.put(base, {"EMAIL": "v@life.test"}).status == 409
    assert tenant.put(base, {"EMAIL": "nope"}).status == 422
    assert tenant.put(f"{base}/unsubscribe").status == 200
    assert tenant.get(base).data["data"]["record"]["status"] == "unsubscribed"
    shown = tenant.get(f"/lists/{uid}/subscribers?status=unsubscribed").data["data"]["records"]
    assert [row["EMAIL"] for row in shown] == ["u@life.test"]
    assert tenant.delete(base).status == 200
    assert tenant.get(base).status == 404


def test_all_lists_at_once(tenant: Tenant) -> None:
    first, second = tenant.list("all@lists.test"), tenant.list("all@lists.test")
    found = tenant.get("/lists/subscribers/search-by-email-in-all-lists?EMAIL=all@lists.test").data["data"]["records"]
    assert {row["list"]["list_uid"] for row in found} == {first, second}
    assert (
        tenant.put("/lists/subscribers/unsubscribe-by-email-from-all-lists", {"EMAIL": "all@lists.test"}).status == 200
    )
    found = tenant.get("/lists/subscribers/search-by-email-in-all-lists?EMAIL=all@lists.test").data["data"]["records"]
    assert {row["status"] for row in found} == {"unsubscribed"}


NAMES = st.text(
    st.characters(max_codepoint=0xFFFF, blacklist_categories=("Cs", "Cc", "Zs", "Zl", "Zp", "Cn", "Co")),
    min_size=1,
    max_size=40,
)
LOCALS = st.text("abcXYZ019!#$%&'*+/=?^_`{|}~-", min_size=1, max_size=30)


@given(name=NAMES, local=LOCALS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_form_holds_comes_back(tenant: Tenant, name: str, local: str) -> None:
    uid = tenant.list()
    address = f"{local}@odd.test"
    said = tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": address, "FNAME": name})
    assert said.status == 201
    record = tenant.get(f"/lists/{uid}/subscribers/{said.data['data']['record']['subscriber_uid']}").data["data"][
        "record"
    ]
    assert (record["EMAIL"], record["FNAME"]) == (address, name)


# Campaigns


def test_campaign_needs_its_wrapper(tenant: Tenant, uid: str) -> None:
    assert tenant.post("/campaigns", tenant.form(uid)["campaign"]).status == 422
    said = tenant.post("/campaigns", {"campaign": {"name": "x"}})
    assert said.status == 422
    assert {"from_name", "from_email", "subject", "reply_to", "send_at", "list_uid", "template"} <= set(
        said.data["error"]
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("from_email", "nobody"),
        ("reply_to", '"a b"@c.test'),
        ("send_at", "tomorrow"),
        ("send_at", "2026-02-30 00:00:00"),
        ("type", "special"),
        ("status", "sent"),
        ("list_uid", "a" * 13),
        ("subject", ""),
        ("template", {"content": HTML}),
        ("template", {"content": b64("<html>[UNSUBSCRIBE_URL]</html>")}),
        ("template", {"content": b64("<html>[COMPANY_FULL_ADDRESS]</html>")}),
        ("template", {"template_uid": "a" * 13}),
    ],
)
def test_campaigns_that_are_refused(tenant: Tenant, uid: str, field: str, value: Any) -> None:
    form = tenant.form(uid)
    form["campaign"][field] = value
    said = tenant.post("/campaigns", form)
    assert said.status == 422
    assert list(said.data["error"]) == [field]


def test_tags_may_be_left_out_where_the_group_says_so(site: Instance) -> None:
    free = Tenant(site, "tagless", **{"campaigns.required_template_tags": "no"})
    assert free.campaign(free.list(), template={"content": b64("<html>x</html>")})


def test_send_at_is_in_the_customers_time_zone(site: Instance, tenant: Tenant, uid: str) -> None:
    campaign = tenant.campaign(uid, send_at="2026-07-01 12:00:00", status="draft")
    assert site.sql(f"SELECT send_at FROM {{{{campaign}}}} WHERE campaign_uid = '{campaign}'") == [
        {"send_at": "2026-07-01 10:00:00"}
    ]
    assert tenant.get(f"/campaigns/{campaign}").data["data"]["record"]["send_at"] == "2026-07-01 12:00:00"


def test_life_of_a_campaign(tenant: Tenant, uid: str) -> None:
    assert tenant.status(tenant.campaign(uid)) == "pending-sending"
    campaign = tenant.campaign(uid, status="draft")
    assert tenant.status(campaign) == "draft"
    toggle = f"/campaigns/{campaign}/pause-unpause"
    assert tenant.put(toggle).data["campaign"]["status"] == "draft"
    assert (
        tenant.put(f"/campaigns/{campaign}", {"campaign": {"status": "pending-sending", "subject": "Now"}}).status
        == 200
    )
    record = tenant.get(f"/campaigns/{campaign}").data["data"]["record"]
    assert (record["status"], record["subject"]) == ("pending-sending", "Now")
    assert tenant.put(toggle).data["campaign"]["status"] == "paused"
    assert tenant.put(f"/campaigns/{campaign}/mark-sent").data["campaign"]["status"] == "sent"
    assert tenant.put(f"/campaigns/{campaign}", {"campaign": {"subject": "Late"}}).status == 422
    assert tenant.delete(f"/campaigns/{campaign}").status == 200
    assert tenant.get(f"/campaigns/{campaign}").status == 404


def test_put_without_the_wrapper(tenant: Tenant, uid: str) -> None:
    campaign = tenant.campaign(uid, status="draft")
    assert tenant.put(f"/campaigns/{campaign}", {"status": "pending-sending"}).status == 422
    assert tenant.status(campaign) == "draft"


def test_copy(tenant: Tenant, uid: str) -> None:
    said = tenant.call("POST", f"/campaigns/{tenant.campaign(uid)}/copy", {})
    assert said.status == 201
    assert tenant.status(said.data["campaign_uid"]) == "draft"
    assert tenant.call("POST", f"/lists/{uid}/copy", {}).status == 201


def test_stats_before_anything_was_sent(tenant: Tenant) -> None:
    uid = tenant.list("s@stats.test")
    data = tenant.get(f"/campaigns/{tenant.campaign(uid, status='draft')}/stats").data["data"]
    assert (data["campaign_status"], data["subscribers_count"], data["processed_count"]) == ("draft", 1, 0)
    names = "delivery_success delivery_error opens unique_opens clicks unique_clicks unsubscribes complaints bounces hard_bounces soft_bounces internal_bounces"
    assert {f"{name}_{kind}" for name in names.split() for kind in ("count", "rate")} < set(data)


def test_bounces(site: Instance, tenant: Tenant) -> None:
    uid = tenant.list("hard@bounce.test", "soft@bounce.test")
    campaign = tenant.campaign(uid, status="draft")
    ones = {
        row["EMAIL"]: row["subscriber_uid"] for row in tenant.get(f"/lists/{uid}/subscribers").data["data"]["records"]
    }
    base = f"/campaigns/{campaign}/bounces"
    form = {"message": "gone", "bounce_type": "hard", "subscriber_uid": ones["hard@bounce.test"]}
    assert tenant.post(base, form).status == 201
    assert tenant.post(base, form).status == 409
    assert tenant.post(base, {**form, "bounce_type": "odd"}).status == 422
    assert tenant.post(base, {**form, "message": "x" * 251}).status == 422
    assert tenant.post(base, {**form, "subscriber_uid": "a" * 13}).status == 404
    assert (
        tenant.post(base, {"message": "full", "bounce_type": "soft", "subscriber_uid": ones["soft@bounce.test"]}).status
        == 201
    )
    assert {row["bounce_type"] for row in tenant.get(base).data["data"]["records"]} == {"hard", "soft"}
    status = {row["EMAIL"]: row["status"] for row in tenant.get(f"/lists/{uid}/subscribers").data["data"]["records"]}
    assert status == {"hard@bounce.test": "blacklisted", "soft@bounce.test": "confirmed"}
    assert site.sql("SELECT email FROM {{email_blacklist}} WHERE email LIKE '%@bounce.test'") == [
        {"email": "hard@bounce.test"}
    ]


# Templates, transactional mail, servers


def test_templates(tenant: Tenant) -> None:
    assert tenant.post("/templates", {"name": "x", "content": b64(HTML)}).status == 422
    uid = tenant.post("/templates", {"template": {"name": "Spring", "content": b64(HTML)}}).data["template_uid"]
    assert tenant.get(f"/templates/{uid}").data["data"]["record"]["content"] == HTML
    assert tenant.put(f"/templates/{uid}", {"template": {"name": "Summer"}}).status == 200
    assert uid in [
        row["template_uid"] for row in tenant.get("/templates").data["data"]["records"] if row["name"] == "Summer"
    ]
    assert tenant.campaign(tenant.list(), template={"template_uid": uid}, status="draft")
    assert tenant.delete(f"/templates/{uid}").status == 200
    assert tenant.get(f"/templates/{uid}").status == 404


def test_template_that_is_not_base64_becomes_garbage(tenant: Tenant) -> None:
    uid = tenant.post("/templates", {"template": {"name": "Raw", "content": HTML}}).data["template_uid"]
    assert tenant.get(f"/templates/{uid}").data["data"]["record"]["content"] != HTML


def test_transactional_mail(tenant: Tenant) -> None:
    form = {
        "to_name": "Ann",
        "to_email": "ann@x.test",
        "from_name": "Shop",
        "subject": "Hi",
        "body": b64("<p>Hi</p>"),
        "send_at": "2026-01-01 00:00:00",
    }
    assert tenant.post("/transactional-emails", form).status == 422
    uid = tenant.post("/transactional-emails", {"email": form}).data["email_uid"]
    record = tenant.get(f"/transactional-emails/{uid}").data["data"]["record"]
    assert (record["body"], record["status"]) == ("<p>Hi</p>", "unsent")
    assert tenant.post("/transactional-emails", {"email": {**form, "send_at": "soon"}}).status == 422
    assert tenant.delete(f"/transactional-emails/{uid}").status == 200


def test_delivery_servers_are_the_customers_own(tenant: Tenant, stranger: Tenant) -> None:
    own = tenant.server(2525, name="own")
    theirs = stranger.server(2525, name="theirs")
    system = tenant.server(2525, name="system", owned=False)
    records = tenant.get("/delivery-servers").data["data"]["records"]
    assert records == [
        {"server_id": own, "type": "smtp-pmta", "name": "own", "hostname": "127.0.0.1", "status": "active"}
    ]
    assert tenant.get(f"/delivery-servers/{own}").data["data"]["record"] == records[0]
    assert [tenant.get(f"/delivery-servers/{one}").status for one in (theirs, system)] == [404, 404]


def test_another_tenants_things_do_not_exist(tenant: Tenant, stranger: Tenant) -> None:
    uid = tenant.list("mine@own.test")
    one = tenant.get(f"/lists/{uid}/subscribers").data["data"]["records"][0]["subscriber_uid"]
    campaign = tenant.campaign(uid, status="draft")
    template = tenant.post("/templates", {"template": {"name": "Mine", "content": b64(HTML)}}).data["template_uid"]
    other = stranger.list()
    for method, path in (
        ("GET", f"/lists/{uid}"),
        ("PUT", f"/lists/{uid}"),
        ("DELETE", f"/lists/{uid}"),
        ("GET", f"/lists/{uid}/fields"),
        ("GET", f"/lists/{uid}/subscribers"),
        ("POST", f"/lists/{uid}/subscribers"),
        ("POST", f"/lists/{uid}/subscribers/bulk"),
        ("GET", f"/lists/{uid}/subscribers/{one}"),
        ("GET", f"/lists/{other}/subscribers/{one}"),
        ("PUT", f"/lists/{uid}/subscribers/{one}/unsubscribe"),
        ("GET", f"/campaigns/{campaign}"),
        ("PUT", f"/campaigns/{campaign}"),
        ("PUT", f"/campaigns/{campaign}/pause-unpause"),
        ("GET", f"/campaigns/{campaign}/stats"),
        ("POST", f"/campaigns/{campaign}/bounces"),
        ("DELETE", f"/campaigns/{campaign}"),
        ("GET", f"/templates/{template}"),
        ("DELETE", f"/templates/{template}"),
    ):
        form = (
            None
            if method in ("GET", "DELETE")
            else {"general": {"name": "x"}, "campaign": {"name": "x"}, "subscribers": [{"EMAIL": "x@y.test"}]}
            | {"message": "x", "bounce_type": "hard", "subscriber_uid": one, "EMAIL": "x@y.test"}
        )
        assert stranger.call(method, path, form).status == 404, (method, path)
    assert stranger.post("/campaigns", stranger.form(uid)).data["error"] == {"list_uid": "The list does not exist."}
    assert (
        "template"
        in stranger.post("/campaigns", stranger.form(other, template={"template_uid": template})).data["error"]
    )
    assert tenant.status(campaign) == "draft"


def test_countries(tenant: Tenant) -> None:
    records = tenant.get("/countries?per_page=50").data["data"]["records"]
    germany = next(row for row in records if row["name"] == "Germany")
    assert tenant.get(f"/countries/{germany['country_id']}/zones").status == 200


def test_customers_cannot_register(tenant: Tenant) -> None:
    assert tenant.post("/customers", {"customer": {"email": "x@y.test"}}).status == 400


def test_base64_of_odd_bytes(tenant: Tenant) -> None:
    """Bytes that are no text do not break the answer."""
    uid = tenant.post(
        "/templates", {"template": {"name": "Odd", "content": base64.b64encode(b"\xff\xfe<p>").decode()}}
    ).data["template_uid"]
    assert tenant.get(f"/templates/{uid}").status == 200
