<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// What is seen after the login: who is logged in.

declare(strict_types=1);

class DashboardController extends CController
{
    public function actionIndex(): void
    {
        $user = User::model()->findByPk((int) Yii::app()->getSession()->get('user_id', 0));
        if ($user === null) {
            $this->redirect(Yii::app()->createUrl('guest/index'));
        }
        $this->render('dashboard/index', ['user' => $user]);
    }
}
