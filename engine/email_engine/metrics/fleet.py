# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet's metrics, read in one transaction that sees one moment; so many queries whatever the fleet's size."""

from __future__ import annotations

import logging
import platform
from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import STATUSES
from ansible_collections.email_engine.fleet.plugins.module_utils.lifecycle.decide import Facts, waits_for_person
from email_engine.store.lifecycle import DNS_KEEPS, LISTS_KEEP, QUEUE_KEEPS
from email_engine.store.mail_models import CAMPAIGN_STATES
from email_engine.store.models import JOB_STATES, LANES, VERDICTS

from . import checks
from .families import FAMILIES

log = logging.getLogger(__name__)
#: Label values to a value.
Samples = dict[tuple[str, ...], float]

_SENDERS = """
SELECT i.id, host(i.address) AS ip, i.hostname AS sender, t.name AS tenant, i.mta, i.status, coalesce(i.phase, '') AS phase, i.until,
    i.daily_quota, i.paused OR i.hold_reason IS NOT NULL OR t.paused OR f.paused AS paused,
    coalesce(n.open, 0) AS incidents,
    CASE WHEN d.checked_at > now() - :dns_keeps THEN d.green ELSE 'unknown' END AS green, d.checked_at, q.queued,
    EXISTS (SELECT FROM dnsbl_verdicts v WHERE v.ip_id = i.id) AS asked
FROM ips i
JOIN tenants t ON t.id = i.tenant_id
JOIN fleet_state f ON f.id = 1
LEFT JOIN (SELECT ip_id, count(*) AS open FROM incidents WHERE closed_at IS NULL GROUP BY ip_id) n ON n.ip_id = i.id
LEFT JOIN dns_checks d ON d.ip_id = i.id
LEFT JOIN queue_reports q ON q.ip_id = i.id AND q.seen_at > now() - :queue_keeps
WHERE i.status <> 'retired'
"""
_STATUSES = "SELECT status, count(*) FROM ips GROUP BY status"
_TENANTS = """
SELECT name, paused, held_reason IS NOT NULL AS held FROM tenants t
WHERE declared OR EXISTS (SELECT FROM ips i WHERE i.tenant_id = t.id AND i.status <> 'retired')
"""
_VERDICTS = """
SELECT host(i.address) AS ip, v.blacklist_name AS dnsbl, v.checked_at,
    CASE WHEN v.checked_at > now() - :lists_keep THEN v.listed ELSE 'unknown' END AS listed
FROM dnsbl_verdicts v JOIN ips i ON i.id = v.ip_id WHERE i.status <> 'retired'
"""
_INCIDENTS = """
SELECT kind, CASE WHEN acknowledged_at IS NULL THEN 'no' ELSE 'yes' END AS acknowledged, count(*) AS open, min(opened_at) AS oldest
FROM incidents WHERE closed_at IS NULL GROUP BY 1, 2
"""
_EDGES = """
SELECT e.key AS edge, e.value ->> 'verdict' AS verdict, count(*) AS senders
FROM dns_checks d JOIN ips i ON i.id = d.ip_id CROSS JOIN jsonb_each(d.edges) e WHERE i.status <> 'retired' GROUP BY 1, 2
"""
_JOBS = "SELECT lane, state, count(*) AS jobs, min(created_at) AS oldest FROM jobs GROUP BY lane, state"
_CAMPAIGNS = "SELECT state, count(*) FROM campaigns GROUP BY state"
_CONTACTS = """
SELECT t.name, count(*) FILTER (WHERE c.state = 'waiting') AS waiting
FROM lists l JOIN tenants t ON t.id = l.tenant_id LEFT JOIN list_contacts c ON c.list_id = l.id AND c.state = 'waiting' GROUP BY 1
"""
_STATE = """
SELECT now() AS now, f.paused, f.revision, d.declared_at, d.made_at,
    (SELECT at FROM audit_log WHERE target = 'fleet' AND action = 'applied' ORDER BY id DESC LIMIT 1) AS converged,
    (SELECT coalesce(max(id), 0) FROM audit_log) AS audit_rows
FROM fleet_state f
LEFT JOIN (SELECT * FROM declarations ORDER BY declared_at DESC, id DESC LIMIT 1) d ON true
"""
_KEEPS = {"dns_keeps": DNS_KEEPS, "lists_keep": LISTS_KEEP, "queue_keeps": QUEUE_KEEPS}


class Fleet(Collector):
    def __init__(self, sessions: sessionmaker[Session]):
        self._sessions = sessions

    def collect(self) -> Iterator[Metric]:
        found: dict[str, Samples] = {"email_engine_build_info": {_build(): 1}}
        try:
            with self._sessions() as session:
                seen = session.connection(
                    execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                )
                found |= read(seen) | checks.read(session)
            found["email_engine_database_up"] = {(): 1}
        except SQLAlchemyError as fault:
            log.warning("The database did not answer a scrape: %s", type(fault).__name__)
            found["email_engine_database_up"] = {(): 0}
        for name, samples in found.items():
            yield _family(name, samples)


