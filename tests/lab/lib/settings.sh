# shellcheck shell=bash disable=SC2034
# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Names, places and addresses of the lab; sourced by bin/lab.

lab_images=/var/cache/email-engine-lab     # built once, kept by `down`
lab_state=/var/lib/email-engine-lab        # keys, disks, logs
lab_lock=/run/lock/email-engine-lab.lock
lab_bridge=eelab0
lab_nft_table=eelab
lab_prefix=15                              # 198.18.0.0/15: machines in 198.18, sending addresses in 198.19
lab_network=198.18.0.0
lab_host=198.18.0.1
lab_resolver=198.18.0.55

lab_machines=(vps1 vps2 vps3 internet)
declare -A lab_address=([vps1]=198.18.0.11 [vps2]=198.18.0.12 [vps3]=198.18.0.13 [internet]=198.18.0.50)

# Debian mirrors, for a network that has its own.
lab_mirror=${EELAB_MIRROR:-http://deb.debian.org/debian}
lab_security_mirror=${EELAB_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
# Names that the lab's resolver asks the world for; every other name ends at the lab's own root. The last three: where the first three are CNAMEs to.
lab_outside_names="debian.org pypi.org pythonhosted.org fastly.net fastlydns.net cloudfront.net ${EELAB_OUTSIDE_NAMES:-}"

lab_key=$lab_state/ssh/id_ed25519
lab_ssh_options=(-i "$lab_key" -l root -o StrictHostKeyChecking=no -o "UserKnownHostsFile=$lab_state/ssh/known_hosts"
    -o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=5 -o ServerAliveInterval=5 -o ServerAliveCountMax=3
    -o ControlMaster=auto -o ControlPersist=60s -o "ControlPath=$lab_state/ssh/cm-%i-%h")

# What must answer on the machine internet before the lab counts as up: rspamd, root, primary, secondary, resolver, the one that forwards, the first blocklist, providers.
lab_internet_ports="127.0.0.1/11332 198.18.0.52/53 198.18.0.53/53 198.18.0.54/53 198.18.0.55/53 198.18.0.59/53 198.18.0.101/53 198.18.0.61/25 198.18.0.62/25 198.18.0.63/25"
