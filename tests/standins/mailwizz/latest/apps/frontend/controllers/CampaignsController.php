<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Pages that the mail of a campaign links to. */
class CampaignsController extends CController
{
    public function actionTrackOpening(string $campaign, string $subscriber): void
    {
        TrackingPages::open($campaign, $subscriber);
    }

    public function actionTrackUrl(string $campaign, string $subscriber, string $hash): void
    {
        TrackingPages::click($campaign, $subscriber, $hash);
    }

    public function actionWebVersion(string $campaign, string $subscriber = ''): void
    {
        TrackingPages::webVersion($campaign, $subscriber);
    }

    public function actionReportAbuse(string $campaign, string $subscriber): void
    {
        TrackingPages::abuse($campaign, $subscriber);
    }
}
