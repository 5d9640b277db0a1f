<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The licence and what the site is called.

declare(strict_types=1);

class WelcomeStep extends InstallStep
{
    public const MARKET_PLACES = ['envato' => 'Envato', 'mailwizz' => 'Own market'];

    public function enter(): void
    {
        $_SESSION = [];
    }

    public function submit(): bool
    {
        if (!isset(self::MARKET_PLACES[$this->value('market_place')])) {
            $this->error('market_place', 'Please select the market place you bought the license from!');
        }
        if ($this->value('purchase_code') === '') {
            $this->error('purchase_code', 'Please enter the purchase code!');
        }
        $limits = ['site_name' => [20, 'site name'], 'site_tagline' => [100, 'site tagline'], 'site_description' => [200, 'site description']];
        foreach ($limits as $field => [$max, $label]) {
            $length = mb_strlen(trim($this->value($field)));
            if ($length < 2 || $length > $max) {
                $this->error($field, sprintf('The %s must have between 2 and %d characters!', $label, $max));
            } elseif (stripos($this->value($field), 'mailwizz') !== false) {
                $this->error($field, sprintf('The %s must not contain the name of this application, it is your site!', $label));
            }
        }
        if ($this->value('terms_consent') === '') {
            $this->error('terms_consent', 'You must agree with the terms and conditions!');
        }
        if ($this->errors === [] && !preg_match('/^TEST-\w/', $this->value('purchase_code'))) {
            $this->error('', 'Invalid purchase code: the licence server does not know it. Please check it and try again!');
        }
        if ($this->errors !== []) {
            return false;
        }
        foreach (['market_place', 'purchase_code', 'site_name', 'site_tagline', 'site_description'] as $field) {
            $_SESSION['license'][$field] = trim($this->value($field));
        }

        return true;
    }
}
