<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Brings the database to the version of the files, for who is logged in.

declare(strict_types=1);

class UpdateController extends CController
{
    public function actionIndex(): void
    {
        $session = Yii::app()->getSession();
        if (User::model()->findByPk((int) $session->get('user_id', 0)) === null) {
            $this->redirect(Yii::app()->createUrl('guest/index'));
        }
        $done = false;
        if ($this->getRequest()->getIsPostRequest()) {
            if (!hash_equals($session->csrfToken(), (string) $this->getRequest()->getPost('csrf_token', ''))) {
                throw new CHttpException(400, 'The CSRF token could not be verified.');
            }
            Updater::run();
            $done = true;
        }
        $this->render('update/index', ['done' => $done]);
    }
}
