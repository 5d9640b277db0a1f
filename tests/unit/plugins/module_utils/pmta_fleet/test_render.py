# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rendered configuration: what holds for every fleet, whoever is stopped."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.facts import facts_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_verdict.mta import hosts_of, judge_mta
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.expand import expand
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.hosts import attach_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.fleet.status import STATUSES, delivers, in_pool
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config import lint, parse
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.effective import Effective
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet import read_back
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.nested import NOWHERE
from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_fleet.render import render_host
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError

ROOT = Path(__file__).resolve().parents[5]
sys.path[:0] = [str(ROOT / "tests/standins/powermta"), str(ROOT / "tests")]
from pmta_standin import commands, domains, model, parser, paths, routing  # noqa: E402
from policy import host_policy  # noqa: E402

POLICY = host_policy()


def tenant(name, number, senders, **changes):
    listed = [
        {"ip": f"10.{number}.0.{n}", "domain": f"m{n}.{name}.test", "prefix": f"p{n}", "vmta": f"{name}-{n}", **s}
        for n, s in enumerate(senders, start=1)
    ]
    return {"name": name, "feeders": [{"address": f"10.255.0.{number}"}], "senders": listed, **changes}


def fleet(*tenants):
    document = expand(list(tenants), POLICY, ["vps2"])
    keys = [
        {"domain": s["domain"], "selector": "s1", "path": f"/etc/pmta/dkim/s1.{s['domain']}.pem", "public": "x"}
        for s in document["senders"]
    ]
    return attach_keys(document, keys)


def rendered(document, passwords=None, policy=POLICY):
    result = render_host(document, "vps2", policy, passwords or {})
    # The secrets file exists on the host only; its content is linted in the place of the include.
    text = result["content"].replace("include /etc/pmta/fleet-secrets\n", result["secrets"])
    assert [f for f in lint(text) if f.severity == "error"] == []
    return result, parse(result["content"])


def sections(config, tag):
    return {node.value: node for node in config.nodes if getattr(node, "tag", None) == tag}


def values(section, name):
    return [
        " ".join(node.values) for node in section.nodes if getattr(node, "name", None) == name and hasattr(node, "args")
    ]


SENDER = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "paused": st.booleans(),
        "weight": st.sampled_from([0, 1, 100]),
        "daily_quota": st.sampled_from([0, 1, 50]),
    }
)


@given(
    ours=st.lists(SENDER, min_size=1, max_size=6),
    theirs=st.lists(SENDER, min_size=1, max_size=3),
    routing=st.sampled_from(["by_sender", "pool"]),
)
def test_every_fleet(ours, theirs, routing):
    extra = {"routing": "pool", "domain": "a.test", "from_email": "news@a.test"} if routing == "pool" else {}
    document = fleet(tenant("a", 1, ours, **extra), tenant("b", 2, theirs))
    result, config = rendered(document)
    vmtas, pools, lists = (sections(config, tag) for tag in ("virtual-mta", "virtual-mta-pool", "pattern-list"))
    kept = [s for s in document["senders"] if s["status"] != "retired"]
    serving = {s["tenant"] for s in kept}
    assert set(vmtas) == {s["vmta"] for s in kept} | {f"unrouted-{name}" for name in serving} == set(result["vmtas"])
    members = [name for pool in pools.values() for name in values(pool, "virtual-mta")]
    assert sorted(members) == sorted(s["vmta"] for s in kept if in_pool(s))
    for sender in kept:
        section = vmtas[sender["vmta"]]
        assert values(section, "smtp-source-host") == [f"{sender['ip']} {sender['hostname']}"]
        nested = {node.value: node for node in section.nodes if getattr(node, "tag", None) == "domain"}
        if delivers(sender):
            assert values(section, "max-smtp-msg-rate") == [f"{sender['daily_quota']}/d"]
            assert "*" not in nested and sender["vmta"] not in result["stops"]
        else:
            assert values(nested["*"], "smtp-hosts") == [NOWHERE] and sender["vmta"] in result["stops"]
        pooled = sender["tenant"] == "a" and routing == "pool"
        holder = pools[sender["pool"]] if pooled and in_pool(sender) else section
        assert values(holder, "domain-key") == [f"s1,{sender['domain']},{sender['key']}"]
    # What dns_check asks of the hosts holds for each of them, stopped or not.
    addresses = [f"{sender['ip']}/32" for sender in kept]
    names = [name.lower() for name in result["vmtas"]]
    seen = {"bound": addresses, "sources": Effective(result["content"]).sources, "loaded": names}
    assert {judge_mta(facts, hosts_of({"vps2": seen})).verdict for facts in facts_of(document)} <= {"ok"}
    for name in serving:
        held = f"unrouted-{name}"
        assert held in result["stops"] and held not in members
        own = [s for s in kept if s["tenant"] == name]
        targets = [t.rpartition("virtual-mta=")[2] for t in values(lists[f"{name}-senders"], "header")]
        if name == "a" and routing == "pool":
            assert targets == ["a" if any(in_pool(s) for s in own) else held]
        else:
            # A stopped sender stays routed, to its own stopped virtual MTA; nobody is routed to somebody else's.
            assert targets == [s["vmta"] for s in own]
    for source in sections(config, "source").values():
        relays = values(source, "always-allow-relaying") == ["yes"]
        assert relays == (source.value != "0/0")
        assert values(source, "process-x-virtual-mta") == ["no"]
        assert values(source, "remove-header") == ["X-Virtual-MTA"]
        if relays:
            assert values(source, "default-virtual-mta")[0].startswith("unrouted-")


