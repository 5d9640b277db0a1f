#!/usr/bin/python

# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: dkim_keys
short_description: Make and keep the DKIM keys of all sending domains in one call
version_added: 0.1.0
author: email_engine.fleet contributors (@email-engine)
description:
  - Makes one RSA key per domain on the host that signs, on all processors at once, and returns the public halves.
    Private keys never leave the host.
  - A selector is fixed when its key is made (V(s) and the day, V(s20261122)) and read back from V(keys.json) in
    O(directory) afterwards.
  - A key is never overwritten. A file that is not a valid RSA key of O(bits), a recorded key that is gone, and anything
    that is no regular file are reported, each with its domain and remedy, and nothing is made in that call.
  - A valid key that the operator put at the expected place, or under the selector that O(domains[].selector) names, is
    adopted. So is a key whose record was lost.
requirements:
  - cryptography >= 38 (on the host that holds the keys)
extends_documentation_fragment:
  - email_engine.fleet.attributes
  - email_engine.fleet.attributes.actiongroup_fleet
options:
  domains:
    description: The domains that sign, one entry each. Repeated entries count once.
    type: list
    elements: dict
    required: true
    suboptions:
      domain:
        description: The signing domain (C(d=)).
        type: str
        required: true
      selector:
        description:
          - The selector to use; without it the recorded one, or a new one of O(date).
          - Naming one that does not exist yet makes a key beside the old one. This is the first step of a rotation.
        type: str
      current:
        description:
          - Whether a named selector becomes the domain's own, which calls without a selector return.
          - Set to V(false) while a new key is published and the old one still signs.
        type: bool
        default: true
  directory:
    description: Where keys and V(keys.json) lie. Made, with mode 0750, when it does not exist.
    type: path
    default: /etc/pmta/dkim
  bits:
    description: Size of the keys. A key of another size is reported, not replaced.
    type: int
    choices: [2048, 3072, 4096]
    default: 2048
  owner:
    description: Owner of the files. Left alone when not set.
    type: str
  group:
    description: Group of the files. Left alone when not set.
    type: str
  mode:
    description: Mode of the key files, octal. V(keys.json) has mode 0640 always.
    type: str
    default: "0640"
  date:
    description: Day in new selectors, YYYYMMDD. Today in UTC when not set.
    type: str
  replace_lost:
    description: Make a new key under a new selector for each recorded key that is gone.
    type: bool
    default: false
  lock_timeout:
    description: How many seconds to wait for another run in the same directory.
    type: int
    default: 300
seealso:
  - module: email_engine.fleet.dkim_rotation
  - module: email_engine.fleet.dns_publish
"""

EXAMPLES = r"""
- name: Make the keys of the fleet
  email_engine.fleet.dkim_keys:
    domains:
      - domain: mail1.example.com
      - domain: mail2.example.com
    owner: root
    group: pmta
  register: dkim

- name: Prepare a new key while the old one signs
  email_engine.fleet.dkim_keys:
    domains:
      - domain: mail1.example.com
        selector: s20270501
        current: false
