<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

declare(strict_types=1);

/** The values of [TAGS] for one subscriber of one campaign. */
final class SubscriberTags
{
    /**
     * @param array $campaign row of campaign
     * @param array $list row of list with `company`, the address on one line
     * @param array $customer row of customer
     * @param array $subscriber row of list_subscriber with `fields`, tag => value
     * @param string $frontend absolute, with a slash at its end
     * @return array<string, string> '[TAG]' => value
     */
    public static function of(array $campaign, array $list, array $customer, array $subscriber, string $frontend): array
    {
        $camp = $campaign['campaign_uid'];
        $sub = $subscriber['subscriber_uid'];
        $tags = [
            'CAMPAIGN_UID' => $camp,
            'CAMPAIGN_NAME' => $campaign['name'],
            'CAMPAIGN_TYPE' => $campaign['type'],
            'CAMPAIGN_SUBJECT' => $campaign['subject'],
            'CAMPAIGN_FROM_NAME' => $campaign['from_name'],
            'CAMPAIGN_FROM_EMAIL' => $campaign['from_email'],
            'CAMPAIGN_REPLY_TO' => $campaign['reply_to'],
            'FROM_NAME' => $campaign['from_name'],
            'FROM_EMAIL' => $campaign['from_email'],
            'REPLY_TO' => $campaign['reply_to'],
            'SUBSCRIBER_UID' => $sub,
            'SUBSCRIBER_EMAIL' => $subscriber['email'],
            'LIST_UID' => $list['list_uid'],
            'LIST_NAME' => $list['name'],
            'CUSTOMER_UID' => $customer['customer_uid'],
            'COMPANY_FULL_ADDRESS' => $list['company'],
            'UNSUBSCRIBE_URL' => $frontend . "lists/{$list['list_uid']}/unsubscribe/$sub/$camp",
            'WEB_VERSION_URL' => $frontend . "campaigns/$camp/web-version/$sub",
            'CURRENT_YEAR' => gmdate('Y'),
            'DATE' => gmdate('Y-m-d'),
        ];
        foreach ($subscriber['fields'] + ['EMAIL' => $subscriber['email']] as $tag => $value) {
            $tags[$tag] = $value;
        }
        $bracketed = [];
        foreach ($tags as $tag => $value) {
            $bracketed["[$tag]"] = (string) $value;
        }
        return $bracketed;
    }

    /** Tag => value of the fields of these subscribers: [subscriber_id => [tag => value]]. */
    public static function fields(int $list, array $subscribers): array
    {
        $fields = array_fill_keys($subscribers, []);
        if (!$subscribers) {
            return $fields;
        }
        $tags = array_column(Sql::rows('SELECT tag FROM {{list_field}} WHERE list_id = :l', ['l' => $list]), 'tag');
        foreach ($subscribers as $id) {
            $fields[$id] = array_fill_keys($tags, '');
        }
        $values = Sql::rows(
            'SELECT v.subscriber_id, f.tag, v.value FROM {{list_field_value}} v JOIN {{list_field}} f ON f.field_id = v.field_id
             WHERE v.subscriber_id IN (' . implode(',', array_map('intval', $subscribers)) . ')'
        );
        foreach ($values as $row) {
            $fields[$row['subscriber_id']][$row['tag']] = $row['value'];
        }
        return $fields;
    }
}
