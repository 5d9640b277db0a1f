<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {database: {host, port, name, user, password}} -> {tables, server}. Opens the database that MailWizz will be installed into.

declare(strict_types=1);

namespace EmailEngine\Fleet;

return static function (Product $product, array $document): array {
    $wanted = $document['database'];
    $place = strpos($wanted['host'], 'unix_socket=') === 0 ? $wanted['host'] : sprintf('host=%s;port=%d', $wanted['host'], $wanted['port']);
    $connection = Product::open([
        'connectionString' => sprintf('mysql:%s;dbname=%s', $place, $wanted['name']),
        'username' => $wanted['user'],
        'password' => $wanted['password'],
    ]);
    return [
        'tables' => count($connection->query('SHOW TABLES')->fetchAll(\PDO::FETCH_COLUMN)),
        'server' => (string) $connection->getAttribute(\PDO::ATTR_SERVER_VERSION),
    ];
};
