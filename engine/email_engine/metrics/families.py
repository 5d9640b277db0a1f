# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every metric there is: its name, type, labels and meaning. `docs/metrics.md` shows the same table."""

from __future__ import annotations

from typing import NamedTuple


class Family(NamedTuple):
    type: str
    labels: tuple[str, ...]
    meaning: str


#: The first three have the names and labels of the seeds; a gauge's name would not end in _total otherwise.
FAMILIES = {
    "email_engine_ips_total": Family("gauge", ("status",), "Senders by status; every status has a sample."),
    "email_engine_warmup_quota": Family("gauge", ("ip",), "Messages a day that the sender may send now."),
    "email_engine_warmup_target_quota": Family("gauge", ("ip",), "Messages a day at which its warm-up ends."),
    "email_engine_warmup_qualified": Family(
        "gauge", ("ip",), "Days that count for its present phase, of the seven that it takes."
    ),
    "email_engine_warmup_phase_timestamp_seconds": Family("gauge", ("ip",), "When its present phase began."),
    "email_engine_warmdown_end_timestamp_seconds": Family(
        "gauge", ("ip",), "When a sender that is taken back sends nothing more; no sample for the others."
    ),
    "email_engine_signal_state": Family(
        "gauge", ("signal", "provider", "state"), "1 for the state it is in: fed, silent or not_available."
    ),
    "email_engine_blacklist_health": Family(
        "gauge",
        ("dnsbl", "state"),
        "1 for the state the list showed in its own test: healthy, failed, blind or unknown.",
    ),
    "email_engine_check_timestamp_seconds": Family(
        "gauge", ("check",), "When the check last ran: dns, dnsbl, warmup, accounting/MTA."
    ),
    "email_engine_check_state": Family(
        "gauge", ("check", "state"), "1 for how that run went: ok, blind, distrusted or failed."
    ),
    "email_engine_accounting_rows": Family("gauge", ("mta",), "Rows counted, of the files of the last 60 days."),
    "email_engine_accounting_bad_rows": Family("gauge", ("mta",), "Rows of them that could not be read."),
    "email_engine_accounting_gaps": Family(
        "gauge", ("mta",), "Places where files are missing, at the last collection."
    ),
    "email_engine_accounting_complete_timestamp_seconds": Family(
        "gauge", ("mta",), "Up to when everything that it logged is counted."
    ),
    "email_engine_alerts_open": Family("gauge", ("kind", "severity"), "Open alerts."),
    "email_engine_alert_oldest_timestamp_seconds": Family(
        "gauge", ("kind", "severity"), "When the oldest open alert began."
    ),
    "email_engine_alerts_untold": Family(
        "gauge", (), "Open alerts whose present text nobody was told for two minutes."
    ),
    "email_engine_alert_receiver_failing": Family(
        "gauge", ("receiver",), "Messages that wait because the receiver did not take them."
    ),
    "email_engine_blacklist_status": Family(
        "gauge", ("ip", "dnsbl"), "1 when the list has the address, 0 when it does not; no sample when that is unknown."
    ),
    "email_engine_blacklist_unknown": Family(
        "gauge", ("dnsbl",), "Senders about which the list gave no sound answer, or none lately."
    ),
    "email_engine_blacklist_unchecked": Family("gauge", (), "Senders about which no list was ever asked."),
    "email_engine_blacklist_check_timestamp_seconds": Family("gauge", ("dnsbl",), "When the list was last asked."),
    "email_engine_sender_info": Family(
        "gauge", ("ip", "sender", "tenant", "mta", "status", "phase"), "Always 1: joins an address with what it is."
    ),
    "email_engine_sender_paused": Family(
        "gauge", ("ip",), "1 when a pause holds it: its own, its tenant's or everybody's."
    ),
    "email_engine_sender_sent_today": Family(
        "gauge",
        ("ip",),
        "Messages sent since midnight UTC; no sample when its MTA's accounting was not collected today.",
    ),
    "email_engine_sender_held": Family("gauge", ("ip",), "1 when the engine itself stopped it, until a moment."),
    "email_engine_sender_hold_end_timestamp_seconds": Family("gauge", ("ip",), "When that stop ends by itself."),
    "email_engine_sender_waiting": Family(
        "gauge", ("ip",), "Recipients in its queues; no sample when its MTA was not asked lately."
    ),
    "email_engine_everything_paused": Family("gauge", (), "1 when everything is stopped."),
    "email_engine_tenant_paused": Family("gauge", ("tenant",), "1 when the tenant is stopped."),
    "email_engine_tenant_held": Family(
        "gauge", ("tenant",), "1 when the tenant is held until a person closes its incident."
    ),
    "email_engine_waiting_for_person": Family("gauge", ("tenant",), "Senders that go on only when a person has acted."),
    "email_engine_incidents_open": Family("gauge", ("kind", "acknowledged"), "Open incidents."),
    "email_engine_incident_oldest_timestamp_seconds": Family(
        "gauge", ("kind", "acknowledged"), "When the oldest open incident was opened."
    ),
    "email_engine_dns_senders": Family(
        "gauge", ("green",), "Senders by whether all their DNS is as wanted; unknown includes those not checked lately."
    ),
    "email_engine_dns_edges": Family(
        "gauge", ("edge", "verdict"), "Edges of the senders' DNS, by the last check's verdict."
    ),
    "email_engine_dns_check_oldest_timestamp_seconds": Family(
        "gauge", (), "Of the senders' last DNS checks the one longest ago."
    ),
    "email_engine_jobs": Family("gauge", ("lane", "state"), "Jobs that the database knows."),
    "email_engine_job_oldest_queued_timestamp_seconds": Family(
        "gauge", ("lane",), "Since when the oldest queued job waits; no sample when none does."
    ),
    "email_engine_campaigns": Family("gauge", ("state",), "Campaigns by state; every state has a sample."),
    "email_engine_contacts_waiting": Family(
        "gauge", ("tenant",), "Contacts on lists that are not in MailWizz yet; no sample without a list."
    ),
    "email_engine_converge_success_timestamp_seconds": Family(
        "gauge", (), "When the last converge reported what it had applied."
    ),
    "email_engine_fleet_revision": Family("gauge", (), "Counts the changes of the fleet document."),
    "email_engine_declaration_timestamp_seconds": Family("gauge", (), "When an inventory was last declared."),
    "email_engine_declaration_made_timestamp_seconds": Family(
        "gauge", (), "The age of that inventory: when it was last changed."
    ),
    "email_engine_audit_rows_total": Family(
        "counter", (), "Number of the audit log's newest row; rows of transactions that were undone count too."
    ),
    "email_engine_database_up": Family(
        "gauge", (), "1 when the database answered this scrape; 0 leaves out all of the above."
    ),
    "email_engine_build_info": Family("gauge", ("version", "python"), "Always 1: what runs."),
    "email_engine_requests_total": Family(
        "counter", ("method", "route", "status"), "Answered requests, by the route's template."
    ),
    "email_engine_request_duration_seconds": Family(
        "histogram", ("method", "route"), "From a request's head to its answer's end."
    ),
}
