<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Delivery servers and the campaigns that run over them, read and written.

declare(strict_types=1);

namespace EmailEngine\Fleet;

final class Servers
{
    /** The key of meta_data that says that a server is ours, and whose. */
    private const MARK = 'email_engine';

    /** campaigns.py has the same. */
    private const RUNNING = ['pending-sending', 'sending', 'processing'];

    /** @return list<string> */
    public static function columns(): array
    {
        $class = Records::known('DeliveryServerSmtpPmta');
        return array_values($class::model()->getTableSchema()->getColumnNames());
    }

    /** @return list<array<string, mixed>> every server of this MailWizz, without its password */
    public static function all(string $nonce): array
    {
        $found = [];
        $class = Records::known('DeliveryServer', 'DeliveryServerSmtpPmta');
        foreach ($class::model()->findAll() as $server) {
            $columns = $server->getAttributes();
            $meta = self::meta($server);
            unset($columns['password'], $columns['meta_data'], $columns['confirmation_key']);
            $found[] = [
                'id' => (int) $server->getPrimaryKey(),
                'customer_id' => $server->customer_id === null || $server->customer_id === '' ? null : (int) $server->customer_id,
                'type' => $server->type,
                'status' => $server->status,
                'mark' => is_array($meta[self::MARK] ?? null) ? $meta[self::MARK] : null,
                'headers' => self::pairs($meta['additional_headers'] ?? []),
                'password' => hash_hmac('sha256', (string) $server->password, $nonce),
                'attributes' => array_map(static function ($value): ?string {
                    return $value === null || !is_scalar($value) ? null : (string) $value;
                }, $columns),
            ];
        }
        return $found;
    }

    /**
     * Of every customer: one that is no tenant's any more may still have a server of ours.
     *
     * @return list<array<string, mixed>> campaigns that send, or will without anybody's doing
     */
    public static function campaigns(): array
    {
        $found = [];
        foreach (Records::rows('SELECT * FROM {{campaign}} WHERE `status` IN (:list)', self::RUNNING) as $row) {
            $found[(int) $row['campaign_id']] = [
                'id' => (int) $row['campaign_id'], 'uid' => $row['campaign_uid'], 'name' => $row['name'],
                'customer_id' => (int) $row['customer_id'], 'status' => $row['status'], 'from_email' => $row['from_email'], 'servers' => [],
            ];
        }
        foreach (Records::rows('SELECT * FROM {{campaign_to_delivery_server}} WHERE `campaign_id` IN (:list)', array_keys($found)) as $row) {
            $found[(int) $row['campaign_id']]['servers'][] = (int) $row['server_id'];
        }
        return array_values($found);
    }

    /**
     * Whether a campaign runs that was not seen when the plan was made.
     *
     * @param list<int> $seen
     */
    public static function moved(array $seen): bool
    {
        return (bool) array_diff(array_column(self::campaigns(), 'id'), $seen);
    }

    public static function pause(object $campaign): void
    {
        if (!in_array($campaign->status, self::RUNNING, true)) {
            return; // Somebody stopped it, or it came to its end, since the plan was made.
        }
        // False also means that no row changed: somebody else paused it.
        if (!$campaign->saveAttributes(['status' => 'paused']) && !($campaign->refresh() && $campaign->status === 'paused')) {
            throw new Failure("campaign {$campaign->campaign_uid}", 'MailWizz did not pause it', 'Pause it in the backend, and run this again');
        }
    }

    /**
     * One server made or set right.
     *
     * @param array<string, mixed> $order
     */
    public static function write(object $server, array $order): int
    {
        $what = 'delivery server ' . $order['sender'];
        $unknown = Records::set($server, $order['set']);
        if ($unknown) {
            throw new Failure($what, 'this version of MailWizz has no ' . implode(', ', $unknown), 'Use a version that has it; nothing was changed');
        }
        if ($order['password'] !== null) {
            $server->password = $order['password'];
        }
        $meta = self::meta($server);
        if ($order['headers'] !== null) {
            $meta['additional_headers'] = array_map(static function (array $pair): array {
                return ['name' => $pair[0], 'value' => $pair[1]];
            }, $order['headers']);
            $server->additional_headers = $meta['additional_headers'];
        }
        $meta[self::MARK] = array_filter($order['mark'], 'is_string');
        $server->meta_data = serialize($meta);
        Records::save($server, $what);
        // The model writes meta_data from what it knows of; what it left out is put beside that.
        $saved = self::meta($server);
        if (($saved[self::MARK] ?? null) !== $meta[self::MARK]) {
            $saved[self::MARK] = $meta[self::MARK];
            $server->saveAttributes(['meta_data' => serialize($saved)]);
        }
        return (int) $server->getPrimaryKey();
    }

    /** @return array<string, mixed> */
    private static function meta(object $server): array
    {
        $found = @unserialize((string) $server->getAttribute('meta_data'), ['allowed_classes' => false]);
        return is_array($found) ? $found : [];
    }

    /**
     * @param mixed $headers
     * @return list<array{string, string}>
     */
    private static function pairs($headers): array
    {
        $pairs = [];
        foreach (is_array($headers) ? $headers : [] as $header) {
            if (isset($header['name'])) {
                $pairs[] = [(string) $header['name'], (string) ($header['value'] ?? '')];
            }
        }
        return $pairs;
    }
}
