<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A subscriber as the API takes it: field tags at the top, details[...] beside them. */
final class SubscriberForm
{
    /**
     * Adds one. An address that the list has in whatever state, also unsubscribed, is not taken again.
     *
     * @return array row of list_subscriber
     */
    public static function added(array $list, array $form, int $customer): array
    {
        $values = Checks::texts($form);
        $email = self::address($values['EMAIL'] ?? '');
        if (Blacklist::has($email)) {
            throw new ApiError(409, 'This email address is blacklisted.');
        }
        self::unused($list, $email);
        $fields = self::fields($list);
        self::complete($fields, $values, true);
        $details = self::details($form);
        $row = [
            'subscriber_uid' => Sql::uid('list_subscriber', 'subscriber_uid'),
            'list_id' => (int) $list['list_id'],
            'email' => $email,
            'source' => $details['source'] ?? 'api',
            'ip_address' => $details['ip_address'] ?? (string) ($_SERVER['REMOTE_ADDR'] ?? ''),
            'status' => $details['status'] ?? ($list['opt_in'] === 'double' ? 'unconfirmed' : 'confirmed'),
            'date_added' => Sql::now(),
        ];
        $id = Sql::insert('list_subscriber', $row);
        self::store($id, $fields, ['EMAIL' => $email] + $values);
        return $row;
    }

    public static function changed(array $list, array $subscriber, array $form): void
    {
        $values = Checks::texts($form);
        $id = (int) $subscriber['subscriber_id'];
        $change = array_intersect_key(self::details($form), ['status' => 1]);
        if (isset($values['EMAIL'])) {
            $change['email'] = self::address($values['EMAIL']);
            if (Blacklist::has($change['email'])) {
                throw new ApiError(409, 'This email address is blacklisted.');
            }
            self::unused($list, $change['email'], $id);
        }
        $fields = self::fields($list);
        self::complete($fields, $values, false);
        if ($change) {
            Sql::update('list_subscriber', $change, ['subscriber_id' => $id]);
        }
        self::store($id, $fields, $values);
    }

    private static function address(string $email): string
    {
        if ($email === '') {
            throw new ApiError(422, 'Please provide the subscriber email address.');
        }
        if (!EmailAddress::valid($email)) {
            throw new ApiError(422, 'Please provide a valid email address.');
        }
        return $email;
    }

    private static function unused(array $list, string $email, int $except = 0): void
    {
        $taken = Sql::value(
            'SELECT 1 FROM {{list_subscriber}} WHERE list_id = :l AND email = :e AND subscriber_id <> :s',
            ['l' => (int) $list['list_id'], 'e' => $email, 's' => $except]
        );
        if ($taken !== null) {
            throw new ApiError(409, 'The subscriber already exists in this list.');
        }
    }

    /** @var array<int, array<string, array>> */
    private static $fields = [];

    /** @return array<string, array> tag => row of list_field */
    private static function fields(array $list): array
    {
        $id = (int) $list['list_id'];
        if (!isset(self::$fields[$id])) {
            self::$fields[$id] = array_column(Sql::rows('SELECT * FROM {{list_field}} WHERE list_id = :l', ['l' => $id]), null, 'tag');
        }
        return self::$fields[$id];
    }

    private static function complete(array $fields, array $values, bool $new): void
    {
        $errors = [];
        foreach ($fields as $tag => $field) {
            if ($field['required'] === 'yes' && ($values[$tag] ?? '') === '' && ($new || isset($values[$tag]))) {
                $errors[$tag] = "The field {$field['label']} is required by the list but it has not been provided!";
            }
        }
        foreach (array_keys($fields) as $tag) {
            $errors += Checks::length($values, (string) $tag, (string) $tag, 255);
        }
        if ($errors) {
            throw new ApiError(422, $errors);
        }
    }

    /** details[status|source|ip_address], each only if it is a value the product knows. */
    private static function details(array $form): array
    {
        $details = isset($form['details']) && is_array($form['details']) ? Checks::texts($form['details']) : [];
        $known = [];
        if (SubscribersEndpoint::status($details['status'] ?? '')) {
            $known['status'] = $details['status'];
        }
        if (in_array($details['source'] ?? '', ['web', 'api', 'import'], true)) {
            $known['source'] = $details['source'];
        }
        if (filter_var($details['ip_address'] ?? '', FILTER_VALIDATE_IP)) {
            $known['ip_address'] = $details['ip_address'];
        }
        return $known;
    }

    private static function store(int $subscriber, array $fields, array $values): void
    {
        foreach (array_intersect_key($values, $fields) as $tag => $value) {
            $key = ['field_id' => (int) $fields[$tag]['field_id'], 'subscriber_id' => $subscriber];
            Sql::run('DELETE FROM {{list_field_value}} WHERE field_id = :field_id AND subscriber_id = :subscriber_id', $key);
            Sql::insert('list_field_value', $key + ['value' => $value]);
        }
    }
}
