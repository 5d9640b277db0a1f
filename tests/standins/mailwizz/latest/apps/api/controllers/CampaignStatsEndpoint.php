<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /campaigns/{campaign}/stats */
final class CampaignStatsEndpoint
{
    public static function view(ApiRequest $request, string $uid): array
    {
        $campaign = Owned::campaign($request, $uid);
        $id = ['c' => (int) $campaign['campaign_id']];
        $count = static function (string $what, string $table, string $condition = '') use ($id): int {
            return (int) Sql::value("SELECT COUNT($what) FROM {{{$table}}} WHERE campaign_id = :c $condition", $id);
        };
        $clicks = static function (string $what) use ($id): int {
            return (int) Sql::value(
                "SELECT COUNT($what) FROM {{campaign_track_url}} t JOIN {{campaign_url}} u ON u.url_id = t.url_id WHERE u.campaign_id = :c",
                $id
            );
        };
        $processed = $count('*', 'campaign_delivery_log', "AND status <> 'temporary-error'");
        $delivered = $count('*', 'campaign_delivery_log', "AND status = 'success'");
        $stats = [
            'delivery_success' => [$delivered, $processed],
            'delivery_error' => [$processed - $delivered, $processed],
            'opens' => [$count('*', 'campaign_track_open'), $delivered],
            'unique_opens' => [$count('DISTINCT subscriber_id', 'campaign_track_open'), $delivered],
            'clicks' => [$clicks('*'), $delivered],
            'unique_clicks' => [$clicks('DISTINCT t.subscriber_id'), $delivered],
            'unsubscribes' => [$count('*', 'campaign_track_unsubscribe'), $delivered],
            'complaints' => [$count('*', 'campaign_complain_log'), $delivered],
            'bounces' => [$count('*', 'campaign_bounce_log'), $delivered],
            'hard_bounces' => [$count('*', 'campaign_bounce_log', "AND bounce_type = 'hard'"), $delivered],
            'soft_bounces' => [$count('*', 'campaign_bounce_log', "AND bounce_type = 'soft'"), $delivered],
            'internal_bounces' => [$count('*', 'campaign_bounce_log', "AND bounce_type = 'internal'"), $delivered],
        ];
        $data = [
            'campaign_status' => $campaign['status'],
            'subscribers_count' => self::subscribers($campaign),
            'processed_count' => $processed,
        ];
        foreach ($stats as $name => [$number, $of]) {
            $data[$name . '_count'] = $number;
            $data[$name . '_rate'] = $of ? round(100 * $number / $of, 2) : 0;
        }
        return [200, ['status' => 'success', 'data' => $data]];
    }

    /** Whom the campaign is for. */
    public static function subscribers(array $campaign): int
    {
        return (int) Sql::value(
            "SELECT COUNT(*) FROM {{list_subscriber}} WHERE list_id = :l AND status = 'confirmed'",
            ['l' => (int) $campaign['list_id']]
        );
    }
}
