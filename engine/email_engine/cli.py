# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command ``email-engine``: what the engine's host is installed and served by, and what a person does about API keys."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from . import settings
from .api import keys
from .jobs.kinds import KINDS
from .store import connection, jobs, migrations, placing
from .store.audit import Actor
from .store.mail_models import Campaign, CampaignStats
from .store.models import LANES, Alert, ApiKey, Ip, Job, Tenant

#: What needs no arguments and changes nothing that is not decided already.
ADDABLE = frozenset(name for name, kind in KINDS.items() if kind.lane == "check") | {"converge"}


class Mistake(Exception):
    """What was asked for cannot be; the text says why, for a person."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 done, 1 refused (standard error says why), 2 called wrongly. What changed anything says "changed" first."""
    given = _parser().parse_args(arguments)
    try:
        given.run(given)
    except Mistake as error:
        print(f"email-engine: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="email-engine", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(within: argparse._SubParsersAction, name: str, run: Callable[[argparse.Namespace], None], about: str):
        one = within.add_parser(name, help=about, description=about, allow_abbrev=False)
        one.set_defaults(run=run)
        return one

    one = command(commands, "migrate", _migrate, "bring the schema to what this version wants")
    one.add_argument("--owner-url", required=True, help="SQLAlchemy URL of the tables' owner")
    one.add_argument("--role", required=True, help="the application's database role")

    one = command(commands, "worker", _worker, "run the jobs of one lane, until told to end")
    one.add_argument("lane", choices=LANES)

    about = "jobs"
    within = commands.add_parser("jobs", help=about, description=about).add_subparsers(required=True, metavar="COMMAND")
    one = command(within, "add", _add_job, "ask for a job; where the same waits already, that one is it")
    one.add_argument("kind", choices=sorted(ADDABLE))

    about = "campaigns"
    within = commands.add_parser("campaigns", help=about, description=about)
    within = within.add_subparsers(required=True, metavar="COMMAND")
    one = command(
        within,
        "list",
        _list_campaigns,
        "show the newest campaigns: state, sender, how far they are, why they stand still",
    )
    one.add_argument("--tenant", help="only this one's")

    about = "alerts"
    within = commands.add_parser("alerts", help=about, description=about)
    within = within.add_subparsers(required=True, metavar="COMMAND")
    command(within, "test", _test_alerts, "send a message to each receiver that is set, and tell which took it")
    command(within, "list", _list_alerts, "show what is open, and whether it was told")

    about = "API keys"
    within = commands.add_parser("keys", help=about, description=about).add_subparsers(required=True, metavar="COMMAND")
    one = command(within, "create", _create, "make a key, and show it this once")
    one.add_argument("name")
    one.add_argument("--tenant", help="the only tenant it sees; an administrator's without this")
    one.add_argument("--expires", type=_moment, help="when it ends, as 2027-01-31T00:00Z")
    one = command(
        within, "ensure", _ensure, "have an administrator's key of this name, which is read on standard input"
    )
    one.add_argument("name")
    command(within, "list", _list, "show the keys there are, by name")
    one = command(within, "revoke", _revoke, "end a key at once")
    one.add_argument("name")
    return parser


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text} is no time like 2027-01-31T00:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _migrate(given: argparse.Namespace) -> None:
    before = migrations.current(given.owner_url)
    migrations.upgrade(given.owner_url, given.role)
    after = migrations.current(given.owner_url)
    print(f"changed: schema {before or 'none'} -> {after}" if before != after else f"unchanged: schema {after}")


def _worker(given: argparse.Namespace) -> None:
    # Celery and ansible-runner are this command's alone.
    from .jobs import worker

    sys.exit(worker.run(given.lane))


def _add_job(given: argparse.Namespace) -> None:
    def do(session: Session, _pepper: str) -> None:
        # One that runs looks at what is there now; what the next one would see is the next timer's.
        running = session.scalar(
            select(Job.number).where(Job.kind == given.kind, Job.state == "running", Job.arguments == {})
        )
        if running is not None:
            print(f"unchanged: job {running} of kind {given.kind} runs")
            return
        before = session.scalar(select(func.max(Job.number)))
        job = jobs.enqueue(session, _actor(), given.kind, once=True)
        new = before is None or job.number > before
        print(
            f"{'changed' if new else 'unchanged'}: job {job.number} of kind {given.kind} {'is asked for' if new else 'waits'}"
        )

    _within(do)


