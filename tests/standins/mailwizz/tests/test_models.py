# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Active records: what models accept and refuse, what save() does and saveAttributes() does not."""

from __future__ import annotations

import pytest
from instance import Instance

SERVER = {"name": "mail.example.com", "hostname": "10.0.0.1", "from_email": "news@example.com"}


def php(value) -> str:
    """A value as PHP source."""
    if isinstance(value, dict):
        return "[" + ", ".join(f"{php(k)} => {php(v)}" for k, v in value.items()) + "]"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(php(v) for v in value) + "]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return (
        str(value) if isinstance(value, (int, float)) else "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    )


def errors(mailwizz, model: str, **attributes) -> dict:
    """Errors by attribute of a new record with these attributes, set one by one."""
    sets = "".join(f"$m->{name} = {php(value)};" for name, value in attributes.items())
    return mailwizz.script(f"$m = new {model}(); {sets} $m->validate(); return (object) $m->getErrors();")


def header(name: str, value: str = "x") -> list[dict]:
    return [{"name": name, "value": value}]


ACCEPTED = [
    *[("probability", n) for n in (5, 10, 100, "35")],
    *[("daily_quota", n) for n in (0, 1, 2147483647, "50")],
    ("port", 2525), ("timeout", 5), ("timeout", 120), ("protocol", ""), ("protocol", "tls"), ("protocol", "starttls"),
    ("username", ""), ("hostname", "pmta1.example.com"), ("hostname", "2001:db8::1"), ("use_for", "campaigns"),
    ("force_from", "always"), ("force_from", "never"), ("force_from", "when no valid signing domain"),
    ("signing_enabled", "no"), ("status", "disabled"), ("status", "in-use"), ("reply_to_email", None),
    ("additional_headers", []), ("additional_headers", header("X-Virtual-MTA", "vmta-01")),
    ("additional_headers", header("X-Job", "[CAMPAIGN_UID]")),
    ("additional_headers", header("X-Force-Return-Path", "bounce@example.com")),
]  # fmt: skip
REFUSED = [
    *[("probability", n) for n in (0, 1, 4, 7, 101, 105, -5, "", None, "ten", 12.5)],
    *[(quota, n) for quota in ("hourly_quota", "daily_quota", "monthly_quota") for n in (-1, "1.5", "many", 2147483648, None)],
    ("port", 0), ("port", 65536), ("port", "smtp"), ("timeout", 4), ("timeout", 121), ("protocol", "notls"),
    ("hostname", ""), ("hostname", None), ("hostname", "two words"), ("hostname", "x" * 151),
    ("from_email", ""), ("from_email", "news"), ("from_email", "news@exa mple.com"), ("reply_to_email", "x"),
    ("name", "x" * 151), ("username", "x" * 151), ("password", "x" * 151), ("from_name", "x" * 151),
    ("use_for", "everything"), ("use_for", ""), ("force_from", "sometimes"), ("force_reply_to", "maybe"),
    ("locked", "1"), ("signing_enabled", "false"), ("must_confirm_delivery", ""), ("status", "paused"), ("status", ""),
    ("max_connection_messages", 0), ("customer_id", 4711), ("bounce_server_id", 4711), ("tracking_domain_id", 4711),
    *[("additional_headers", header(n)) for n in (
        "From", "To", "subject", "Date", "Return-Path", "Sender", "Reply-To", "Message-ID", "List-Unsubscribe",
        "Content-Type", "content-x", "MIME-Version", "X-Sender", "X-Receiver", "X-Report-Abuse", "List-Id",
    )],
    ("additional_headers", header("X-Job", "")), ("additional_headers", header("", "x")), ("additional_headers", header("X Job")),
    ("additional_headers", header("X-Job", "a\nBcc: b@example.com")), ("additional_headers", {"X-Job": "x"}),
    ("additional_headers", [{"name": "X-Job"}]), ("additional_headers", "X-Job: x"),
]  # fmt: skip


def test_what_a_server_may_be(mailwizz):
    """The truth table in one process: each value alone, all others good."""
    cases = [*ACCEPTED, *REFUSED]
    found = mailwizz.script(
        f"$found = []; foreach ({php([list(case) for case in cases])} as [$name, $value]) {{"
        f" $m = new DeliveryServerSmtpPmta(); $m->setAttributes({php(SERVER)}); $m->$name = $value;"
        " $m->validate(); $found[] = array_keys($m->getErrors()); } return $found;"
    )
    assert [(case, errors) for case, errors in zip(ACCEPTED, found) if errors] == []
    assert [(case, errors) for case, errors in zip(REFUSED, found[len(ACCEPTED) :]) if errors != [case[0]]] == []


