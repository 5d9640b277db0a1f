<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The lines of the crontab, to be put there by hand.

declare(strict_types=1);

class CronStep extends InstallStep
{
    private const JOBS = [
        'send-campaigns' => '* * * * *',
        'queue' => '* * * * *',
        'send-transactional-emails' => '*/2 * * * *',
        'bounce-handler' => '*/10 * * * *',
        'feedback-loop-handler' => '*/20 * * * *',
        'process-delivery-and-bounce-log' => '*/3 * * * *',
        'hourly' => '0 * * * *',
        'daily' => '0 0 * * *',
    ];

    /** @return list<string> */
    public function lines(): array
    {
        $lines = [];
        foreach (self::JOBS as $command => $when) {
            $lines[] = sprintf('%s /usr/bin/php -q %s/apps/console/console.php %s >/dev/null 2>&1', $when, MW_ROOT_PATH, $command);
        }

        return $lines;
    }

    public function submit(): bool
    {
        return true;
    }
}
