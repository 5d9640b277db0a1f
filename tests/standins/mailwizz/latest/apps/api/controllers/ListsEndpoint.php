<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /lists */
final class ListsEndpoint
{
    private const DEFAULT_FIELDS = [['Email', 'EMAIL', 'yes'], ['First name', 'FNAME', 'no'], ['Last name', 'LNAME', 'no']];

    public static function index(ApiRequest $request): array
    {
        return [200, Page::of(
            $request,
            '*',
            "FROM {{list}} WHERE customer_id = :c AND status <> 'pending-delete'",
            ['c' => $request->customerId()],
            'list_id DESC',
            [self::class, 'record']
        )];
    }

    public static function view(ApiRequest $request, string $uid): array
    {
        return [200, ['status' => 'success', 'data' => ['record' => self::record(Owned::list($request, $uid))]]];
    }

    public static function create(ApiRequest $request): array
    {
        $parts = self::parts($request, true);
        Sql::pdo()->beginTransaction();
        $uid = Sql::uid('list', 'list_uid');
        $general = $parts['general'] + ['display_name' => $parts['general']['name'], 'opt_in' => 'double', 'opt_out' => 'single'];
        $id = Sql::insert('list', ['list_uid' => $uid, 'customer_id' => $request->customerId(), 'status' => 'active'] + $general);
        Sql::insert('list_default', ['list_id' => $id] + $parts['defaults']);
        Sql::insert('list_company', ['list_id' => $id] + $parts['company']);
        Sql::insert('list_customer_notification', ['list_id' => $id] + $parts['notifications']);
        foreach (self::DEFAULT_FIELDS as $order => [$label, $tag, $required]) {
            Sql::insert('list_field', [
                'list_id' => $id, 'type_id' => FieldsEndpoint::type('text'), 'label' => $label, 'tag' => $tag,
                'required' => $required, 'visibility' => 'visible', 'sort_order' => $order,
            ]);
        }
        Sql::pdo()->commit();
        return [201, ['status' => 'success', 'list_uid' => $uid]];
    }

    public static function update(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        if (!$request->form) {
            throw new ApiError(422, 'Please provide the list data.');
        }
        $tables = ['general' => 'list', 'defaults' => 'list_default', 'company' => 'list_company', 'notifications' => 'list_customer_notification'];
        foreach (self::parts($request, false) as $part => $values) {
            if ($values) {
                Sql::update($tables[$part], $values, ['list_id' => (int) $list['list_id']]);
            }
        }
        return [200, ['status' => 'success']];
    }

    public static function delete(ApiRequest $request, string $uid): array
    {
        Sql::update('list', ['status' => 'pending-delete'], ['list_id' => (int) Owned::list($request, $uid)['list_id']]);
        return [200, ['status' => 'success']];
    }

    public static function copy(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $old = (int) $list['list_id'];
        $list['list_uid'] = Sql::uid('list', 'list_uid');
        unset($list['list_id']);
        $new = Sql::insert('list', $list);
        foreach (['list_default', 'list_company', 'list_customer_notification', 'list_field'] as $table) {
            foreach (Sql::rows("SELECT * FROM {{{$table}}} WHERE list_id = :l", ['l' => $old]) as $row) {
                unset($row['field_id']);
                Sql::insert($table, ['list_id' => $new] + $row);
            }
        }
        return [201, ['status' => 'success', 'list_uid' => $list['list_uid']]];
    }

    public static function segments(ApiRequest $request, string $uid): array
    {
        Owned::list($request, $uid);
        return [200, Page::of($request, '*', 'FROM {{list}} WHERE 1 = 0', [], 'list_id', 'strval')];
    }

    public static function record(array $list): array
    {
        $id = ['l' => (int) $list['list_id']];
        $pick = static function (?array $row, array $names): array {
            return array_intersect_key($row ?: [], array_flip($names));
        };
        return [
            'general' => $pick($list, ['list_uid', 'name', 'display_name', 'description']),
            'defaults' => $pick(
                Sql::row('SELECT * FROM {{list_default}} WHERE list_id = :l', $id),
                ['from_name', 'from_email', 'reply_to', 'subject']
            ),
            'notifications' => $pick(
                Sql::row('SELECT * FROM {{list_customer_notification}} WHERE list_id = :l', $id),
                ['subscribe', 'unsubscribe', 'subscribe_to', 'unsubscribe_to']
            ),
            'company' => $pick(
                Sql::row(
                    'SELECT c.*, n.name AS country FROM {{list_company}} c LEFT JOIN {{country}} n ON n.country_id = c.country_id WHERE c.list_id = :l',
                    $id
                ),
                ['name', 'address_1', 'address_2', 'zone_name', 'city', 'zip_code', 'phone', 'address_format', 'country']
            ),
        ];
    }

    /** The four wrappers as rows of their tables; of an update only what was sent. */
    private static function parts(ApiRequest $request, bool $new): array
    {
        $errors = $parts = [];
        $rules = [
            'general' => [['name' => 'Name', 'description' => 'Description'], ['display_name', 'opt_in', 'opt_out']],
            'defaults' => [['from_name' => 'From name', 'from_email' => 'From email', 'reply_to' => 'Reply to'], ['subject']],
            'company' => [
                ['name' => 'Name', 'country' => 'Country', 'address_1' => 'Address 1', 'city' => 'City', 'zip_code' => 'Zip code'],
                ['address_2', 'zone_name', 'phone', 'address_format', 'zone'],
            ],
            'notifications' => [[], ['subscribe', 'unsubscribe', 'subscribe_to', 'unsubscribe_to']],
        ];
        foreach ($rules as $part => [$required, $optional]) {
            $sent = Checks::texts($request->wrapper($part));
            $values = array_intersect_key($sent, $required + array_flip($optional));
            $wanted = $new ? $required : array_intersect_key($required, $values);
            $wrong = Checks::required($values, $wanted) + self::wrong($part, $values);
            if ($part === 'company' && isset($values['country'])) {
                $country = Sql::value('SELECT country_id FROM {{country}} WHERE name = :n', ['n' => $values['country']]);
                if ($country === null) {
                    $wrong += ['country_id' => 'Country is unknown.'];
                }
                $values['country_id'] = (int) $country;
                $values['zone_name'] = ($values['zone_name'] ?? '') ?: ($values['zone'] ?? '');
                unset($values['country'], $values['zone']);
            }
            if ($wrong) {
                $errors[$part] = $wrong;
            }
            $parts[$part] = $values;
        }
        if ($errors) {
            throw new ApiError(422, $errors);
        }
        return $parts;
    }

    private static function wrong(string $part, array $values): array
    {
        switch ($part) {
            case 'company':
                return Checks::length($values, 'zip_code', 'Zip code', 10) + Checks::length($values, 'name', 'Name', 100);
            case 'general':
                return Checks::length($values, 'name', 'Name', 100) + Checks::length($values, 'description', 'Description', 255)
                    + Checks::choice($values, 'opt_in', 'Opt in', ['double', 'single']) + Checks::choice($values, 'opt_out', 'Opt out', ['double', 'single']);
            case 'defaults':
                return Checks::email($values, 'from_email', 'From email') + Checks::email($values, 'reply_to', 'Reply to')
                    + Checks::length($values, 'from_name', 'From name', 100);
            case 'notifications':
                return Checks::choice($values, 'subscribe', 'Subscribe', ['yes', 'no']) + Checks::choice($values, 'unsubscribe', 'Unsubscribe', ['yes', 'no']);
        }
        return [];
    }
}
