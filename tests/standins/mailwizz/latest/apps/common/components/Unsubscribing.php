<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** How a subscriber leaves a list because of a campaign's mail. */
final class Unsubscribing
{
    public static function one(?array $campaign, array $subscriber, string $note): void
    {
        $id = (int) $subscriber['subscriber_id'];
        Sql::run("UPDATE {{list_subscriber}} SET status = 'unsubscribed', last_updated = NOW() WHERE subscriber_id = :s AND status = 'confirmed'", ['s' => $id]);
        if (!$campaign) {
            return;
        }
        $row = ['campaign_id' => (int) $campaign['campaign_id'], 'subscriber_id' => $id];
        $known = Sql::value('SELECT 1 FROM {{campaign_track_unsubscribe}} WHERE campaign_id = :campaign_id AND subscriber_id = :subscriber_id', $row);
        if ($known === null) {
            Sql::insert('campaign_track_unsubscribe', $row + [
                'ip_address' => substr((string) ($_SERVER['REMOTE_ADDR'] ?? ''), 0, 45),
                'user_agent' => mb_substr((string) ($_SERVER['HTTP_USER_AGENT'] ?? ''), 0, 255),
                'reason' => '',
                'note' => $note,
            ]);
        }
    }
}
