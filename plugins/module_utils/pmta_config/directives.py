# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PowerMTA's directives as data: name, section, form of the value, and how sure that is.

Sources, in the words of the confidence column: two editions of the vendor's 5.0 User's Guide ("5.0r1", "5.0r8+"), the headings of
the 4.5 release notes, and published configurations ("seen in N"). The table is text in a Python file because modules are shipped to
managed hosts as Python files only.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import NamedTuple

TABLE = r'''
directive,section,value,confidence
alias,global,"SOURCE TARGET[,TARGET...] (inside <aliases>)",documented 5.0r1+5.0r8+
aliases,global,section,documented
aliases-file,global,filename,undocumented in 5.0; seen in 1 public repo (2014)
bounce-category-patterns,global,section,documented; seen in 8 public repos
custom-dsn-from-header,global,quoted string,documented 5.0r1+5.0r8+
domain-key,global,"SELECTOR,DOMAIN|*,FILE (spaces after commas allowed)",documented 5.0r1+5.0r8+; seen in 3 public repos
domain-macro,global,NAME + comma list,documented 5.0r1+5.0r8+; seen in 7 public repos
domain-suffix,global,domain,documented 5.0r1+5.0r8+
dsn-failed-body-template-from,global,filename,documented 5.0r8+ only (not in 5.0r1 guide)
dsn-failed-from-template,global,quoted string,documented 5.0r8+ only (not in 5.0r1 guide)
dsn-failed-subject-template,global,quoted string,documented 5.0r8+ only (not in 5.0r1 guide)
dummy-smtp-await-slot,global,boolean,documented 5.0r1+5.0r8+
dummy-smtp-blacklist,global,filename,undocumented; seen in 1 vendor config
dummy-smtp-blacklist-bounce-method,global,enum,undocumented; seen in 1 vendor config
dummy-smtp-blacklist-bounce-percent,global,integer,undocumented; seen in 1 vendor config
dummy-smtp-has-chunking,global,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
dummy-smtp-has-mailmerge,global,boolean,undocumented; seen in 1 vendor config
dummy-smtp-has-pipelining,global,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
dummy-smtp-has-verp,global,boolean,documented 5.0r1+5.0r8+
dummy-smtp-ip,global,IP,documented 5.0r1+5.0r8+; seen in 2 public repos
dummy-smtp-latency,global,integer,documented 5.0r1+5.0r8+
dummy-smtp-log-blacklist,global,boolean,undocumented; seen in 1 vendor config
dummy-smtp-port,global,integer (0 disables),documented 5.0r1+5.0r8+; seen in 4 public repos
dummy-smtp-update-stats,global,boolean,documented 5.0r1+5.0r8+
edns-udp-length,global,integer 512-2048,documented 5.0r8+ only (not in 5.0r1 guide)
enable-signals,global,"true[,subaccount=N] | false | filter",documented 5.0r1; seen in 1 public repos
host-id,global,integer,documented 5.0r1+5.0r8+
host-name,global,FQDN (repeatable),documented 5.0r1+5.0r8+; seen in 6 public repos
http-access,global,"CIDR + none|monitor[,deny-logs]|operator|admin",documented 5.0r1+5.0r8+; seen in 11 public repos
http-api-key,global,string 32-128 [A-Za-z0-9_],documented 5.0r1+5.0r8+
http-csrf-protection,global,boolean,documented 5.0r1+5.0r8+
http-default-max-items,global,integer,documented 5.0r1+5.0r8+
http-default-sort-order,global,enum: rcpt|name|size,documented 5.0r1+5.0r8+
http-log-data,global,boolean,documented 5.0r1+5.0r8+
http-log-requests,global,boolean,documented 5.0r1+5.0r8+
http-log-tls,global,boolean,documented 5.0r1+5.0r8+
http-mgmt-port,global,integer (0 disables),documented 5.0r1+5.0r8+; seen in 12 public repos
http-mgmt-source,global,deprecated,documented 5.0r1+5.0r8+; deprecated
http-redirect-to-https,global,boolean,documented 5.0r1+5.0r8+; seen in 2 public repos
http-strict-transport-security-max-age,global,integer,documented 5.0r1+5.0r8+
http-tls-allow-sslv3,global,boolean,documented 5.0r1+5.0r8+; no longer valid in 5.0r8+
http-tls-allow-tlsv1,global,boolean,documented 5.0r1+5.0r8+
http-tls-allow-tlsv1.1,global,boolean,documented 5.0r1+5.0r8+
http-tls-allow-tlsv1.2,global,boolean,documented 5.0r1+5.0r8+
http-tls-allow-tlsv1.3,global,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
http-tls-ca-file,global,filename,documented 5.0r1+5.0r8+
http-tls-ciphers,global,string,documented 5.0r1+5.0r8+
http-tls-dh-key-length,global,integer,documented 5.0r8+ only (not in 5.0r1 guide)
http-tls-tlsv1.3-ciphersuites,global,string,documented 5.0r8+ only (not in 5.0r1 guide)
include,global,file glob (URL from 5.0r8+ builds),documented 5.0r1+5.0r8+; seen in 1 public repos
include-headers-from,global,filename,documented 5.0r1+5.0r8+
invalid-virtual-mta-fallback,global,VMTA name,documented 5.0r1+5.0r8+
ip-connection-limit,global,CIDR + integer,documented 5.0r1+5.0r8+
log-auto-rotation,global,boolean,documented 5.0r1+5.0r8+
log-file,global,absolute path,documented 5.0r1+5.0r8+; seen in 12 public repos
log-file-world-readable,global,boolean,documented 5.0r1+5.0r8+
log-rotate,global,integer (0 = off),documented 5.0r1+5.0r8+; seen in 1 public repos
mailmerge-expands-undefined-variables,global,boolean,documented 5.0r1+5.0r8+
max-memory-usage-percent,global,integer 1-100,documented 5.0r8+ only (not in 5.0r1 guide)
mx-connection-limit,global,MX-pattern + integer,documented 5.0r1+5.0r8+
mx-rollup-list,global,section,documented; seen in 2 public repos
name-server,global,IP (repeatable),documented 5.0r1+5.0r8+
no-http-mgmt-source,global,deprecated,documented 5.0r1+5.0r8+; deprecated
pickup,global,DIR BADDIR,documented 5.0r1+5.0r8+; seen in 3 public repos
pickup-remove-dot,global,boolean,documented 5.0r1+5.0r8+
pickup-retry-interval,global,deprecated,documented 5.0r1+5.0r8+; deprecated
pmc-acct-min-free-space,global,size | unlimited,documented 5.0r1+5.0r8+
postmaster,global,email address (repeatable),documented 5.0r1+5.0r8+; seen in 8 public repos
relay-address,global,email | /regex/ (repeatable),documented 5.0r1+5.0r8+
relay-debug,global,boolean,documented 5.0r1+5.0r8+
relay-domain,global,domain pattern (repeatable),documented 5.0r1+5.0r8+; seen in 3 public repos
run-as-root,global,boolean (restart needed),documented 5.0r1+5.0r8+; seen in 12 public repos
smtp-await-slot,global,boolean,documented 5.0r1+5.0r8+
smtp-ip,global,IP (deprecated),documented 5.0r1+5.0r8+; deprecated
smtp-listener,global,IP|CIDR:PORT [source=NAME]; also a section,documented 5.0r1+5.0r8+; seen in 11 public repos
smtp-port,global,integer (deprecated),documented 5.0r1+5.0r8+; deprecated; seen in 1 public repos
smtp-proxy-source-host,global,LOCAL-IP|CIDR + PROXY:PORT + CLIENT-IP[:PORT] + HOST,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-server-tls-allow-sslv3,global,boolean,documented 5.0r1+5.0r8+; no longer valid in 5.0r8+
smtp-server-tls-allow-tlsv1,global,boolean,documented 5.0r1+5.0r8+
smtp-server-tls-allow-tlsv1.1,global,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
smtp-server-tls-allow-tlsv1.2,global,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
smtp-server-tls-allow-tlsv1.3,global,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-server-tls-ca-file,global,filename,documented 5.0r1+5.0r8+
smtp-server-tls-certificate,global,filename + [password],documented 5.0r1+5.0r8+; seen in 3 public repos
smtp-server-tls-ciphers,global,string,documented 5.0r1+5.0r8+; seen in 1 public repos
smtp-server-tls-dh-key-length,global,integer,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-server-tls-v1.3-ciphersuites,global,string,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-source-host,global,IP-or-CIDR + HOST-NAME (repeatable),documented 5.0r1+5.0r8+
sparkpost-analytics,global,"section, deprecated name of <signals>",documented as deprecated
spool,global,directory (deprecated form; use <spool DIR>),documented 5.0r1+5.0r8+; deprecated; seen in 5 public repos
spool-delete-corrupted,global,boolean,documented 5.0r1+5.0r8+
spool-max-recipients,global,integer | auto,documented 5.0r1+5.0r8+
spool-min-free-space,global,integer,documented 5.0r1+5.0r8+; deprecated
suppression-list,global,section name used once in 5.0r1 guide example (later guide says address-list),documentation slip; use <address-list NAME>
sync-msg-create,global,boolean,not in 5.0 guides (older stock config comment); seen in 8 public repos
sync-msg-update,global,boolean,not in 5.0 guides (older stock config comment); seen in 8 public repos
thread-max-priority,global,integer,documented 5.0r1+5.0r8+
thread-min-priority,global,integer,documented 5.0r1+5.0r8+
thread-reuse,global,boolean,documented 5.0r1+5.0r8+
total-max-file,global,integer,undocumented; seen in 1 vendor config
total-max-smtp-in,global,integer,documented 5.0r1+5.0r8+; seen in 2 public repos
total-max-smtp-out,global,integer,documented 5.0r1+5.0r8+; seen in 1 public repos
track-time-first-attempt,global,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
use-proxy,global,proxy name list,documented 5.0r1+5.0r8+
volume-audit-api-key,global,string,documented 5.0r8+ only (not in 5.0r1 guide)
auto-cold-virtual-mta,virtual-mta,IP|CIDR + HOST-NAME,deprecated since 4.5 (release-notes headings); seen in 2-3 public generator scripts
cold-virtual-mta,virtual-mta,VMTA name (repeatable),documented 5.0r1+5.0r8+; seen in 1 public repos
domain-key,virtual-mta,"SELECTOR,DOMAIN|*,FILE (spaces after commas allowed)",documented 5.0r1+5.0r8+; seen in 4 public repos
host-name,virtual-mta,FQDN (repeatable),documented 5.0r1+5.0r8+
include,virtual-mta,file glob (URL from 5.0r8+ builds),documented 5.0r1+5.0r8+; seen in 1 public repos
include-headers-from,virtual-mta,filename,documented 5.0r1+5.0r8+
max-smtp-data-volume-rate,virtual-mta,volume rate (SIZE/[M]unit),documented 5.0r1+5.0r8+
max-smtp-msg-rate,virtual-mta,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+
max-smtp-out,virtual-mta,integer,documented 5.0r1+5.0r8+; seen in 1 public repos
proxy-protocol,virtual-mta,enum: 1|2,documented 5.0r8+ only (not in 5.0r1 guide)
rewrite-list,virtual-mta,name,documented 5.0r1+5.0r8+
smtp-proxy-source-host,virtual-mta,LOCAL-IP|CIDR + PROXY:PORT + CLIENT-IP[:PORT] + HOST,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-source-ip,virtual-mta,"IP (deprecated, use smtp-source-host)","4.x; not in the 5.0 guides; seen in 2 public generators"
smtp-source-host,virtual-mta,IP-or-CIDR + HOST-NAME (repeatable),documented 5.0r8+ only (not in 5.0r1 guide); seen in 8 public repos
use-proxy,virtual-mta,proxy name list,documented 5.0r1+5.0r8+
cold-virtual-mta,virtual-mta-pool,VMTA name,documented (listed as supported in pools)
domain,virtual-mta-pool,nested <domain> section,documented 5.0r1+5.0r8+
domain-key,virtual-mta-pool,"SELECTOR,DOMAIN|*,FILE (spaces after commas allowed)",documented 5.0r1+5.0r8+
include,virtual-mta-pool,file,"guess (guide lists source, domain, virtual-mta, smtp-pattern-list only)"
include-headers-from,virtual-mta-pool,filename,documented 5.0r1+5.0r8+
max-smtp-data-volume-rate,virtual-mta-pool,volume rate (SIZE/[M]unit),documented 5.0r1+5.0r8+
max-smtp-msg-rate,virtual-mta-pool,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+
max-smtp-out,virtual-mta-pool,integer,documented 5.0r1+5.0r8+
rewrite-list,virtual-mta-pool,name,documented 5.0r1+5.0r8+
virtual-mta,virtual-mta-pool,"VMTA name, exactly one argument (repeatable)",documented 5.0r1+5.0r8+; seen in 8 public repos
accept-invalid-recipients,source,boolean,documented 5.0r1+5.0r8+
add-date-header,source,enum: no|yes|override,documented 5.0r1+5.0r8+; seen in 1 public repos
add-message-id-header,source,boolean,documented 5.0r1+5.0r8+; seen in 5 public repos
add-received-header,source,boolean,documented 5.0r1+5.0r8+; seen in 6 public repos
add-x-virtual-mta-header,source,boolean,documented 5.0r1+5.0r8+
allow-auth,source,boolean,documented 5.0r1+5.0r8+
allow-chunking,source,boolean,documented 5.0r1+5.0r8+
allow-empty-x-virtual-mta,source,boolean,documented 5.0r1+5.0r8+
allow-mailmerge,source,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
allow-smtputf8,source,boolean,documented 5.0r1+5.0r8+
allow-starttls,source,boolean,documented 5.0r1+5.0r8+; seen in 4 public repos
allow-unencrypted-plain-auth,source,boolean,documented 5.0r1+5.0r8+; seen in 9 public repos
always-allow-api-submission,source,boolean,documented 5.0r1+5.0r8+; seen in 4 public repos
always-allow-relaying,source,boolean,documented 5.0r1+5.0r8+; seen in 12 public repos
auto-qualify-domain,source,boolean,documented 5.0r1+5.0r8+
bcc,source,email address,documented 5.0r1+5.0r8+
broken-auth-clients,source,deprecated,documented 5.0r1+5.0r8+; deprecated
check-dkim-inbound,source,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
check-iprev-inbound,source,boolean,documented 5.0r1+5.0r8+
check-mfrom-inbound,source,boolean,undocumented (Sender-ID era); seen in 1 vendor config
check-spf-inbound,source,boolean,documented 5.0r1+5.0r8+
check-spf-inbound-best-guess,source,deprecated,documented 5.0r1+5.0r8+; deprecated
check-spf-inbound-max-void-lookups,source,integer,documented 5.0r1+5.0r8+
date-header-time,source,enum: reception|delivery,documented 5.0r1+5.0r8+
default-virtual-mta,source,VMTA or POOL name | by-smtp-source-ip,documented 5.0r1+5.0r8+; seen in 10 public repos
disconnect-on-transient-error,source,boolean,documented 5.0r1+5.0r8+
dsn-return-default,source,enum: headers|full|system,documented 5.0r1+5.0r8+
hide-message-source,source,boolean,documented 5.0r1+5.0r8+; seen in 8 public repos
include,source,file glob (URL from 5.0r8+ builds),documented 5.0r1+5.0r8+
jobid-header,source,header name,documented 5.0r1+5.0r8+; seen in 3 public repos
jobid-prefix,source,string | {auth},documented 5.0r1+5.0r8+
log-commands,source,boolean,documented 5.0r1+5.0r8+; seen in 9 public repos
log-connections,source,boolean,documented 5.0r1+5.0r8+; seen in 9 public repos
log-data,source,boolean,documented 5.0r1+5.0r8+; seen in 6 public repos
log-tls,source,boolean,documented 5.0r1+5.0r8+
max-message-hops,source,integer,documented 5.0r1+5.0r8+
max-message-size,source,size | 0 | unlimited,documented 5.0r1+5.0r8+; seen in 6 public repos
max-rcpt-per-message,source,integer | unlimited,documented 5.0r1+5.0r8+
pattern-list,source,name of <pattern-list>,documented 5.0r1+5.0r8+; seen in 3 public repos
process-x-dkim-key,source,boolean,documented 5.0r1+5.0r8+
process-x-dkim-options,source,boolean,documented 5.0r1+5.0r8+
process-x-envid,source,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
process-x-job,source,boolean,documented 5.0r1+5.0r8+; seen in 5 public repos
process-x-schedule,source,boolean,documented 5.0r1+5.0r8+
process-x-virtual-mta,source,boolean,documented 5.0r1+5.0r8+; seen in 11 public repos
reject-invalid-virtual-mta,source,boolean,documented 5.0r1+5.0r8+
reject-iprev-check-fail,source,boolean,documented 5.0r1+5.0r8+
reject-iprev-check-permerror,source,boolean,documented 5.0r1+5.0r8+
reject-iprev-check-temperror,source,boolean,documented 5.0r1+5.0r8+
reject-spf-check-fail,source,boolean,documented 5.0r1+5.0r8+
reject-spf-check-permerror,source,boolean,documented 5.0r1+5.0r8+
reject-spf-check-temperror,source,boolean,documented 5.0r1+5.0r8+
remove-header,source,"header list | """"",documented 5.0r1+5.0r8+; seen in 1 public repos
remove-received-headers,source,boolean,undocumented in 5.0 guides; seen in 5 public repos and elsewhere
require-auth,source,boolean,documented 5.0r1+5.0r8+; seen in 9 public repos
require-starttls-before-auth,source,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
retain-x-dkim-key,source,boolean,documented 5.0r1+5.0r8+
retain-x-dkim-options,source,boolean,documented 5.0r1+5.0r8+
retain-x-job,source,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
retain-x-schedule,source,boolean,documented 5.0r1+5.0r8+
retain-x-virtual-mta,source,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
rewrite-list,source,name of <rewrite-list>,documented (rewrite-list chapter); seen in 1 public repo
smtp-command-timeout,source,interval,documented 5.0r1+5.0r8+
smtp-data-timeout,source,interval,documented 5.0r1+5.0r8+
smtp-max-auth-failure-rate,source,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+; seen in 1 public repos
smtp-service,source,boolean,documented 5.0r1+5.0r8+; seen in 12 public repos
source-group,source,source-group name,documented 5.0r1+5.0r8+; seen in 1 public repos
suppress-local-dsn,source,boolean,documented 5.0r1+5.0r8+
suppression-lists,source,address-list names (comma),documented 5.0r1+5.0r8+
too-many-rcpts-fails-message,source,boolean,documented 5.0r1+5.0r8+
trace-dkim-check,source,boolean,documented 5.0r1+5.0r8+
trace-iprev-check,source,boolean,documented 5.0r1+5.0r8+
trace-spf-check,source,boolean,documented 5.0r1+5.0r8+
verp-default,source,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
{auth},source,reserved source name,documented; seen in 2 public repos
{pickup},source,reserved source name,documented
{transmissions-api},source,reserved source name,documented
max-smtp-in,source-group,integer,documented 5.0r1+5.0r8+; seen in 1 public repos
reserved-smtp-in,source-group,integer,documented 5.0r1+5.0r8+; seen in 1 public repos
authentication-method,smtp-user,enum: password|system|certificate,documented 5.0r1+5.0r8+; seen in 1 public repos
password,smtp-user,"string, plain text, cannot contain #",documented 5.0r1+5.0r8+; seen in 9 public repos
source,smtp-user,source name,documented 5.0r1+5.0r8+; seen in 8 public repos
tls-certificate,smtp-user,filename [password],documented 5.0r1+5.0r8+
await-slot,smtp-listener,boolean,documented 5.0r1+5.0r8+
immediate-tls,smtp-listener,boolean,documented 5.0r1+5.0r8+
source,smtp-listener,source name,documented 5.0r1+5.0r8+
tls-allow-sslv3,smtp-listener,boolean,documented 5.0r1+5.0r8+; no longer valid in 5.0r8+
tls-allow-tlsv1,smtp-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.1,smtp-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.2,smtp-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.3,smtp-listener,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
tls-ca-file,smtp-listener,filename,documented 5.0r1+5.0r8+
tls-certificate,smtp-listener,filename [password],documented 5.0r1+5.0r8+
tls-ciphers,smtp-listener,string,documented 5.0r1+5.0r8+
tls-dh-key-length,smtp-listener,integer,documented 5.0r8+ only (not in 5.0r1 guide)
tls-tlsv1.3-ciphersuites,smtp-listener,string,documented 5.0r8+ only (not in 5.0r1 guide)
421-means-mx-unavailable,domain,boolean,old name of smtp-421-means-mx-unavailable; seen in 2 public repos
add-x-msys-api-header,domain,boolean,documented 5.0r1+5.0r8+
allow-cancel-during-transfer,domain,boolean,documented 5.0r1+5.0r8+
allow-priority-interruption,domain,boolean,documented 5.0r1+5.0r8+
allow-priority-interruption-during-transfer,domain,boolean,documented 5.0r1+5.0r8+
assume-delivery-upon-data-termination-timeout,domain,boolean,documented 5.0r1+5.0r8+; seen in 5 public repos
auth-password,domain,"string, cannot contain #",documented 5.0r1+5.0r8+
auth-username,domain,string,documented 5.0r1+5.0r8+
backoff-max-connect-rate,domain,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+
backoff-max-data-volume-rate,domain,volume rate (SIZE/[M]unit),documented 5.0r1+5.0r8+
backoff-max-msg-per-hour,domain,integer (deprecated),documented 5.0r1+5.0r8+; deprecated
backoff-max-msg-rate,domain,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+; seen in 7 public repos
backoff-max-smtp-out,domain,integer,documented 5.0r1+5.0r8+; seen in 1 public repos
backoff-notify,domain,email list (comma),documented 5.0r1+5.0r8+; seen in 5 public repos
backoff-reroute-to-virtual-mta,domain,"VMTA (pool from 5.0r8+) | """"",documented 5.0r1+5.0r8+; seen in 1 public repos
backoff-retry-after,domain,interval list,documented 5.0r1+5.0r8+; seen in 7 public repos
backoff-to-normal-after,domain,interval | never,documented 5.0r1+5.0r8+; seen in 7 public repos
backoff-to-normal-after-delivery,domain,boolean,documented 5.0r1+5.0r8+; seen in 7 public repos
backoff-upon-all-sources-disabled,domain,boolean,documented 5.0r1+5.0r8+
bcc-upon-delivery,domain,"email | """"",documented 5.0r1+5.0r8+
bounce-address,domain,email address,not documented; seen in 1 public repo; treat as unverified
bounce-after,domain,interval,documented 5.0r1+5.0r8+; seen in 11 public repos
bounce-upon-5xx-greeting,domain,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
bounce-upon-no-mx,domain,boolean | interval | never,documented 5.0r1+5.0r8+; seen in 7 public repos
bounce-upon-pix-transfer-failure,domain,boolean,documented 5.0r1+5.0r8+
bounce-upon-transfer-failure,domain,boolean,documented 5.0r1+5.0r8+
check-spf-outbound,domain,boolean,documented 5.0r1+5.0r8+
command,domain,quoted command line,documented 5.0r1+5.0r8+
connect-timeout,domain,interval,documented 5.0r1+5.0r8+; seen in 1 public repos
connection-idle-timeout,domain,interval (max 10m),documented 5.0r1+5.0r8+
data-send-timeout,domain,interval,documented 5.0r1+5.0r8+; seen in 1 public repos
default-smtp-port,domain,integer,documented 5.0r1+5.0r8+
deliver-local-dsn,domain,boolean,documented 5.0r1+5.0r8+; deprecated; seen in 2 public repos
delivery-priority,domain,"deprecated, use queue-priority",documented 5.0r1+5.0r8+; deprecated
disable-acct-records,domain,record types,documented 5.0r1+5.0r8+
disable-mx-rollup,domain,boolean,documented 5.0r1+5.0r8+
disabled-source-ip-notify,domain,email list (comma),documented 5.0r1+5.0r8+
discard-as-bounce,domain,boolean,documented 5.0r1+5.0r8+
dk-sign,domain,boolean,obsolete DomainKeys (pre-DKIM); not in 5.0 guides; seen in 4+ public repos
dkim-add-body-limit,domain,boolean,documented 5.0r1+5.0r8+
dkim-add-timestamp,domain,boolean,documented 5.0r1+5.0r8+
dkim-algorithm,domain,enum: rsa-sha1|rsa-sha256,documented 5.0r1+5.0r8+
dkim-body-canon,domain,enum: simple|relaxed,documented 5.0r1+5.0r8+
dkim-disallow-adding-headers,domain,header list (comma),documented 5.0r1+5.0r8+
dkim-expire-after,domain,interval | never,documented 5.0r1+5.0r8+
dkim-headers,domain,"header names and /regex/ (comma) | """"",documented 5.0r1+5.0r8+
dkim-headers-canon,domain,enum: simple|relaxed,documented 5.0r1+5.0r8+
dkim-identity,domain,email | @domain | sender-or-from | strict-from,documented 5.0r1+5.0r8+; seen in 2 public repos
dkim-identity-fallback,domain,email | @domain,documented 5.0r1+5.0r8+
dkim-query-method,domain,string,documented 5.0r1+5.0r8+
dkim-sign,domain,boolean | if-x-dkim-options-present,documented 5.0r1+5.0r8+; seen in 10 public repos
dsn-format,domain,enum: standard|plain-text,documented 5.0r1+5.0r8+
file-destination,domain,path with macros,documented 5.0r1+5.0r8+; seen in 1 public repos
file-format,domain,enum: newfile-plain|newfile-pickup|append-mbox,documented 5.0r1+5.0r8+; seen in 1 public repos
http-delivery-extra-headers,domain,filename,documented 5.0r1+5.0r8+
http-delivery-url,domain,URL,documented 5.0r1+5.0r8+
ignore-8bitmime,domain,boolean,documented 5.0r1+5.0r8+; seen in 5 public repos
ignore-chunking,domain,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
ignore-dsn,domain,boolean,documented 5.0r1+5.0r8+
ignore-pipelining,domain,boolean,documented 5.0r1+5.0r8+
include,domain,file glob (URL from 5.0r8+ builds),documented 5.0r1+5.0r8+
log-commands,domain,boolean,documented (examples + show settings output); seen in public repos
log-connections,domain,boolean,documented (examples + show settings output); heading only under <source>
log-data,domain,boolean,documented (show settings output)
log-disabled-ips,domain,boolean,documented 5.0r1+5.0r8+
log-messages,domain,boolean,documented for <domain {bounce}> only; seen in 2 public repos
log-resolution,domain,boolean,documented 5.0r1+5.0r8+
log-tls,domain,boolean,documented 5.0r1+5.0r8+
log-transfer-failures,domain,boolean,documented 5.0r1+5.0r8+
macro-variables-preserve-case,domain,boolean,documented 5.0r1+5.0r8+
max-cold-virtual-mta-msg,domain,list of N/{d|day},documented 5.0r1+5.0r8+; seen in 2 public repos
max-connect-rate,domain,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+; seen in 1 public repos
max-data-volume-rate,domain,volume rate (SIZE/[M]unit),documented 5.0r1+5.0r8+
max-errors-per-connection,domain,integer | unlimited,documented 5.0r1+5.0r8+; seen in 7 public repos
max-events-recorded,domain,integer,documented 5.0r1+5.0r8+; seen in 2 public repos
max-msg-per-connection,domain,integer (0 = no limit),documented 5.0r1+5.0r8+; seen in 9 public repos
max-msg-per-hour,domain,"integer (deprecated, use max-msg-rate)",documented 5.0r1+5.0r8+; deprecated
max-msg-rate,domain,rate N/[M]unit | unlimited | 0,documented 5.0r1+5.0r8+; seen in 9 public repos
max-rcpt-per-message,domain,integer | unlimited,documented 5.0r1+5.0r8+; seen in 2 public repos
max-rcpt-per-transaction,domain,integer,documented 5.0r1+5.0r8+
max-smtp-out,domain,integer,documented 5.0r1+5.0r8+; seen in 11 public repos
max-smtp-out-per-source-ip,domain,"deprecated, use source-ip-max-smtp-out",documented 5.0r1+5.0r8+; deprecated
mx-connection-attempts,domain,integer (default 10),in documented show-settings output; no own entry; seen in 5+ public repos
notify-of-delay-every,domain,interval | never,documented 5.0r1+5.0r8+
pix-bug-workaround,domain,boolean,documented 5.0r1+5.0r8+
queue-priority,domain,integer 0-100,documented 5.0r1+5.0r8+
queue-to,domain,"domain name (quoted ok) | """"",documented 5.0r1+5.0r8+; seen in 1 public repos
reenable-source-ip-after,domain,interval | never,documented 5.0r1+5.0r8+
remove-header,domain,"header list | """"",documented (text says source or domain)
replace-smtp-421-service-response,domain,boolean,documented 5.0r1+5.0r8+
require-starttls,domain,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
reroute-to-virtual-mta,domain,"VMTA (pool from 5.0r8+) | """"",documented 5.0r1+5.0r8+; seen in 1 public repos
retry-after,domain,interval list,documented 5.0r1+5.0r8+; seen in 12 public repos
retry-after-dns-error,domain,interval,documented 5.0r8+ only (not in 5.0r1 guide)
retry-recipients-after,domain,interval,documented 5.0r1+5.0r8+
retry-upon-new-mail,domain,boolean,documented 5.0r1+5.0r8+
reuse-ssl-session,domain,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
route,domain,"host list (deprecated, use smtp-hosts)",documented 5.0r1+5.0r8+; deprecated; seen in 3 public repos
second-dkim-add-body-limit,domain,boolean,documented
second-dkim-add-timestamp,domain,boolean,documented
second-dkim-algorithm,domain,enum: rsa-sha1|rsa-sha256,documented
second-dkim-body-canon,domain,enum: simple|relaxed,documented
second-dkim-disallow-adding-headers,domain,header list (comma),documented
second-dkim-expire-after,domain,interval | never,documented
second-dkim-headers,domain,"header names and /regex/ (comma) | """"",documented
second-dkim-headers-canon,domain,enum: simple|relaxed,documented
second-dkim-identity,domain,email | @domain | sender-or-from | strict-from,documented; seen in 1 public repos
second-dkim-identity-fallback,domain,email | @domain,documented
second-dkim-query-method,domain,string,documented
second-dkim-sign,domain,boolean | if-x-dkim-options-present,documented; seen in 1 public repos
smtp-421-means-mx-unavailable,domain,boolean,documented 5.0r1+5.0r8+; seen in 2 public repos
smtp-553-means-invalid-mailbox,domain,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
smtp-client-certificate,domain,filename [password],documented 5.0r8+ only (not in 5.0r1 guide)
smtp-data-termination-timeout,domain,interval,documented 5.0r1+5.0r8+
smtp-greeting-timeout,domain,interval,documented 5.0r1+5.0r8+; seen in 7 public repos
smtp-hosts,domain,"hosts: , within a level ; between levels; [ip]:port; lookup-mx:DOMAIN; """"",documented 5.0r1+5.0r8+; seen in 2 public repos
smtp-multiple-line-response-timeout,domain,interval (default 5m),in documented show-settings output; no own entry
smtp-out-rampup-interval,domain,interval,documented 5.0r1+5.0r8+
smtp-pattern-list,domain,"name of <smtp-pattern-list> | """"",documented 5.0r1+5.0r8+; seen in 7 public repos
smtp-tls-allow-sslv3,domain,boolean,documented 5.0r1+5.0r8+; no longer valid in 5.0r8+
smtp-tls-allow-tlsv1,domain,boolean,documented 5.0r1+5.0r8+
smtp-tls-allow-tlsv1.1,domain,boolean,documented 5.0r1+5.0r8+
smtp-tls-allow-tlsv1.2,domain,boolean,documented 5.0r1+5.0r8+
smtp-tls-allow-tlsv1.3,domain,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
smtp-tls-ca-file,domain,filename,documented 5.0r1+5.0r8+
smtp-tls-ciphers,domain,OpenSSL cipher string,documented 5.0r1+5.0r8+
smtp-tls-tlsv1.3-ciphersuites,domain,string,documented 5.0r8+ only (not in 5.0r1 guide)
source-ip-max-connect-rate,domain,CIDR + rate,documented 5.0r1+5.0r8+
source-ip-max-data-volume-rate,domain,CIDR + volume rate,documented 5.0r1+5.0r8+
source-ip-max-msg-rate,domain,CIDR + rate,documented 5.0r1+5.0r8+
source-ip-max-smtp-out,domain,CIDR + integer,documented 5.0r1+5.0r8+
sparkpost-ip-pool,domain,string,documented 5.0r1+5.0r8+
sparkpost-sandbox,domain,boolean,documented 5.0r1+5.0r8+
track-recipient-events,domain,boolean,documented 5.0r1+5.0r8+
type,domain,enum: smtp|pipe|file|discard|http-delivery,documented 5.0r1+5.0r8+; seen in 2 public repos
use-dane,domain,boolean,documented 5.0r1+5.0r8+
use-mta-sts,domain,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
use-starttls,domain,boolean,documented 5.0r1+5.0r8+; seen in 7 public repos
use-unencrypted-plain-auth,domain,boolean,documented 5.0r1+5.0r8+
{bounce},domain,reserved queue name,documented
{sparkpost},domain,reserved queue name,documented
*,pattern-list,catch-all entry inside a nested pattern-list,documented (nested example)
call-to,pattern-list,RESULT keyword,"documented; guide shows both call-to:NAME and ""call-to: NAME"""
header,pattern-list,HEADER-NAME /regex/ RESULT,documented 5.0r1+5.0r8+
mail-from,pattern-list,/regex/ RESULT (pattern-list) or SRC DST (rewrite-list),documented 5.0r1+5.0r8+; seen in 2 public repos
rcpt-to,pattern-list,/regex/ RESULT,documented 5.0r1+5.0r8+; seen in 1 public repos
recipient-priority,pattern-list,"RESULT keyword, 0-100",documented
virtual-mta,pattern-list,RESULT keyword virtual-mta=NAME,documented; seen in 3 public repos
backoff-to-normal-after,smtp-pattern-list,"action backoff-to-normal-after=INTERVAL, needs mode=backoff before it",documented 5.0r8+ only
bounce-queue,smtp-pattern-list,action flag,documented; seen in 1 public repo
bounce-rcpt,smtp-pattern-list,action flag,documented
defer-queue,smtp-pattern-list,action flag,documented
disable-source-ip,smtp-pattern-list,action flag,documented
include,smtp-pattern-list,file glob (URL from 5.0r8+ builds),documented 5.0r1+5.0r8+
mode,smtp-pattern-list,action mode=normal|backoff,documented; seen in 8 public repos; not a <domain> directive
reenable-after,smtp-pattern-list,"action reenable-after=INTERVAL, needs disable-source-ip before it",documented
reply,smtp-pattern-list,"/regex/ ACTION[,ACTION]",documented; seen in 8 public repos
skip-mx,smtp-pattern-list,action flag,documented
/regex/,bounce-category-patterns,/regex/ CATEGORY,documented; seen in 8 public repos
mx,mx-rollup-list,MX-NAME|*.suffix ROLLUP.rollup [rollup-by-ip],documented; seen in 2 public repos
count-moved-records,acct-file,boolean,documented 5.0r1+5.0r8+
delete-after,acct-file,Nd | never,documented 5.0r1+5.0r8+; seen in 11 public repos
http-webhook-ca-file,acct-file,filename,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-certificate,acct-file,filename,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-connect-timeout,acct-file,interval,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-extra-headers,acct-file,filename,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-io-timeout,acct-file,interval,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-log-verbose,acct-file,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-max-interval,acct-file,interval (min 1m),documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-transfer-encoding,acct-file,enum: gzip,documented 5.0r8+ only (not in 5.0r1 guide)
http-webhook-url,acct-file,URL,documented 5.0r8+ only (not in 5.0r1 guide)
iso-times,acct-file,boolean,documented 5.0r1+5.0r8+
map-header-to-field,acct-file,TYPE header_NAME FIELD,documented 5.0r1+5.0r8+
max-size,acct-file,size,documented 5.0r1+5.0r8+; seen in 12 public repos
move-interval,acct-file,interval,documented 5.0r1+5.0r8+; seen in 12 public repos
move-to,acct-file,directory,documented 5.0r1+5.0r8+
privacy-policy,acct-file,retain|redact|siphash|siphash-hexkey|hmac-sha256|hmac-sha256-hexkey [key],documented 5.0r1+5.0r8+
queue-filter,acct-file,"queue list domain/vmta, ! negates",documented 5.0r1+5.0r8+
record-fields,acct-file,"TYPE + field list (* , !field, header_X)",documented 5.0r1+5.0r8+; seen in 3 public repos
records,acct-file,record types (comma),documented 5.0r1+5.0r8+; seen in 9 public repos
retry-interval,acct-file,interval,documented 5.0r1+5.0r8+
sync,acct-file,boolean,documented 5.0r1+5.0r8+
user-string,acct-file,string,documented 5.0r1+5.0r8+
world-readable,acct-file,boolean,documented 5.0r1+5.0r8+
write-timeout,acct-file,interval,documented 5.0r1+5.0r8+
delete-file-holders,spool,boolean,documented 5.0r1+5.0r8+; seen in 3 public repos
deliver-only,spool,boolean,documented 5.0r1+5.0r8+; seen in 5 public repos
min-free-space,spool,size | 0,documented 5.0r1+5.0r8+
priority,spool,integer 1-100,documented 5.0r1+5.0r8+
address,address-list,email | local part | /regex/,documented 5.0r1+5.0r8+
address-file,address-list,filename,documented 5.0r1+5.0r8+
domain,address-list,domain name,documented 5.0r1+5.0r8+; seen in 1 public repos
deliver-email,bounce-processor,deprecated,documented 5.0r1+5.0r8+; deprecated
deliver-matched-email,bounce-processor,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
deliver-unmatched-email,bounce-processor,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
forward-errors-to,bounce-processor,email address,documented 5.0r1+5.0r8+
forward-unmatched-to,bounce-processor,email address,documented 5.0r1+5.0r8+
precached-domains-file,dns,filename,documented 5.0r1+5.0r8+
precached-max-domains,dns,integer,documented 5.0r1+5.0r8+
precached-refresh-interval,dns,interval,documented 5.0r1+5.0r8+
domain-key,domain-key-list,"SELECTOR,DOMAIN|*,FILE (spaces after commas allowed)",documented 5.0r1+5.0r8+
body-pattern-file,email-patterns,filename,documented 5.0r1+5.0r8+
log-match-info,email-patterns,boolean,documented 5.0r1+5.0r8+
deliver-email,feedback-loop-processor,deprecated,documented 5.0r1+5.0r8+; deprecated
deliver-matched-email,feedback-loop-processor,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
deliver-unmatched-email,feedback-loop-processor,boolean,documented 5.0r1+5.0r8+; seen in 1 public repos
forward-errors-to,feedback-loop-processor,email address,documented 5.0r1+5.0r8+
forward-unmatched-to,feedback-loop-processor,email address,documented 5.0r1+5.0r8+
address-list,global|bounce-processor|feedback-loop-processor,section,documented
client,proxy,IP[:PORT] HOST,documented 5.0r1+5.0r8+
protocol-version,proxy,enum: 1|2,documented 5.0r8+ only (not in 5.0r1 guide)
server,proxy,IP|host:PORT,documented 5.0r1+5.0r8+
from-domain,rewrite-list,domain pattern + domain,documented 5.0r1+5.0r8+
mail-from,rewrite-list,SRC-ADDR DST-ADDR (with * wildcards),documented 5.0r1+5.0r8+; seen in 1 public repos
api-key,signals,40 hex digits,documented 5.0r1; seen in 1 public repos
custom-message-id-header,signals,header name,documented 5.0r1; seen in 1 public repos
engagement-tracking,signals,boolean,documented 5.0r1; seen in 1 public repos
log-verbose,signals,boolean,documented 5.0r1; seen in 1 public repos
min-free-space,signals,size | 0,documented 5.0r1; seen in 1 public repos
privacy-policy,signals,enum: retain|sha1,documented 5.0r1; seen in 1 public repos
process-x-sp-subaccount-id,signals,boolean,documented 5.0r1; seen in 1 public repos
retain-x-sp-subaccount-id,signals,boolean,documented 5.0r1; seen in 1 public repos
upload-url,signals,URL,documented 5.0r1; seen in 1 public repos
sender-or-from,signals-filter,domain pattern,documented 5.0r1
api-key,transmissions-api,string,documented 5.0r1+5.0r8+
log-data,transmissions-api,boolean,documented 5.0r1+5.0r8+
log-requests,transmissions-api,boolean,documented 5.0r1+5.0r8+
log-tls,transmissions-api,boolean,documented 5.0r1+5.0r8+
tls-allow-sslv3,transmissions-api-listener,boolean,documented 5.0r1+5.0r8+; no longer valid in 5.0r8+
tls-allow-tlsv1,transmissions-api-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.1,transmissions-api-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.2,transmissions-api-listener,boolean,documented 5.0r1+5.0r8+
tls-allow-tlsv1.3,transmissions-api-listener,boolean,documented 5.0r8+ only (not in 5.0r1 guide)
tls-ca-file,transmissions-api-listener,filename,documented 5.0r1+5.0r8+
tls-certificate,transmissions-api-listener,filename [password],documented 5.0r1+5.0r8+
tls-ciphers,transmissions-api-listener,string,documented 5.0r1+5.0r8+
tls-dh-key-length,transmissions-api-listener,integer,documented 5.0r8+ only (not in 5.0r1 guide)
tls-tlsv1.3-ciphersuites,transmissions-api-listener,string,documented 5.0r8+ only (not in 5.0r1 guide)
tls-trusted-certificate,transmissions-api-listener,filename,mentioned in a documented example comment only
access-token,vault,string,documented 5.0r8+ only (not in 5.0r1 guide)
cache-ttl,vault,interval,documented 5.0r8+ only (not in 5.0r1 guide)
server-url,vault,URL,documented 5.0r8+ only (not in 5.0r1 guide)
enable-signals,virtual-mta|virtual-mta-pool,"true[,subaccount=N] | false | filter",documented 5.0r1
'''


class Row(NamedTuple):
    """One line of the table. sections: where the directive may stand ("global" is outside every tag). value: form, in words."""

    name: str
    sections: tuple[str, ...]
    value: str
    confidence: str

    @property
    def documented(self) -> bool:
        return self.confidence.startswith(("documented", "in documented"))

    @property
    def deprecated(self) -> bool:
        text = f"{self.value} {self.confidence}"
        return "deprecated" in text or "no longer valid" in text or "obsolete" in text


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """The whole table, read once."""
    reader = csv.reader(TABLE.strip().splitlines())
    next(reader)
    return tuple(Row(name, tuple(section.split("|")), value, confidence) for name, section, value, confidence in reader)
