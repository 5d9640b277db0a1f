# Copyright (c) 2026, email_engine.fleet contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A tenant's customer in MailWizz, by its API key: lists, subscribers, templates, campaigns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from . import forms
from .answers import flat_errors
from .faults import NotFound, Refused, Stranger
from .shapes import Campaign, DeliveryServer, ListField, MailList, Placed, Shape, Subscriber, Template, number
from .wire import Wire

One = TypeVar("One", bound=Shape)
#: The most that 2.x gives on a page.
PER_PAGE = 50
#: Statuses that `pause-unpause` pauses.
RUNNING = ("pending-sending", "sending", "processing")
_PAGES = 100_000


def batches(rows: Sequence[Mapping[str, str]], most: int = 300) -> Iterator[Sequence[Mapping[str, str]]]:
    """*rows* in order, cut so that `Client.bulk` sends each part in one request that PHP reads whole."""
    begin = variables = 0
    for position, row in enumerate(rows):
        if position > begin and (position - begin == most or variables + len(row) > forms.VARIABLES):
            yield rows[begin:position]
            begin, variables = position, 0
        variables += len(row)
    if begin < len(rows):
        yield rows[begin:]


class Client(Wire):
    """Every method raises MailwizzError. Nothing is asked twice by itself."""

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_fault: object) -> None:
        self.close()

    # Lists.

    def lists(self) -> Iterator[MailList]:
        return self._all("/lists", MailList)

    def get_list(self, uid: str) -> MailList:
        return self._one(f"/lists/{uid}", MailList)

    def create_list(
        self,
        general: Mapping[str, str],
        defaults: Mapping[str, str],
        company: Mapping[str, str] | None = None,
        notifications: Mapping[str, str] | None = None,
    ) -> str:
        """The new list's uid. general: name, description. defaults: from_name, from_email, reply_to. company: needed where the customer
        has none."""
        form = {"general": general, "defaults": defaults, "company": company, "notifications": notifications}
        return self._uid(self.ask("POST", "/lists", form), "list_uid", "POST /lists")

    def delete_list(self, uid: str) -> None:
        self.ask("DELETE", f"/lists/{uid}")

    def fields(self, list_uid: str) -> list[ListField]:
        return list(self._all(f"/lists/{list_uid}/fields", ListField))

    # Subscribers.

    def subscribers(self, list_uid: str, status: str | None = None) -> Iterator[Subscriber]:
        return self._all(f"/lists/{list_uid}/subscribers", Subscriber, {"status": status} if status else {})

    def bulk(self, list_uid: str, rows: Sequence[Mapping[str, Any]]) -> list[Placed]:
        """Add them; the answers in the order of *rows*, each {tag: text}. Raises ValueError for more than PHP reads, see `batches`."""
        path = f"/lists/{list_uid}/subscribers/bulk"
        answer = self.ask("POST", path, {"subscribers": rows})
        records = self._records(answer, path)
        if len(records) != len(rows):
            raise self._strange("POST", path, f"{len(records)} answers to {len(rows)} subscribers")
        return [self._placed(one, path) for one in records]

    def find_subscriber(self, list_uid: str, email: str) -> Subscriber | None:
        path = f"/lists/{list_uid}/subscribers/search-by-email"
        try:
            answer = self.ask("GET", path, query={"EMAIL": email})
        except NotFound:
            return None
        return self._shape("GET", path, Subscriber, answer.get("data"))

    def create_subscriber(
        self, list_uid: str, fields: Mapping[str, str], details: Mapping[str, str] | None = None
    ) -> str:
        """The new subscriber's uid. fields: {tag: text}. details: status, source, ip_address."""
        path = f"/lists/{list_uid}/subscribers"
        return self._uid(self.ask("POST", path, {**fields, "details": details}), "subscriber_uid", f"POST {path}")

    def update_subscriber(
        self, list_uid: str, uid: str, fields: Mapping[str, str], details: Mapping[str, str] | None = None
    ) -> None:
        self.ask("PUT", f"/lists/{list_uid}/subscribers/{uid}", {**fields, "details": details})

    def unsubscribe(self, list_uid: str, uid: str) -> None:
        self.ask("PUT", f"/lists/{list_uid}/subscribers/{uid}/unsubscribe")

    def unsubscribe_everywhere(self, email: str) -> None:
        """From all lists of the customer; one that is on none is fine."""
        try:
            self.ask("PUT", "/lists/subscribers/unsubscribe-by-email-from-all-lists", {"EMAIL": email})
        except NotFound:
            return

    def delete_subscriber(self, list_uid: str, uid: str) -> None:
        """One that is gone already is fine."""
        try:
            self.ask("DELETE", f"/lists/{list_uid}/subscribers/{uid}")
        except NotFound:
            return

    # Templates.

    def templates(self) -> Iterator[Template]:
        return self._all("/templates", Template)

    def create_template(self, name: str, content: str) -> str:
        """The new template's uid. content: HTML."""
        answer = self.ask("POST", "/templates", {"template": {"name": name, "content": forms.base64_text(content)}})
        return self._uid(answer, "template_uid", "POST /templates")

    def update_template(self, uid: str, name: str, content: str) -> None:
        self.ask("PUT", f"/templates/{uid}", {"template": {"name": name, "content": forms.base64_text(content)}})

    def delete_template(self, uid: str) -> None:
        """One that is gone already is fine."""
        try:
            self.ask("DELETE", f"/templates/{uid}")
        except NotFound:
            return

    # Campaigns.

    def campaigns(self) -> Iterator[Campaign]:
        return self._all("/campaigns", Campaign)

    def find_campaign(self, name: str) -> Campaign | None:
        """The one of exactly this name."""
        return next((one for one in self.campaigns() if one.name == name), None)

    def get_campaign(self, uid: str) -> Campaign:
        return self._one(f"/campaigns/{uid}", Campaign)

    def create_campaign(self, campaign: Mapping[str, Any]) -> str:
        """The new campaign's uid. campaign: as in MailWizz's API, without the wrapper; template.content as HTML."""
        return self._uid(
            self.ask("POST", "/campaigns", {"campaign": _encoded(campaign)}), "campaign_uid", "POST /campaigns"
        )

    def update_campaign(self, uid: str, campaign: Mapping[str, Any]) -> None:
        self.ask("PUT", f"/campaigns/{uid}", {"campaign": _encoded(campaign)})

    def pause(self, uid: str) -> str:
        """The status after. One that is paused stays so; one that is over, or a draft, is refused."""
        return self._turn(uid, (*RUNNING, "pending-approve"), ("paused",))

    def resume(self, uid: str) -> str:
        """The status after. One that runs already stays so."""
        return self._turn(uid, ("paused",), RUNNING)

    def mark_sent(self, uid: str) -> None:
        self.ask("PUT", f"/campaigns/{uid}/mark-sent")

    def delete_campaign(self, uid: str) -> None:
        """One that is gone already is fine."""
        try:
            self.ask("DELETE", f"/campaigns/{uid}")
        except NotFound:
            return

    def stats(self, uid: str) -> dict[str, Any]:
        """Numbers by MailWizz's names, such as opens_count; campaign_status is a text."""
        path = f"/campaigns/{uid}/stats"
        data = self.ask("GET", path).get("data")
        if not isinstance(data, dict):
            raise self._strange("GET", path, "no data")
        return {name: number(value) for name, value in data.items()}

    def delivery_logs(self, uid: str) -> Iterator[Mapping[str, Any]]:
        """Rows as MailWizz has them; 2.0 has none to tell."""
        return self._pages(f"/campaigns/{uid}/delivery-logs", {})

    # Delivery servers: the customer's own; the API shows no other and changes none.

    def delivery_servers(self) -> list[DeliveryServer]:
        return list(self._all("/delivery-servers", DeliveryServer))

    def _turn(self, uid: str, begin: Sequence[str], wanted: Sequence[str]) -> str:
        """MailWizz only toggles. Read before, so that asking twice does not undo the first; read again, so that two who ask at once do not."""
        path = f"/campaigns/{uid}/pause-unpause"
        status = self.get_campaign(uid).status
        for _attempt in range(2):
            if status in wanted:
                return status
            if status not in begin:
                break
            self.ask("PUT", path)
            status = self.get_campaign(uid).status
        if status in wanted:
            return status
        what = f"PUT {self.url}{path}: the campaign is {status or 'of no status'}, not {' or '.join(begin)}"
        raise Refused(what, "Read the campaign again, then decide.", errors=(f"the campaign is {status}",))

    def _all(self, path: str, shape: type[One], query: Mapping[str, str] | None = None) -> Iterator[One]:
        for one in self._pages(path, query or {}):
            yield self._shape("GET", path, shape, one)

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
        page = 1
        while page <= _PAGES:
            answer = self.ask("GET", path, query={**query, "page": page, "per_page": PER_PAGE})
            records = self._records(answer, path)
            yield from records
            following = number((answer.get("data") or {}).get("next_page"))
            # An empty set has nulls; a collection that knows no pages gives the same one for each.
            if not records or not isinstance(following, int) or following <= page:
                return
            page = following

    def _records(self, answer: Mapping[str, Any], path: str) -> list[Any]:
        data = answer.get("data")
        records = data.get("records") if isinstance(data, Mapping) else data
        # PHP writes an array with a gap as an object.
        found = list(records.values()) if isinstance(records, Mapping) else [] if records is None else records
        if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
            raise self._strange("GET", path, "records of another shape")
        return found

    def _one(self, path: str, shape: type[One]) -> One:
        data = self.ask("GET", path).get("data")
        return self._shape("GET", path, shape, data.get("record", data) if isinstance(data, Mapping) else data)

    def _placed(self, record: Mapping[str, Any], path: str) -> Placed:
        errors = flat_errors(record.get("errors"))
        data = record.get("data")
        uid = data.get("subscriber_uid") if isinstance(data, Mapping) else None
        if not errors and not uid:
            raise self._strange("POST", path, "a subscriber with neither uid nor errors")
        return Placed(uid=None, errors=tuple(errors)) if errors else Placed(uid=str(uid))

    def _uid(self, answer: Mapping[str, Any], name: str, question: str) -> str:
        """Of what was created: at the top, or in data.record."""
        data = answer.get("data")
        record = data.get("record", data) if isinstance(data, Mapping) else None
        for place in (answer, record):
            if isinstance(place, Mapping) and isinstance(place.get(name), str) and place[name]:
                return str(place[name])
        method, path = question.split(" ", 1)
        raise self._strange(method, path, f"no {name}")

    def _shape(self, method: str, path: str, shape: type[One], value: Any) -> One:
        try:
            return shape.model_validate(value)
        except ValidationError as fault:
            wrong = ", ".join(sorted({".".join(map(str, one["loc"])) or "the record" for one in fault.errors()}))
            raise self._strange(method, path, f"no proper {wrong}") from None

    def _strange(self, method: str, path: str, what: str) -> Stranger:
        remedy = "This is no MailWizz of 2.x or 3.x as it is known. Was it upgraded, or does an extension change its answers?"
        return Stranger(f"{method} {self.url}{path}: the answer has {what}", remedy, status=200)


def _encoded(campaign: Mapping[str, Any]) -> dict[str, Any]:
    template = campaign.get("template")
    if not isinstance(template, Mapping) or "content" not in template:
        return dict(campaign)
    return {**campaign, "template": {**template, "content": forms.base64_text(template["content"])}}
