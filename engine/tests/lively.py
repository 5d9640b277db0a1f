# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet about which everything is known that can be, good and bad."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from email_engine.store import alerts
from email_engine.store.audit import Actor, record
from email_engine.store.models import (
    AccountingFile,
    Alert,
    AlertTelling,
    CheckRun,
    DnsblList,
    DnsblVerdict,
    DnsCheck,
    Incident,
    Ip,
    Job,
    JobLine,
    SentHour,
    WarmupDay,
    WarmupPlan,
)
from samples import fleet, go_live, sender, tenant

NOW = datetime.now(UTC)
LISTS = ("zen.spamhaus.org", "b.barracudacentral.org", "bl.spamcop.net")


POLICY = {
    "phases": {f"week_{number}": quota for number, quota in enumerate((50, 100, 250, 500, 1000, 2000), 1)},
    "active_daily_quota": 50_000,
    "sender_defaults": {"status": "standby", "weight": 100, "paused": False},
    "providers": {},
    "dmarc": {},
    "operator": "ops@operator.test",
    "prefixes": ["contact"],
}


def declare(client, admin, wanted):
    body = {"made_at": NOW.isoformat(), "declared_from": "control", "revision": "abc", "fleet": wanted}
    body |= {"policy": POLICY, "mtas": ["vps2"]}
    answer = client.put("/api/v1/fleet", headers=admin, json=body)
    assert answer.status_code == 200, answer.text
    go_live(client.app)


def edge(verdict, wanted, found, remedy=None):
    return {"verdict": verdict, "wanted": wanted, "found": found, "server": "ns1.operator.test", "remedy": remedy}


def edges(name, address, spf="ok"):
    remedy = f"Publish at {name} TXT the text that is wanted; only one SPF record may stand there."
    return {
        "mta": edge("ok", f"{address} {name}", f"{address} {name}"),
        "a": edge("ok", address, address),
        "ptr": edge("ok", f"{name}.", f"{name}."),
        "helo_spf": edge("ok", f"v=spf1 ip4:{address} -all", f"v=spf1 ip4:{address} -all"),
        "spf": edge(spf, f"v=spf1 ip4:{address} -all", None if spf == "missing" else "v=spf1 ~all", remedy),
        "dkim": edge("unknown" if spf == "missing" else "ok", "v=DKIM1; k=rsa; p=" + "MIIBIjANBgkqhkiG9w0" * 8, None),
        "dmarc": edge("ok", f"v=DMARC1; p=none; rua=mailto:dmarc@{name}", "v=DMARC1; p=none"),
        "mx": edge("ok", "10 mx.operator.test.", "10 mx.operator.test."),
    }


