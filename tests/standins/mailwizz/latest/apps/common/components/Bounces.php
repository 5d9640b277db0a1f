<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Bounces and complaints of campaigns, wherever they come from. */
final class Bounces
{
    /**
     * @param string $type hard, soft or internal; hard blacklists the address at once
     * @return bool false: this subscriber has one of this campaign
     */
    public static function add(array $campaign, array $subscriber, string $type, string $message): bool
    {
        $row = ['campaign_id' => (int) $campaign['campaign_id'], 'subscriber_id' => (int) $subscriber['subscriber_id']];
        $known = Sql::value('SELECT 1 FROM {{campaign_bounce_log}} WHERE campaign_id = :campaign_id AND subscriber_id = :subscriber_id', $row);
        if ($known !== null) {
            return false;
        }
        Sql::insert('campaign_bounce_log', $row + ['message' => mb_substr($message, 0, 250), 'bounce_type' => $type, 'processed' => 'no']);
        if ($type === 'hard') {
            Blacklist::add($subscriber['email'], $row['subscriber_id'], mb_substr($message, 0, 250));
        }
        return true;
    }

    /** A complaint: the subscriber goes, as option system.cron.process_feedback_loop_servers.subscriber_action says. */
    public static function complain(array $campaign, array $subscriber, string $message): void
    {
        $row = ['campaign_id' => (int) $campaign['campaign_id'], 'subscriber_id' => (int) $subscriber['subscriber_id']];
        $known = Sql::value('SELECT 1 FROM {{campaign_complain_log}} WHERE campaign_id = :campaign_id AND subscriber_id = :subscriber_id', $row);
        if ($known === null) {
            Sql::insert('campaign_complain_log', $row + ['message' => mb_substr($message, 0, 250)]);
        }
        switch (Sql::option('system.cron.process_feedback_loop_servers.subscriber_action', 'unsubscribe')) {
            case 'delete':
                Sql::run('DELETE FROM {{list_subscriber}} WHERE subscriber_id = :s', ['s' => $row['subscriber_id']]);
                break;
            case 'blacklist':
                Blacklist::add($subscriber['email'], $row['subscriber_id'], mb_substr($message, 0, 250));
                break;
            default:
                Unsubscribing::one($campaign, $subscriber, 'Unsubscribed via feedback loop');
        }
    }
}
