<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

$uid = '[a-z0-9]{13}';

return [
    "lists/(?<list>$uid)/unsubscribe/(?<subscriber>$uid)(?:/(?<campaign>$uid))?/?" => 'lists/unsubscribe',
    'lists/block-address' => 'lists/block-address',
    "campaigns/(?<campaign>$uid)" => 'campaigns/web-version',
    "campaigns/(?<campaign>$uid)/web-version/(?<subscriber>$uid)" => 'campaigns/web-version',
    "campaigns/(?<campaign>$uid)/track-opening/(?<subscriber>$uid)" => 'campaigns/track-opening',
    "campaigns/(?<campaign>$uid)/track-url/(?<subscriber>$uid)/(?<hash>[a-f0-9]{40})" => 'campaigns/track-url',
    "campaigns/(?<campaign>$uid)/report-abuse/(?<list>$uid)/(?<subscriber>$uid)" => 'campaigns/report-abuse',
    'dswh/pmta' => 'dswh/pmta',
];