def test_a_new_server_has_the_products_defaults(mailwizz):
    got = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php(SERVER)}); return [$m->save(), $m->getAttributes()];"
    )
    saved, server = got
    assert saved is True
    assert {
        k: server[k] for k in ("type", "status", "port", "timeout", "probability", "force_from", "customer_id")
    } == {
        "type": "smtp-pmta",
        "status": "inactive",
        "port": 25,
        "timeout": 30,
        "probability": 100,
        "force_from": "always",
        "customer_id": None,
    }
    (row,) = mailwizz.sql(
        f"SELECT meta_data, date_added FROM {{{{delivery_server}}}} WHERE server_id = {server['server_id']}"
    )
    assert row["meta_data"] == 'a:1:{s:18:"additional_headers";a:0:{}}'
    assert row["date_added"].startswith("20")


def test_headers_are_kept_as_php_serializes_them(mailwizz):
    text = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php(SERVER)});"
        " $m->additional_headers = [['name' => 'X-Virtual-MTA', 'value' => 'vmta-01']]; $m->save();"
        " return DeliveryServerSmtpPmta::model()->findByPk($m->server_id)->meta_data;"
    )
    assert text == (
        'a:1:{s:18:"additional_headers";a:1:{i:0;a:2:{s:4:"name";s:13:"X-Virtual-MTA";s:5:"value";s:7:"vmta-01";}}}'
    )


def test_other_keys_of_meta_data_survive_save(mailwizz):
    got = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php(SERVER)}); $m->save();"
        " $m->saveAttributes(['meta_data' => serialize(['other' => 1, 'additional_headers' => []])]);"
        " $again = DeliveryServerSmtpPmta::model()->findByPk($m->server_id);"
        " $again->additional_headers = [['name' => 'X-Job', 'value' => 'a']]; $again->modelMetaData->add('ours', ['k' => 'v']);"
        " $again->meta_data = 'overwritten'; $again->save();"
        " $last = DeliveryServerSmtpPmta::model()->findByPk($m->server_id);"
        " return [unserialize($last->meta_data), $last->additional_headers];"
    )
    assert got == [
        {"other": 1, "additional_headers": [{"name": "X-Job", "value": "a"}], "ours": {"k": "v"}},
        [{"name": "X-Job", "value": "a"}],
    ]


def test_mass_assignment_takes_only_what_rules_name(mailwizz):
    got = mailwizz.script(
        "$m = new DeliveryServerSmtpPmta();"
        " $m->setAttributes(['name' => 'a', 'customer_id' => 1, 'status' => 'active', 'type' => 'smtp', 'meta_data' => 'x', 'none' => 1]);"
        " $n = new DeliveryServerSmtpPmta();"
        " $n->setAttributes(['status' => 'active', 'additional_headers' => [['name' => 'X-Job', 'value' => 'a']]], false);"
        " return [$m->name, $m->customer_id, $m->status, $m->type, $m->meta_data, $m->hasAttribute('none'), $n->status, $n->additional_headers];"
    )
    assert got == ["a", None, "inactive", "smtp-pmta", None, False, "active", []]


def test_save_refuses_what_validate_refuses(mailwizz):
    got = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php({**SERVER, 'probability': 7})});"
        " return [$m->save(), $m->isNewRecord, $m->getErrors(), $m->server_id];"
    )
    assert got == [False, True, {"probability": ["Probability is not in the list."]}, None]


def test_save_attributes_is_not_save(mailwizz):
    got = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php({**SERVER, 'daily_quota': 10})}); $m->save();"
        " $before = $m->getQuotaLeft();"
        " $first = $m->saveAttributes(['daily_quota' => 20]); $cached = $m->getQuotaLeft();"
        " $second = $m->saveAttributes(['daily_quota' => 20]);"
        " $m->save(); $m->logUsage(); $m->logUsage();"
        " return [$before, $first, $cached, $second, $m->getQuotaLeft()];"
    )
    assert got == [10, True, 10, False, 18]


def test_changes_behind_the_models_are_seen_after_clear_cache(mailwizz):
    (made,) = mailwizz.script(
        f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php({**SERVER, 'daily_quota': 10})}); $m->save(); $m->getQuotaLeft();"
        " return [$m->server_id];"
    )
    left = f"return DeliveryServer::model()->findByPk({made})->getQuotaLeft();"
    mailwizz.sql(f"UPDATE {{{{delivery_server}}}} SET daily_quota = 30 WHERE server_id = {made}")
    assert mailwizz.script(left) == 10
    assert mailwizz.console("clear-cache").returncode == 0
    assert mailwizz.script(left) == 30


@pytest.mark.parametrize("newer", [False, True])
def test_columns_are_discovered(database, newer):
    wanted = ["second_quota", "minute_quota", "warmup_plan_id", "force_from_name"]
    with Instance(database, newer=newer) as instance:
        instance.install()
        has = instance.script(
            f"$m = new DeliveryServerSmtpPmta(); return array_map([$m, 'hasAttribute'], {php(wanted)});"
        )
        saved = instance.script(
            f"$m = new DeliveryServerSmtpPmta(); $m->setAttributes({php({**SERVER, 'second_quota': 5})});"
            " return [$m->save(), $m->getAttribute('second_quota'), (object) $m->getErrors()];"
        )
    assert has == [newer] * 4
    assert saved == [True, 5 if newer else None, {}]


