<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/**
 * Draws the delivery server for a campaign: the campaign's own choice, else the customer's, the group's, and the system's where
 * the group may fall back to them. A choice of which no server is available restricts nothing: the rest is drawn from.
 */
final class ServerPicker
{
    /** @var array<int, bool> servers that did not answer in this run */
    private $broken = [];

    public function broken(int $server): void
    {
        $this->broken[$server] = true;
    }

    /**
     * @param string $use campaigns or transactional
     * @param int|null $campaign whose choice of servers counts
     * @return array|null row of delivery_server; null: delivery is disabled for now
     */
    public function draw(?array $customer, string $use, ?int $campaign = null): ?array
    {
        foreach ($this->sets($customer, $campaign) as $servers) {
            $fit = array_values(array_filter($servers, function (array $server) use ($use) {
                return $this->available($server, $use);
            }));
            if ($fit) {
                return self::weighted($fit);
            }
        }
        return null;
    }

    /** Whether one more message may go over this server. */
    public function available(array $server, string $use): bool
    {
        return in_array($server['status'], ['active', 'in-use'], true)
            && in_array($server['use_for'], ['all', $use], true)
            && !isset($this->broken[(int) $server['server_id']])
            && self::left($server) > 0;
    }

    /** Messages until the first of its quotas is used up, as the product's cache has it. */
    public static function left(array $server): int
    {
        return DeliveryServer::loadByPk((int) $server['server_id'])->getQuotaLeft();
    }

    /** @return iterable<list<array>> */
    private function sets(?array $customer, ?int $campaign): iterable
    {
        $id = ['c' => (int) ($customer['customer_id'] ?? 0)];
        $group = isset($customer['group_id']) ? (int) $customer['group_id'] : null;
        if ($campaign !== null) {
            yield Sql::rows(
                'SELECT s.* FROM {{delivery_server}} s JOIN {{campaign_to_delivery_server}} t ON t.server_id = s.server_id WHERE t.campaign_id = :c',
                ['c' => $campaign]
            );
        }
        if ($customer) {
            yield Sql::rows('SELECT * FROM {{delivery_server}} WHERE customer_id = :c', $id);
        }
        if ($group !== null) {
            yield Sql::rows(
                'SELECT s.* FROM {{delivery_server}} s JOIN {{delivery_server_to_customer_group}} t ON t.server_id = s.server_id
                 WHERE t.group_id = :g AND s.customer_id IS NULL',
                ['g' => $group]
            );
        }
        if (!$customer || Group::option($group, 'servers.can_send_from_system_servers', 'yes') === 'yes') {
            yield Sql::rows('SELECT * FROM {{delivery_server}} WHERE customer_id IS NULL');
        }
    }

    private static function weighted(array $servers): array
    {
        $weights = array_map(static function (array $server) {
            return max(1, (int) $server['probability']);
        }, $servers);
        $point = random_int(1, array_sum($weights));
        foreach ($servers as $index => $server) {
            $point -= $weights[$index];
            if ($point <= 0) {
                return $server;
            }
        }
        return end($servers);
    }
}
