<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// A complaint; one for each campaign and subscriber.

declare(strict_types=1);

class CampaignComplainLog extends ActiveRecord
{
    public function tableName(): string
    {
        return '{{campaign_complain_log}}';
    }
}
