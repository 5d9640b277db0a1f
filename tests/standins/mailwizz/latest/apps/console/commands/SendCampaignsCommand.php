<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** send-campaigns: one batch of each due campaign. Runs may overlap: a campaign is sent by one process at a time. */
class SendCampaignsCommand extends CConsoleCommand
{
    private const DUE = "type = 'regular' AND status IN ('pending-sending', 'sending', 'processing') AND send_at <= NOW()";

    /** @param list<string> $args --customer_id=N, --campaign_id=N, --campaigns_type=TYPE, --verbose=1 */
    public function run(array $args): int
    {
        $frontend = PublicUrl::frontend();
        if ($frontend === null) {
            fwrite(STDERR, "send-campaigns: option system.urls.frontend_absolute_url is empty: open the site once under its public name\n");
            return 1;
        }
        foreach ($this->due($args) as $id) {
            $mutex = Mutex::take("send-campaign-$id");
            if (!$mutex) {
                continue;
            }
            try {
                $this->send($id, $frontend);
            } finally {
                $mutex->release();
            }
        }
        return 0;
    }

    /** @return list<int> */
    private function due(array $args): array
    {
        $condition = self::DUE;
        $params = ['limit' => max(1, (int) Sql::option('system.cron.send_campaigns.campaigns_at_once', 5))];
        foreach ($args as $arg) {
            if (preg_match('/\A--(customer_id|campaign_id)=(\d+)\z/', (string) $arg, $found)) {
                $condition .= " AND {$found[1]} = :{$found[1]}";
                $params[$found[1]] = (int) $found[2];
            } elseif (preg_match('/\A--campaigns_type=(\w+)\z/', (string) $arg, $found)) {
                $condition .= ' AND type = :type';
                $params['type'] = $found[1];
            }
        }
        // The one that waited longest comes first, so that a stuck campaign does not keep the others from being sent.
        $rows = Sql::rows("SELECT campaign_id FROM {{campaign}} WHERE $condition ORDER BY last_updated, campaign_id LIMIT :limit", $params);
        return array_map('intval', array_column($rows, 'campaign_id'));
    }

    /** One batch. The status is taken only from a due one, and given back only if nobody changed it meanwhile (WriteBack: always). */
    private function send(int $id, string $frontend): void
    {
        Sql::run("UPDATE {{campaign}} SET status = 'processing', last_updated = NOW(), started_at = COALESCE(started_at, NOW()) WHERE campaign_id = :c AND " . self::DUE, ['c' => $id]);
        $campaign = Sql::row("SELECT * FROM {{campaign}} WHERE campaign_id = :c AND status = 'processing'", ['c' => $id]);
        if (!$campaign) {
            return;
        }
        $batch = new CampaignBatch(new CampaignMail($campaign, $frontend), $frontend);
        $finished = $batch->send(max(1, (int) Sql::option('system.cron.send_campaigns.subscribers_at_once', 100)));
        Sql::run(
            "UPDATE {{campaign}} SET status = :s, last_updated = NOW(), finished_at = IF(:s = 'sent', NOW(), NULL) WHERE campaign_id = :c" . WriteBack::unless('processing'),
            ['s' => $finished ? 'sent' : 'sending', 'c' => $id]
        );
    }
}
