# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy as rendered, judged by the linter, by the stand-in's own parser and lookup, and by the other reading of precedence."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.hosts import attach_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet import caps, policy_check
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.nested import NOWHERE
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.render import render_host
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ROOT = Path(__file__).resolve().parents[5]
sys.path[:0] = [str(ROOT / "tests/standins/powermta"), str(ROOT / "tests")]
from pmta_standin import check, domains, model, parser, paths  # noqa: E402
from policy import EMPTY, host_policy  # noqa: E402

DEFAULT = host_policy()
HELD = "held-by-nobody"


def document(policy, **changes):
    """Three senders: a delivers and has the changes, b is stopped, c delivers and is limited by the policy alone."""
    senders = [
        {"ip": f"10.1.0.{n}", "domain": f"{name}.fleet.test", "vmta": name, "prefix": "p", "status": status, **more}
        for n, (name, status, more) in enumerate(
            [("a", "active", changes), ("b", "quarantine", {}), ("c", "active", {})], start=1
        )
    ]
    tenant = {"name": "t", "feeders": [{"address": "10.255.0.1"}], "senders": senders}
    found = expand([tenant], policy, ["vps2"])
    keys = [
        {"domain": s["domain"], "selector": "s1", "path": f"/etc/pmta/dkim/{s['domain']}.pem", "public": "x"}
        for s in found["senders"]
    ]
    return attach_keys(found, keys)


def rendered(policy, **changes):
    return render_host(document(policy, **changes), "vps2", policy, {})


def findings(result):
    return lint(result["content"].replace("include /etc/pmta/fleet-secrets\n", result["secrets"]))


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("standin")


def accepted(result, folder):
    """As the stand-in loads it, with all its rules that need no machine."""
    (folder / "etc/pmta").mkdir(parents=True, exist_ok=True)
    for name, text in (("config", result["content"]), ("fleet-secrets", result["secrets"])):
        (folder / "etc/pmta" / name).write_text(text)
    top = parser.Parser(paths.Paths(str(folder))).parse(paths.CONFIG)
    check.unique_names(top)
    config = model.Config(top, parser.Block("global", "", "", 0, 0), [])
    for block in top.inside("virtual-mta"):
        table = domains.DomainTable(block.inside("domain"), config.macros)
        config.vmtas[block.name] = model.Vmta(block.name, block, [], table, [])
    for rule in check.ALL:
        rule(config)
    return config


def scope_first(config, domain, vmta):
    """What is inferred of PowerMTA: the virtual MTA's ``*`` beats a global exact name."""
    return {name: one[0].raw for name, one in config.effective(domain, vmta).items()}


def pattern_first(config, domain, vmta):
    """What is not excluded: a global exact name beats the virtual MTA's ``*``."""
    ranked = []
    for scope, table in enumerate((config.domains, config.vmtas[vmta].domains)):
        for block in table.lookup(domain):
            name = block.name
            rank = 0 if name == "*" else 2 if "$" in name else 1 if name.startswith(("*.", "[")) else 3
            ranked.append((rank, len(name) if rank == 1 else 0, scope, block))
    merged = {}
    for _rank, _length, _scope, block in sorted(ranked, key=lambda one: one[:3]):
        merged.update({setting.name: setting.raw for setting in block.settings})
    return merged


READINGS = (scope_first, pattern_first)


def value(raw):
    """The argument of a line as the stand-in keeps it."""
    return raw.strip().strip('"')


def queues(policy):
    """Every queue name the policy speaks about, and some it does not."""
    found = {"elsewhere.test", "sub.elsewhere.test"}
    for name, provider in policy["providers"].items():
        found |= {*provider["domains"], f"{name}.rollup"}
    for pattern, given_settings in policy["domains"].items():
        found.add(pattern.replace("*.", "deep.").replace("$", ""))
        onward = (given_settings or {}).get("queue-to")
        found |= {onward.strip('"')} if onward else set()
    for members in policy["macros"].values():
        found |= set(members)
    return {*found, *(one["to"] for one in policy["mx_rollups"])} - {""}


