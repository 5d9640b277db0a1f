<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// The entry: the dashboard, which asks for the login.

declare(strict_types=1);

class SiteController extends CController
{
    public function actionIndex(): void
    {
        $this->redirect(Yii::app()->createUrl('dashboard'));
    }
}
