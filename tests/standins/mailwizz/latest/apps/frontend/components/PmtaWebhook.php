<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** dswh/pmta: accounting records of a PowerMTA, as one JSON object, an array of them, or one per line. The answer is always an empty 200. */
final class PmtaWebhook
{
    private const HARD = ['bad-mailbox', 'inactive-mailbox', 'bad-domain'];
    private const SOFT = ['quota-issues', 'no-answer-from-host', 'relaying-issues', 'routing-errors'];

    public static function receive(string $body): void
    {
        foreach (self::records($body) as $record) {
            if (is_array($record)) {
                self::take($record);
            }
        }
    }

    /** @return list<mixed> */
    private static function records(string $body): array
    {
        $all = json_decode(trim($body), true);
        if (is_array($all)) {
            return array_is_list($all) ? $all : [$all];
        }
        $records = [];
        foreach (preg_split('/\r?\n/', $body) as $line) {
            $record = json_decode($line, true);
            array_push($records, ...(is_array($record) && array_is_list($record) ? $record : [$record]));
        }
        return $records;
    }

    private static function take(array $record): void
    {
        $id = trim((string) (is_scalar($record['header_Message-Id'] ?? null) ? $record['header_Message-Id'] : ''), " <>\t");
        $type = $record['type'] ?? '';
        if ($id === '' || !in_array($type, ['b', 'rb', 'rs', 'f'], true)) {
            return;
        }
        [$campaign, $subscriber] = self::delivery($id);
        if (!$campaign || !$subscriber) {
            return;
        }
        $said = is_string($record['dsnDiag'] ?? null) ? $record['dsnDiag'] : '';
        if ($type === 'f') {
            Bounces::complain($campaign, $subscriber, 'PMTA feedback loop');
            return;
        }
        $category = is_string($record['bounceCat'] ?? null) ? $record['bounceCat'] : '';
        if ($category !== '') {
            $kind = in_array($category, self::HARD, true) ? 'hard' : (in_array($category, self::SOFT, true) ? 'soft' : 'internal');
            Bounces::add($campaign, $subscriber, $kind, $said ?: 'BOUNCED BACK');
        }
    }

    /** @return array{array|null, array|null} campaign and confirmed subscriber of a message that left well */
    private static function delivery(string $id): array
    {
        foreach (['campaign_delivery_log', 'campaign_delivery_log_archive'] as $table) {
            $log = Sql::row("SELECT campaign_id, subscriber_id FROM {{{$table}}} WHERE email_message_id = :m AND status = 'success'", ['m' => $id]);
            if ($log) {
                return [
                    Sql::row('SELECT * FROM {{campaign}} WHERE campaign_id = :c', ['c' => (int) $log['campaign_id']]),
                    Sql::row("SELECT * FROM {{list_subscriber}} WHERE subscriber_id = :s AND status = 'confirmed'", ['s' => (int) $log['subscriber_id']]),
                ];
            }
        }
        return [null, null];
    }
}