# --- The default policy -----------------------------------------------------------------------------------------------


def test_the_default_policy_has_no_findings(folder):
    result = rendered(DEFAULT, provider_quota={"gmail": 20, "microsoft": 10**7})
    assert findings(result) == []
    assert accepted(result, folder)


@pytest.mark.parametrize("name", DEFAULT["providers"])
def test_a_receivers_rules_hold_for_its_domains_and_its_rollup(name, folder):
    config = accepted(rendered(DEFAULT), folder)
    provider = DEFAULT["providers"][name]
    for queue in [*provider["domains"], *([f"{name}.rollup"] if provider.get("mx") else [])]:
        for reading in READINGS:
            found = reading(config, queue, "a")
            for directive, wanted in provider["settings"].items():
                assert value(found[directive]) == str(wanted)
            assert value(found["smtp-pattern-list"]) == f"{name}-replies"
            assert value(found["dkim-sign"]) == "yes"
    replies = [setting.raw for setting in config.named("smtp-pattern-list", f"{name}-replies").all("reply")]
    assert len(replies) == len(provider["replies"]) + len(DEFAULT["replies"])


def test_rolled_up_mail_goes_to_the_receivers_own_hosts(folder):
    config = accepted(rendered(DEFAULT), folder)
    for name, provider in DEFAULT["providers"].items():
        if provider.get("mx"):
            hosts = scope_first(config, f"{name}.rollup", "a").get("smtp-hosts")
            wanted = None if provider.get("by_ip") else f"lookup-mx:{provider['domains'][0]}"
            assert (value(hosts) if hosts else None) == wanted


# --- Any policy -------------------------------------------------------------------------------------------------------

RATE = st.builds("{}/{}".format, st.integers(1, 5000), st.sampled_from(["d", "h", "10m", "s"]))
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "max-msg-rate": RATE | st.just("unlimited"),
        "backoff-max-msg-rate": RATE,
        "max-smtp-out": st.integers(1, 9),
        "bounce-after": st.sampled_from(["1d", "6h"]),
        "retry-after": st.just("12h"),
        "smtp-hosts": st.sampled_from(['"smart.test"', "[192.0.2.9]:2525", "lookup-mx:one.test"]),
        "queue-to": st.sampled_from(['"shared.queue"', "other.queue", '""']),
        "disable-mx-rollup": st.booleans(),
        "bounce-upon-no-mx": st.just(True),
        "bounce-upon-transfer-failure": st.just(True),
    },
)
PROVIDERS = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries(
            {"domains": st.just(members), "settings": SETTINGS, "by_ip": st.booleans()},
            optional={"mx": st.just([f"*.mx.{name}.test"]), "replies": st.just(DEFAULT["replies"][:1])},
        )
        for name, members in (("one", ["one.test", "uno.test"]), ("two", ["two.test"]))
    },
)
POLICIES = st.builds(
    lambda **parts: {**DEFAULT, **EMPTY, **parts},
    providers=PROVIDERS,
    domains=st.fixed_dictionaries(
        {"shared.queue": st.just({"smtp-hosts": "lookup-mx:one.test"})},
        optional=dict.fromkeys(
            ("one.test", "uno.test", "*.elsewhere.test", "elsewhere.test", "other.queue", "$m"), SETTINGS
        ),
    ),
    macros=st.just({"m": ["mac.test", "ro.test"]}),
    mx_rollups=st.sampled_from([[], [{"mx": "mx.mac.test", "to": "mac.rollup"}]]),
    domain_settings=SETTINGS.map(lambda given_settings: {**given_settings, "dkim-sign": True}),
    replies=st.sampled_from([[], DEFAULT["replies"]]),
    virtual_mta_domains=st.fixed_dictionaries({}, optional={"*": SETTINGS, "uno.test": SETTINGS, "$two": SETTINGS}),
)


