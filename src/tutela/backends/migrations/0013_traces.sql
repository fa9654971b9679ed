-- The place in a trace that an outbox row follows from (W3C traceparent), beside what is sent; '' for none.

alter table outbox add column trace text not null default '';
