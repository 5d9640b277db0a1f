<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {tenants: [{name, group: {id, name, options}, customer: {id, set, password}, key: {id, name}}]} -> {}
//
// Makes what has no number yet, and sets what is named. All of it or nothing.

declare(strict_types=1);

namespace EmailEngine\Fleet;

/** @param array<string, mixed> $wanted */
function tenant_group(array $wanted, string $what): int
{
    if ($wanted['id'] === null) {
        $group = Records::made('CustomerGroup');
        Records::set($group, ['name' => $wanted['name'], 'is_default' => 'no']);
        Records::save($group, "$what: customer group");
        $number = (int) $group->getPrimaryKey();
    } else {
        $number = (int) $wanted['id'];
    }
    $class = Records::known('CustomerGroupOption');
    $present = [];
    foreach ($class::model()->findAllByAttributes(['group_id' => $number]) as $option) {
        $present[$option->code] = $option;
    }
    foreach ($wanted['options'] as $code => $value) {
        $option = $present[$code] ?? Records::made('CustomerGroupOption');
        Records::set($option, ['group_id' => $number, 'code' => $code, 'value' => $value, 'is_serialized' => 0]);
        Records::save($option, "$what: option $code of its customer group");
    }
    return $number;
}

/** @param array<string, mixed> $wanted */
function tenant_customer(array $wanted, int $group, string $what): int
{
    if ($wanted['id'] !== null) {
        $customer = Records::byKey([(int) $wanted['id']], 'Customer')[(int) $wanted['id']] ?? null;
        if ($customer === null) {
            throw new Failure("$what: customer {$wanted['id']}", 'is no longer there', 'Somebody works in MailWizz at this moment: run it again');
        }
        if (!$wanted['set']) {
            return (int) $wanted['id'];
        }
    } else {
        $customer = Records::made('Customer');
        $secret = $wanted['password'];
        Records::set($customer, ['group_id' => $group, 'status' => 'active']);
        // The form's fields, from which the model makes the hash; where it has none, the column takes the secret.
        $unknown = Records::set($customer, ['fake_password' => $secret, 'confirm_password' => $secret]);
        if (in_array('fake_password', $unknown, true)) {
            Records::set($customer, ['password' => $secret]);
        }
    }
    Records::set($customer, $wanted['set']);
    if (isset($wanted['set']['email'])) {
        Records::set($customer, ['confirm_email' => $wanted['set']['email']]);
    }
    Records::save($customer, "$what: customer");
    return (int) $customer->getPrimaryKey();
}

/** @param array<string, mixed> $wanted */
function tenant_key(array $wanted, int $customer, string $what): void
{
    if ($wanted['id'] !== null) {
        return;
    }
    $key = Records::made('CustomerApiKey');
    Records::set($key, [
        'customer_id' => $customer, 'name' => $wanted['name'], 'key' => bin2hex(random_bytes(20)),
        'description' => 'Used by the engine; made by email_engine.fleet',
    ]);
    Records::save($key, "$what: API key");
}

return static function (Product $product, array $document): array {
    $product->boot();
    return Records::together(static function () use ($document): array {
        foreach ($document['tenants'] as $tenant) {
            $what = 'tenant ' . $tenant['name'];
            $group = tenant_group($tenant['group'], $what);
            $customer = tenant_customer($tenant['customer'], $group, $what);
            tenant_key($tenant['key'], $customer, $what);
        }
        return [];
    });
};
