<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The company of a customer.

declare(strict_types=1);

class CustomerCompany extends ActiveRecord
{
    public function tableName(): string
    {
        return '{{customer_company}}';
    }
}
