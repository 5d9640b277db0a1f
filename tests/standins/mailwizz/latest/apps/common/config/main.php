<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Defaults of every application; main-custom.php beside it is written by the installer and wins.

declare(strict_types=1);

return [
    'components' => [
        'db' => [
            'connectionString' => 'mysql:host=localhost;dbname=',
            'username' => '',
            'password' => '',
            'tablePrefix' => '',
        ],
    ],
    'params' => [
        'email.custom.header.prefix' => 'X-',
        'email.custom.dkim.selector' => 'mailer',
        'campaign.delivery.giveup.retries' => 3,
        'schema.cache.seconds' => 31536000,
    ],
];
