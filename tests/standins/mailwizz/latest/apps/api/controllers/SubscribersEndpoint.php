<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /lists/{list}/subscribers */
final class SubscribersEndpoint
{
    private const STATUSES = ['unconfirmed', 'confirmed', 'blacklisted', 'unsubscribed', 'unapproved', 'disabled', 'moved'];

    public static function index(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $from = 'FROM {{list_subscriber}} WHERE list_id = :l';
        $params = ['l' => (int) $list['list_id']];
        if (($status = $request->query('status')) !== '') {
            $from .= ' AND status = :s';
            $params['s'] = $status;
        }
        $page = Page::of($request, '*', $from, $params, 'subscriber_id DESC', static function (array $row) {
            return $row;
        });
        $page['data']['records'] = self::records($list, $page['data']['records']);
        return [200, $page];
    }

    public static function view(ApiRequest $request, string $uid, string $subscriber): array
    {
        $list = Owned::list($request, $uid);
        return [200, ['status' => 'success', 'data' => ['record' => self::records($list, [Owned::subscriber($list, $subscriber)])[0]]]];
    }

    public static function create(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $row = SubscriberForm::added($list, $request->form, $request->customerId());
        $record = array_intersect_key($row, array_flip(['subscriber_uid', 'email', 'ip_address', 'source', 'date_added']));
        return [201, ['status' => 'success'] + (ApiMode::three() ? $record : ['data' => ['record' => $record]])];
    }

    /** Each one alone; the answer is 201 however many are wrong. */
    public static function bulk(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $subscribers = $request->wrapper('subscribers');
        if (!$subscribers) {
            throw new ApiError(422, 'Please provide the subscribers array.');
        }
        // Nothing promises that details[...] of a single row count here.
        $detailed = Sql::option('system.standin.bulk_details', 'honoured') !== 'ignored';
        $records = [];
        Sql::pdo()->beginTransaction();
        foreach ($subscribers as $form) {
            $form = is_array($form) ? $form : [];
            if (!$detailed) {
                unset($form['details']);
            }
            $record = ['data' => Checks::texts($form)];
            try {
                $record['data'] += array_intersect_key(
                    SubscriberForm::added($list, $form, $request->customerId()),
                    array_flip(['subscriber_uid', 'ip_address', 'source', 'date_added'])
                );
            } catch (ApiError $error) {
                $record['errors'] = is_array($error->error) ? $error->error : ['EMAIL' => $error->error];
            }
            $records[] = $record;
        }
        Sql::pdo()->commit();
        return [201, ['status' => 'success', 'data' => ['records' => $records]]];
    }

    public static function update(ApiRequest $request, string $uid, string $subscriber): array
    {
        $list = Owned::list($request, $uid);
        $row = Owned::subscriber($list, $subscriber);
        if ($row['status'] === 'blacklisted') {
            throw new ApiError(409, 'This email address is blacklisted.');
        }
        if (!$request->form) {
            throw new ApiError(422, 'Please provide the subscriber data.');
        }
        SubscriberForm::changed($list, $row, $request->form);
        return [200, ['status' => 'success', 'data' => ['record' => self::records($list, [Owned::subscriber($list, $subscriber)])[0]]]];
    }

    public static function delete(ApiRequest $request, string $uid, string $subscriber): array
    {
        $row = Owned::subscriber(Owned::list($request, $uid), $subscriber);
        Sql::run('DELETE FROM {{list_field_value}} WHERE subscriber_id = :s', ['s' => (int) $row['subscriber_id']]);
        Sql::run('DELETE FROM {{list_subscriber}} WHERE subscriber_id = :s', ['s' => (int) $row['subscriber_id']]);
        return [200, ['status' => 'success']];
    }

    public static function unsubscribe(ApiRequest $request, string $uid, string $subscriber): array
    {
        $row = Owned::subscriber(Owned::list($request, $uid), $subscriber);
        Sql::run(
            "UPDATE {{list_subscriber}} SET status = 'unsubscribed', last_updated = NOW() WHERE subscriber_id = :s AND status = 'confirmed'",
            ['s' => (int) $row['subscriber_id']]
        );
        return [200, ['status' => 'success']];
    }

