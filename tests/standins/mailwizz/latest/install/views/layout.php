<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

/** @var InstallStep $step */
?>
<!DOCTYPE html>
<html>
<head><meta charset="utf-8"><title>Installation: <?= InstallStep::html($step->title()) ?></title></head>
<body>
<h1><?= InstallStep::html($step->title()) ?></h1>
<?= $step->summary() ?>

<?= $content ?>
</body>
</html>
