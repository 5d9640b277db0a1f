# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of recipients, as mail is sent to them and as MailWizz takes them. Nobody's DNS is asked."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email

#: Of an address, by RFC 5321.
LONGEST = 254


def normalised(given: str) -> str:
    """Lower case, the domain in ASCII. A plus and what follows stay: they belong to the name.

    Raises ValueError with what is wrong and the remedy, without the address itself.
    """
    if '"' in given or "\\" in given:
        raise ValueError("has a quoted name, which MailWizz refuses: ask for an address without quotes")
    try:
        # Domains under .test are nobody's, and whoever tries the engine needs some.
        found = validate_email(
            given,
            allow_smtputf8=False,
            check_deliverability=False,
            strict=True,
            test_environment=True,
            allow_quoted_local=False,
        )
    except EmailNotValidError as fault:
        if not given.partition("@")[0].isascii():
            raise ValueError("has letters before the @ that are not ASCII, which MailWizz refuses") from fault
        raise ValueError("is no e-mail address, such as name@example.org") from fault
    address = f"{found.local_part}@{found.ascii_domain}".lower()
    if "." not in found.ascii_domain or found.ascii_domain.startswith("["):
        raise ValueError("has no domain after the @ that mail could be sent to")
    if len(address) > LONGEST:
        raise ValueError(f"is longer than {LONGEST} characters in ASCII")
    return address