@given(st.lists(SENDER, min_size=2, max_size=6))
def test_a_from_reaches_its_own_virtual_mta_only(senders):
    document = fleet(tenant("a", 1, senders), tenant("b", 2, [{"status": "active"}]))
    _result, config = rendered(document)
    lists = sections(config, "pattern-list")
    for sender in document["senders"]:
        for name, entries in lists.items():
            hits = []
            for entry in entries.nodes:
                if re.search(entry.values[1][1:-1], f'"Somebody" <{sender["from_email"]}>', re.IGNORECASE):
                    hits.append(entry.values[2].partition("=")[2])
            own = name == f"{sender['tenant']}-senders" and sender["status"] != "retired"
            assert hits == ([sender["vmta"]] if own else [])


def test_a_sender_that_left_loses_its_route_and_its_role_addresses_stay():
    document = fleet(tenant("a", 1, [{"status": "active"}, {"status": "active"}]))
    document["senders"][1].update(declared=False, status="retiring")
    result, config = rendered(document)
    assert "a-2" in sections(config, "virtual-mta") and "a-2" not in result["stops"]
    assert len(sections(config, "pattern-list")["a-senders"].nodes) == 1
    assert r"@m2\.a\.test$/" in result["content"]


def test_passwords_stay_in_the_secrets():
    users = tenant("a", 1, [{"status": "active"}], feeders=[{"user": "mw-a", "password": "pass-word-1"}])
    result, config = rendered(fleet(users), {"mw-a": "pass-word-1"})
    assert "pass-word-1" in result["secrets"] and "pass-word-1" not in result["content"]
    assert "include /etc/pmta/fleet-secrets" in result["content"]
    assert values(sections(config, "source")["a-feeder"], "require-auth") == ["yes"]


def test_only_a_trusted_tenant_chooses_its_virtual_mta():
    _result, config = rendered(fleet(tenant("a", 1, [{"status": "active"}], trusted=True)))
    sources = sections(config, "source")
    assert values(sources["10.255.0.1"], "process-x-virtual-mta") == ["yes"]
    assert values(sources["0/0"], "process-x-virtual-mta") == ["no"]


@pytest.mark.parametrize(("quota", "rate"), [(20, "20/d"), (10**6, None)])
def test_a_provider_slice_is_the_stricter_of_two(quota, rate):
    _result, config = rendered(fleet(tenant("a", 1, [{"status": "active", "provider_quota": {"gmail": quota}}])))
    nested = [n for n in sections(config, "virtual-mta")["a-1"].nodes if getattr(n, "tag", None) == "domain"]
    found = {node.value: values(node, "max-msg-rate") for node in nested}
    assert found == ({"$gmail": [rate], "gmail.rollup": [rate]} if rate else {})


def test_the_slices_of_a_warm_up_are_together_no_more_than_its_cap():
    """Cap 50 among all receivers of the policy: what PowerMTA is told for a day is never more than the schedule, by no rounding."""
    shares = dict.fromkeys(POLICY["providers"], 0.142)
    assert len(shares) == 7
    policy = host_policy(warmup={"providers": shares})
    senders = [{"status": "warming", "phase": "week_1"}, {"status": "warming", "provider_quota": {"gmail": 3}}]
    _result, config = rendered(fleet(tenant("a", 1, [*senders, {"status": "active"}])), policy=policy)
    told = []
    for name in ("a-1", "a-2", "a-3"):
        nodes = sections(config, "virtual-mta")[name].nodes
        nested = {n.value: values(n, "max-msg-rate")[0] for n in nodes if getattr(n, "tag", None) == "domain"}
        told.append((values(sections(config, "virtual-mta")[name], "max-smtp-msg-rate"), nested))
    assert [whole for whole, _unused in told] == [["50/d"], ["50/d"], ["10000/d"]]
    for _unused, nested in told[:2]:
        rates = [int(rate.removesuffix("/d")) for key, rate in nested.items() if key.startswith("$")]
        assert len(rates) == 7 and sum(rates) <= 50 and set(rates) <= {3, 7, 8}
        # The receiver's one queue, whatever its domain.
        assert all(nested.get(f"{key[1:]}.rollup", rate) == rate for key, rate in nested.items() if key[0] == "$")
    assert told[1][1]["$gmail"] == "3/d"
    # At its target it has the receivers' rules alone.
    assert told[2][1] == {}


def test_a_sender_without_key_is_refused():
    document = expand([tenant("a", 1, [{"status": "active"}])], POLICY, ["vps2"])
    with pytest.raises(FleetError, match="m1.a.test: has no DKIM key"):
        render_host(document, "vps2", POLICY, {})