def sound(policy):
    """A macro that is used has to exist."""
    if "two" not in policy["providers"]:
        policy["virtual_mta_domains"].pop("$two", None)
    return policy


@settings(max_examples=150)
@given(POLICIES)
def test_it_loads_whatever_the_policy(folder, policy):
    result = rendered(sound(policy))
    assert [one for one in findings(result) if one.severity == "error"] == []
    assert accepted(result, folder)


@settings(max_examples=150)
@given(POLICIES)
def test_a_stopped_virtual_mta_reaches_nobody(folder, policy):
    config = accepted(rendered(sound(policy)), folder)
    rolled = {f"{name}.rollup" for name, one in policy["providers"].items() if one.get("mx")}
    for vmta in ("b", "unrouted-t"):
        # A roll-up need not take its hosts from where other queues do: each is held by its own name.
        own = {block.name: value(block.all("smtp-hosts")[0].raw) for block in config.vmtas[vmta].block.inside("domain")}
        assert set(own.values()) == {NOWHERE}
        assert rolled | {one["to"] for one in policy["mx_rollups"]} <= set(own)
        for queue in queues(policy):
            for reading in READINGS:
                found = reading(config, queue, vmta)
                assert value(found["smtp-hosts"]) == NOWHERE, (queue, vmta, reading)
                assert value(found["bounce-after"]) == "30d"
                assert value(found.get("queue-to", "")) == ""
                assert value(found.get("bounce-upon-transfer-failure", "no")) == "no"
                if policy["mx_rollups"] or any(one.get("mx") for one in policy["providers"].values()):
                    assert value(found["disable-mx-rollup"]) == "yes"


@settings(max_examples=200)
@given(policy=POLICIES, quota=st.integers(1, 100_000))
def test_a_cap_is_kept_and_never_loosens_a_rule(folder, policy, quota):
    policy = sound(policy)
    result = rendered(policy, provider_quota=dict.fromkeys(policy["providers"], quota))
    config = accepted(result, folder)
    assert [one for one in findings(result) if one.severity == "error"] == []
    for name, provider in policy["providers"].items():
        for queue in [*provider["domains"], *([f"{name}.rollup"] if provider.get("mx") else [])]:
            for reading in READINGS:
                alone = reading(config, queue, "c")
                onward = value(alone.get("queue-to", ""))
                for ending in (queue, onward) if onward else (queue,):
                    for directive in ("max-msg-rate", "backoff-max-msg-rate"):
                        capped = per_day(reading(config, ending, "a").get(directive))
                        ruled = per_day(reading(config, ending, "c").get(directive))
                        if directive == "max-msg-rate" or capped is not None:
                            assert capped is not None and capped <= quota, (ending, directive, reading)
                        assert ruled is None or capped <= ruled, (ending, directive, reading)


def per_day(raw):
    return None if raw is None else caps.per_day(value(raw))


# --- A policy as an import leaves it ----------------------------------------------------------------------------------

