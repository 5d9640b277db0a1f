<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The installer: index.php?route=STEP.

declare(strict_types=1);

define('MW_APP_NAME', 'install');
define('MW_ROOT_PATH', dirname(__DIR__));
define('MW_APPS_PATH', MW_ROOT_PATH . '/apps');

ini_set('display_errors', '0');
mb_internal_encoding('UTF-8');
date_default_timezone_set('UTC');

require MW_APPS_PATH . '/common/framework/Yii.php';
spl_autoload_register(static function (string $class): void {
    foreach ([__DIR__ . '/', __DIR__ . '/steps/'] as $place) {
        if (preg_match('/^\w+$/', $class) && is_file($place . $class . '.php')) {
            require_once $place . $class . '.php';

            return;
        }
    }
});

(new Installer())->run(is_string($_GET['route'] ?? null) ? $_GET['route'] : 'welcome');
