<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Pages of lists. */
class ListsController extends CController
{
    public function actionUnsubscribe(string $list, string $subscriber, string $campaign = ''): void
    {
        UnsubscribePage::run($list, $subscriber, $campaign);
    }

    public function actionBlockAddress(): void
    {
        PublicPage::show('Block my address', '<p>Write to the postmaster of this site to receive nothing from it any more.</p>');
    }
}
