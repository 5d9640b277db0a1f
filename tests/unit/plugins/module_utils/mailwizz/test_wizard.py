# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wizard's forms as they are, with what is wrong in them named, and never a second try."""

from __future__ import annotations

import copy

import pytest

from ansible_collections.email_engine.fleet.plugins.module_utils.local import mailwizz_wizard
from ansible_collections.email_engine.fleet.plugins.module_utils.mailwizz import wizard
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

PARAMS = {
    "market_place": "envato",
    "purchase_code": "TEST-1",
    "site_name": "Mail",
    "site_tagline": "Mail of ours",
    "site_description": "Mail of ours",
    "database": {"host": "localhost", "port": 3306, "name": "mw", "user": "mw", "password": "p'w", "prefix": "mw_"},
    "admin": {"first_name": "Zoë", "last_name": "de la Cruz", "email": "z@x.test", "password": "secret"},
    "timezone": "UTC",
    "allow_existing_data": False,
}


def changed(path, value):
    params = copy.deepcopy(PARAMS)
    *parents, last = path.split(".")
    place = params
    for name in parents:
        place = place[name]
    place[last] = value
    return params


def test_sound_parameters_pass():
    wizard.check(PARAMS)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("site_name", "M"),
        ("site_name", "M" * 21),
        ("site_tagline", "our MailWizz"),
        ("site_description", "x" * 201),
        ("purchase_code", ""),
        ("database.name", "mw.x"),
        ("database.prefix", "MW_"),
        ("database.host", "x;dbname=y"),
        ("admin.first_name", "R2"),
        ("admin.last_name", "X"),
        ("admin.email", "nobody"),
        ("admin.password", "short"),
    ],
)
def test_what_the_wizard_would_refuse_half_way_is_refused_before(path, value):
    with pytest.raises(FleetError, match=path.replace(".", r"\.")):
        wizard.check(changed(path, value))


NOT_THERE = {"prefix": None, "reason": "", "installed": False}


def test_tables_without_a_configuration_are_somebodys():
    with pytest.raises(FleetError, match="holds 3 tables"):
        wizard.may_install(NOT_THERE, {"tables": 3}, PARAMS)
    wizard.may_install(NOT_THERE, {"tables": 0}, PARAMS)
    wizard.may_install(NOT_THERE, {"tables": 3}, changed("allow_existing_data", True))


def test_a_half_finished_installation_is_refused_even_with_the_flag():
    half = {"prefix": "mw_", "reason": "its database has no user", "installed": False}
    with pytest.raises(FleetError, match=r"main-custom\.php: is there, and its database has no user"):
        wizard.may_install(half, {"tables": 9}, changed("allow_existing_data", True))


PAGE = """<!doctype html><title>Install</title><style>.error{}</style>
<div class="alert alert-success">All well so far</div>
<div class="alert alert-danger"><b>Sorry:</b> <p>the code is <i>unknown</i></div>
<form><input type=hidden name=token value=abc><input name="dbname" value="x"><br>
<span class="errorMessage">Database name &amp; more</span><span class="errorMessage">Database name &amp; more</span>
<select name="timezone"><option value="UTC">UTC<option value="Europe/Paris" selected>Paris</select>
<input type="checkbox" name="terms_consent" value="yes"><button name="next" value="go">Next</button>
<script>var error = '<div class="error">no</div>';</script></form>"""


def test_a_page_is_read_however_it_is_written():
    page = wizard.Page(PAGE)
    assert page.errors == ["Sorry: the code is unknown", "Database name & more"]
    assert page.fields["timezone"] == "Europe/Paris"
    assert page.choices["timezone"] == ["UTC", "Europe/Paris"]
    assert page.hidden == {"token"}


def test_a_form_is_filled_with_what_it_has():
    sent = wizard.fill(
        wizard.Step("x", ("dbname",)), wizard.Page(PAGE), {"dbname": "mw", "terms_consent": "1", "gone": "1"}
    )
    assert sent == {"token": "abc", "dbname": "mw", "terms_consent": "yes", "next": "go"}


def test_a_form_without_a_known_field_is_named():
    with pytest.raises(FleetError, match="no field purchase_code; its fields: token, dbname"):
        wizard.fill(wizard.Step("welcome", ("dbname", "purchase_code")), wizard.Page(PAGE), {})


@pytest.mark.parametrize("value", ["0", ""])
def test_a_requirement_that_is_not_met_is_never_talked_away(value):
    page = wizard.Page(f'<p class="text-danger">zip is missing</p><input type=hidden name=result value="{value}">')
    with pytest.raises(wizard.Refused, match="zip is missing"):
        wizard.fill(wizard.STEPS[1], page, {})


def test_a_value_that_a_select_does_not_have_is_refused():
    with pytest.raises(wizard.Refused, match="timezone: 'Mars'"):
        wizard.fill(wizard.Step("admin", ()), wizard.Page(PAGE), {"timezone": "Mars"})


@pytest.mark.parametrize(
    ("status", "location", "text", "said"),
    [
        (302, "../", "", "not to its step database"),
        (302, "index.php?route=welcome", "", "not to its step database"),
        (200, "", PAGE, "the code is unknown"),
        (200, "", "<form></form>", "nothing on it is marked as an error"),
        (500, "", "<title>Internal Server Error</title>", "HTTP 500: Internal Server Error"),
        (502, "", "", "HTTP 502: nothing"),
    ],
)
def test_every_other_end_of_a_step_is_said(status, location, text, said):
    with pytest.raises(wizard.Refused, match=said) as caught:
        wizard.must_go_on("filesystem", "database", status, location, text)
    assert caught.value.step == "filesystem"


def test_the_next_step_is_success():
    wizard.must_go_on("filesystem", "database", 302, "http://x/install/index.php?route=database", "")


@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("../", "has a configuration already"),
        ("https://mail.x.test/install/index.php?route=welcome", "web server sends to"),
    ],
)
def test_a_site_that_sends_away_is_told_apart(location, said):
    with pytest.raises(wizard.Refused, match=said):
        wizard.must_be_a_form("welcome", 302, location, "")


class Site:
    """Answers from a script; remembers what it was sent."""

    def __init__(self, refused_at=None):
        self.refused_at, self.posts = refused_at, []
        fields = {step.name: (*step.fields, *step.kept) for step in wizard.STEPS}
        self.forms = {
            step: "".join(f'<input name="{name}" value="1">' for name in (*names, "create_customer"))
            for step, names in fields.items()
        }
        self.following = dict(zip(fields, [*list(fields)[1:], "finish"]))

    def get(self, step):
        return 200, "", self.forms.get(step, "Done")

    def post(self, step, fields):
        self.posts.append((step, fields))
        if step == self.refused_at:
            return 200, "", '<div class="error">Invalid purchase code.</div>'
        return 302, f"index.php?route={self.following[step]}", ""


def test_each_step_is_sent_once_and_no_customer_is_made():
    site = Site()
    assert mailwizz_wizard.walk(site, wizard.answers(PARAMS)) == "finish"
    assert [step for step, _fields in site.posts] == [step.name for step in wizard.STEPS]
    assert dict(site.posts)["admin"]["create_customer"] == "no"
    assert dict(site.posts)["database"]["password"] == "p'w"
    assert all(fields["next"] for _step, fields in site.posts)


def test_a_code_that_is_refused_is_not_tried_again():
    site = Site("welcome")
    with pytest.raises(wizard.Refused) as caught:
        mailwizz_wizard.walk(site, wizard.answers(PARAMS))
    assert (caught.value.step, caught.value.errors) == ("welcome", ["Invalid purchase code."])
    assert len(site.posts) == 1
