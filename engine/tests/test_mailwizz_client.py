# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client of MailWizz's API, against one that speaks as 2.x and one that speaks as 3.x; forms against PHP itself."""

from __future__ import annotations

import datetime
import json
import logging
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from email_engine.mailwizz import faults, forms
from email_engine.mailwizz.client import Client, batches
from email_engine.mailwizz.wire import api_address
from fake_mailwizz import Answer, FakeMailwizz, parse

KEY = "0123456789abcdef0123456789abcdef01234567"
HTML = '<p>Grüße &amp; "quotes" + plus</p> <a href="[UNSUBSCRIBE_URL]">x</a>'
LIST = ({"name": "news", "description": "d"}, {"from_name": "S", "from_email": "s@s.test", "reply_to": "s@s.test"})


@pytest.fixture(params=["2.x", "3.x"])
def fake(request):
    server = FakeMailwizz(old=request.param == "2.x")
    yield server
    server.close()


@pytest.fixture
def customer(fake):
    return fake.customer(KEY, "m1.sos.test")


@pytest.fixture
def client(fake, customer):
    with Client(fake.url, KEY, timeout=5) as client:
        yield client


texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
keys = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
scalars = texts | st.integers(-(10**12), 10**12)
nested = st.recursive(
    scalars,
    lambda one: st.lists(one, min_size=1, max_size=3) | st.dictionaries(keys, one, min_size=1, max_size=3),
    max_leaves=8,
)


def as_php(value):
    """What PHP has of it: texts, and arrays whose keys are texts or numbers."""
    if isinstance(value, dict):
        return {str(key): as_php(one) for key, one in value.items()}
    if isinstance(value, list):
        return as_php(dict(enumerate(value)))
    return str(value)


