# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What MailWizz tells of its things, of whichever version: numbers may be texts, records may be wrapped or flat."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AliasPath, BaseModel, BeforeValidator, ConfigDict, Field


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, populate_by_name=True)


Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else str(value))]


class MailList(Shape):
    uid: Annotated[str, Field(validation_alias=AliasPath("general", "list_uid"))]
    name: Annotated[Text, Field(validation_alias=AliasPath("general", "name"))]


class ListField(Shape):
    """tag: the name of its variable, in capitals. required: MailWizz refuses a subscriber without it."""

    tag: str
    label: Text = ""
    required: Annotated[bool, BeforeValidator(lambda value: value in ("yes", True))] = False


class Subscriber(Shape):
    uid: Annotated[str, Field(validation_alias="subscriber_uid")]
    email: Annotated[Text, Field(validation_alias="EMAIL")] = ""
    status: Text = ""


class Placed(Shape):
    """One row of a bulk: uid where MailWizz took it, else errors in its words."""

    uid: str | None
    errors: tuple[str, ...] = ()


class Template(Shape):
    uid: Annotated[str, Field(validation_alias="template_uid")]
    name: Text = ""


class Campaign(Shape):
    """status: draft, pending-sending, sending, sent, processing, paused, pending-delete, blocked, pending-approve."""

    uid: Annotated[str, Field(validation_alias="campaign_uid")]
    name: Text = ""
    status: Text = ""
    from_email: Text = ""
    send_at: Text = ""


class DeliveryServer(Shape):
    """name: that of the sender, where the fleet made it."""

    id: Annotated[int, Field(validation_alias="server_id")]
    type: Text = ""
    name: Text = ""
    hostname: Text = ""
    status: Text = ""


def number(value: Any) -> Any:
    """A number where MailWizz wrote one as text; everything else as it is."""
    if isinstance(value, str):
        for kind in (int, float):
            try:
                return kind(value)
            except ValueError:
                continue
    return value
