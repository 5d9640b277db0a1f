<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** What a link of a campaign's mail names: list, subscriber and campaign that belong together; anything else does not exist. */
final class Mailing
{
    /** @return array{array, array} rows of campaign and list_subscriber */
    public static function of(string $campaign, string $subscriber): array
    {
        $row = self::campaign($campaign);
        $one = Sql::row(
            'SELECT * FROM {{list_subscriber}} WHERE subscriber_uid = :u AND list_id = :l',
            ['u' => $subscriber, 'l' => (int) $row['list_id']]
        );
        return [$row, self::found($one)];
    }

    public static function campaign(string $uid): array
    {
        return self::found(Sql::row("SELECT * FROM {{campaign}} WHERE campaign_uid = :u AND status <> 'pending-delete'", ['u' => $uid]));
    }

    public static function list(string $uid): array
    {
        return self::found(Sql::row("SELECT * FROM {{list}} WHERE list_uid = :u AND status <> 'pending-delete'", ['u' => $uid]));
    }

    /** The subscriber with what its tags need. */
    public static function withFields(array $campaign, array $subscriber): array
    {
        $id = (int) $subscriber['subscriber_id'];
        return $subscriber + ['fields' => SubscriberTags::fields((int) $campaign['list_id'], [$id])[$id]];
    }

    public static function found(?array $row): array
    {
        if ($row === null) {
            throw new CHttpException(404, 'The requested page does not exist.');
        }
        return $row;
    }
}