def test_a_host_gets_its_own_senders_only():
    document = fleet(tenant("a", 1, [{"status": "active"}, {"status": "active"}]))
    document["senders"][1]["mta"] = "vps4"
    result, config = rendered(document)
    assert set(result["vmtas"]) == {"a-1", "unrouted-a"} and "m2.a.test" not in result["content"]


def loaded(text, folder):
    """The configuration as the stand-in reads it."""
    (folder / "etc/pmta").mkdir(parents=True, exist_ok=True)
    (folder / "etc/pmta/config").write_text(text)
    top = parser.Parser(paths.Paths(str(folder))).parse(paths.CONFIG)
    return model.Config(top, parser.Block("global", "", "", 0, 0), [])


def test_a_notice_of_the_host_itself_is_nobodys_mail(tmp_path):
    """It may reach the role addresses, relays to nobody else, and leaves by no tenant's virtual MTA."""
    near = [{"address": "198.18.0.0/29"}, {"address": "198.18.0.13"}]
    result, _config = rendered(fleet(tenant("a", 1, [{"status": "active"}], feeders=near)))
    config = loaded(result["content"], tmp_path)
    for peer in ("198.18.0.12", "127.0.0.1"):
        source = config.source(peer)
        assert not {"pattern-list", "default-virtual-mta"} & set(source)
        assert routing.relayed(config, source, "postmaster@m1.a.test")
        assert not routing.relayed(config, source, "somebody@m1.a.test")
        assert not routing.relayed(config, source, "somebody@elsewhere.test")
    assert config.source("198.18.0.3")["pattern-list"] == "a-senders"


@pytest.mark.parametrize("network", ["198.18.0.0/28", "198.18.0.12", "198.18.0.12/32"])
def test_a_feeder_that_holds_the_management_address_is_refused(network):
    document = fleet(
        tenant("a", 1, [{"status": "active"}], feeders=[{"address": "10.0.0.1"}, {"address": network}]),
        tenant("b", 2, [{"status": "active"}]),
    )
    with pytest.raises(FleetError) as refused:
        render_host(document, "vps2", POLICY, {})
    said = str(refused.value)
    assert f"fleet_tenants[a].feeders: {network}: holds the management address 198.18.0.12" in said
    assert len(refused.value.problems) == 1
    assert ("'user' and 'password'" in said) == network.startswith("198.18.0.12")


def test_a_management_address_that_is_none_is_refused():
    with pytest.raises(FleetError, match="powermta_management_address: 'vps2' is not an address"):
        render_host(fleet(tenant("a", 1, [{}])), "vps2", {**POLICY, "management_address": "vps2"}, {})


class Engine:
    """As much of the stand-in as its `show` needs."""

    def __init__(self, config):
        self.config = config
        for block in config.top.inside("virtual-mta"):
            table = domains.DomainTable(block.inside("domain"), config.macros)
            config.vmtas[block.name] = model.Vmta(block.name, block, [], table, [])

    def _known(self, name):
        return name in self.config.vmtas

    def show(self, subcommand, argument):
        return getattr(commands, f"show_{subcommand.replace('-', '_')}")(self, [argument], {})[0]


def test_what_is_rendered_can_be_read_back(tmp_path):
    """By the stand-in, which shows a lost value as lost."""
    states = [{"status": "active"}, {"status": "quarantine"}, {"status": "active", "daily_quota": 7}]
    content = rendered(fleet(tenant("a", 1, states)))[0]["content"]
    wanted = read_back.expected("", content)
    assert [(one.vmta, one.directive) for one in wanted] == [
        ("a-2", "smtp-hosts"),
        ("unrouted-a", "smtp-hosts"),
        ("a-1", "max-smtp-msg-rate"),
        ("a-3", "max-smtp-msg-rate"),
    ]
    whole = Engine(loaded(content, tmp_path))
    lost = Engine(loaded(re.sub(r"(?m)^ *(smtp-hosts|max-smtp-msg-rate) .*\n", "", content), tmp_path))
    for one in wanted:
        subcommand, argument = one.questions[0]
        assert read_back.judge(0, whole.show(subcommand, argument), "", one, subcommand).ok is True
        assert read_back.judge(0, lost.show(subcommand, argument), "", one, subcommand).ok is False


_ALONE = """
import sys
sys.path[:0] = [{here!r}]
from test_render import fleet, rendered, tenant
senders = [{{}}, {{"status": "quarantine"}}, {{"provider_quota": {{"gmail": 3, "microsoft": 2, "yahoo": 1}}}}]
sys.stdout.write(rendered(fleet(tenant("one", 1, senders), tenant("two", 2, [{{}}])))[0]["content"])
"""


def test_every_process_renders_the_same_text():
    """Python gives sets another order in each process; a text in such an order would be applied anew in every run."""
    script = _ALONE.format(here=str(Path(__file__).parent))
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(texts) == 1 and "<domain microsoft.rollup>" in texts.pop()