@pytest.fixture(scope="module")
def php():
    """Asks PHP how it reads a form."""
    program = (
        "while (($line = fgets(STDIN)) !== false) { parse_str(base64_decode(trim($line)), $found);"
        ' echo json_encode($found, JSON_FORCE_OBJECT | JSON_THROW_ON_ERROR), "\\n"; }'
    )
    process = subprocess.Popen(["php", "-n", "-r", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(form):
        process.stdin.write(forms.base64_text(form) + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait()


@settings(max_examples=300, deadline=None)
@given(values=st.dictionaries(keys, nested, max_size=4))
def test_php_reads_what_was_meant(php, values):
    assert php(forms.encode(values)) == as_php(values)
    assert parse(forms.encode(values)) == as_php(values)  # so that the fake is no kinder


def test_what_php_would_read_otherwise_is_refused():
    for values in (
        {"a.b": "x"},
        {"a b": "x"},
        {"a[": "x"},
        {"": "x"},
        {"a": {"b]": "x"}},
        {"a": {"": "x"}},
        {"a": {"\r": "x"}},
    ):
        with pytest.raises(ValueError, match="PHP"):
            forms.encode(values)
    with pytest.raises(TypeError):
        forms.encode({"a": b"x"})
    with pytest.raises(ValueError, match="1001 variables"):
        forms.encode({"a": ["x"] * 1001})
    assert forms.encode({"a": None, "b": {}, "c": True, "d": False}) == "c=yes&d=no"


def test_batches_are_what_php_reads_whole(php):
    rows = [{"EMAIL": f"p{n}@x.test", "FNAME": "x", "LNAME": "y"} for n in range(1234)]
    cut = list(batches(rows, 500))
    assert [row for part in cut for row in part] == rows
    assert [len(part) for part in cut] == [333, 333, 333, 235]
    for part in cut:
        assert len(php(forms.encode({"subscribers": part}))["subscribers"]) == len(part)
    assert list(batches([])) == []


@pytest.mark.parametrize(
    ("given", "base"),
    [
        ("https://m.test", "https://m.test/api/index.php"),
        ("https://m.test/", "https://m.test/api/index.php"),
        ("https://m.test:8443/mw/", "https://m.test:8443/mw/api/index.php"),
        ("https://m.test/api", "https://m.test/api"),
        ("https://m.test/api/index.php", "https://m.test/api/index.php"),
        ("https://[2001:db8::1]/api/", "https://[2001:db8::1]/api"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/api/index.php"),
    ],
)
def test_the_address_of_the_api(given, base):
    assert api_address(given) == base


@pytest.mark.parametrize(
    "given",
    [
        "http://m.test",
        "m.test",
        "ftp://m.test",
        "https://",
        "https://u:p@m.test",
        "https://m.test/?a=b",
        "https://m.test:x",
    ],
)
def test_no_address_of_an_api(given):
    with pytest.raises(ValueError, match="(is|has) "):
        api_address(given)


def test_lists_and_pages(client, customer):
    assert list(client.lists()) == []
    uids = [client.create_list({"name": f"l{n}", "description": "d"}, LIST[1]) for n in range(101)]
    assert [one.uid for one in client.lists()] == uids
    assert [one.name for one in client.lists()][-1] == "l100"
    assert client.get_list(uids[3]).name == "l3"
    assert [one.tag for one in client.fields(uids[0]) if one.required] == ["EMAIL"]
    client.delete_list(uids[0])
    with pytest.raises(faults.NotFound):
        client.get_list(uids[0])


def test_subscribers(client, customer):
    uid = client.create_list(*LIST)
    rows = [{"EMAIL": f"p{n}@x.test", "FNAME": "Zoë & co"} for n in (1, 2)]
    good, again, bad = client.bulk(uid, [rows[0], rows[0], {"EMAIL": '"q q"@x.test'}])
    assert good.uid and good.errors == ()
    assert again.uid is None and again.errors == ("email: The subscriber already exists in this list.",)
    assert bad.uid is None and "valid email" in bad.errors[0]
    assert customer.lists[uid]["people"][good.uid]["FNAME"] == "Zoë & co"
    assert client.find_subscriber(uid, "p1@x.test").uid == good.uid
    assert client.find_subscriber(uid, "p9@x.test") is None
    second = client.create_subscriber(uid, rows[1], {"status": "confirmed", "source": "api"})
    with pytest.raises(faults.Refused) as caught:
        client.create_subscriber(uid, rows[1])
    assert caught.value.status == 409 and not caught.value.temporary
    client.update_subscriber(uid, good.uid, {"FNAME": "Eva"}, {"status": "confirmed"})
    assert {one.email: one.status for one in client.subscribers(uid)} == {
        "p1@x.test": "confirmed",
        "p2@x.test": "confirmed",
    }
    client.unsubscribe(uid, good.uid)
    client.unsubscribe_everywhere("p2@x.test")
    client.unsubscribe_everywhere("nobody@x.test")
    assert list(client.subscribers(uid, "confirmed")) == []
    client.delete_subscriber(uid, second)
    client.delete_subscriber(uid, second)
    assert [one.uid for one in client.subscribers(uid)] == [good.uid]


def test_templates(client, customer):
    uid = client.create_template("plain", HTML)
    assert customer.templates[uid] == {"name": "plain", "content": HTML}
    client.update_template(uid, "plain", HTML * 2)
    assert customer.templates[uid]["content"] == HTML * 2
    assert [one.name for one in client.templates()] == ["plain"]
    client.delete_template(uid)
    client.delete_template(uid)
    assert customer.templates == {}


def campaign(client, **changes):
    about = {"from_name": "S", "from_email": "s@s.test", "subject": "x", "reply_to": "s@s.test"}
    more = {"send_at": "2026-11-22 10:00:00", "list_uid": "l", "template": {"content": HTML}}
    return client.create_campaign({"name": "news [1]", **about, **more, **changes})


def test_campaigns(client, customer):
    uid = campaign(client, delivery_servers="1,2")
    assert customer.campaigns[uid]["content"] == HTML
    assert client.find_campaign("news [1]").uid == uid and client.find_campaign("news") is None
    assert client.get_campaign(uid).status == "draft"
    with pytest.raises(faults.Refused, match="the campaign is draft"):
        client.pause(uid)
    client.update_campaign(uid, {"status": "pending-sending"})
    assert client.pause(uid) == client.pause(uid) == "paused"
    assert client.resume(uid) == client.resume(uid) == "sending"
    assert client.stats(uid) == {
        "campaign_status": "sending",
        "subscribers_count": 13,
        "opens_count": 4,
        "opens_rate": 30.77,
    }
    client.mark_sent(uid)
    with pytest.raises(faults.Refused):
        client.resume(uid)
    client.delete_campaign(uid)
    client.delete_campaign(uid)


def test_two_who_pause_at_once_do_not_undo_each_other(fake, customer, client, monkeypatch):
    """The other one pauses between our look and our toggle, which then lets it go on: we look again, and pause."""
    uid = campaign(client, status="sending")
    toggle, others = fake.toggle, iter([True])

    def slow(one, number, form, query):
        if next(others, False):
            toggle(one, number, form, query)
        return toggle(one, number, form, query)

    monkeypatch.setattr(fake, "toggle", slow)
    assert client.pause(uid) == "paused"


def test_delivery_servers(client):
    assert [(one.name, one.type, one.status) for one in client.delivery_servers()] == [
        ("m1.sos.test", "smtp-pmta", "active")
    ]


def test_a_bad_key(fake, customer, caplog):
    caplog.set_level(logging.DEBUG)
    other = "f" * 40
    with Client(fake.url, other) as client, pytest.raises(faults.KeyRefused) as caught:
        client.delivery_servers()
    assert caught.value.status == (400 if fake.old else 401)
    assert "Invalid API key" in str(caught.value) and "converge.yml" in caught.value.remedy
    assert other not in f"{caught.value!r} {caught.value} {caught.value.__context__!r} {client!r} {caplog.text}"


@pytest.mark.parametrize(
    ("answer", "fault", "words", "remedy"),
    [
        (
            Answer(200, "<html><title>Welcome</title>...</html>"),
            faults.Stranger,
            "status 200 and text/html .*Welcome",
            "address of its API",
        ),
        (Answer(403, "<h1>Forbidden</h1>"), faults.Stranger, "status 403", "PUT and DELETE have to be allowed"),
        (Answer(404, "<title>404 Not Found</title>"), faults.Stranger, "404 Not Found", "address of its API"),
        (Answer(502, "<title>502 Bad Gateway</title>"), faults.Failed, "502 Bad Gateway", "php"),
        (Answer(500, ""), faults.Failed, r"\(empty\)", "application.log"),
        (Answer(500, {"status": "error", "error": "x"}), faults.Failed, "answered x", "application.log"),
        (
            Answer(301, "", {"Location": "https://elsewhere.test/api"}),
            faults.Stranger,
            "redirect to https://elsewhere.test",
            "not followed",
        ),
        (Answer(200, {"hello": 1}), faults.Stranger, "instead of MailWizz's JSON", "API"),
        (
            Answer(200, {"status": "error", "error": {"a": {"b": ["c", "d"]}}}),
            faults.Refused,
            "a.b: c; a.b: d",
            "names",
        ),
        (Answer(200, {"status": "success", "data": {"records": "x"}}), faults.Stranger, "another shape", "upgraded"),
        (
            Answer(200, {"status": "success", "data": {"records": [{}]}}),
            faults.Stranger,
            "no proper server_id",
            "upgraded",
        ),
        (Answer(422, {"status": "error", "error": "no"}), faults.Refused, "answered no", "names"),
        (Answer(404, {"status": "error", "error": "no"}), faults.NotFound, "answered no", "deleted"),
    ],
)
def test_other_answers(fake, client, answer, fault, words, remedy):
    fake.instead = answer
    with pytest.raises(fault, match=words) as caught:
        client.delivery_servers()
    assert type(caught.value) is fault and remedy in caught.value.remedy
    assert f"GET {fake.url}/api/index.php/delivery-servers" in str(caught.value)
    assert len(fake.asked) == 1


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("body", ["<html></html>", {"status": "error", "error": "slow down"}])
def test_asked_to_wait(fake, client, status, body):
    fake.instead = Answer(status, body, {"Retry-After": "7"})
    with pytest.raises(faults.Busy) as caught:
        client.delivery_servers()
    assert (caught.value.retry_after, caught.value.temporary) == (7.0, True)


def test_its_own_key_is_never_quoted(fake, client):
    fake.instead = Answer(422, {"status": "error", "error": {"key": f"what is {KEY}?"}})
    with pytest.raises(faults.Refused) as caught:
        client.delivery_servers()
    assert KEY not in str(caught.value) + repr(caught.value.errors) and "***" in str(caught.value)


def test_whom_it_asks_about_is_in_no_log(fake):
    """httpx2 tells every URL at INFO, and a search has the address in it."""
    program = f"""
from email_engine import logs
from email_engine.mailwizz.client import Client
from email_engine.settings import Settings
logs.configure(Settings(database="x://", redis="x://", key_pepper="pepper"))
import logging
logging.getLogger("test").info("it logs")
with Client({fake.url!r}, {KEY!r}) as client:
    print(client.find_subscriber("none", "ann@mail.test"))
"""
    fake.customer(KEY)
    here = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert "it logs" in done.stdout and "None" in done.stdout
    assert "mail.test" not in done.stdout + done.stderr and KEY not in done.stdout + done.stderr


def test_nobody_there(fake, customer):
    fake.close()
    with Client(fake.url, KEY) as client, pytest.raises(faults.Unreachable, match="not to be reached") as caught:
        client.delivery_servers()
    assert caught.value.temporary


def test_one_that_says_nothing(fake, customer):
    with fake._lock, Client(fake.url, KEY, timeout=0.3) as client:
        begin = time.monotonic()
        with pytest.raises(faults.Unreachable, match="no answer within 0.3 seconds"):
            client.delivery_servers()
        assert time.monotonic() - begin < 3


def certificate(place, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    moment = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(moment - datetime.timedelta(days=1))
        .not_valid_after(moment + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    (place / f"{name}.pem").write_bytes(private + pem)
    return pem.decode(), place / f"{name}.pem"


@pytest.mark.parametrize(
    ("name", "trusted", "why"),
    [("localhost", True, None), ("localhost", False, "self.signed"), ("m.test", True, "(?i)mismatch|hostname")],
)
def test_its_certificate(fake, customer, tmp_path, name, trusted, why):
    pem, both = certificate(tmp_path, name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    fake._server.socket = context.wrap_socket(fake._server.socket, server_side=True)
    url = fake.url.replace("http://127.0.0.1", "https://localhost")
    with Client(url, KEY, pem if trusted else None) as client:
        if why is None:
            assert [one.name for one in client.delivery_servers()] == ["m1.sos.test"]
            return
        with pytest.raises(faults.Untrusted, match=why):
            client.delivery_servers()
    assert fake.asked == []


def test_no_certificate_at_all():
    with pytest.raises(ValueError, match="PEM"):
        Client("https://m.test", KEY, "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----")


def test_many_ask_one_client(client, customer):
    """Workers' threads may share it."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(client.delivery_servers()))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found == [1] * 8
