<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {emails: [...], keys: bool, servers: bool, nonce} -> what plugins/module_utils/mailwizz/marks.py calls a found state.
//
// One query for each kind, however many senders there are. Says no password: a digest under the nonce says whether it is the same.

declare(strict_types=1);

namespace EmailEngine\Fleet;

return static function (Product $product, array $document): array {
    $product->boot();
    $id = static function ($value): ?int {
        return $value === null || $value === '' ? null : (int) $value;
    };
    $groups = $numbers = [];
    foreach (Records::rows("SELECT * FROM {{customer_group}} WHERE `name` LIKE 'fleet-%' ORDER BY `group_id`") as $row) {
        $numbers[] = (int) $row['group_id'];
        $groups[(int) $row['group_id']] = ['id' => (int) $row['group_id'], 'name' => $row['name'], 'options' => []];
    }
    foreach (Records::rows('SELECT * FROM {{customer_group_option}} WHERE `group_id` IN (:list)', $numbers) as $row) {
        $value = !empty($row['is_serialized']) ? @unserialize((string) $row['value'], ['allowed_classes' => false]) : $row['value'];
        $groups[(int) $row['group_id']]['options'][$row['code']] = is_scalar($value) ? (string) $value : '';
    }
    $customers = $owners = [];
    $asked = array_merge(
        Records::rows('SELECT * FROM {{customer}} WHERE `group_id` IN (:list) ORDER BY `customer_id`', $numbers),
        Records::rows('SELECT * FROM {{customer}} WHERE `email` IN (:list)', $document['emails'])
    );
    foreach ($asked as $row) {
        $customers[(int) $row['customer_id']] = [
            'id' => (int) $row['customer_id'], 'uid' => $row['customer_uid'], 'group_id' => $id($row['group_id']), 'email' => $row['email'],
            'first_name' => $row['first_name'], 'last_name' => $row['last_name'], 'timezone' => $row['timezone'], 'status' => $row['status'],
        ];
        if (isset($groups[(int) $row['group_id']])) {
            $owners[] = (int) $row['customer_id'];
        }
    }
    $keys = [];
    if ($owners) {
        $class = Records::known('CustomerApiKey');
        foreach ($class::model()->findAllByAttributes(['customer_id' => $owners]) as $key) {
            $keys[] = [
                'id' => (int) $key->key_id, 'customer_id' => (int) $key->customer_id, 'name' => $key->name,
                'key' => $document['keys'] ? $key->key : null,
            ];
        }
    }
    $answer = [
        'columns' => [], 'groups' => array_values(array_map(static function (array $group): array {
            return ['options' => (object) $group['options']] + $group;
        }, $groups)),
        'customers' => array_values($customers), 'keys' => $keys, 'servers' => [], 'assigned' => [], 'campaigns' => [],
    ];
    if (!$document['servers']) {
        return $answer;
    }
    require_once __DIR__ . '/../Servers.php';
    $answer['columns'] = Servers::columns();
    $answer['servers'] = Servers::all($document['nonce']);
    foreach (Records::rows('SELECT * FROM {{delivery_server_to_customer_group}}') as $row) {
        $answer['assigned'][] = ['server_id' => (int) $row['server_id'], 'group_id' => (int) $row['group_id']];
    }
    $answer['campaigns'] = Servers::campaigns();
    return $answer;
};
