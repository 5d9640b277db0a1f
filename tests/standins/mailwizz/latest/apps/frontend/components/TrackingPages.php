<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** campaigns/CAMPAIGN/...: the pixel, counted links, the web version, the report of abuse. */
final class TrackingPages
{
    private const PIXEL = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7';

    public static function open(string $campaign, string $subscriber): void
    {
        [$mailing, $one] = Mailing::of($campaign, $subscriber);
        Sql::insert('campaign_track_open', [
            'campaign_id' => (int) $mailing['campaign_id'], 'subscriber_id' => (int) $one['subscriber_id'],
        ] + self::visitor());
        header('Content-Type: image/gif');
        header('Cache-Control: no-store, private');
        echo base64_decode(self::PIXEL);
    }

    /** Goes only where the campaign's own template links to. */
    public static function click(string $campaign, string $subscriber, string $hash): void
    {
        [$mailing, $one] = Mailing::of($campaign, $subscriber);
        $url = Mailing::found(Sql::row(
            'SELECT url_id, destination FROM {{campaign_url}} WHERE campaign_id = :c AND hash = :h',
            ['c' => (int) $mailing['campaign_id'], 'h' => $hash]
        ));
        Sql::insert('campaign_track_url', ['url_id' => (int) $url['url_id'], 'subscriber_id' => (int) $one['subscriber_id']] + self::visitor());
        $fields = Mailing::withFields($mailing, $one);
        $mail = new CampaignMail($mailing, (string) PublicUrl::frontend());
        $tags = SubscriberTags::of($mailing, $mail->list, $mail->customer, $fields, (string) PublicUrl::frontend());
        header('Location: ' . preg_replace('/[\r\n]/', '', strtr($url['destination'], array_map('rawurlencode', $tags))), true, 301);
        header('Cache-Control: no-store, private');
    }

    /** @param string $subscriber without one, the page as an empty subscriber would see it */
    public static function webVersion(string $campaign, string $subscriber = ''): void
    {
        if ($subscriber === '') {
            $mailing = Mailing::campaign($campaign);
            $one = ['subscriber_uid' => '', 'email' => '', 'fields' => []];
        } else {
            [$mailing, $one] = Mailing::of($campaign, $subscriber);
            $one = Mailing::withFields($mailing, $one);
        }
        header('Content-Type: text/html; charset=utf-8');
        echo (new CampaignMail($mailing, (string) PublicUrl::frontend()))->webVersion($one);
    }

    public static function abuse(string $campaign, string $subscriber): void
    {
        [$mailing, $one] = Mailing::of($campaign, $subscriber);
        if (($_SERVER['REQUEST_METHOD'] ?? 'GET') !== 'POST') {
            PublicPage::show('Report abuse', PublicPage::form('Report this mail'));
            return;
        }
        if (!PublicPage::formSent()) {
            throw new CHttpException(400, 'The CSRF token could not be verified.');
        }
        Bounces::complain($mailing, $one, 'Abuse complaint through the web');
        PublicPage::show('Reported', '<p>You are not subscribed any more.</p>');
    }

    private static function visitor(): array
    {
        return [
            'ip_address' => substr((string) ($_SERVER['REMOTE_ADDR'] ?? ''), 0, 45),
            'user_agent' => mb_substr((string) ($_SERVER['HTTP_USER_AGENT'] ?? ''), 0, 255),
        ];
    }
}
