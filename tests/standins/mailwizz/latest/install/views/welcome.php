<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=welcome">
<?= $step->select('market_place', 'Market place', WelcomeStep::MARKET_PLACES, 'envato') ?>
<?= $step->input('purchase_code', 'Purchase code') ?>
<?= $step->input('site_name', 'Site name') ?>
<?= $step->input('site_tagline', 'Site tagline') ?>
<?= $step->input('site_description', 'Site description') ?>
<div class="form-group"><input type="checkbox" name="terms_consent" id="terms_consent" value="1"/><label for="terms_consent">I agree with the terms</label><?= $step->fieldError('terms_consent') ?></div>
<button type="submit" name="next" value="1">Next</button>
</form>
