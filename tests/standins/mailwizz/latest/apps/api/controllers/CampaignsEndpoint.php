<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** /campaigns */
final class CampaignsEndpoint
{
    private const EDITABLE = ['draft', 'pending-sending', 'paused'];
    private const UNDER_WAY = ['pending-sending', 'sending', 'processing'];

    public static function index(ApiRequest $request): array
    {
        $from = "FROM {{campaign}} WHERE customer_id = :c AND status <> 'pending-delete'";
        $params = ['c' => $request->customerId()];
        if (($status = $request->query('status')) !== '') {
            $from .= ' AND status = :s';
            $params['s'] = $status;
        }
        return [200, Page::of($request, '*', $from, $params, 'campaign_id DESC', static function (array $row) {
            return array_intersect_key($row, array_flip(['campaign_uid', 'campaign_id', 'name', 'type', 'status'])) + ['group' => []];
        })];
    }

    public static function view(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        $list = Sql::row('SELECT list_uid, name FROM {{list}} WHERE list_id = :l', ['l' => (int) $row['list_id']]) ?: ['list_uid' => null, 'name' => null];
        $list['subscribers_count'] = CampaignStatsEndpoint::subscribers($row);
        $shown = ['campaign_uid', 'campaign_id', 'name', 'type', 'status', 'from_name', 'from_email', 'to_name', 'reply_to', 'subject', 'date_added'];
        $record = array_intersect_key($row, array_flip($shown)) + [
            'send_at' => self::local($row['send_at'], $request),
            'list' => $list,
            'segment' => [],
            'group' => [],
        ];
        return [200, ['status' => 'success', 'data' => ['record' => $record]]];
    }

    /** Without a status the campaign is on its way at once. */
    public static function create(ApiRequest $request): array
    {
        $form = new CampaignForm($request, null);
        Sql::pdo()->beginTransaction();
        $uid = Sql::uid('campaign', 'campaign_uid');
        $id = Sql::insert('campaign', ['campaign_uid' => $uid, 'customer_id' => $request->customerId()] + $form->row + [
            'type' => 'regular', 'status' => 'pending-sending', 'to_name' => '[EMAIL]',
        ]);
        Sql::insert('campaign_option', ['campaign_id' => $id] + $form->options);
        Sql::insert('campaign_template', ['campaign_id' => $id] + $form->template);
        self::choose($id, $form->servers);
        Sql::pdo()->commit();
        return [201, ['status' => 'success', 'campaign_uid' => $uid]];
    }

    public static function update(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        $form = new CampaignForm($request, $row);
        $id = (int) $row['campaign_id'];
        if (!in_array($row['status'], self::EDITABLE, true)) {
            throw new ApiError(422, 'This campaign cannot be edited now.');
        }
        Sql::pdo()->beginTransaction();
        if ($form->row) {
            Sql::update('campaign', $form->row, ['campaign_id' => $id]);
        }
        if ($form->options) {
            Sql::update('campaign_option', $form->options, ['campaign_id' => $id]);
        }
        if ($form->template) {
            Sql::update('campaign_template', $form->template, ['campaign_id' => $id]);
        }
        self::choose($id, $form->servers);
        Sql::pdo()->commit();
        return [200, ['status' => 'success']];
    }

    public static function delete(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        if (in_array($row['status'], ['sending', 'processing'], true)) {
            throw new ApiError(409, 'This campaign cannot be removed now.');
        }
        Sql::update('campaign', ['status' => 'pending-delete'], ['campaign_id' => (int) $row['campaign_id']]);
        return [200, ['status' => 'success']];
    }

    public static function copy(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        $old = (int) $row['campaign_id'];
        $copy = array_intersect_key($row, array_flip(
            ['customer_id', 'list_id', 'type', 'name', 'from_name', 'from_email', 'to_name', 'reply_to', 'subject', 'send_at']
        ));
        $copy += ['campaign_uid' => Sql::uid('campaign', 'campaign_uid'), 'status' => 'draft'];
        $new = Sql::insert('campaign', $copy);
        foreach (['campaign_option', 'campaign_template', 'campaign_to_delivery_server'] as $table) {
            foreach (Sql::rows("SELECT * FROM {{{$table}}} WHERE campaign_id = :c", ['c' => $old]) as $part) {
                unset($part['template_id']);
                Sql::insert($table, ['campaign_id' => $new] + $part);
            }
        }
        return [201, ['status' => 'success', 'campaign_uid' => $copy['campaign_uid']]];
    }

    /** A toggle: what is under way pauses, what is paused goes on; the rest stays as it is, and the answer says so only by the status. */
    public static function pauseUnpause(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        $id = (int) $row['campaign_id'];
        if (in_array($row['status'], self::UNDER_WAY, true)) {
            Sql::update('campaign', ['status' => 'paused'], ['campaign_id' => $id]);
        } elseif ($row['status'] === 'paused') {
            $begun = Sql::value('SELECT 1 FROM {{campaign_delivery_log}} WHERE campaign_id = :c LIMIT 1', ['c' => $id]) !== null;
            Sql::update('campaign', ['status' => $begun ? 'sending' : 'pending-sending'], ['campaign_id' => $id]);
        }
        return self::status($id);
    }

    public static function markSent(ApiRequest $request, string $uid): array
    {
        $row = Owned::campaign($request, $uid);
        if (in_array($row['status'], array_merge(self::UNDER_WAY, ['paused']), true)) {
            Sql::update('campaign', ['status' => 'sent'], ['campaign_id' => (int) $row['campaign_id']]);
        }
        return self::status((int) $row['campaign_id']);
    }

    private static function status(int $id): array
    {
        $status = Sql::value('SELECT status FROM {{campaign}} WHERE campaign_id = :c', ['c' => $id]);
        return [200, ['status' => 'success', 'campaign' => ['status' => $status]]];
    }

    /** @param list<int>|null $servers */
    private static function choose(int $campaign, ?array $servers): void
    {
        if ($servers === null) {
            return;
        }
        Sql::run('DELETE FROM {{campaign_to_delivery_server}} WHERE campaign_id = :c', ['c' => $campaign]);
        foreach ($servers as $server) {
            Sql::insert('campaign_to_delivery_server', ['campaign_id' => $campaign, 'server_id' => $server]);
        }
    }

    private static function local(?string $utc, ApiRequest $request): ?string
    {
        if ($utc === null) {
            return null;
        }
        $zone = new DateTimeZone((string) ($request->customer['timezone'] ?: 'UTC'));
        return (new DateTimeImmutable($utc, new DateTimeZone('UTC')))->setTimezone($zone)->format('Y-m-d H:i:s');
    }
}
