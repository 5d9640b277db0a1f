-- Copyright (c) 2026, email_engine.fleet contributors
-- GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later
-- Some countries and zones.

INSERT INTO `country` (`country_id`, `name`, `code`, `status`, `date_added`, `last_updated`) VALUES
(1, 'Afghanistan', 'AF', 'active', NOW(), NOW()),
(2, 'Australia', 'AU', 'active', NOW(), NOW()),
(3, 'Austria', 'AT', 'active', NOW(), NOW()),
(4, 'Belgium', 'BE', 'active', NOW(), NOW()),
(5, 'Brazil', 'BR', 'active', NOW(), NOW()),
(6, 'Canada', 'CA', 'active', NOW(), NOW()),
(7, 'China', 'CN', 'active', NOW(), NOW()),
(8, 'Denmark', 'DK', 'active', NOW(), NOW()),
(9, 'Finland', 'FI', 'active', NOW(), NOW()),
(10, 'France', 'FR', 'active', NOW(), NOW()),
(11, 'Germany', 'DE', 'active', NOW(), NOW()),
(12, 'India', 'IN', 'active', NOW(), NOW()),
(13, 'Ireland', 'IE', 'active', NOW(), NOW()),
(14, 'Italy', 'IT', 'active', NOW(), NOW()),
(15, 'Japan', 'JP', 'active', NOW(), NOW()),
(16, 'Netherlands', 'NL', 'active', NOW(), NOW()),
(17, 'Norway', 'NO', 'active', NOW(), NOW()),
(18, 'Poland', 'PL', 'active', NOW(), NOW()),
(19, 'Portugal', 'PT', 'active', NOW(), NOW()),
(20, 'Spain', 'ES', 'active', NOW(), NOW()),
(21, 'Sweden', 'SE', 'active', NOW(), NOW()),
(22, 'Switzerland', 'CH', 'active', NOW(), NOW()),
(23, 'Turkey', 'TR', 'active', NOW(), NOW()),
(24, 'United Kingdom', 'GB', 'active', NOW(), NOW()),
(25, 'United States', 'US', 'active', NOW(), NOW());

INSERT INTO `zone` (`country_id`, `name`, `code`, `status`, `date_added`, `last_updated`) VALUES
(10, 'Paris', '75', 'active', NOW(), NOW()),
(11, 'Berlin', 'BE', 'active', NOW(), NOW()),
(11, 'Bayern', 'BY', 'active', NOW(), NOW()),
(11, 'Hessen', 'HE', 'active', NOW(), NOW()),
(23, 'Istanbul', '34', 'active', NOW(), NOW()),
(23, 'Ankara', '06', 'active', NOW(), NOW()),
(25, 'California', 'CA', 'active', NOW(), NOW()),
(25, 'New York', 'NY', 'active', NOW(), NOW()),
(25, 'Texas', 'TX', 'active', NOW(), NOW());
