<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// One line of campaign_track_url.

declare(strict_types=1);

class CampaignTrackUrl extends ActiveRecord
{
    public function tableName(): string
    {
        return '{{campaign_track_url}}';
    }
}