def make(app, client, admin):
    """Two tenants: sos with senders 1 to 5, other with 6 and 7. Sender 2 is listed, 3 stopped, 4 standby without any check."""
    senders = [
        sender(1),
        sender(2, status="quarantine", phase="week_3", daily_quota=1000),
        sender(3, status="active", phase=None, daily_quota=50_000),
        sender(4, status="standby", phase=None, daily_quota=50),
        sender(5, status="resting", phase="week_4", daily_quota=5000),
        sender(6, "other", status="active", phase=None, daily_quota=50_000),
        sender(7, "other", status="retiring", phase=None, daily_quota=50_000),
    ]
    declare(client, admin, fleet(*senders, tenants=[tenant(), tenant("other")]))
    go_live(app)
    reason = {"reason": "bounces of Orange are under investigation"}
    client.post("/api/v1/ips/m3.sos.test:pause", headers=admin, json=reason)
    with app.state.sessions() as session, session.begin():
        ips = session.scalars(select(Ip).order_by(Ip.id)).all()
        of = [{"tenant_id": one.tenant_id, "ip_id": one.id} for one in ips]
        for number, one in enumerate(ips):
            if number == 3:
                continue
            found = edges(one.hostname, str(one.address).partition("/")[0], "missing" if number == 1 else "ok")
            green = "no" if number == 1 else "yes"
            session.add(DnsCheck(**of[number], checked_at=NOW - timedelta(hours=2), green=green, edges=found))
            for name in LISTS:
                listed = "yes" if number == 1 and name == LISTS[0] else "unknown" if name == LISTS[2] else "no"
                verdict = {"blacklist_name": name, "listed": listed, "checked_at": NOW - timedelta(hours=1)}
                session.add(DnsblVerdict(**of[number], **verdict))
        for number, sent in enumerate((38, 0, 12_345, 0, 0, 49_900, 20)):
            session.add(SentHour(**of[number], hour=func.date_trunc("hour", func.now()), sent=sent))
        session.add_all(
            [
                Incident(
                    **of[1],
                    kind="listed",
                    summary="m2.sos.test is on zen.spamhaus.org (SBL)",
                    evidence={"list": LISTS[0], "codes": ["127.0.0.2"], "asked": "ns1.operator.test"},
                    opened_at=NOW - timedelta(hours=26),
                ),
                Incident(
                    tenant_id=ips[5].tenant_id,
                    kind="complaints",
                    summary="Complaints of other are at 0.14 %",
                    opened_at=NOW - timedelta(minutes=30),
                    acknowledged_at=NOW - timedelta(minutes=10),
                    acknowledged_by="ops",
                ),
            ]
        )
        plan = session.scalars(select(WarmupPlan).where(WarmupPlan.ip_id == ips[0].id)).one()
        plan.bounce_rate_7d, plan.phase_changed_at = 0.012, NOW - timedelta(days=9)
        down = {"current_daily_quota": 50_000, "target_daily_quota": 50_000, "down_until": NOW + timedelta(days=3)}
        if session.scalar(select(WarmupPlan.id).where(WarmupPlan.ip_id == ips[6].id)) is None:
            session.add(WarmupPlan(**of[6], phase="done", **down))
        for ago in range(5):
            day = {"date": (NOW - timedelta(days=ago)).date(), "sent": 50 - ago, "delivered": 49 - ago, "bounced": 1}
            day |= {"verdict": "qualified" if ago in (2, 3, 4) else None, "cap": 50}
            session.add(WarmupDay(plan_id=plan.id, **day))
        ips[2].hold_reason, ips[2].hold_until = "handed over more than its 50,000 messages", NOW + timedelta(hours=5)
        run = {"complete_at": (NOW - timedelta(minutes=5)).isoformat(), "gaps": ["acct.csv.3 is missing"]}
        session.add_all(
            [
                *(
                    DnsblList(
                        name=name,
                        zone=name,
                        kind="ip",
                        severity="critical",
                        state="failed" if name == LISTS[2] else "healthy",
                        checked_at=NOW,
                    )
                    for name in LISTS
                ),
                CheckRun(name="dnsbl", at=NOW - timedelta(hours=1), state="ok"),
                CheckRun(name="dns", at=NOW - timedelta(hours=2), state="blind"),
                CheckRun(name="accounting/vps2", at=NOW - timedelta(minutes=5), state="ok", detail=run),
                AccountingFile(mta="vps2", name="acct.csv", identity="1-2", position=10, rows=1000, bad_rows=3),
                AccountingFile(mta="vps2", name="acct.csv.1", identity="1-1", position=10, rows=500, bad_rows=0),
            ]
        )
        alerts.tell(
            session,
            key="listing/m2.sos.test",
            kind="listing",
            severity="critical",
            subject="m2.sos.test is listed",
            text="zen.spamhaus.org: 127.0.0.2 (SBL). It is stopped. Its mail waits and goes to no other address.",
            remedy="Find the cause, mend it, ask for delisting once.",
            tenant_id=ips[1].tenant_id,
        )
        alerts.tell(
            session,
            key=f"list/{LISTS[2]}",
            kind="list",
            severity="warning",
            subject=f"The list {LISTS[2]} failed its test",
            text="127.0.0.1 is listed, and must not be.",
            remedy="It is left out until it passes its test.",
        )
        listing = session.scalars(select(Alert.id).where(Alert.kind == "listing")).one()
        session.add(AlertTelling(alert_id=listing, receiver="mailtos-0a1b2c3d"))
        record(session, Actor("check dnsbl"), "listed", "sender m2.sos.test", tenant_id=ips[1].tenant_id,
               before={"status": "warming"}, after={"status": "quarantine"}, reason="on zen.spamhaus.org")  # fmt: skip
        finished = Job(
            kind="add_sender",
            asked_by="key admin",
            subject="sender m4.sos.test",
            tenant_id=ips[3].tenant_id,
            state="succeeded",
            step=2,
            attempts=1,
            created_at=NOW - timedelta(hours=5),
            started_at=NOW - timedelta(hours=5),
            finished_at=NOW - timedelta(hours=5) + timedelta(seconds=151),
            result={
                "hosts": {
                    "vps1": {"ok": 41, "changed": 2, "failed": 0},
                    "vps2": {"ok": 120, "changed": 6, "failed": 0},
                },
                "changes": [{"host": "vps2", "task": "Apply the configuration", "playbook": "converge"}],
                "steps": [
                    {"playbook": "converge", "status": "succeeded", "seconds": 139.2},
                    {"playbook": "dns_check", "status": "succeeded", "seconds": 11.8},
                ],
            },
        )
        failed = Job(
            kind="converge",
            asked_by="key admin",
            state="failed",
            attempts=3,
            started_at=NOW - timedelta(hours=3),
            finished_at=NOW - timedelta(hours=3) + timedelta(seconds=42),
            error="Playbook converge failed (exit status 4).\nvps2: Failed to connect to the host via ssh\nIs the host up?",
        )
        running = Job(
            kind="resume",
            asked_by="key admin",
            subject="tenant other",
            tenant_id=ips[5].tenant_id,
            state="running",
            attempts=1,
            started_at=NOW - timedelta(seconds=20),
            progress={
                "step": 1,
                "steps": 2,
                "playbook": "resume",
                "play": "Let queues go on",
                "task": "Lift the stops of PowerMTA",
                "hosts": {"vps2": {"ok": 7, "changed": 1, "failed": 0}},
            },
        )
        session.add_all([finished, failed, running])
        session.flush()
        for outcome, text in (
            ("ok", "ok: [vps2]"),
            ("changed", "changed: [vps2]"),
            (None, "PLAY [Let queues go on] ***"),
        ):
            host = "vps2" if outcome else None
            session.add(JobLine(job_id=running.id, step=0, host=host, outcome=outcome, text=text))
        session.flush()
        return {"running": running.id, "finished": finished.id, "failed": failed.id}
