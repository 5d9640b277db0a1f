<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** A page of a collection: 10 to 50 records, the count as a text, nulls around an empty set. */
final class Page
{
    /**
     * @param string $from everything of the query behind the columns, without order
     * @param callable(array): array $record row => record
     */
    public static function of(ApiRequest $request, string $columns, string $from, array $params, string $order, callable $record): array
    {
        $count = (int) Sql::value("SELECT COUNT(*) $from", $params);
        if ($count === 0) {
            return ['status' => 'success', 'data' => [
                'count' => null, 'total_pages' => null, 'current_page' => null, 'next_page' => null, 'prev_page' => null, 'records' => [],
            ]];
        }
        $size = min(50, max(10, (int) ($request->query('per_page') ?: 10)));
        $page = max(1, (int) ($request->query('page') ?: 1));
        $pages = (int) ceil($count / $size);
        $rows = Sql::rows("SELECT $columns $from ORDER BY $order LIMIT :limit OFFSET :offset", $params + ['limit' => $size, 'offset' => ($page - 1) * $size]);
        return ['status' => 'success', 'data' => [
            'count' => (string) $count,
            'total_pages' => $pages,
            'current_page' => $page,
            'next_page' => $page < $pages ? $page + 1 : null,
            'prev_page' => $page > 1 ? $page - 1 : null,
            'records' => array_map($record, $rows),
        ]];
    }
}
