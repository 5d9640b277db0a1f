<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /templates */
final class TemplatesEndpoint
{
    public static function index(ApiRequest $request): array
    {
        return [200, Page::of(
            $request,
            'template_uid, name',
            'FROM {{customer_email_template}} WHERE customer_id = :c',
            ['c' => $request->customerId()],
            'template_id DESC',
            static function (array $row) {
                return $row + ['screenshot' => null];
            }
        )];
    }

    public static function view(ApiRequest $request, string $uid): array
    {
        $row = Owned::template($request, $uid);
        return [200, ['status' => 'success', 'data' => ['record' => ['name' => $row['name'], 'content' => $row['content'], 'screenshot' => null]]]];
    }

    public static function create(ApiRequest $request): array
    {
        $values = self::values($request);
        if ($errors = Checks::required($values, ['name' => 'Name', 'content' => 'Content'])) {
            throw new ApiError(422, $errors);
        }
        $uid = Sql::uid('customer_email_template', 'template_uid');
        Sql::insert('customer_email_template', ['template_uid' => $uid, 'customer_id' => $request->customerId()] + $values);
        return [201, ['status' => 'success', 'template_uid' => $uid]];
    }

    public static function update(ApiRequest $request, string $uid): array
    {
        $row = Owned::template($request, $uid);
        $values = self::values($request);
        if ($errors = Checks::required($values, array_intersect_key(['name' => 'Name', 'content' => 'Content'], $values))) {
            throw new ApiError(422, $errors);
        }
        Sql::update('customer_email_template', $values, ['template_id' => (int) $row['template_id']]);
        return [200, ['status' => 'success']];
    }

    public static function delete(ApiRequest $request, string $uid): array
    {
        $row = Owned::template($request, $uid);
        Sql::run('DELETE FROM {{customer_email_template}} WHERE template_id = :t', ['t' => (int) $row['template_id']]);
        return [200, ['status' => 'success']];
    }

    /** name and content of template[...]; content comes as base64, anything else becomes garbage. */
    private static function values(ApiRequest $request): array
    {
        $sent = Checks::texts($request->wrapper('template'));
        if (!$sent) {
            throw new ApiError(422, 'Please provide the template data.');
        }
        if (isset($sent['archive']) && !isset($sent['content'])) {
            throw new ApiError(422, ['archive' => 'Archives are not taken.']);
        }
        $values = array_intersect_key($sent, ['name' => 1]);
        if (isset($sent['content'])) {
            $values['content'] = (string) base64_decode($sent['content']);
        }
        return $values;
    }
}