def test_finding(mailwizz):
    got = mailwizz.script(
        "foreach (['find-a', 'find-b', 'find-c'] as $name) {"
        f" $m = new DeliveryServerSmtpPmta(); $m->setAttributes({php(SERVER)}); $m->name = $name; $m->save(); }}"
        " $x = DeliveryServerSmtpPmta::model();"
        " return [count($x->findAllByAttributes(['name' => ['find-a', 'find-b']])), $x->countByAttributes(['name' => 'find-c']),"
        " $x->findByAttributes(['name' => 'nobody']), count($x->findAll('name LIKE :n', [':n' => 'find-%'])),"
        " $x->find(['condition' => 'name LIKE :n', 'params' => [':n' => 'find-%'], 'order' => 'name DESC'])->name,"
        " $x->getTableSchema()->primaryKey, $x->getTableSchema()->getColumn('daily_quota')->type, $x->deleteAllByAttributes(['name' => 'find-a'])];"
    )
    assert got == [2, "1", None, 3, "find-c", "server_id", "integer", 1]


def test_unknown_columns_are_errors(mailwizz):
    for code in (
        "return DeliveryServer::model()->findByAttributes(['nothing' => 1]);",
        "$m = new DeliveryServerSmtpPmta(); $m->nothing = 1; return 1;",
        "$m = new DeliveryServerSmtpPmta(); return $m->nothing;",
        "$m = new DeliveryServerSmtpPmta(); return $m->saveAttributes(['name' => 'x']);",
    ):
        with pytest.raises(RuntimeError, match="nothing|is new"):
            mailwizz.script(code)


CUSTOMER = {"first_name": "Grace", "last_name": "Hopper", "timezone": "UTC", "status": "active"}


def test_a_customer_with_group_options_and_key(mailwizz):
    got = mailwizz.script(
        "$g = new CustomerGroup(); $g->name = 'fleet-acme'; $g->save();"
        " $o = new CustomerGroupOption(); $o->setAttributes(['group_id' => $g->group_id,"
        " 'code' => 'servers.can_send_from_system_servers', 'value' => 'no']); $o->save();"
        f" $c = new Customer(); $c->setAttributes({php({**CUSTOMER, 'email': 'grace@example.com', 'fake_password': 'cobol-1959'})});"
        " $c->group_id = $g->group_id; $saved = $c->save();"
        " $k = new CustomerApiKey(); $k->customer_id = $c->customer_id; $k->name = 'email_engine'; $k->save();"
        " $c->refresh();"
        " return [$saved, strlen($c->customer_uid), PasswordHash::check('cobol-1959', $c->password), strlen($k->key),"
        " $c->getGroupOption('servers.can_send_from_system_servers', 'yes'), $c->getGroupOption('api.enabled', 'no')];"
    )
    assert got == [True, 13, True, 40, "no", "yes"]


@pytest.mark.parametrize(
    ("model", "attributes", "bad"),
    [
        ("Customer", {**CUSTOMER, "email": "x@example.com"}, "password"),
        ("Customer", {**CUSTOMER, "email": "x@example.com", "password": "clear text"}, "password"),
        ("Customer", {**CUSTOMER, "email": "x@example.com", "fake_password": "short"}, "fake_password"),
        ("Customer", {**CUSTOMER, "email": "nobody", "fake_password": "longer"}, "email"),
        ("Customer", {**CUSTOMER, "email": "ada@example.com", "fake_password": "longer"}, "email"),
        ("Customer", {**CUSTOMER, "email": "x@example.com", "fake_password": "longer", "timezone": "Mars"}, "timezone"),
        ("Customer", {**CUSTOMER, "email": "x@example.com", "fake_password": "longer", "status": "on"}, "status"),
        ("Customer", {**CUSTOMER, "email": "x@example.com", "fake_password": "longer", "group_id": 4711}, "group_id"),
        ("CustomerApiKey", {"customer_id": 4711}, "customer_id"),
        ("CustomerApiKey", {"customer_id": 1, "key": "short"}, "key"),
        ("CustomerGroupOption", {"group_id": 4711, "code": "x"}, "group_id"),
        ("EmailBlacklist", {"email": "x"}, "email"),
        ("TrackingDomain", {"name": "track.example.com", "scheme": "ftp"}, "scheme"),
        ("ListSubscriber", {"email": "a@example.com", "status": "new"}, "status"),
    ],
)
def test_other_models_refuse(mailwizz, model, attributes, bad):
    assert list(errors(mailwizz, model, **attributes)) == [bad]


def test_hashes_are_phpass(mailwizz):
    """A hash of the reference implementation's own test, and one of another program's (passlib)."""
    got = mailwizz.script(
        "return [PasswordHash::check('test12345', '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0'),"
        " PasswordHash::check('test12346', '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0')];"
    )
    assert got == [True, False]
