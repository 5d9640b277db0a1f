<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /campaigns/{campaign}/bounces, complaints, unsubscribes, delivery-logs */
final class CampaignLogsEndpoint
{
    private const DELIVERY = ['message', 'retries', 'max_retries', 'email_message_id', 'delivery_confirmed', 'status', 'date_added'];

    public static function bounces(ApiRequest $request, string $uid): array
    {
        return self::log($request, $uid, 'campaign_bounce_log', ['message', 'processed', 'bounce_type', 'date_added']);
    }

    public static function complaints(ApiRequest $request, string $uid): array
    {
        return self::log($request, $uid, 'campaign_complain_log', ['message', 'date_added']);
    }

    public static function unsubscribes(ApiRequest $request, string $uid): array
    {
        return self::log($request, $uid, 'campaign_track_unsubscribe', ['ip_address', 'user_agent', 'reason', 'note', 'date_added']);
    }

    public static function deliveries(ApiRequest $request, string $uid): array
    {
        return self::log($request, $uid, 'campaign_delivery_log', self::DELIVERY);
    }

    public static function byMessageId(ApiRequest $request, string $id): array
    {
        $row = Owned::found(Sql::row(
            'SELECT l.*, c.campaign_uid, c.name AS campaign_name, s.subscriber_uid, s.email, s.status AS subscriber_status FROM {{campaign_delivery_log}} l
             JOIN {{campaign}} c ON c.campaign_id = l.campaign_id JOIN {{list_subscriber}} s ON s.subscriber_id = l.subscriber_id
             WHERE l.email_message_id = :m AND c.customer_id = :c',
            ['m' => trim($id, '<>'), 'c' => $request->customerId()]
        ), 'The delivery log does not exist.');
        return [200, ['status' => 'success', 'data' => ['record' => [
            'campaign' => ['campaign_uid' => $row['campaign_uid'], 'name' => $row['campaign_name']],
            'subscriber' => ['subscriber_uid' => $row['subscriber_uid'], 'email' => $row['email'], 'status' => $row['subscriber_status']],
        ] + array_intersect_key($row, array_flip(self::DELIVERY))]]];
    }

    /** One bounce per subscriber and campaign; a hard one blacklists the address. */
    public static function createBounce(ApiRequest $request, string $uid): array
    {
        $campaign = Owned::campaign($request, $uid);
        $sent = Checks::texts($request->form);
        $errors = Checks::required($sent, ['message' => 'Message', 'bounce_type' => 'Bounce type', 'subscriber_uid' => 'Subscriber'])
            + Checks::length($sent, 'message', 'Message', 250)
            + Checks::choice($sent, 'bounce_type', 'Bounce type', ['hard', 'soft', 'internal']);
        if ($errors) {
            throw new ApiError(422, $errors);
        }
        $subscriber = Owned::subscriber($campaign, $sent['subscriber_uid']);
        if (!Bounces::add($campaign, $subscriber, $sent['bounce_type'], $sent['message'])) {
            throw new ApiError(409, 'This subscriber has already been marked as bounced!');
        }
        return [201, ['status' => 'success', 'data' => ['record' => [
            'message' => $sent['message'], 'processed' => 'no', 'bounce_type' => $sent['bounce_type'],
            'subscriber' => ['subscriber_uid' => $subscriber['subscriber_uid'], 'email' => $subscriber['email']],
        ]]]];
    }

    private static function log(ApiRequest $request, string $uid, string $table, array $names): array
    {
        $campaign = Owned::campaign($request, $uid);
        return [200, Page::of(
            $request,
            't.*, s.subscriber_uid, s.email AS subscriber_email, s.status AS subscriber_status',
            "FROM {{{$table}}} t JOIN {{list_subscriber}} s ON s.subscriber_id = t.subscriber_id WHERE t.campaign_id = :c",
            ['c' => (int) $campaign['campaign_id']],
            't.date_added DESC, t.subscriber_id DESC',
            static function (array $row) use ($names, $campaign) {
                return array_intersect_key($row, array_flip($names)) + [
                    'campaign' => ['campaign_uid' => $campaign['campaign_uid'], 'name' => $campaign['name']],
                    'subscriber' => [
                        'subscriber_uid' => $row['subscriber_uid'], 'email' => $row['subscriber_email'], 'status' => $row['subscriber_status'],
                    ],
                ];
            }
        )];
    }
}
