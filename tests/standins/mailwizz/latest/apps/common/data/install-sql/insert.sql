-- Copyright (c) 2026, email_engine.fleet contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What every new installation starts with.

INSERT INTO `customer_group` (`group_id`, `name`, `is_default`, `date_added`, `last_updated`) VALUES
(1, 'Default', 'no', NOW(), NOW());

INSERT INTO `list_field_type` (`name`, `identifier`, `class_alias`, `description`, `date_added`, `last_updated`) VALUES
('Text', 'text', 'customer.components.field-builder.text.FieldBuilderTypeText', 'One line', NOW(), NOW()),
('Dropdown', 'dropdown', 'customer.components.field-builder.dropdown.FieldBuilderTypeDropdown', 'One of several', NOW(), NOW()),
('Textarea', 'textarea', 'customer.components.field-builder.textarea.FieldBuilderTypeTextarea', 'Several lines', NOW(), NOW()),
('Date', 'date', 'customer.components.field-builder.date.FieldBuilderTypeDate', 'A day', NOW(), NOW()),
('Datetime', 'datetime', 'customer.components.field-builder.datetime.FieldBuilderTypeDatetime', 'A day and a time', NOW(), NOW()),
('Country', 'country', 'customer.components.field-builder.country.FieldBuilderTypeCountry', 'A country', NOW(), NOW()),
('State', 'state', 'customer.components.field-builder.state.FieldBuilderTypeState', 'A part of a country', NOW(), NOW());

INSERT INTO `option` (`category`, `key`, `value`, `is_serialized`, `date_added`, `last_updated`) VALUES
('system.common', 'site_name', 'Site', 0, NOW(), NOW()),
('system.common', 'site_tagline', 'Email marketing', 0, NOW(), NOW()),
('system.common', 'site_description', 'Email marketing', 0, NOW(), NOW()),
('system.common', 'clean_urls', '0', 0, NOW(), NOW()),
('system.common', 'site_status', 'online', 0, NOW(), NOW()),
('system.common', 'api_status', 'online', 0, NOW(), NOW()),
('system.common', 'auto_update', 'no', 0, NOW(), NOW()),
('system.urls', 'scheme', 'http', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'campaigns_at_once', '5', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'subscribers_at_once', '100', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'change_server_at', '200', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'use_pcntl', 'no', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'campaigns_in_parallel', '5', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'subscriber_batches_in_parallel', '5', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'max_bounce_rate', '-1', 0, NOW(), NOW()),
('system.cron.send_campaigns', 'max_complaint_rate', '-1', 0, NOW(), NOW()),
('system.cron.process_delivery_bounce', 'max_fatal_errors', '1', 0, NOW(), NOW()),
('system.cron.process_delivery_bounce', 'max_soft_errors', '5', 0, NOW(), NOW()),
('system.cron.process_delivery_bounce', 'max_hard_bounce', '1', 0, NOW(), NOW()),
('system.cron.process_delivery_bounce', 'max_soft_bounce', '5', 0, NOW(), NOW()),
('system.cron.process_feedback_loop_servers', 'subscriber_action', 'unsubscribe', 0, NOW(), NOW()),
('system.customer_servers', 'max_delivery_servers', '0', 0, NOW(), NOW()),
('system.customer_servers', 'can_select_delivery_servers_for_campaign', 'no', 0, NOW(), NOW()),
('system.customer_servers', 'can_send_from_system_servers', 'yes', 0, NOW(), NOW()),
('system.customer_api', 'enabled', 'yes', 0, NOW(), NOW());
