<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
?>
<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="csrf-token-name" content="csrf_token">
<meta name="csrf-token-value" content="<?= Yii::app()->getSession()->csrfToken() ?>">
<title><?= htmlspecialchars((string) Yii::app()->options->get('system.common.site_name')) ?></title>
</head>
<body>
<?= $content ?>
</body>
</html>