IMPORTED = {
    **EMPTY,
    "providers": {
        "hotmail": {
            "domains": ["hotmail.com", "outlook.com"],
            "settings": {"max-smtp-out": 2, "smtp-pattern-list": "isp-errors", "max-msg-rate": "10/h"},
        }
    },
    "macros": {"tld": ["com", "fr"]},
    "reply_lists": {
        "isp-errors": [
            {"match": r"/^421 4\.7\.0 \[TS/", "action": "mode=backoff", "source": "imported"},
            {"match": r"/blocked using \/list/", "action": "mode=backoff,disable-source-ip,reenable-after=1h"},
        ]
    },
    "bounce_categories": [{"match": "/mailbox full/", "category": "quota-issues"}, {"match": "//", "category": "mine"}],
    "domain_settings": {"dkim-sign": True, "custom-thing": None, "smtp-pattern-list": "isp-errors"},
    "domains": {
        "yahoo.$tld": {"queue-to": '"yahoo.queue"'},
        "yahoo.queue": {"smtp-hosts": '"lookup-mx:yahoo.com"', "max-msg-rate": "5/h"},
        "relay.test": {"auth-username": "me", "auth-password": "secret-word", "smtp-hosts": '"[192.0.2.1]:587"'},
        "pipe.test": {"type": "pipe", "command": r'"/bin/x --id \"$envid\""'},
    },
    "mx_rollups": [{"mx": "*.hotmail.com", "to": "hotmail.rollup", "by_ip": True}],
    "virtual_mta_settings": {"max-smtp-out": 40, "max-smtp-msg-rate": "100/h"},
    "virtual_mta_domains": {"gmail.com": {"max-msg-rate": "7/h"}},
    "global_settings": {"total-max-smtp-out": 800, "relay-domain": ["bounce.test", "fbl.test"]},
    "sections": [
        {
            "tag": "feedback-loop-processor",
            "lines": [
                "# reports",
                "deliver-unmatched-email no",
                {"tag": "address-list", "lines": [r"address /^fbl@fbl\.test$/", "domain fbl.test"]},
            ],
        }
    ],
}


def test_an_imported_policy(folder):
    policy = {**DEFAULT, **IMPORTED, "host_settings": {"Total-Max-SMTP-Out": 100}}
    result = rendered(policy)
    assert [one for one in findings(result) if one.severity == "error"] == []
    config = accepted(result, folder)
    assert value(scope_first(config, "outlook.com", "a")["smtp-pattern-list"]) == "isp-errors"
    assert config.top.inside("smtp-pattern-list")[0].name == "isp-errors" and "-replies" not in result["content"]
    assert r'command "/bin/x --id \"$envid\""' in result["content"]
    assert value(scope_first(config, "gmail.com", "a")["max-msg-rate"]) == "7/h"
    assert "gmail.com" not in [block.name for block in config.vmtas["b"].block.inside("domain")]
    # 100 an hour is stricter than the sender's 10,000 a day; what a host's inventory says beats the platform.
    assert config.vmtas["a"].block.all("max-smtp-msg-rate")[0].raw == "100/h"
    assert config.top.get("total-max-smtp-out") == 100 and len(config.top.all("relay-domain")) == 2
    assert config.top.inside("feedback-loop-processor")[0].inside("address-list")
    for queue in ("yahoo.fr", "yahoo.queue", "relay.test", "pipe.test", "hotmail.rollup"):
        for reading in READINGS:
            found = reading(config, queue, "b")
            assert value(found["smtp-hosts"]) == NOWHERE and value(found.get("queue-to", "")) == ""
            assert found.get("type", "smtp") == "smtp"


def test_secrets_of_the_policy_stay_in_the_secrets(folder):
    policy = {**DEFAULT, **IMPORTED, "global_settings": {"http-api-key": "k" * 40}}
    result = rendered(policy)
    assert "secret-word" in result["secrets"] and "secret-word" not in result["content"]
    assert "k" * 40 in result["secrets"] and "k" * 40 not in result["content"]
    assert result["content"].count("include /etc/pmta/fleet-secrets") == 1
    assert scope_first(accepted(result, folder), "relay.test", "a")["auth-password"]


# --- Bad policy -------------------------------------------------------------------------------------------------------


def provider(**changes):
    return {"x": {"domains": ["x.test"], **changes}}


