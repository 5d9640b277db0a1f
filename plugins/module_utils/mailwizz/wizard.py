# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The web wizard that installs MailWizz: its steps, what goes into their forms, and what its answers mean."""

from __future__ import annotations

import re
import typing as t
from html.parser import HTMLParser

from ..problems import FleetError, Problem

FINISH = "finish"
#: The marker that MailWizz refuses in the texts about the site.
FORBIDDEN = "mailwizz"


class Step(t.NamedTuple):
    """fields: names without which the form is not the one we know. kept: whose value the page itself decides."""

    name: str
    fields: tuple[str, ...]
    kept: tuple[str, ...] = ()


STEPS = (
    Step("welcome", ("market_place", "purchase_code", "site_name", "site_tagline", "site_description")),
    Step("requirements", (), ("result",)),
    Step("filesystem", (), ("result",)),
    Step("database", ("hostname", "port", "dbname", "username", "password", "prefix")),
    Step("admin", ("first_name", "last_name", "email", "password", "timezone")),
    Step("cron", ()),
)


class Refused(FleetError):
    """A step that did not lead to the next one. errors: what MailWizz says about it."""

    def __init__(self, step: str, errors: t.Sequence[str], remedy: str = "Correct what it names and run again."):
        self.step, self.errors = step, list(errors)
        super().__init__([Problem(f"step {step} of MailWizz's wizard", "; ".join(self.errors), remedy)])


# What is sent ----------------------------------------------------------------------------------------------------------


def check(params: t.Mapping) -> None:
    """What the wizard would refuse after it has already written something. Raises FleetError with all of it."""
    database, admin = params["database"], params["admin"]
    problems = []

    def need(where: str, value: str, pattern: str, rule: str) -> None:
        if not re.fullmatch(pattern, value):
            problems.append(Problem(where, "is not what MailWizz's wizard takes", rule))

    for name, longest in (("site_name", 20), ("site_tagline", 100), ("site_description", 200)):
        value = params[name]
        if not 2 <= len(value) <= longest:
            problems.append(Problem(name, f"has {len(value)} characters", f"MailWizz takes 2 to {longest}."))
        if FORBIDDEN in value.lower():
            problems.append(Problem(name, f"holds the word {FORBIDDEN}", "MailWizz refuses that word there."))
    need("purchase_code", params["purchase_code"], r"\S+", "Give the purchase code of the licence.")
    need("database.name", database["name"], r"[A-Za-z0-9_-]+", "Use letters, digits, dash, underscore.")
    need(
        "database.prefix", database["prefix"], r"[a-z0-9_]*", "Use lower-case letters, digits, underscore, or nothing."
    )
    need("database.host", database["host"], r"[^\s;]+", "Give a host name, an address, or unix_socket=/path.")
    for name in ("first_name", "last_name"):
        need(f"admin.{name}", admin[name], r"[^\W\d_]([^\W\d_]|[ -]){1,99}", "Use 2 to 100 letters, spaces, dashes.")
    need("admin.email", admin["email"], r"[^@\s]+@[^@\s]+\.[^@\s]+", "Give an address.")
    if len(admin["password"]) < 6:
        problems.append(Problem("admin.password", "has fewer than 6 characters", "MailWizz takes at least 6."))
    if problems:
        raise FleetError(problems)


def may_install(before: t.Mapping, database: t.Mapping, params: t.Mapping) -> None:
    """before: what ``info`` said of a MailWizz that is not installed. database: what ``database`` said. Raises FleetError."""
    if before["prefix"] is not None:
        raise FleetError(
            [
                Problem(
                    "apps/common/config/main-custom.php",
                    f"is there, and {before['reason']}: an installation did not come to its end, or this is no empty place",
                    "MailWizz's wizard does not go on from there. Empty the database, remove that file, and run again.",
                )
            ]
        )
    if database["tables"] and not params["allow_existing_data"]:
        raise FleetError(
            [
                Problem(
                    f"database {params['database']['name']}",
                    f"holds {database['tables']} tables, and no configuration says that they are this MailWizz's",
                    "Give it an empty database, or set allow_existing_data where these tables may be lost.",
                )
            ]
        )


def answers(params: t.Mapping) -> dict[str, dict[str, str]]:
    """What goes into the form of each step."""
    database, admin = params["database"], params["admin"]
    return {
        "welcome": {
            **{name: params[name] for name in ("market_place", "purchase_code")},
            **{name: params[name] for name in ("site_name", "site_tagline", "site_description")},
            "terms_consent": "1",
        },
        "database": {
            "hostname": database["host"],
            "port": str(database["port"]),
            "dbname": database["name"],
            "username": database["user"],
            "password": database["password"],
            "prefix": database["prefix"],
        },
        # Tenants are made later; a customer with the administrator's login would belong to none.
        "admin": {**admin, "timezone": params["timezone"], "create_customer": "no"},
    }


