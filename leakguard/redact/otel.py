"""OpenTelemetry: processors that take the secrets out of log records and spans.

    logger_provider.add_log_record_processor(leakguard.redact.otel.LogRedactor(redactor))     # before the exporting one
    tracer_provider.add_span_processor(leakguard.redact.otel.SpanRedactor(redactor))          # before the exporting one

They follow the SDK's processor interface without importing it. Never raise into the application: attributes that cannot be
replaced are counted, and what they stand on is emptied unless the policy is open. Imported by applications.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leakguard.redact.core import Redactor

_ERROR = "<redacted:error>"


class _Processor:
    """What both have in common: nothing waits in them."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor
        self._resource: tuple[Any, Any] = (None, None)
        """The last one seen, and the same without secrets: a process has one."""

    def shutdown(self) -> None:
        """Nothing is kept."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Nothing waits."""
        return timeout_millis >= 0

    def _safely(self, work: Callable[[Any], None], what: Any, empty: Callable[[Any], None]) -> None:
        try:
            work(what)
        except Exception as error:  # noqa: BLE001
            self.redactor.counts.failed(error)
            if self.redactor.policy.on_error != "open":
                empty(what)

    def attributes(self, before: Any) -> Any:
        """Attributes without secrets: a plain dict if something was masked."""
        if not before:
            return before
        plain = dict(before)
        safe = self.redactor.redact(plain)
        return before if safe is plain else safe

    def resource(self, before: Any) -> Any:
        """What sends it, without secrets: a copy if something was masked."""
        seen, safe = self._resource
        if before is None or seen is before:
            return safe
        own = getattr(before, "attributes", None)
        attributes = self.attributes(own)
        safe = before
        if attributes is not own:
            safe = copy.copy(before)
            safe._attributes = attributes
        self._resource = (before, safe)
        return safe


class LogRedactor(_Processor):
    """A LogRecordProcessor: body, attributes, the event's name, the resource."""

    def on_emit(self, log_record: Any) -> None:
        record = getattr(log_record, "log_record", log_record)
        self._safely(self._clean, record, self._empty)
        if getattr(log_record, "resource", None) is not None:
            self._safely(self._sender, log_record, self._nobody)

    emit = on_emit

    def _clean(self, record: Any) -> None:
        record.body = self.redactor.redact(record.body)
        record.attributes = self.attributes(record.attributes)
        if getattr(record, "event_name", None):
            record.event_name = self.redactor.redact(record.event_name)

    def _sender(self, log_record: Any) -> None:
        safe = self.resource(log_record.resource)
        if safe is not log_record.resource:
            object.__setattr__(log_record, "resource", safe)

    @staticmethod
    def _nobody(log_record: Any) -> None:
        object.__setattr__(log_record, "resource", None)

    @staticmethod
    def _empty(record: Any) -> None:
        record.body, record.attributes = _ERROR, {}
        if getattr(record, "event_name", None):
            record.event_name = _ERROR


class SpanRedactor(_Processor):
    """A SpanProcessor: name, attributes, events (exceptions are some), the status' description, the resource."""

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """A span is cleaned when it ends."""

    def _on_ending(self, span: Any) -> None:
        """Also part of the interface, of late."""

    def on_end(self, span: Any) -> None:
        self._safely(self._clean, span, self._empty)

    def _clean(self, span: Any) -> None:
        span._name = self.redactor.redact(span._name)
        span._attributes = self.attributes(span._attributes)
        if getattr(span, "_resource", None) is not None:
            span._resource = self.resource(span._resource)
        for event in span._events or ():
            event._name = self.redactor.redact(event._name)
            event._attributes = self.attributes(event._attributes)
        for link in span._links or ():
            link._attributes = self.attributes(link._attributes)
        status = span._status
        description = getattr(status, "_description", None)
        if description:
            status._description = self.redactor.redact(description)

    @staticmethod
    def _empty(span: Any) -> None:
        span._name, span._attributes, span._events, span._links = _ERROR, {}, (), ()