REPLY = {"match": "/a/", "action": "mode=backoff"}
BAD = {
    "no macro name": ({"providers": {"a-b": {"domains": ["x.test"]}}}, "policy_providers.a-b", "letters, digits and _"),
    "no domains": ({"providers": {"x": {"domains": []}}}, "policy_providers.x", "has no domains"),
    "misspelt key": ({"providers": provider(setings={})}, "policy_providers.x.setings", "Did you mean 'settings'?"),
    "not a mapping": ({"providers": []}, "policy_providers", "must be a dictionary"),
    "not a list": ({"mx_rollups": {}}, "policy_mx_rollups", "must be a list"),
    "two providers": (
        {"providers": {"x": {"domains": ["x.test"]}, "y": {"domains": ["X.test"]}}},
        "policy_providers.y.domains",
        "given by policy_providers.x.domains already",
    ),
    "macro and provider": (
        {"providers": provider(), "macros": {"X": ["y.test"]}},
        "policy_providers.x",
        "given by policy_macros.X already",
    ),
    "pattern twice": (
        {"providers": provider(), "domains": {"$x": {}}},
        "policy_domains.$x",
        "given by policy_providers.x already",
    ),
    "roll-up pattern twice": (
        {"providers": provider(mx=["mx.x.test"]), "domains": {"x.rollup": {}}},
        "policy_domains.x.rollup",
        "policy_providers.x.mx already",
    ),
    "star": ({"domains": {"*": {}}}, "policy_domains.*", "Use policy_domain_settings"),
    "two patterns in one": (
        {"domains": {"a.test b.test": {}}},
        "policy_domains.a.test b.test",
        "is not a domain pattern",
    ),
    "no .rollup": ({"mx_rollups": [{"mx": "mx.a", "to": "a.queue"}]}, "policy_mx_rollups[0].to", ".rollup"),
    "wildcard to nowhere": (
        {"mx_rollups": [{"mx": "*.a.test", "to": "a.rollup"}]},
        "policy_mx_rollups[0]",
        "smtp-hosts in policy_domains.a.rollup",
    ),
    "host twice": (
        {"mx_rollups": [{"mx": "mx.a", "to": "a.rollup"}, {"mx": "mx.a", "to": "b.rollup"}]},
        "policy_mx_rollups[1].mx",
        "already",
    ),
    "unknown action": ({"replies": [{**REPLY, "action": "mode=slow"}]}, "policy_replies[0].action", "mode=backoff"),
    "no action": ({"replies": [{"match": "/a/"}]}, "policy_replies[0].action", "is missing"),
    "no regex": ({"replies": [{**REPLY, "match": "^421"}]}, "policy_replies[0].match", "regex between slashes"),
    "comment in a regex": ({"replies": [{**REPLY, "match": "/#4/"}]}, "policy_replies[0].match", r"\x23"),
    "bad regex": ({"bounce_categories": [{"match": "/(/", "category": "x"}]}, "policy_bounce_categories[0].match", "("),
    "two words": (
        {"bounce_categories": [{"match": "//", "category": "bad mailbox"}]},
        "policy_bounce_categories[0].category",
        "one word",
    ),
    "two lists": (
        {"providers": provider(replies=[REPLY], settings={"smtp-pattern-list": "l"}), "reply_lists": {"l": [REPLY]}},
        "policy_providers.x.settings.smtp-pattern-list",
        "one list",
    ),
    "list of nobody": (
        {"domain_settings": {"smtp-pattern-list": "l"}},
        "policy_domain_settings.smtp-pattern-list",
        "'l'",
    ),
    "list name taken": (
        {"replies": [REPLY], "reply_lists": {"common-replies": [REPLY]}},
        "policy_reply_lists.common-replies",
        "policy_replies already",
    ),
    "reroute": (
        {"domain_settings": {"reroute-to-virtual-mta": "warm"}},
        "policy_domain_settings.reroute-to-virtual-mta",
        "one virtual MTA",
    ),
    "a sender's own": (
        {"virtual_mta_settings": {"smtp-source-host": "192.0.2.1 a.test"}},
        "policy_virtual_mta_settings.smtp-source-host",
        "for each sender",
    ),
    "secret in every VMTA": (
        {"virtual_mta_domains": {"a.test": {"auth-password": "s"}}},
        "policy_virtual_mta_domains.a.test.auth-password",
        "policy_domains",
    ),
    "the role's directive": (
        {"global_settings": {"http-access": "0/0 admin"}},
        "policy_global_settings.http-access",
        "Set powermta_http_access",
    ),
    "the fleet's tag": ({"sections": [{"tag": "virtual-mta", "name": "x"}]}, "policy_sections[0].tag", "fleet_tenants"),
    "line of numbers": ({"sections": [{"tag": "dns", "lines": [5]}]}, "policy_sections[0].lines", "as a text"),
    "nested value": ({"domain_settings": {"max-smtp-out": {"a": 1}}}, "policy_domain_settings.max-smtp-out", "neither"),
    "comment in a value": (
        {"domains": {"a.test": {"auth-password": "a#b"}}},
        "policy_domains.a.test",
        "starts a comment",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_policy_is_refused_by_name(case):
    changes, where, words = BAD[case]
    policy = {**DEFAULT, **EMPTY}
    fleet = document(policy)
    with pytest.raises(FleetError) as refused:
        render_host(fleet, "vps2", {**policy, **changes}, {})
    assert any(where in one.where and words in f"{one.what}. {one.remedy}" for one in refused.value.problems), str(
        refused.value
    )
    assert "a#b" not in str(refused.value)


def test_a_share_of_a_provider_that_this_host_does_not_know():
    fleet = document(DEFAULT, provider_quota={"gmail": 5})
    with pytest.raises(FleetError, match="sender a.fleet.test, provider_quota.gmail: is no provider of this host's"):
        render_host(fleet, "vps2", {**DEFAULT, **EMPTY}, {})


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 9) | st.sampled_from(["", "*", "$m", "a.test", "/x/", "a b", '"', "#"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                [
                    "domains",
                    "mx",
                    "by_ip",
                    "settings",
                    "replies",
                    "match",
                    "action",
                    "category",
                    "to",
                    "tag",
                    "name",
                    "lines",
                    "*",
                ]
            )
            | st.integers(0, 1),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400)
@given(key=st.sampled_from(sorted(EMPTY)), value=ANYTHING, data=st.data())
def test_no_policy_crashes(key, value, data):
    if isinstance(EMPTY[key], dict) and data.draw(st.booleans()):
        value = {data.draw(st.sampled_from(["x", "a.test", "max-smtp-out"])): value}
    elif isinstance(EMPTY[key], list) and data.draw(st.booleans()):
        value = [value]
    policy = {**DEFAULT, **EMPTY}
    try:
        render_host(NOBODY, "vps2", {**policy, key: value}, {})
    except FleetError as refused:
        assert all(one.where and one.what and one.remedy for one in refused.problems)


NOBODY = document({**DEFAULT, **EMPTY})


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"domains": {"x.y": {"max-smtp-out": 5, "max-msg-rate": "many"}}}, r"policy_domains\.x\.y\.max-msg-rate", "many"),
        ({"domain_settings": {"dkim-sign": True, "max-smtp-outt": 3}}, r"policy_domain_settings\.max-smtp-outt", "max-smtp-out"),
        ({"providers": {"g": {"domains": ["g.h"], "settings": {"retry-after": "1x"}}}}, r"policy_providers\.g\.settings\.retry-after", "1x"),
        ({"virtual_mta_settings": {"max-smtp-msg-rate": "often"}}, r"policy_virtual_mta_settings\.max-smtp-msg-rate", "often"),
        ({"virtual_mta_domains": {"*": {"total-max-smtp-in": 3}}}, r"policy_virtual_mta_domains\.\*\.total-max-smtp-in", "belong"),
        ({"global_settings": {"log-rotate": 3, "total-max-smtp-in": "x"}}, r"policy_global_settings\.total-max-smtp-in", "x"),
    ],
)  # fmt: skip
def test_a_wrong_directive_or_value_is_said_in_the_name_of_its_variable(changes, where, what):
    with pytest.raises(FleetError, match=f"^{where}: .*{what}") as error:
        policy_check.check(host_policy(**changes))
    assert len(error.value.problems) == 1 and error.value.problems[0].remedy
