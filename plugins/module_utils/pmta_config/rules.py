# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every rule of the linter by name: severity, and the remedy shown unless a finding brings a better one.

Names that start with syntax, unknown, section or argument judge the language; the others judge the meaning. Severity "error" means
that PowerMTA refuses the file, or that mail is lost, unsigned or open to strangers; everything that loads and is only unwise is a
"warning". Rules of the parser (syntax-..., comment-swallows) carry their remedies themselves.
"""

from __future__ import annotations

from .finding import ERROR, WARNING

RULES: dict[str, tuple[str, str]] = {
    # The language
    "unknown-directive": (ERROR, "Remove the line, or use the documented name"),
    "unknown-section": (ERROR, "Use a documented tag"),
    "unknown-entry": (ERROR, "Write an entry of the form this list has"),
    "section-directive": (ERROR, "Move the line to a section that takes it"),
    "section-tag": (ERROR, "Move the section"),
    "argument-count": (ERROR, "Give the directive the arguments it takes"),
    "argument-value": (ERROR, "Give the directive the arguments it takes"),
    "argument-name": (ERROR, "Name the section as documented"),
    "argument-domain-pattern": (
        ERROR,
        "Write one domain pattern per tag; group domains with domain-macro NAME a,b and <domain $NAME>",
    ),
    "include-missing": (WARNING, "Check the path; what it holds was not checked"),
    "include-loop": (ERROR, "Remove the include that leads back to its own file"),
    "undocumented": (
        WARNING,
        "It loads in published configurations, but the 5.0 guides do not describe it: test it on your version",
    ),
    "deprecated": (WARNING, "Use the directive that replaced it"),
    "version": (WARNING, "Check it with `pmta test config` on your version"),
    # References and names
    "vmta-undefined": (ERROR, "Define the virtual MTA or pool, or correct the name"),
    "pool-member": (ERROR, "List virtual MTAs only; a pool cannot hold a pool"),
    "source-undefined": (ERROR, "Add <source NAME>, or correct the name"),
    "pattern-list-undefined": (ERROR, "Add <pattern-list NAME> above the source, or correct the name"),
    "pattern-list-order": (ERROR, "Move the pattern list above the source that uses it"),
    "pattern-list-twice": (ERROR, "Merge the lists: a source takes one pattern-list"),
    "smtp-pattern-list-undefined": (ERROR, "Add <smtp-pattern-list NAME>, or correct the name"),
    "rewrite-list-undefined": (ERROR, "Add <rewrite-list NAME>, or correct the name"),
    "address-list-undefined": (ERROR, "Add <address-list NAME>, or correct the name"),
    "source-group-undefined": (ERROR, "Add <source-group NAME>, or correct the name"),
    "proxy-undefined": (ERROR, "Add <proxy NAME>, or correct the name"),
    "macro-undefined": (ERROR, "Add domain-macro NAME list, or correct the name"),
    "macro-loop": (ERROR, "A macro may use others, never itself"),
    "duplicate-name": (ERROR, "Virtual MTAs and pools share one name space: rename one"),
    "duplicate-tag": (WARNING, "Merge both sections: whether the second one merges or replaces is not documented"),
    "reserved-name": (WARNING, "Choose a plain name: names that start with { are reserved"),
    # What must be there
    "missing-postmaster": (ERROR, "Add: postmaster you@your.domain"),
    "missing-log-file": (ERROR, "Add: log-file /var/log/pmta/log"),
    "missing-spool": (ERROR, "Add: <spool /var/spool/pmta> ... </spool>"),
    # Meaning
    "source-host-swapped": (ERROR, "The address comes first: smtp-source-host IP HOST"),
    "source-host-missing": (WARNING, "Add smtp-source-host: without it the machine's own address sends"),
    "domain-key-fields": (ERROR, "Write domain-key SELECTOR,DOMAIN,FILE: exactly three fields"),
    "domain-key-selector": (ERROR, "The first field is the selector, not the domain: domain-key SELECTOR,DOMAIN,FILE"),
    "domain-key-dotted-selector": (
        WARNING,
        "A selector is usually one label; check that the domain is not in its place",
    ),
    "domain-key-order": (WARNING, "Keys are searched in order: put * entries last"),
    "dkim-two-keys": (ERROR, "One selector and domain name one DNS record, hence one key: use a second selector"),
    "dkim-not-signed": (ERROR, "Add dkim-sign yes to <domain *>: a domain-key alone signs nothing"),
    "pool-weight": (ERROR, "A pool's virtual-mta takes one name; selection is round-robin, there are no weights"),
    "pool-domain-overlap": (ERROR, "A virtual MTA may not be in two pools that both hold <domain> tags"),
    "pool-empty": (WARNING, "List at least one virtual-mta"),
    "open-relay": (ERROR, "Allow relaying in <source> of the feeders' addresses only, or require-auth true"),
    "http-access-open": (ERROR, "Limit http-access to the addresses of your operators"),
    "cold-without-vmta": (WARNING, "It diverts to a cold-virtual-mta and caps nothing; cap with max-smtp-msg-rate"),
    "starttls-required": (WARNING, "Hosts without TLS never get their mail; require it per domain"),
}