def _test_alerts(_given: argparse.Namespace) -> None:
    # apprise is this command's and the check worker's alone.
    from .alerting import receivers

    known = settings.load()
    addresses = [one for one in receivers.receivers(known) if isinstance(one, receivers.Address)]
    if not addresses:
        raise Mistake("no receiver is set: put addresses into engine_alert_urls of the vault, then run site.yml")
    text = "This is a test: alerts of this engine arrive here.\n\nWhat to do: nothing."
    failed = []
    for number, one in enumerate(addresses, 1):
        error = one.deliver(f"{known.alert_name}: [info] test", text, "info")
        print(f"{one.name} ({number} of {len(addresses)}): {'sent' if error is None else f'NOT sent: {error}'}")
        failed += [one.name] if error else []
    if failed:
        raise Mistake(f"{len(failed)} of {len(addresses)} did not take it")


def _list_alerts(_given: argparse.Namespace) -> None:
    def do(session: Session, _pepper: str) -> None:
        for one in session.scalars(select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id)):
            told = f"told {_day(one.told_at)}" if one.told_at else f"not told: {one.error or 'soon'}"
            print(f"{one.key}\t{one.severity}\tsince {_day(one.opened_at)}\t{told}\t{one.subject}")

    _within(do)


def _list_campaigns(given: argparse.Namespace) -> None:
    def do(session: Session, _pepper: str) -> None:
        wanted = (
            select(Campaign, Tenant.name, Ip.hostname, CampaignStats.numbers)
            .join(Tenant, Tenant.id == Campaign.tenant_id)
            .join(Ip, Ip.id == Campaign.ip_id)
            .outerjoin(CampaignStats, CampaignStats.campaign_id == Campaign.id)
        )
        if given.tenant:
            wanted = wanted.where(Tenant.name == given.tenant)
        for one, tenant, sender, numbers in session.execute(wanted.order_by(Campaign.number.desc()).limit(50)):
            counts = placing.counts(session, one.list_id)
            far = f"{counts.injected} of {counts.total} in MailWizz, {(numbers or {}).get('processed_count', 0)} sent"
            why = one.error or one.paused_reason
            told = [f"#{one.number}", one.state, tenant, sender, far, one.name, *([why] if why else [])]
            print("\t".join(told))

    _within(do)


def _actor() -> Actor:
    """Who types: with sudo the person, and never more than a name."""
    name = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    return Actor(f"command line ({name})")


def _within(do: Callable[[Session, str], None]) -> None:
    """In one transaction, with the pepper of the keys."""
    known = settings.load()
    engine = connection.connect(known.database.get_secret_value(), 1)
    try:
        with Session(engine) as session, session.begin():
            do(session, known.key_pepper.get_secret_value())
    finally:
        engine.dispose()


def _create(given: argparse.Namespace) -> None:
    def do(session: Session, pepper: str) -> None:
        tenant = session.scalar(select(Tenant).where(Tenant.name == given.tenant)) if given.tenant else None
        if given.tenant and tenant is None:
            raise Mistake(f"there is no tenant {given.tenant}")
        if session.scalar(select(ApiKey.id).where(ApiKey.name == given.name)):
            raise Mistake(
                f"a key {given.name} is there already; revoked ones keep their name, so that the audit log stays clear"
            )
        print(keys.create(session, _actor(), pepper, given.name, tenant.id if tenant else None, given.expires))

    _within(do)


def _ensure(given: argparse.Namespace) -> None:
    key = sys.stdin.readline().strip()

    def do(session: Session, pepper: str) -> None:
        try:
            changed = keys.ensure(session, _actor(), pepper, given.name, key)
        except ValueError as error:
            raise Mistake(str(error)) from error
        print(f"{'changed' if changed else 'unchanged'}: key {given.name}")

    _within(do)


def _list(_given: argparse.Namespace) -> None:
    def do(session: Session, _pepper: str) -> None:
        rows = session.execute(
            select(ApiKey, Tenant.name).outerjoin(Tenant, Tenant.id == ApiKey.tenant_id).order_by(ApiKey.name)
        ).all()
        for key, tenant in rows:
            end = (
                f"revoked {_day(key.revoked_at)}"
                if key.revoked_at
                else f"until {_day(key.expires_at)}"
                if key.expires_at
                else "valid"
            )
            print(f"{key.name}\t{tenant or 'administrator'}\tee_{key.prefix}_...\tmade {_day(key.created_at)}\t{end}")

    _within(do)


def _day(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%MZ")


def _revoke(given: argparse.Namespace) -> None:
    def do(session: Session, _pepper: str) -> None:
        if not keys.revoke(session, _actor(), given.name):
            raise Mistake(f"there is no valid key {given.name}")
        print(f"changed: key {given.name} is revoked")

    _within(do)


if __name__ == "__main__":
    sys.exit(main())
