<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** lists/LIST/unsubscribe/SUBSCRIBER[/CAMPAIGN]: a form for people; mail programs post List-Unsubscribe=One-Click (RFC 8058). */
final class UnsubscribePage
{
    public static function run(string $list, string $subscriber, string $campaign = ''): void
    {
        $row = Mailing::list($list);
        $one = Mailing::found(Sql::row(
            'SELECT * FROM {{list_subscriber}} WHERE subscriber_uid = :u AND list_id = :l',
            ['u' => $subscriber, 'l' => (int) $row['list_id']]
        ));
        $mailing = $campaign === '' ? null : Mailing::campaign($campaign);
        if ($mailing && $mailing['list_id'] !== $row['list_id']) {
            Mailing::found(null);
        }
        if (($_SERVER['REQUEST_METHOD'] ?? 'GET') !== 'POST') {
            $question = '<p>' . htmlspecialchars($one['email'] . ' - ' . $row['display_name'], ENT_QUOTES, 'UTF-8') . '</p>';
            PublicPage::show('Unsubscribe', $question . PublicPage::form('Unsubscribe'));
            return;
        }
        $oneClick = ($_POST['List-Unsubscribe'] ?? '') === 'One-Click';
        if (!$oneClick && !PublicPage::formSent()) {
            throw new CHttpException(400, 'The CSRF token could not be verified.');
        }
        Unsubscribing::one($mailing, $one, $oneClick ? 'Unsubscribed via one-click' : 'Unsubscribed via web');
        PublicPage::show('Unsubscribed', '<p>You are not subscribed any more.</p>');
    }
}
