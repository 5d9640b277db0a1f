<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** Path and method => what answers. The path is looked for first, then the key is checked, then the method. */
final class ApiRouter
{
    private const ROUTES = [
        ['/lists', ['GET' => 'ListsEndpoint::index', 'POST' => 'ListsEndpoint::create']],
        ['/lists/fields/types', ['GET' => 'FieldsEndpoint::types']],
        ['/lists/subscribers/search-by-email-in-all-lists', ['GET' => 'SubscribersEndpoint::everywhere']],
        ['/lists/subscribers/unsubscribe-by-email-from-all-lists', ['PUT' => 'SubscribersEndpoint::unsubscribeEverywhere']],
        ['/lists/UID', ['GET' => 'ListsEndpoint::view', 'PUT' => 'ListsEndpoint::update', 'DELETE' => 'ListsEndpoint::delete']],
        ['/lists/UID/copy', ['POST' => 'ListsEndpoint::copy']],
        ['/lists/UID/fields', ['GET' => 'FieldsEndpoint::index', 'POST' => 'FieldsEndpoint::create']],
        ['/lists/UID/fields/ID', ['GET' => 'FieldsEndpoint::view', 'PUT' => 'FieldsEndpoint::update', 'DELETE' => 'FieldsEndpoint::delete']],
        ['/lists/UID/segments', ['GET' => 'ListsEndpoint::segments']],
        ['/lists/UID/subscribers', ['GET' => 'SubscribersEndpoint::index', 'POST' => 'SubscribersEndpoint::create']],
        ['/lists/UID/subscribers/bulk', ['POST' => 'SubscribersEndpoint::bulk']],
        ['/lists/UID/subscribers/search-by-email', ['GET' => 'SubscribersEndpoint::search']],
        ['/lists/UID/subscribers/search-by-custom-fields', ['GET' => 'SubscribersEndpoint::searchFields']],
        ['/lists/UID/subscribers/UID', [
            'GET' => 'SubscribersEndpoint::view', 'PUT' => 'SubscribersEndpoint::update', 'DELETE' => 'SubscribersEndpoint::delete',
        ]],
        ['/lists/UID/subscribers/UID/unsubscribe', ['PUT' => 'SubscribersEndpoint::unsubscribe']],
        ['/campaigns', ['GET' => 'CampaignsEndpoint::index', 'POST' => 'CampaignsEndpoint::create']],
        ['/campaigns/email-message-id/ANY', ['GET' => 'CampaignLogsEndpoint::byMessageId']],
        ['/campaigns/delivery-logs/email-message-id/ANY', ['GET' => 'CampaignLogsEndpoint::byMessageId']],
        ['/campaigns/UID', ['GET' => 'CampaignsEndpoint::view', 'PUT' => 'CampaignsEndpoint::update', 'DELETE' => 'CampaignsEndpoint::delete']],
        ['/campaigns/UID/copy', ['POST' => 'CampaignsEndpoint::copy']],
        ['/campaigns/UID/pause-unpause', ['PUT' => 'CampaignsEndpoint::pauseUnpause']],
        ['/campaigns/UID/mark-sent', ['PUT' => 'CampaignsEndpoint::markSent']],
        ['/campaigns/UID/stats', ['GET' => 'CampaignStatsEndpoint::view']],
        ['/campaigns/UID/bounces', ['GET' => 'CampaignLogsEndpoint::bounces', 'POST' => 'CampaignLogsEndpoint::createBounce']],
        ['/campaigns/UID/complaints', ['GET' => 'CampaignLogsEndpoint::complaints']],
        ['/campaigns/UID/unsubscribes', ['GET' => 'CampaignLogsEndpoint::unsubscribes']],
        ['/campaigns/UID/delivery-logs', ['GET' => 'CampaignLogsEndpoint::deliveries']],
        ['/templates', ['GET' => 'TemplatesEndpoint::index', 'POST' => 'TemplatesEndpoint::create']],
        ['/templates/UID', ['GET' => 'TemplatesEndpoint::view', 'PUT' => 'TemplatesEndpoint::update', 'DELETE' => 'TemplatesEndpoint::delete']],
        ['/transactional-emails', ['GET' => 'TransactionalEmailsEndpoint::index', 'POST' => 'TransactionalEmailsEndpoint::create']],
        ['/transactional-emails/UID', ['GET' => 'TransactionalEmailsEndpoint::view', 'DELETE' => 'TransactionalEmailsEndpoint::delete']],
        ['/countries', ['GET' => 'CountriesEndpoint::index']],
        ['/countries/ID/zones', ['GET' => 'CountriesEndpoint::zones']],
        ['/customers', ['POST' => 'CustomersEndpoint::create']],
        ['/delivery-servers', ['GET' => 'DeliveryServersEndpoint::index']],
        ['/delivery-servers/ID', ['GET' => 'DeliveryServersEndpoint::view']],
    ];

    /** Paths that the oldest generation does not have, or has for reading only. */
    private const NOT_IN_OLDEST = '#^/(campaigns/[^/]+/(complaints|delivery-logs)|lists/fields/types)$#';

    public static function run(): void
    {
        try {
            $request = new ApiRequest();
            [$status, $body] = self::answer($request);
            ApiAnswer::send($status, $body);
        } catch (ApiError $error) {
            ApiAnswer::send($error->getCode(), ['status' => 'error', 'error' => $error->error]);
        }
    }

    /** @return array{int, array} */
    private static function answer(ApiRequest $request): array
    {
        [$methods, $arguments] = self::route($request->path);
        if (ApiMode::oldest()) {
            if (preg_match(self::NOT_IN_OLDEST, $request->path)) {
                throw new ApiError(404, 'Page not found.');
            }
            if (preg_match('#^/lists/[^/]+/fields#', $request->path)) {
                $methods = array_intersect_key($methods, ['GET' => 1]);
            }
        }
        $request->customer = ApiKey::customer($request);
        $method = $request->method === 'HEAD' ? 'GET' : $request->method;
        if (!isset($methods[$method])) {
            throw new ApiError(ApiMode::three() ? 405 : 400, 'Only ' . implode(', ', array_keys($methods)) . ' requests allowed for this endpoint.');
        }
        return call_user_func_array($methods[$method], array_merge([$request], $arguments));
    }

    /** @return array{array<string, string>, list<string>} */
    private static function route(string $path): array
    {
        foreach (self::ROUTES as [$pattern, $methods]) {
            $regex = strtr($pattern, ['UID' => '([a-z0-9]{13})', 'ID' => '(\d+)', 'ANY' => '([^/]+)']);
            if (preg_match("#\\A$regex\\z#", $path, $found)) {
                return [$methods, array_slice($found, 1)];
            }
        }
        throw new ApiError(404, 'Page not found.');
    }
}
