# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""send-campaigns: whom it writes to, over which server, and what the mail looks like."""

from __future__ import annotations

import re
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from instance import Database, Instance, free_port
from mailing import Tenant, b64, path
from sink import Sink

SELECT = {"servers.can_select_delivery_servers_for_campaign": "yes", "servers.can_send_from_system_servers": "no"}


@pytest.fixture(scope="module")
def site(database: Database) -> Iterator[Instance]:
    with Instance(database) as instance:
        instance.install()
        yield instance


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as server:
        yield server


@pytest.fixture
def tenant(site: Instance, request: pytest.FixtureRequest) -> Iterator[Tenant]:
    site.sql("DELETE FROM {{delivery_server}}")
    site.sql("DELETE FROM {{campaign}}")
    site.sql("DELETE FROM {{email_blacklist}}")
    yield Tenant(site, re.sub(r"\W", "-", request.node.name)[:60], **SELECT)


def send(site: Instance, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = site.console("send-campaigns", *arguments)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done


def people(count: int) -> list[str]:
    return [f"p{number}@recipients.test" for number in range(count)]


def test_every_confirmed_subscriber_gets_it_once(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    uid = tenant.list(*people(5))
    for address, status in (("u@recipients.test", "unconfirmed"), ("g@recipients.test", "unsubscribed")):
        tenant.post(f"/lists/{uid}/subscribers", {"EMAIL": address, "details": {"status": status}})
    campaign = tenant.campaign(uid)
    send(site)
    assert sorted(sink.recipients()) == people(5)
    assert tenant.status(campaign) == "sent"
    send(site)
    assert len(sink.mails) == 5
    assert {row["status"] for row in tenant.logs(campaign).values()} == {"success"}


def test_headers_of_a_message(site: Instance, tenant: Tenant, sink: Sink) -> None:
    headers = {"X-Force-Return-Path": "bounce@mta-01.example", "X-Job": "[CAMPAIGN_UID]", "X-Virtual-MTA": "vmta-01"}
    server = tenant.server(sink.port, headers=headers)
    list_uid = tenant.list("ann@recipients.test")
    campaign = tenant.campaign(list_uid, from_name='Größe "Shop"')
    send(site)
    (mail,) = sink.mails
    subscriber = site.sql(
        "SELECT subscriber_uid FROM {{list_subscriber}} WHERE email = 'ann@recipients.test' ORDER BY subscriber_id DESC"
    )[0]["subscriber_uid"]
    assert mail.sender == "bounce@mta-01.example"
    assert mail["From"] == '"Größe \\"Shop\\"" <news@mta-01.example>'
    assert mail["Reply-To"].endswith("<help@shop.example>")
    assert mail["To"] == "ann@recipients.test"
    assert mail["Subject"] == "Hello ann"
    assert (mail["X-Job"], mail["X-Virtual-MTA"]) == (campaign, "vmta-01")
    assert "X-Force-Return-Path" not in mail.message
    assert re.fullmatch(r"<[0-9a-f]{40}@mta-01\.example>", mail["Message-ID"])
    assert mail["Message-ID"].strip("<>") == tenant.logs(campaign)["ann@recipients.test"]["email_message_id"]
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    links = re.findall(r"<([^>]+)>", mail["List-Unsubscribe"])
    assert links[0] == (
        f"{site.url}/index.php/lists/{list_uid}/unsubscribe/{subscriber}/{campaign}?source=email-client-unsubscribe-button"
    )
    assert links[1].startswith("mailto:help@shop.example?subject=")
    assert mail["List-Id"] == f"{list_uid} <Readers>"
    assert mail["Feedback-ID"] == f"{campaign}:{subscriber}:{list_uid}:{tenant.customer_uid}"
    assert mail["Precedence"] == "bulk"
    assert mail["X-Report-Abuse"].endswith(f"/campaigns/{campaign}/report-abuse/{list_uid}/{subscriber}")
    own = {
        "Campaign-Uid": campaign,
        "Subscriber-Uid": subscriber,
        "Customer-Uid": tenant.customer_uid,
        "Customer-Gid": str(tenant.group_id),
        "Delivery-Sid": str(server),
        "Tracking-Did": "0",
    }
    assert {name: mail[f"X-{name}"] for name in own} == own
    assert {"X-EBS", "X-Mailer"} <= set(mail.message.keys())


def test_bytes_fit_smtp(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """CRLF, seven bits, short lines, dots kept; both parts with the subscriber's values, escaped in HTML."""
    tenant.server(sink.port)
    uid = tenant.list()
    tenant.post(
        f"/lists/{uid}/subscribers", {"EMAIL": "o@recipients.test", "FNAME": "<Ö&>", "details": {"status": "confirmed"}}
    )
    html = (
        "<html><body>.\n.. dots\n"
        + "x" * 3000
        + "\nHello [FNAME] [UNSUBSCRIBE_URL] [COMPANY_FULL_ADDRESS]</body></html>"
    )
    tenant.campaign(uid, template={"content": b64(html)}, subject="Grüße " * 20)
    send(site)
    (mail,) = sink.mails
    assert b"\n" not in mail.raw.replace(b"\r\n", b"")
    assert max(map(len, mail.raw.split(b"\r\n"))) <= 998
    assert mail.raw.isascii()
    assert mail.message.get_content_type() == "multipart/alternative"
    assert mail["Subject"] == ("Grüße " * 20).strip()
    assert "Hello &lt;Ö&amp;&gt;" in mail.body("html")
    assert "Hello <Ö&>" in mail.body("plain")
    assert ".\n.. dots\n" in mail.body("html").replace("\r\n", "\n")
    assert "Ex Ltd, Street 1, Berlin, 10115, Germany" in mail.body("html")


def test_links_are_counted_unless_told_otherwise(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("ann@recipients.test"))
    plain = tenant.campaign(tenant.list("bob@recipients.test"), options={"url_tracking": "no", "open_tracking": "no"})
    send(site)
    mails = {mail.recipient: mail for mail in sink.mails}
    html = mails["ann@recipients.test"].body("html")
    assert re.search(rf"/campaigns/{campaign}/track-url/[a-z0-9]{{13}}/[0-9a-f]{{40}}", html)
    assert re.search(rf"/campaigns/{campaign}/track-opening/[a-z0-9]{{13}}", html)
    assert re.search(rf'href="[^"]+/unsubscribe/[a-z0-9]{{13}}/{campaign}"', html)
    html = mails["bob@recipients.test"].body("html")
    assert "track-" not in html and 'href="https://shop.example/' in html and plain in html


def test_return_path_without_the_header(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """The server's address; From itself where its domain is a verified sending domain."""
    tenant.server(sink.port, force_from="never")
    tenant.campaign(tenant.list("ann@recipients.test"))
    send(site)
    assert (sink.mails[0].sender, sink.mails[0]["From"]) == (
        "news@mta-01.example",
        '"Shop" <news@shop.example>'.replace('"', ""),
    )
    site.sql(
        "INSERT INTO {{sending_domain}} (customer_id, name, verified, date_added, last_updated)"
        f" VALUES ({tenant.customer_id}, 'shop.example', 'yes', NOW(), NOW())"
    )
    tenant.campaign(tenant.list("bob@recipients.test"))
    send(site)
    assert sink.mails[1].sender == "news@shop.example"


def test_login(site: Instance, tenant: Tenant) -> None:
    with Sink(users={"feeder": "pass word"}) as sink:
        tenant.server(sink.port, username="feeder", password="pass word")
        tenant.campaign(tenant.list("ann@recipients.test"))
        send(site)
        assert [mail.user for mail in sink.mails] == ["feeder"]


def test_wrong_login_puts_off(site: Instance, tenant: Tenant) -> None:
    with Sink(users={"feeder": "right"}) as sink:
        tenant.server(sink.port, username="feeder", password="wrong")
        campaign = tenant.campaign(tenant.list(*people(3)))
        assert "Email delivery is temporary disabled" in send(site).stdout
        assert sink.mails == []
        assert tenant.status(campaign) == "sending"
        assert [row["status"] for row in tenant.logs(campaign).values()] == ["temporary-error"]


@pytest.fixture(scope="module")
def certificate() -> Iterator[tuple[Path, Path]]:
    """Certificate of 127.0.0.1 that nobody else signed, and its key."""
    folder = Path(tempfile.mkdtemp(prefix="mw-tls-", dir="/tmp"))
    folder.chmod(0o755)
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2"]
        + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True,
        capture_output=True,
    )
    yield certificate, key
    shutil.rmtree(folder)


@pytest.mark.parametrize("trusted", [False, True])
def test_starttls(
    site: Instance, tenant: Tenant, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    """The server's certificate must be one that the machine trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Sink(tls=context) as sink:
        tenant.server(sink.port, protocol="tls")
        campaign = tenant.campaign(tenant.list("ann@recipients.test"))
        send(site)
        row = tenant.logs(campaign)["ann@recipients.test"]
        assert (len(sink.mails), row["status"]) == ((1, "success") if trusted else (0, "temporary-error"))
        assert trusted or "TLS with 127.0.0.1" in row["message"]


def test_refusals(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """5xx ends a delivery, 4xx puts it off until it is given up."""
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("no@recipients.test", "later@recipients.test", "yes@recipients.test"))
    sink.replies = {"no@recipients.test": "550 5.1.1 nobody", "later@recipients.test": "450 4.2.1 later"}
    for status in ("sending", "sending", "sent"):
        send(site)
        assert tenant.status(campaign) == status
    found = {address: row["status"] for address, row in tenant.logs(campaign).items()}
    assert found == {
        "no@recipients.test": "fatal-error",
        "later@recipients.test": "giveup",
        "yes@recipients.test": "success",
    }
    assert sink.recipients() == ["yes@recipients.test"]
    assert "550" in tenant.logs(campaign)["no@recipients.test"]["message"]


def test_put_off_and_then_taken(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("later@recipients.test"))
    sink.replies = {"later@recipients.test": "450 4.2.1 later"}
    send(site)
    sink.replies = {}
    send(site)
    assert (tenant.status(campaign), sink.recipients()) == ("sent", ["later@recipients.test"])


def test_connection_limit(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port, max_connection_messages=3)
    tenant.campaign(tenant.list(*people(7)))
    send(site)
    assert [mail.connection for mail in sink.mails] == [1, 1, 1, 2, 2, 2, 3]


def test_quota(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """What the quota leaves over waits; nobody else's server helps out."""
    other = Tenant(site, f"other-{time.time_ns()}")
    other.server(sink.port, name="theirs")
    tenant.server(sink.port, name="system", owned=False)
    tenant.server(sink.port, daily_quota=4)
    campaign = tenant.campaign(tenant.list(*people(6)))
    assert "Email delivery is temporary disabled" in send(site).stdout
    send(site)
    assert (tenant.status(campaign), len(sink.mails)) == ("sending", 4)
    assert {mail["From"].split("@")[1].rstrip(">") for mail in sink.mails} == {"mta-01.example"}


def test_system_servers_only_where_the_group_may(site: Instance, sink: Sink, tenant: Tenant) -> None:
    free = Tenant(site, f"free-{time.time_ns()}")
    tenant.server(sink.port, name="system", owned=False)
    stuck = tenant.campaign(tenant.list("ann@recipients.test"))
    free.campaign(free.list("bob@recipients.test"))
    send(site)
    assert sink.recipients() == ["bob@recipients.test"]
    assert tenant.status(stuck) == "sending"


@pytest.mark.parametrize("status", ["inactive", "disabled", "hidden", "pending-delete"])
def test_servers_that_are_not_active_send_nothing(site: Instance, tenant: Tenant, sink: Sink, status: str) -> None:
    tenant.server(sink.port, status=status)
    tenant.campaign(tenant.list("ann@recipients.test"))
    send(site)
    assert sink.mails == []


def test_chosen_server(site: Instance, tenant: Tenant, sink: Sink) -> None:
    first, second = tenant.server(sink.port, name="mta-01"), tenant.server(sink.port, name="mta-02")
    tenant.campaign(tenant.list(*people(8)), delivery_servers=str(second))
    send(site)
    assert {mail["X-Delivery-Sid"] for mail in sink.mails} == {str(second)}
    assert first != second


def test_chosen_server_gone_means_any_of_the_customers(site: Instance, tenant: Tenant, sink: Sink) -> None:
    first, second = tenant.server(sink.port, name="mta-01"), tenant.server(sink.port, name="mta-02", status="disabled")
    tenant.campaign(tenant.list(*people(3)), delivery_servers=str(second))
    send(site)
    assert {mail["X-Delivery-Sid"] for mail in sink.mails} == {str(first)}


def test_choice_is_ignored_where_the_group_may_not(site: Instance, sink: Sink, tenant: Tenant) -> None:
    plain = Tenant(site, f"plain-{time.time_ns()}")
    plain.server(sink.port, name="mta-01", probability=100)
    second = plain.server(sink.port, name="mta-02", status="disabled")
    uid = plain.campaign(plain.list("ann@recipients.test"), delivery_servers=str(second))
    rows = site.sql(
        f"SELECT t.* FROM {{{{campaign_to_delivery_server}}}} t JOIN {{{{campaign}}}} c ON c.campaign_id = t.campaign_id WHERE c.campaign_uid = '{uid}'"
    )
    assert rows == []


def test_another_tenants_server_cannot_be_chosen(site: Instance, sink: Sink, tenant: Tenant) -> None:
    other = Tenant(site, f"victim-{time.time_ns()}")
    theirs = other.server(sink.port, name="theirs")
    campaign = tenant.campaign(tenant.list("ann@recipients.test"), delivery_servers=str(theirs))
    send(site)
    assert (sink.mails, tenant.status(campaign)) == ([], "sending")


def test_weights(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """A server is drawn as often as its probability says; here after each message."""
    site.option("system.cron.send_campaigns.change_server_at", "1")
    try:
        heavy = tenant.server(sink.port, name="mta-01", probability=90)
        tenant.server(sink.port, name="mta-02", probability=10)
        tenant.campaign(tenant.list(*people(100)))
        send(site)
    finally:
        site.option("system.cron.send_campaigns.change_server_at", "200")
    share = [mail["X-Delivery-Sid"] for mail in sink.mails].count(str(heavy))
    assert len(sink.mails) == 100
    assert 70 <= share < 100


def test_paused_campaign_stays_paused(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("ann@recipients.test"))
    assert tenant.put(f"/campaigns/{campaign}/pause-unpause").data == {
        "status": "success",
        "campaign": {"status": "paused"},
    }
    send(site)
    assert sink.mails == []
    assert tenant.put(f"/campaigns/{campaign}/pause-unpause").data["campaign"]["status"] == "pending-sending"
    send(site)
    assert len(sink.mails) == 1


def test_batches(site: Instance, tenant: Tenant, sink: Sink) -> None:
    site.option("system.cron.send_campaigns.subscribers_at_once", "4")
    try:
        tenant.server(sink.port)
        campaign = tenant.campaign(tenant.list(*people(6)))
        send(site)
        assert (len(sink.mails), tenant.status(campaign)) == (4, "sending")
        send(site)
        assert (len(sink.mails), tenant.status(campaign)) == (6, "sent")
    finally:
        site.option("system.cron.send_campaigns.subscribers_at_once", "100")


def test_not_before_its_time(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("ann@recipients.test"), send_at="2099-01-01 00:00:00")
    send(site)
    assert (sink.mails, tenant.status(campaign)) == ([], "pending-sending")


def test_blacklisted_is_skipped(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    campaign = tenant.campaign(tenant.list("ann@recipients.test", "bob@recipients.test"))
    site.sql(
        "INSERT INTO {{email_blacklist}} (email, date_added, last_updated) VALUES ('ann@recipients.test', NOW(), NOW())"
    )
    send(site)
    assert sink.recipients() == ["bob@recipients.test"]
    assert tenant.logs(campaign)["ann@recipients.test"]["status"] == "blacklisted"


def test_without_urls_it_fails_loudly(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    tenant.campaign(tenant.list("ann@recipients.test"))
    site.sql("UPDATE {{option}} SET value = '' WHERE category = 'system.urls' AND `key` = 'frontend_absolute_url'")
    done = site.console("send-campaigns")
    assert done.returncode != 0
    assert "system.urls.frontend_absolute_url" in done.stderr
    assert sink.mails == []
    site.get("/index.php")
    send(site)
    assert len(sink.mails) == 1


def spawn(site: Instance) -> subprocess.Popen[bytes]:
    command = [site.php, str(site.root / "apps/console/console.php"), "send-campaigns"]
    if site.user == "www-data":
        command = ["setpriv", f"--reuid={site.user}", f"--regid={site.user}", "--clear-groups", *command]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_overlapping_runs_send_nothing_twice(site: Instance, tenant: Tenant) -> None:
    with Sink(delay=0.02) as sink:
        tenant.server(sink.port)
        campaign = tenant.campaign(tenant.list(*people(60)))
        runs = [spawn(site) for _run in range(4)]
        assert [run.wait(60) for run in runs] == [0, 0, 0, 0]
        send(site)
        assert sorted(sink.recipients()) == sorted(people(60))
        assert tenant.status(campaign) == "sent"


@pytest.mark.parametrize("after", [1, 7, 23])
@pytest.mark.parametrize("moment", ["message taken, not answered", "recipient named", "whenever"])
def test_killed_midway(site: Instance, tenant: Tenant, after: int, moment: str) -> None:
    """Nobody gets it twice; nobody is left out but the one whose message was under way."""
    with Sink(delay=0.005) as sink:
        runs: list[subprocess.Popen[bytes]] = []

        def kill() -> None:
            if runs and len(sink.mails) >= after:
                runs.pop().kill()

        if moment == "message taken, not answered":
            sink.on_data = kill
        elif moment == "recipient named":
            sink.on_rcpt = kill
        tenant.server(sink.port)
        campaign = tenant.campaign(tenant.list(*people(40)))
        run = spawn(site)
        runs.append(run)
        while run.poll() is None:
            if moment == "whenever":
                kill()
            time.sleep(0.001)
        assert run.returncode == -signal.SIGKILL
        send(site)
        got = sink.recipients()
        assert len(got) == len(set(got))
        assert len(set(people(40)) - set(got)) <= 1
        assert (moment != "message taken, not answered") or set(got) == set(people(40))
        assert tenant.status(campaign) == "sent"
        assert len(tenant.logs(campaign)) == 40


def test_pause_during_a_run(site: Instance, tenant: Tenant) -> None:
    """The batch under way goes out; the campaign is paused then, and a server disabled meanwhile is no active one again."""
    site.option("system.cron.send_campaigns.subscribers_at_once", "20")
    try:
        with Sink(delay=0.05) as sink:
            server = tenant.server(sink.port)
            campaign = tenant.campaign(tenant.list(*people(30)))
            run = spawn(site)
            while len(sink.mails) < 2:
                time.sleep(0.01)
            state = f"SELECT status FROM {{{{delivery_server}}}} WHERE server_id = {server}"
            assert site.sql(state) == [{"status": "in-use"}]
            assert tenant.put(f"/campaigns/{campaign}/pause-unpause").data["campaign"]["status"] == "paused"
            site.sql(f"UPDATE {{{{delivery_server}}}} SET status = 'disabled' WHERE server_id = {server}")
            assert run.wait(60) == 0
            assert (len(sink.mails), tenant.status(campaign)) == (20, "paused")
            assert site.sql(state) == [{"status": "disabled"}]
            send(site)
            assert len(sink.mails) == 20
    finally:
        site.option("system.cron.send_campaigns.subscribers_at_once", "100")


def test_batch_that_writes_back_what_it_remembers(site: Instance, tenant: Tenant) -> None:
    """Whoever paused or disabled during a batch has to look again after it."""
    site.option("system.cron.send_campaigns.subscribers_at_once", "20")
    site.option("system.standin.write_back", "always")
    try:
        with Sink(delay=0.05) as sink:
            server = tenant.server(sink.port)
            campaign = tenant.campaign(tenant.list(*people(30)))
            run = spawn(site)
            while len(sink.mails) < 2:
                time.sleep(0.01)
            assert tenant.put(f"/campaigns/{campaign}/pause-unpause").data["campaign"]["status"] == "paused"
            site.sql(f"UPDATE {{{{delivery_server}}}} SET status = 'disabled' WHERE server_id = {server}")
            assert run.wait(60) == 0
            assert tenant.status(campaign) == "sending"
            assert site.sql(f"SELECT status FROM {{{{delivery_server}}}} WHERE server_id = {server}") == [
                {"status": "active"}
            ]
    finally:
        site.option("system.standin.write_back", "guarded")
        site.option("system.cron.send_campaigns.subscribers_at_once", "100")


def test_servers_are_active_again_after_a_run(site: Instance, tenant: Tenant, sink: Sink) -> None:
    server = tenant.server(sink.port)
    tenant.campaign(tenant.list("ann@recipients.test"))
    send(site)
    assert site.sql(f"SELECT status FROM {{{{delivery_server}}}} WHERE server_id = {server}") == [{"status": "active"}]


def test_server_that_does_not_answer_makes_room_for_another(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """One recipient per run pays for it, and gets the mail in the next."""
    tenant.server(free_port(), name="dead")
    tenant.server(sink.port, name="alive")
    campaign = tenant.campaign(tenant.list(*people(5)))
    for _run in range(20):
        if tenant.status(campaign) != "sent":
            send(site)
    states = sorted(row["status"] for row in tenant.logs(campaign).values())
    assert len(sink.mails) == states.count("success") >= 4
    assert len(sink.recipients()) == len(set(sink.recipients()))


def test_only_what_was_asked_for(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    uid = tenant.list("ann@recipients.test")
    first, second = tenant.campaign(uid), tenant.campaign(uid)
    number = site.sql(f"SELECT campaign_id FROM {{{{campaign}}}} WHERE campaign_uid = '{second}'")[0]["campaign_id"]
    send(site, f"--campaign_id={number}")
    assert (tenant.status(first), tenant.status(second)) == ("pending-sending", "sent")
    send(site, f"--customer_id={tenant.customer_id + 1}")
    assert tenant.status(first) == "pending-sending"


def test_tracking_domain(site: Instance, tenant: Tenant, sink: Sink) -> None:
    site.sql(
        "INSERT INTO {{tracking_domain}} (customer_id, name, scheme, date_added, last_updated)"
        f" VALUES ({tenant.customer_id}, 'click.shop.example', 'https', NOW(), NOW())"
    )
    domain = site.sql("SELECT MAX(domain_id) AS id FROM {{tracking_domain}}")[0]["id"]
    tenant.server(sink.port, tracking_domain_id=int(domain))
    tenant.campaign(tenant.list("ann@recipients.test"))
    send(site)
    (mail,) = sink.mails
    assert mail["X-Tracking-Did"] == domain
    assert "<https://click.shop.example/index.php/lists/" in mail["List-Unsubscribe"]
    assert 'href="https://click.shop.example/index.php/campaigns/' in mail.body("html")


def test_https_links(site: Instance, tenant: Tenant, sink: Sink) -> None:
    site.option("system.urls.scheme", "https")
    site.option("system.common.clean_urls", "1")
    try:
        tenant.server(sink.port)
        tenant.campaign(tenant.list("ann@recipients.test"))
        send(site)
    finally:
        site.option("system.urls.scheme", "http")
        site.option("system.common.clean_urls", "0")
    assert sink.mails[0]["List-Unsubscribe"].startswith(f"<https://127.0.0.1:{site.port}/lists/")


def test_two_thousand(site: Instance, tenant: Tenant, sink: Sink) -> None:
    """Minute runs of the size the operator sets take less than two minutes in total."""
    site.option("system.cron.send_campaigns.subscribers_at_once", "1000")
    try:
        tenant.server(sink.port)
        campaign = tenant.campaign(tenant.list(*people(2000)))
        begin = time.monotonic()
        send(site)
        send(site)
        assert time.monotonic() - begin < 120
    finally:
        site.option("system.cron.send_campaigns.subscribers_at_once", "100")
    assert (len(set(sink.recipients())), len(sink.mails), tenant.status(campaign)) == (2000, 2000, "sent")


def test_one_click_from_the_mail_itself(site: Instance, tenant: Tenant, sink: Sink) -> None:
    tenant.server(sink.port)
    uid = tenant.list("ann@recipients.test")
    campaign = tenant.campaign(uid)
    send(site)
    link = re.findall(r"<(http[^>]+)>", sink.mails[0]["List-Unsubscribe"])[0]
    assert site.post(path(link), {"List-Unsubscribe": "One-Click"}).status == 200
    found = tenant.get(f"/lists/{uid}/subscribers/search-by-email?EMAIL=ann@recipients.test").data["data"]
    assert found["status"] == "unsubscribed"
    assert tenant.get(f"/campaigns/{campaign}/stats").data["data"]["unsubscribes_count"] == 1
