<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /transactional-emails */
final class TransactionalEmailsEndpoint
{
    private const SHOWN = 'email_uid, to_name, to_email, from_name, from_email, reply_to_name, reply_to_email, subject, body, plain_text, priority, retries,
        max_retries, send_at, status, date_added';

    public static function index(ApiRequest $request): array
    {
        return [200, Page::of(
            $request,
            self::SHOWN,
            'FROM {{transactional_email}} WHERE customer_id = :c',
            ['c' => $request->customerId()],
            'email_id DESC',
            static function (array $row) {
                return $row;
            }
        )];
    }

    public static function view(ApiRequest $request, string $uid): array
    {
        return [200, ['status' => 'success', 'data' => ['record' => self::email($request, $uid, self::SHOWN)]]];
    }

    public static function create(ApiRequest $request): array
    {
        $sent = Checks::texts($request->wrapper('email'));
        if (!$sent) {
            throw new ApiError(422, 'Please provide the email data.');
        }
        $labels = [
            'to_name' => 'To name', 'to_email' => 'To email', 'from_name' => 'From name', 'subject' => 'Subject', 'body' => 'Body', 'send_at' => 'Send at',
        ];
        $errors = Checks::required($sent, $labels);
        foreach (['to_email' => 'To email', 'from_email' => 'From email', 'reply_to_email' => 'Reply to email'] as $field => $label) {
            $errors += Checks::email($sent, $field, $label);
        }
        if (!isset($errors['send_at']) && !CampaignForm::time($sent['send_at'], 'UTC')) {
            $errors['send_at'] = 'Send at is not a date.';
        }
        if ($errors) {
            throw new ApiError(422, $errors);
        }
        $uid = Sql::uid('transactional_email', 'email_uid');
        $row = array_intersect_key($sent, array_flip(['to_name', 'to_email', 'from_name', 'from_email', 'reply_to_name', 'reply_to_email', 'subject']));
        Sql::insert('transactional_email', $row + [
            'email_uid' => $uid,
            'customer_id' => $request->customerId(),
            'body' => (string) base64_decode($sent['body']),
            'plain_text' => (string) base64_decode($sent['plain_text'] ?? ''),
            'send_at' => CampaignForm::time($sent['send_at'], 'UTC'),
            'max_retries' => 3,
            'status' => 'unsent',
        ]);
        return [201, ['status' => 'success', 'email_uid' => $uid]];
    }

    public static function delete(ApiRequest $request, string $uid): array
    {
        Sql::run('DELETE FROM {{transactional_email}} WHERE email_id = :e', ['e' => (int) self::email($request, $uid, 'email_id')['email_id']]);
        return [200, ['status' => 'success']];
    }

    private static function email(ApiRequest $request, string $uid, string $columns): array
    {
        return Owned::found(Sql::row(
            "SELECT $columns FROM {{transactional_email}} WHERE email_uid = :u AND customer_id = :c",
            ['u' => $uid, 'c' => $request->customerId()]
        ), 'The email does not exist.');
    }
}
