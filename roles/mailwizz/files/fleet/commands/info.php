<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {} -> {installed, reason, version, file_version, prefix, counts, urls}. Does not start MailWizz: it may be broken, or not there yet.

declare(strict_types=1);

namespace EmailEngine\Fleet;

return static function (Product $product, array $document): array {
    $tables = [
        'users' => 'user', 'customers' => 'customer', 'lists' => 'list', 'subscribers' => 'list_subscriber',
        'templates' => 'customer_email_template', 'campaigns' => 'campaign', 'delivery_servers' => 'delivery_server',
    ];
    $answer = [
        'installed' => false, 'reason' => '', 'version' => null, 'file_version' => $product->fileVersion(), 'prefix' => null,
        'counts' => array_fill_keys(array_keys($tables), null), 'urls' => new \stdClass(),
    ];
    $db = $product->configuration();
    if ($db === null) {
        return ['reason' => 'apps/common/config/main-custom.php names no database'] + $answer;
    }
    $answer['prefix'] = $prefix = (string) $db['tablePrefix'];
    $connection = Product::open($db);
    $present = array_flip(array_map('strval', $connection->query('SHOW TABLES')->fetchAll(\PDO::FETCH_COLUMN)));
    foreach ($tables as $kind => $table) {
        if (isset($present[$prefix . $table])) {
            $answer['counts'][$kind] = (int) $connection->query("SELECT COUNT(*) FROM `$prefix$table`")->fetchColumn();
        }
    }
    if (!isset($present[$prefix . 'option'])) {
        return ['reason' => 'its database has no table ' . $prefix . 'option'] + $answer;
    }
    $options = $connection->prepare("SELECT `key`, `value` FROM `{$prefix}option` WHERE `category` = ?");
    $options->execute(['system.common']);
    $common = $options->fetchAll(\PDO::FETCH_KEY_PAIR);
    $options->execute(['system.urls']);
    $urls = [];
    foreach ($options->fetchAll(\PDO::FETCH_KEY_PAIR) as $key => $value) {
        if (preg_match('/^(\w+)_absolute_url$/', (string) $key, $found)) {
            $urls[$found[1]] = $value;
        }
    }
    $answer['version'] = $common['version'] ?? null;
    $answer['urls'] = (object) $urls;
    if ($answer['version'] === null) {
        return ['reason' => 'its database says no system.common.version'] + $answer;
    }
    if (!$answer['counts']['users']) {
        return ['reason' => 'its database has no user'] + $answer;
    }
    $answer['installed'] = true;
    return $answer;
};
