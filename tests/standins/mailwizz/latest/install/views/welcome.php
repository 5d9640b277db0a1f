<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<form method="post" action="index.php?route=welcome">
<div class="form-group"><label>Market place</label><select name="market_place" class="form-control"><?= $step->options('market_place', WelcomeStep::MARKET_PLACES, 'envato') ?></select><?= $step->fieldError('market_place') ?></div>
<div class="form-group"><label>Purchase code</label><input type="text" name="purchase_code" class="form-control" value="<?= $step->shown('purchase_code') ?>"/><?= $step->fieldError('purchase_code') ?></div>
<div class="form-group"><label>Site name</label><input type="text" name="site_name" class="form-control" value="<?= $step->shown('site_name') ?>"/><?= $step->fieldError('site_name') ?></div>
<div class="form-group"><label>Site tagline</label><input type="text" name="site_tagline" class="form-control" value="<?= $step->shown('site_tagline') ?>"/><?= $step->fieldError('site_tagline') ?></div>
<div class="form-group"><label>Site description</label><input type="text" name="site_description" class="form-control" value="<?= $step->shown('site_description') ?>"/><?= $step->fieldError('site_description') ?></div>
<div class="form-group"><input type="checkbox" name="terms_consent" id="terms_consent" value="1"/><label for="terms_consent">I agree with the terms</label><?= $step->fieldError('terms_consent') ?></div>
<button type="submit" name="next" value="1">Next</button>
</form>