def fill(step: Step, page: Page, values: t.Mapping[str, str]) -> dict[str, str]:
    """The form's fields with our values. Raises FleetError for a form that we do not know, Refused for one that says no already."""
    missing = [name for name in (*step.fields, *step.kept) if name not in page.fields]
    if missing:
        shown = ", ".join(page.fields) or "none"
        raise FleetError(
            [
                Problem(
                    f"step {step.name} of MailWizz's wizard",
                    f"its form has no field {', '.join(missing)}; its fields: {shown}",
                    "This version's wizard is another one: walk through it in a browser, then run again.",
                )
            ]
        )
    if any(page.fields[name] in ("", "0") for name in step.kept):
        raise Refused(step.name, page.errors or ["it finds a requirement that is not met, and does not say which"])
    sent = {name: value for name, value in page.fields.items() if name in page.hidden or name in step.kept}
    for name, value in values.items():
        if name not in page.fields:
            continue  # of an optional field that this version does not have
        if name == "terms_consent":
            value = page.fields[name] or value
        if name in page.choices and value not in page.choices[name]:
            if name == "create_customer":
                continue
            told = f"{name}: {value!r} is not among {', '.join(page.choices[name][:10])}"
            raise Refused(step.name, [told])
        sent[name] = value
    return {**sent, "next": page.fields.get("next") or "1"}


# What comes back -------------------------------------------------------------------------------------------------------

_SAYS_NO = re.compile(r"error|danger|invalid-feedback|help-block|flash-message|alert|warning", re.I)
_SAYS_WELL = re.compile(r"success|alert-info", re.I)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)


class Page(HTMLParser):
    """A page of the wizard. fields: values by name; hidden: names; choices: values of each select; errors: texts of what is marked as one."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.fields: dict[str, str] = {}
        self.hidden: set[str] = set()
        self.choices: dict[str, list[str]] = {}
        self.errors: list[str] = []
        self.title = ""
        self.words: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._said: list[str] = []
        self._select = ""
        self.feed(text)
        self.close()
        self._end_of_error()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        if tag in ("input", "select", "textarea", "button") and about.get("name"):
            self._field(tag, about)
        elif tag == "option" and self._select:
            value = about.get("value", "")
            self.choices[self._select].append(value)
            if "selected" in about:
                self.fields[self._select] = value
        if tag not in _VOID:
            classes = about.get("class", "")
            self._open.append((tag, bool(_SAYS_NO.search(classes)) and not _SAYS_WELL.search(classes)))

    def _field(self, tag: str, about: dict[str, str]) -> None:
        name, kind = about["name"], about.get("type", "text").lower()
        self.fields.setdefault(name, about.get("value", ""))
        if tag == "input" and kind == "hidden":
            self.hidden.add(name)
            self.fields[name] = about.get("value", "")
        if tag == "select":
            self._select = name
            self.choices[name] = []

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        names = [name for name, _says_no in self._open]
        if tag not in names:
            return
        while self._open:
            name, says_no = self._open.pop()
            if says_no and not any(flag for _tag, flag in self._open):
                self._end_of_error()
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        names = [name for name, _says_no in self._open]
        text = " ".join(data.split())
        if not text or {"script", "style", "option"} & set(names):
            return
        if "title" in names:
            self.title = text
            return
        self.words.append(text)
        if any(says_no for _tag, says_no in self._open):
            self._said.append(text)

    def _end_of_error(self) -> None:
        text = " ".join(self._said).strip("× ")
        if text and text not in self.errors:
            self.errors.append(text[:500])
        self._said = []


def of_route(location: str) -> str:
    """The step that a redirection leads to; empty where it leads out of the wizard."""
    found = re.search(r"[?&]route=([\w-]+)", location)
    return found[1] if found else ""


def must_be_a_form(step: str, status: int, location: str, text: str) -> Page:
    """The page of a step that was asked for. Raises Refused."""
    if status in (301, 302, 303, 307, 308):
        if of_route(location) == step:
            told = [f"the web server sends to {location}"]
            raise Refused(step, told, "Give that as the url, or let this host ask without being sent away.")
        if not of_route(location):
            told = ["the wizard sends away, as it does where MailWizz has a configuration already"]
            raise Refused(step, told, "Look at apps/common/config/main-custom.php, which it did not write in this run.")
        raise Refused(step, [f"the wizard sends back to its step {of_route(location)}"], _LOST)
    if status != 200:
        raise _broken(step, status, text)
    return Page(text)


def must_go_on(step: str, following: str, status: int, location: str, text: str) -> None:
    """What the wizard says to a form that was sent. Raises Refused where it does not lead to the following step."""
    if status in (301, 302, 303):
        if of_route(location) != following:
            raise Refused(step, [f"the wizard went to {location or 'nowhere'}, not to its step {following}"], _LOST)
        return
    if status != 200:
        raise _broken(step, status, text)
    errors = Page(text).errors
    raise Refused(step, errors or ["the form came back, and nothing on it is marked as an error"])


_LOST = "The session was lost: see that PHP can write its session files, and run again."


def _broken(step: str, status: int, text: str) -> Refused:
    page = Page(text)
    said = page.title or " ".join(page.words)[:300] or "nothing"
    return Refused(
        step, [f"HTTP {status}: {said}"], "Look at the logs of nginx, of PHP-FPM, and in apps/common/runtime."
    )
