# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How asking MailWizz can end badly: what happened, at which address, and the remedy. No text holds the key."""

from __future__ import annotations

from collections.abc import Sequence


class MailwizzError(Exception):
    """what: a sentence that names method and URL. remedy: where to look. status: of the answer, None without one. errors: MailWizz's own
    words, one fault each. temporary: the same request may succeed later. retry_after: seconds it asked for."""

    temporary = False

    def __init__(
        self,
        what: str,
        remedy: str,
        *,
        status: int | None = None,
        errors: Sequence[str] = (),
        retry_after: float | None = None,
    ):
        super().__init__(what)
        self.what, self.remedy, self.status = what, remedy, status
        self.errors, self.retry_after = tuple(errors), retry_after


class Unreachable(MailwizzError):
    """No answer, or no whole one. Whether the request acted is not known."""

    temporary = True


class Untrusted(MailwizzError):
    """Its certificate was not accepted; nothing was sent."""


class Stranger(MailwizzError):
    """An answer that no MailWizz API gives: a page, a redirect, JSON of another shape."""


class KeyRefused(MailwizzError):
    """The key, its customer, or this host's address is not accepted. 2.x says 400, 3.x says 401."""


class NotFound(MailwizzError):
    """MailWizz has no such thing, or it is another customer's."""


class Refused(MailwizzError):
    """MailWizz understood, and does not do it: 409 for what is there already, 422 for what is not valid."""


class Busy(MailwizzError):
    """429 or 503."""

    temporary = True


class Failed(MailwizzError):
    """MailWizz broke over it."""

    temporary = True
