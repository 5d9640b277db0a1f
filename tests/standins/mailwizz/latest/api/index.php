<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Entry point of the sub-application 'api'.

declare(strict_types=1);

define('MW_APP_NAME', 'api');

require __DIR__ . '/../apps/init.php';