    public static function search(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $row = Owned::found(Sql::row(
            'SELECT subscriber_uid, status, date_added FROM {{list_subscriber}} WHERE list_id = :l AND email = :e',
            ['l' => (int) $list['list_id'], 'e' => self::address($request->query('EMAIL'))]
        ), 'The subscriber does not exist in this list.');
        return [200, ['status' => 'success', 'data' => $row]];
    }

    public static function searchFields(ApiRequest $request, string $uid): array
    {
        $list = Owned::list($request, $uid);
        $from = 'FROM {{list_subscriber}} s WHERE s.list_id = :l';
        $params = ['l' => (int) $list['list_id']];
        foreach (Sql::rows('SELECT field_id, tag FROM {{list_field}} WHERE list_id = :l', $params) as $field) {
            if (($value = $request->query($field['tag'])) !== '') {
                $id = (int) $field['field_id'];
                $from .= " AND EXISTS (SELECT 1 FROM {{list_field_value}} v WHERE v.subscriber_id = s.subscriber_id AND v.field_id = $id AND v.value = :v$id)";
                $params["v$id"] = $value;
            }
        }
        if (count($params) === 1) {
            throw new ApiError(422, 'Please provide at least one custom field to search for.');
        }
        $page = Page::of($request, 's.*', $from, $params, 's.subscriber_id DESC', static function (array $row) {
            return $row;
        });
        $page['data']['records'] = self::records($list, $page['data']['records']);
        return [200, $page];
    }

    public static function everywhere(ApiRequest $request): array
    {
        return [200, Page::of(
            $request,
            's.*, l.list_uid, l.name AS list_name, l.display_name',
            "FROM {{list_subscriber}} s JOIN {{list}} l ON l.list_id = s.list_id
             WHERE l.customer_id = :c AND l.status <> 'pending-delete' AND s.email = :e",
            ['c' => $request->customerId(), 'e' => self::address($request->query('EMAIL'))],
            's.subscriber_id DESC',
            static function (array $row) {
                return [
                    'subscriber_uid' => $row['subscriber_uid'], 'email' => $row['email'], 'status' => $row['status'],
                    'source' => $row['source'], 'ip_address' => $row['ip_address'], 'date_added' => $row['date_added'],
                    'list' => ['list_uid' => $row['list_uid'], 'name' => $row['list_name'], 'display_name' => $row['display_name']],
                ];
            }
        )];
    }

    public static function unsubscribeEverywhere(ApiRequest $request): array
    {
        Sql::run(
            "UPDATE {{list_subscriber}} s JOIN {{list}} l ON l.list_id = s.list_id SET s.status = 'unsubscribed', s.last_updated = NOW()
             WHERE l.customer_id = :c AND s.email = :e AND s.status = 'confirmed'",
            ['c' => $request->customerId(), 'e' => self::address($request->text('EMAIL'))]
        );
        return [200, ['status' => 'success']];
    }

    public static function status(string $status): bool
    {
        return in_array($status, self::STATUSES, true);
    }

    /** @return list<array<string, string>> */
    private static function records(array $list, array $rows): array
    {
        $fields = SubscriberTags::fields((int) $list['list_id'], array_map('intval', array_column($rows, 'subscriber_id')));
        return array_map(static function (array $row) use ($fields) {
            return array_intersect_key($row, array_flip(['subscriber_uid', 'status', 'source', 'ip_address', 'date_added']))
                + $fields[$row['subscriber_id']] + ['EMAIL' => $row['email']];
        }, $rows);
    }

    private static function address(string $address): string
    {
        if ($address === '') {
            throw new ApiError(422, 'Please provide the subscriber email address.');
        }
        if (!EmailAddress::valid($address)) {
            throw new ApiError(422, 'Please provide a valid email address.');
        }
        return $address;
    }
}
