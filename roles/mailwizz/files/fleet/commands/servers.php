<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// {seen: [campaign ids], pause: [campaign ids], servers: [{id or null, sender, after: [campaign ids], set, headers, password, mark}], whole}
// -> {stale} where the plan did not see a campaign that runs, or, with whole, a server is gone; else {ids: {sender: id}, paused, saved, failed: [{where, what, remedy}]}
//
// Campaigns are paused before any server is written, and a server waits for the campaigns of its "after". whole: all of it or nothing; else
// what can be done is done, and the rest is in "failed". A campaign that is gone counts as paused; a server that is gone is in no list.

declare(strict_types=1);

namespace EmailEngine\Fleet;

require_once __DIR__ . '/../Servers.php';

return static function (Product $product, array $document): array {
    $product->boot();
    $whole = (bool) $document['whole'];
    $work = static function () use ($document, $whole): array {
        if (Servers::moved($document['seen'])) {
            return ['stale' => true];
        }
        $failed = $paused = $saved = $ids = [];
        $attempt = static function (callable $step) use ($whole, &$failed): bool {
            try {
                $step();
                return true;
            } catch (\Throwable $error) {
                if ($whole) {
                    throw $error;
                }
                $failed[] = ($error instanceof Failure ? $error : Failure::unexpected($error))->told();
                return false;
            }
        };
        $wanted = array_values(array_filter(array_column($document['servers'], 'id')));
        $present = Records::byKey($wanted, 'DeliveryServerSmtpPmta');
        if ($whole && count($present) < count($wanted)) {
            return ['stale' => true];
        }
        $campaigns = Records::byKey($document['pause'], 'Campaign');
        foreach ($document['pause'] as $number) {
            $campaign = $campaigns[$number] ?? null;
            if ($campaign === null || $attempt(static function () use ($campaign): void { Servers::pause($campaign); })) {
                $paused[] = $number;
            }
        }
        foreach ($document['servers'] as $order) {
            if ($order['id'] !== null && !isset($present[$order['id']])) {
                continue;
            }
            $done = $attempt(static function () use ($order, $present, $paused, &$ids): void {
                $running = array_diff($order['after'], $paused);
                if ($running) {
                    throw new Failure(
                        'delivery server ' . $order['sender'],
                        'is left as it is, because a campaign that uses it is not paused: the rest of it would leave through other servers',
                        'Pause the campaign in the backend, and run this again'
                    );
                }
                $server = $order['id'] === null ? Records::made('DeliveryServerSmtpPmta') : $present[$order['id']];
                $ids[$order['sender']] = Servers::write($server, $order);
            });
            if ($done && $order['id'] !== null) {
                $saved[] = $order['id'];
            }
        }
        return ['ids' => (object) $ids, 'paused' => $paused, 'saved' => $saved, 'failed' => $failed];
    };
    return $whole ? Records::together($work) : $work();
};