"""

RETURN = r"""
keys:
  description: One entry per entry of O(domains), in that order.
  returned: success
  type: list
  elements: dict
  contains:
    domain:
      description: The signing domain.
      type: str
    selector:
      description: The selector in use.
      type: str
    path:
      description: The private key's file on the host.
      type: str
    public:
      description: The public key, base64 of its SubjectPublicKeyInfo. V(null) in check mode for a key that would be
        made.
      type: str
    record:
      description: The TXT value to publish. V(null) in check mode for a key that would be made.
      type: str
    created:
      description: When the key was made or adopted (ISO 8601, UTC). V(null) in check mode for a key that would be made.
      type: str
    selectors:
      description: Every selector this domain ever had, to choose the next one from.
      type: list
      elements: str
    others:
      description:
        - The domain's keys that do not sign and whose records still matter, each with C(domain), C(selector), C(role)
          (V(next), V(kept), V(revoked), V(leaving)) and C(text), what has to be published, V(null) where it has to go.
        - The option C(dns_keys) of the role P(email_engine.fleet.dns#role) takes them.
      type: list
      elements: dict
  sample:
    - domain: mail1.example.com
      selector: s20261122
      path: /etc/pmta/dkim/s20261122.mail1.example.com.pem
      public: MIIBIjANBgkq
      record: v=DKIM1; k=rsa; p=MIIBIjANBgkq
      created: "2026-11-22T08:00:00Z"
      selectors: [s20261122]
      others: []
made:
  description: Domains that got a new key.
  returned: success
  type: list
  elements: str
adopted:
  description: Domains whose key was found and recorded.
  returned: success
  type: list
  elements: str
problems:
  description: What keeps the call from being carried out.
  returned: failure
  type: list
  elements: dict
  contains:
    where:
      description: The file and domain, or the option.
      type: str
    what:
      description: What is wrong.
      type: str
    remedy:
      description: What to do.
      type: str
"""

import base64
import grp
import hashlib
import os
import pwd
import stat
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.email_engine.fleet.plugins.module_utils import dkim_registry as registry_of
from ansible_collections.email_engine.fleet.plugins.module_utils.dkim import (
    key_file_name,
    next_selector,
    record_text,
    selector_for,
)
from ansible_collections.email_engine.fleet.plugins.module_utils.dkim_rotation import other_keys
from ansible_collections.email_engine.fleet.plugins.module_utils.dns_text import plain_name
from ansible_collections.email_engine.fleet.plugins.module_utils.local import key_directory
from ansible_collections.email_engine.fleet.plugins.module_utils.problems import FleetError, Problem

CRYPTOGRAPHY_IMPORT_ERROR = None
try:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa
except ImportError:
    CRYPTOGRAPHY_IMPORT_ERROR = traceback.format_exc()

REGISTRY_MODE = 0o640
DIRECTORY_MODE = 0o750


def new_key(bits: int) -> tuple[bytes, str]:
    """(PEM, public). PKCS#1 PEM is what PowerMTA's own key tool writes and what every DKIM signer reads."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    return pem, public_of(key)


def public_of(key) -> str:
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(spki).decode("ascii")


def parse_key(pem: bytes) -> registry_of.KeyFacts:
    """What a key file holds; loading checks the key's arithmetic, a signature shows that both halves belong
    together."""
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        return registry_of.KeyFacts(error="it is encrypted")
    except (ValueError, UnsupportedAlgorithm):
        return registry_of.KeyFacts(error="it is not an intact private key in PEM form")
    if not isinstance(key, rsa.RSAPrivateKey):
        return registry_of.KeyFacts(algorithm=type(key).__name__.strip("_").replace("PrivateKey", ""))
    try:
        probe = key.sign(b"probe", padding.PKCS1v15(), hashes.SHA256())
        key.public_key().verify(probe, b"probe", padding.PKCS1v15(), hashes.SHA256())
    except Exception:
        # Whatever the library raises here (its exceptions differ between versions): the key does not sign.
        return registry_of.KeyFacts(error="it does not sign")
    return registry_of.KeyFacts(algorithm="rsa", bits=key.key_size, public=public_of(key))


def look(path: str) -> tuple[registry_of.FileFacts, os.stat_result | None, bytes]:
    """(facts, lstat, content) of a path."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return registry_of.FileFacts(path, "absent"), None, b""
    if not stat.S_ISREG(found.st_mode):
        return registry_of.FileFacts(path, "other"), found, b""
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        return registry_of.FileFacts(path, "file", error=error.strerror or str(error)), found, b""
    facts = registry_of.FileFacts(path, "file", len(content), found.st_mtime_ns, hashlib.sha256(content).hexdigest())
    return facts, found, content


class Run:
    """One call: look at everything, decide everything, then write."""

    def __init__(self, module: AnsibleModule):
        options = module.params
        self.module = module
        self.directory = options["directory"]
        self.bits = options["bits"]
        self.date = options["date"] or time.strftime("%Y%m%d", time.gmtime())
        self.now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self.replace_lost = options["replace_lost"]
        self.problems: list[Problem] = []
        self.registry = registry_of.empty()
        self.before_text = ""
        self.to_make: list[tuple[registry_of.Wish, str]] = []  # (wish, selector)
        self.adopted: list[str] = []
        self.access: list[str] = []  # paths whose owner, group or mode is corrected
        self.made: list[str] = []
        self.chosen: dict[registry_of.Wish, str] = {}

    def path(self, selector: str, domain: str) -> str:
        return os.path.join(self.directory, key_file_name(selector, domain))

    # -- options -------------------------------------------------------------------------------------------------------

    def read_options(self) -> None:
        options = self.module.params
        try:
            self.wishes = [
                registry_of.Wish(
                    plain_name(entry["domain"]),
                    entry["selector"].strip().lower() if entry["selector"] else None,
                    entry["current"],
                )
                for entry in options["domains"]
            ]
            self.unique = registry_of.check_wishes(self.wishes)
        except FleetError as error:
            self.problems.extend(error.problems)
        try:
            selector_for(self.date)
        except ValueError as error:
            self.problems.append(Problem("date", str(error), "Write a day as YYYYMMDD"))
        try:
            self.mode = int(options["mode"], 8)
        except ValueError:
            self.mode = -1
        if not 0 <= self.mode <= 0o777 or self.mode & 0o007:
            self.problems.append(
                Problem(
                    "mode",
                    f"{options['mode']!r} is not an octal mode that keeps others out",
                    "Write a mode such as '0640'",
                )
            )
        self.uid = self._id("owner", lambda name: pwd.getpwnam(name).pw_uid)
        self.gid = self._id("group", lambda name: grp.getgrnam(name).gr_gid)

    def _id(self, option: str, lookup) -> int:
        name = self.module.params[option]
        if name is None:
            return -1
        try:
            return int(name) if name.isdigit() else lookup(name)
        except KeyError:
            if (
                self.module.check_mode
            ):  # the package that makes the account may be installed earlier in the same, real run
                self.module.warn(f"{option} {name} does not exist on this host yet")
                return -1
            self.problems.append(
                Problem(option, f"{name} does not exist on this host", "Install what creates it first, or name another")
            )
            return -1

    # -- looking and deciding ------------------------------------------------------------------------------------------

    def read_registry(self) -> None:
        path = os.path.join(self.directory, registry_of.REGISTRY_NAME)
        facts, found, content = look(path)
        if facts.kind == "other" or facts.error:
            what = f"cannot be read: {facts.error}" if facts.error else "not a regular file"
            raise FleetError(
                [Problem(path, what, "Correct it, or move it away: the keys in the directory are then adopted again")]
            )
        if found is not None:
            self.before_text = content.decode("utf-8", "replace")
            self.registry = registry_of.load(self.before_text, path)
            self._check_access(path, found, REGISTRY_MODE)

    def decide_all(self) -> None:
        on_disk = key_directory.selectors_on_disk(self.directory)
        for wish in self.unique:
            try:
                self.decide_one(wish, on_disk.get(wish.domain, []))
            except FleetError as error:
                self.problems.extend(error.problems)
            except ValueError as error:
                self.problems.append(Problem(f"domain {wish.domain}", str(error), "Name a selector in domains"))

    def decide_one(self, wish: registry_of.Wish, on_disk: list[str]) -> None:
        selector = registry_of.choose_selector(wish, self.registry, on_disk, self.date)
        entry = self.registry["domains"].get(wish.domain, {"current": None, "keys": {}})
        record = entry["keys"].get(selector)
        facts, found, content = look(self.path(selector, wish.domain))
        decision = registry_of.decide(wish, selector, record, facts, None, self.bits, self.replace_lost)
        key = None
        if decision.verdict == registry_of.VALIDATE:
            key = parse_key(content)
            decision = registry_of.decide(wish, selector, record, facts, key, self.bits, self.replace_lost)
        if decision.warning:
            self.module.warn(decision.warning)
        if decision.verdict in registry_of.FAILURES:
            self.problems.append(decision.problem)
            return
        current = wish.current if wish.selector is not None else True
        if decision.verdict == registry_of.REPLACE:
            self.registry = registry_of.with_loss(self.registry, wish.domain, selector, self.now)
            selector = next_selector(self.date, {*entry["keys"], *on_disk})
        if decision.verdict in (registry_of.MAKE, registry_of.REPLACE):
            self.to_make.append((wish, selector))
        elif decision.verdict == registry_of.ADOPT:
            self.adopted.append(wish.domain)
            fresh = registry_of.make_record(selector, facts, key, self.now, "adopted")
            self.registry = registry_of.with_record(self.registry, wish.domain, fresh, current, self.now)
        elif decision.verdict == registry_of.REFRESH:
            fresh = {**record, "path": facts.path, "mtime_ns": facts.mtime_ns, "lost": None}
            self.registry = registry_of.with_record(self.registry, wish.domain, fresh, current, self.now)
        elif current and entry["current"] != selector:
            self.registry = registry_of.with_record(self.registry, wish.domain, record, True, self.now)
        if found is not None:
            self._check_access(facts.path, found, self.mode)
        self.chosen[wish] = selector

    def _check_access(self, path: str, found: os.stat_result, mode: int) -> None:
        wrong_owner = self.uid not in (-1, found.st_uid) or self.gid not in (-1, found.st_gid)
        if wrong_owner or stat.S_IMODE(found.st_mode) != mode:
            self.access.append(path)

    # -- writing -------------------------------------------------------------------------------------------------------

    @contextmanager
    def locked(self):
        """One run at a time per directory, which is made where it is not there."""
        if not os.path.isdir(self.directory):
            if self.module.check_mode:
                yield
                return
            self.make_directory()
        with key_directory.locked(self.directory, self.module.params["lock_timeout"]):
            yield

    def make_directory(self) -> None:
        if os.path.lexists(self.directory):
            raise FleetError([Problem(self.directory, "not a directory", "Move it away, or name another directory")])
        os.makedirs(self.directory, exist_ok=True)
        os.chmod(self.directory, DIRECTORY_MODE)
        os.chown(self.directory, self.uid, self.gid)

    def temporary(self, content: bytes, mode: int) -> str:
        """A complete, synced file beside its final place."""
        handle, path = tempfile.mkstemp(prefix=key_directory.TEMPORARY, dir=self.directory)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fchown(stream.fileno(), self.uid, self.gid)
                os.fchmod(stream.fileno(), mode)
                os.fsync(stream.fileno())
        except BaseException:
            os.unlink(path)
            raise
        return path

    def make_one(self, job: tuple[registry_of.Wish, str]) -> tuple[registry_of.Wish, str, dict]:
        wish, selector = job
        pem, public = new_key(self.bits)
        temporary = self.temporary(pem, self.mode)
        path = self.path(selector, wish.domain)
        try:
            os.link(temporary, path)  # unlike rename, this cannot replace a file that came meanwhile
            self.written.append(path)
        finally:
            os.unlink(temporary)
        facts, _found, _content = look(path)
        key = registry_of.KeyFacts("rsa", self.bits, public)
        return wish, selector, registry_of.make_record(selector, facts, key, self.now, "made")

    def write(self) -> None:
        self.remove_leftovers()
        self.written: list[str] = []
        try:
            # The library leaves the interpreter lock while it looks for primes, so threads use every processor.
            with ThreadPoolExecutor(max_workers=len(os.sched_getaffinity(0))) as pool:
                for wish, _selector, record in pool.map(self.make_one, self.to_make):
                    current = wish.current if wish.selector is not None else True
                    self.registry = registry_of.with_record(self.registry, wish.domain, record, current, self.now)
            key_directory.sync(self.directory)
            after_text = registry_of.dump(self.registry)
            if after_text != self.before_text:
                os.replace(
                    self.temporary(after_text.encode(), REGISTRY_MODE),
                    os.path.join(self.directory, registry_of.REGISTRY_NAME),
                )
                key_directory.sync(self.directory)
        except OSError as error:
            for path in self.written:
                with suppress(OSError):
                    os.unlink(path)
            what = f"{error.strerror or error} while writing {len(self.to_make)} keys"
            raise FleetError(
                [
                    Problem(
                        error.filename or self.directory,
                        what,
                        "Nothing was kept of this call; correct the cause and run it again",
                    )
                ]
            ) from None
        for path in self.access:
            os.chown(path, self.uid, self.gid)
            os.chmod(path, REGISTRY_MODE if os.path.basename(path) == registry_of.REGISTRY_NAME else self.mode)

    def remove_leftovers(self) -> None:
        """Temporary files of a run that was killed; the lock is ours, so nobody is writing one."""
        for name in os.listdir(self.directory):
            if name.startswith(key_directory.TEMPORARY):
                os.unlink(os.path.join(self.directory, name))

    # -- the result ----------------------------------------------------------------------------------------------------

    def result(self, before: dict) -> dict:
        predicted = {(wish.domain, selector) for wish, selector in self.to_make} if self.module.check_mode else set()
        keys = []
        by_name = {(wish.domain, wish.selector): selector for wish, selector in self.chosen.items()}
        for wish in self.wishes:
            selector = by_name[(wish.domain, wish.selector)]
            entry = self.registry["domains"].get(wish.domain, {"keys": {}})
            record = None if (wish.domain, selector) in predicted else entry["keys"][selector]
            keys.append(
                {
                    "domain": wish.domain,
                    "selector": selector,
                    "path": self.path(selector, wish.domain),
                    "public": record and record["public"],
                    "record": record and record_text(record["public"]),
                    "created": record and record["created"],
                    "selectors": sorted({*entry["keys"], selector}),
                    "others": other_keys(wish.domain, entry) if entry["keys"] else [],
                }
            )
        result = {
            "changed": bool(self.to_make or self.access or registry_of.dump(self.registry) != registry_of.dump(before)),
            "keys": keys,
            "made": sorted(wish.domain for wish, _selector in self.to_make),
            "adopted": sorted(self.adopted),
        }
        if self.module._diff:
            result["diff"] = {
                "before_header": self.directory,
                "after_header": self.directory,
                "before": lines(before, []),
                "after": lines(
                    self.registry, [(w.domain, s, self.path(s, w.domain)) for w, s in self.to_make] if predicted else []
                )
                + "".join(f"owner, group and mode corrected: {path}\n" for path in self.access),
            }
        return result


def lines(registry: dict, predicted: list) -> str:
    """The public side of a registry, one line per key."""
    rows = [(domain, selector, path, "(not made yet)", "") for domain, selector, path in predicted]
    for domain, entry in registry["domains"].items():
        for selector, record in entry["keys"].items():
            state = " lost" if record.get("lost") else ""
            rows.append(
                (
                    domain,
                    selector,
                    record["path"],
                    record["public"],
                    state + (" current" if selector == entry["current"] else ""),
                )
            )
    return "".join(
        f"{domain} {selector} {path} public={public}{state}\n" for domain, selector, path, public, state in sorted(rows)
    )


def fail(module: AnsibleModule, problems) -> None:
    problems = list(problems)
    module.fail_json(
        msg="No key was made:\n" + "\n".join(str(problem) for problem in problems),
        problems=[{"where": problem.where, "what": problem.what, "remedy": problem.remedy} for problem in problems],
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
            "domains": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "domain": {"type": "str", "required": True},
                    "selector": {"type": "str"},
                    "current": {"type": "bool", "default": True},
                },
            },
            "directory": {"type": "path", "default": "/etc/pmta/dkim"},
            "bits": {"type": "int", "choices": [2048, 3072, 4096], "default": 2048},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "str", "default": "0640"},
            "date": {"type": "str"},
            "replace_lost": {"type": "bool", "default": False},
            "lock_timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    # Check mode on a host that has nothing yet only predicts names.
    if CRYPTOGRAPHY_IMPORT_ERROR and not (module.check_mode and not os.path.exists(module.params["directory"])):
        module.fail_json(msg=missing_required_lib("cryptography >= 38"), exception=CRYPTOGRAPHY_IMPORT_ERROR)
    run = Run(module)
    run.read_options()
    if run.problems:
        fail(module, run.problems)
    try:
        with run.locked():
            run.read_registry()
            before = run.registry
            run.decide_all()
            if run.problems:
                fail(module, run.problems)
            if not module.check_mode:
                run.write()
            result = run.result(before)
    except FleetError as error:
        fail(module, error.problems)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
