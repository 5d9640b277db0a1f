# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Threads that bring alerts to their receivers: one for each, so that one that is dead holds up nobody."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, sessionmaker

from email_engine.settings import Settings
from email_engine.store import telling
from email_engine.store.connection import connect

from .receivers import Receiver, receivers

log = logging.getLogger(__name__)
#: Seconds between two looks, and that the end of the process waits for a message that is on its way.
EVERY, PATIENCE = 5.0, 5.0


class Courier:
    """Brings everything that is due to one receiver."""

    def __init__(self, sessions: sessionmaker[Session], receiver: Receiver):
        self.receiver = receiver
        self._sessions = sessions
        self._failures, self._not_before = 0, 0.0

    def run(self, ending: threading.Event | None = None) -> int:
        """How many messages were delivered. Raises what the database raises.

        One that fails ends the round: what did not take this one would hardly take the next. What one message alone is refused for
        does not keep the others waiting longer than that.
        """
        count = 0
        while time.monotonic() >= self._not_before and not (ending and ending.is_set()):
            with self._sessions() as session, session.begin():
                messages = telling.claim(session, self.receiver.name)
            if not messages:
                break
            error = self.receiver.send(messages)
            with self._sessions() as session, session.begin():
                telling.done(session, self.receiver.name, messages, error, counts=self.receiver.counts)
            self._rest(error)
            count += error is None
        return count

    def _rest(self, error: str | None) -> None:
        self._failures = self._failures + 1 if error else 0
        if error:
            self._not_before = time.monotonic() + telling.pause(self._failures).total_seconds() / 2
            log.warning("%s was not told, attempt %s: %s", self.receiver.name, self._failures, error)


class Couriers:
    """All of a process. Those of other processes may work at the same time: each message is claimed by one."""

    def __init__(self, settings: Settings, to: Sequence[Receiver] | None = None):
        self._to = receivers(settings) if to is None else to
        self._engine = connect(settings.database.get_secret_value(), len(self._to))
        self._sessions = sessionmaker(self._engine, expire_on_commit=False)
        self._ending = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._work, args=(Courier(self._sessions, one),), name=f"to {one.name}", daemon=True
            )
            for one in self._to
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._ending.set()
        end = time.monotonic() + PATIENCE
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, end - time.monotonic()))
        self._engine.dispose()

    def _work(self, courier: Courier) -> None:
        known = False
        while not self._ending.is_set():
            try:
                if not known and courier.receiver is self._to[0]:
                    with self._sessions() as session, session.begin():
                        telling.forget(session, [one.name for one in self._to])
                known = True
                courier.run(self._ending)
            except (SQLAlchemyError, OSError) as fault:
                log.warning("the database is away (%s)", type(fault).__name__)
            except Exception:
                log.exception("an alert could not be brought to %s", courier.receiver.name)
            self._ending.wait(EVERY)
