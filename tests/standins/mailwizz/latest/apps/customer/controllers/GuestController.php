<?php
// Copyright (c) 2026, email_engine.fleet contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Log in and out.

declare(strict_types=1);

class GuestController extends CController
{
    public function actionIndex(): void
    {
        $session = Yii::app()->getSession();
        $error = '';
        if ($this->getRequest()->getIsPostRequest()) {
            if (!hash_equals($session->csrfToken(), (string) $this->getRequest()->getPost('csrf_token', ''))) {
                throw new CHttpException(400, 'The CSRF token could not be verified.');
            }
            $form = $this->getRequest()->getPost('CustomerLogin', []);
            $customer = Customer::model()->findByAttributes(['email' => (string) ($form['email'] ?? ''), 'status' => 'active']);
            if ($customer !== null && PasswordHash::check((string) ($form['password'] ?? ''), $customer->password)) {
                $session->renew();
                $session->set('customer_id', $customer->customer_id);
                $customer->saveAttributes(['last_login' => gmdate('Y-m-d H:i:s')]);
                $this->redirect(Yii::app()->createUrl('dashboard'));
            }
            $error = 'Invalid login credentials.';
        }
        $this->render('guest/index', ['error' => $error]);
    }

    public function actionLogout(): void
    {
        Yii::app()->getSession()->destroy();
        $this->redirect(Yii::app()->createUrl('guest/index'));
    }
}
