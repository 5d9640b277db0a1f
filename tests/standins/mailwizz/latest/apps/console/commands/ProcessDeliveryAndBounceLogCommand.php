<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** process-delivery-and-bounce-log: blacklists addresses with too many errors or bounces, over all campaigns. */
class ProcessDeliveryAndBounceLogCommand extends CConsoleCommand
{
    /** table, condition, option of the limit, its default, reason */
    private const RULES = [
        ['campaign_delivery_log', "status = 'fatal-error'", 'max_fatal_errors', 1, 'Too many fatal errors'],
        ['campaign_delivery_log', "status IN ('temporary-error', 'giveup')", 'max_soft_errors', 5, 'Too many soft errors'],
        ['campaign_bounce_log', "bounce_type = 'hard'", 'max_hard_bounce', 1, 'Too many hard bounces'],
        ['campaign_bounce_log', "bounce_type = 'soft'", 'max_soft_bounce', 5, 'Too many soft bounces'],
    ];

    public function run(array $args): int
    {
        $mutex = Mutex::take('process-delivery-and-bounce-log');
        if (!$mutex) {
            return 0;
        }
        foreach (self::RULES as [$table, $condition, $option, $default, $reason]) {
            $limit = (int) Sql::option("system.cron.process_delivery_bounce.$option", $default);
            if ($limit < 1) {
                continue;
            }
            $subscribers = Sql::rows(
                "SELECT s.subscriber_id, s.email FROM {{{$table}}} t JOIN {{list_subscriber}} s ON s.subscriber_id = t.subscriber_id
                 WHERE t.$condition AND s.status <> 'blacklisted' GROUP BY s.subscriber_id HAVING COUNT(*) >= :n",
                ['n' => $limit]
            );
            foreach ($subscribers as $subscriber) {
                Blacklist::add($subscriber['email'], (int) $subscriber['subscriber_id'], $reason);
                Journal::line("process-delivery-and-bounce-log: {$subscriber['email']}: $reason");
            }
        }
        foreach (['campaign_delivery_log', 'campaign_bounce_log'] as $table) {
            Sql::run("UPDATE {{{$table}}} SET processed = 'yes' WHERE processed = 'no'");
        }
        $mutex->release();
        return 0;
    }
}