def _build() -> tuple[str, ...]:
    try:
        release = version("email-engine")
    except PackageNotFoundError:
        release = "source"
    return release, platform.python_version()


def _family(name: str, samples: Samples) -> Metric:
    known = FAMILIES[name]
    shape = CounterMetricFamily if known.type == "counter" else GaugeMetricFamily
    family = shape(name, known.meaning, labels=known.labels)
    for labels, value in samples.items():
        family.add_metric(labels, value)
    return family


def read(seen: Connection) -> dict[str, Samples]:
    """The samples of one moment, by the metric's name."""
    rows = {
        name: seen.execute(text(query), _KEEPS).mappings().all()
        for name, query in {
            "senders": _SENDERS,
            "statuses": _STATUSES,
            "tenants": _TENANTS,
            "verdicts": _VERDICTS,
            "incidents": _INCIDENTS,
            "edges": _EDGES,
            "jobs": _JOBS,
            "campaigns": _CAMPAIGNS,
            "contacts": _CONTACTS,
            "state": _STATE,
        }.items()
    }
    (state,) = rows["state"]
    of_senders, tenants, jobs = rows["senders"], [one["name"] for one in rows["tenants"]], rows["jobs"]
    statuses = {one["status"]: one["count"] for one in rows["statuses"]}
    kinds = {(one["kind"], one["acknowledged"]): one for one in rows["incidents"]}
    green = Tally(one["green"] for one in of_senders)
    waiting = Tally(one["tenant"] for one in of_senders if _waits(one, state["now"]))
    return {
        "email_engine_ips_total": {(status,): statuses.get(status, 0) for status in STATUSES},
        "email_engine_warmup_quota": {(one["ip"],): one["daily_quota"] for one in of_senders},
        **_blacklists(rows["verdicts"]),
        "email_engine_blacklist_unchecked": {(): sum(not one["asked"] for one in of_senders)},
        "email_engine_sender_info": {
            tuple(one[label] for label in FAMILIES["email_engine_sender_info"].labels): 1 for one in of_senders
        },
        "email_engine_sender_paused": {(one["ip"],): one["paused"] for one in of_senders},
        "email_engine_sender_waiting": {(one["ip"],): one["queued"] for one in of_senders if one["queued"] is not None},
        "email_engine_everything_paused": {(): state["paused"]},
        "email_engine_tenant_paused": {(one["name"],): one["paused"] for one in rows["tenants"]},
        "email_engine_tenant_held": {(one["name"],): one["held"] for one in rows["tenants"]},
        "email_engine_waiting_for_person": {(name,): waiting[name] for name in tenants},
        "email_engine_incidents_open": {labels: one["open"] for labels, one in kinds.items()},
        "email_engine_incident_oldest_timestamp_seconds": {
            labels: one["oldest"].timestamp() for labels, one in kinds.items()
        },
        "email_engine_dns_senders": {(verdict,): green[verdict] for verdict in VERDICTS},
        "email_engine_dns_edges": {(one["edge"], one["verdict"]): one["senders"] for one in rows["edges"]},
        "email_engine_dns_check_oldest_timestamp_seconds": _at(
            min((one["checked_at"] for one in of_senders if one["checked_at"]), default=None)
        ),
        "email_engine_jobs": {(lane, state): 0 for lane in LANES for state in JOB_STATES}
        | {(one["lane"], one["state"]): one["jobs"] for one in jobs},
        "email_engine_job_oldest_queued_timestamp_seconds": {
            (one["lane"],): one["oldest"].timestamp() for one in jobs if one["state"] == "queued"
        },
        "email_engine_campaigns": {(state,): 0 for state in CAMPAIGN_STATES}
        | {(one["state"],): one["count"] for one in rows["campaigns"]},
        "email_engine_contacts_waiting": {(one["name"],): one["waiting"] for one in rows["contacts"]},
        "email_engine_converge_success_timestamp_seconds": _at(state["converged"]),
        "email_engine_fleet_revision": {(): state["revision"]},
        "email_engine_declaration_timestamp_seconds": _at(state["declared_at"]),
        "email_engine_declaration_made_timestamp_seconds": _at(state["made_at"]),
        "email_engine_audit_rows_total": {(): state["audit_rows"]},
    }


def _at(moment: datetime | None) -> Samples:
    return {} if moment is None else {(): moment.timestamp()}


def _waits(sender: Mapping[str, Any], now: datetime) -> bool:
    return waits_for_person(sender, Facts(incidents=sender["incidents"], until=sender["until"]), now) is not None


def _blacklists(verdicts: Any) -> dict[str, Samples]:
    unknown, last = Tally(), {}
    for one in verdicts:
        name = (one["dnsbl"],)
        unknown[name] += one["listed"] == "unknown"
        last[name] = max(last.get(name, 0), one["checked_at"].timestamp())
    return {
        "email_engine_blacklist_status": {
            (one["ip"], one["dnsbl"]): one["listed"] == "yes" for one in verdicts if one["listed"] != "unknown"
        },
        "email_engine_blacklist_unknown": dict(unknown),
        "email_engine_blacklist_check_timestamp_seconds": last,
    }
