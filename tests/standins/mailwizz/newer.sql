-- Copyright (c) 2026, email_engine.fleet contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- What newer versions have besides; put behind schema.sql when asked for.

ALTER TABLE `delivery_server`
  ADD `warmup_plan_id` int(11) DEFAULT NULL,
  ADD `second_quota` int(11) NOT NULL DEFAULT '0',
  ADD `minute_quota` int(11) NOT NULL DEFAULT '0',
  ADD `force_from_name` varchar(50) NOT NULL DEFAULT 'never',
  MODIFY `force_from` varchar(50) NOT NULL DEFAULT 'never',
  MODIFY `force_reply_to` varchar(50) NOT NULL DEFAULT 'never';
