<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Boots the application that MW_APP_NAME names, and runs it; with MW_RETURN_APP_INSTANCE it is only returned.

declare(strict_types=1);

if (!defined('MW_VERSION')) {
    define('MW_VERSION', '2.1.13');
}
if (PHP_VERSION_ID < 70200) {
    exit('PHP 7.2 or newer is required');
}
if (!defined('MW_APP_NAME')) {
    exit('MW_APP_NAME is not defined');
}

define('MW_ROOT_PATH', dirname(__DIR__));
define('MW_APPS_PATH', __DIR__);
define('MW_IS_CLI', PHP_SAPI === 'cli');

date_default_timezone_set('UTC');
mb_internal_encoding('UTF-8');
error_reporting(E_ALL);
ini_set('display_errors', MW_IS_CLI ? 'stderr' : '0');

require MW_APPS_PATH . '/common/framework/Yii.php';

$application = MW_APP_NAME === 'console' ? new CConsoleApplication() : new CWebApplication(MW_APP_NAME);
Yii::setApplication($application);

if (defined('MW_RETURN_APP_INSTANCE') && MW_RETURN_APP_INSTANCE) {
    return $application;
}

$application->run();
