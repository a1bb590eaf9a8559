-- Up Migration

-- Events to be published. Each is written in the transaction of the change that it reports.
create table outbox (
  id uuid primary key, -- UUIDv7, made by the writer: the event's id on the wire, the same each time it is published
  aggregate_id text not null,
  type text not null,
  payload jsonb not null,
  headers jsonb not null,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  attempts integer not null default 0,
  last_error text,
  check_at timestamptz not null, -- when the sweeper looks at the row, should it still be unpublished
  constraint outbox_attempts_are_counted check (attempts >= 0)
);

-- Serves the relay: "what is unpublished of this aggregate?", and everyone who asks what became of its messages.
create index outbox_of_aggregate on outbox (aggregate_id);
-- Serves the sweeper: "which unpublished rows are due?" Its second condition is always true. The sweeper states it and the
-- relay does not: while the statistics say that nothing is unpublished, the planner would take this small index for the
-- relay's statements too, and read the whole backlog for each batch (measured at 300,000 rows: 693 instead of 0.7 ms).
create index outbox_due on outbox (check_at) where published_at is null and attempts >= 0;
-- Serves the cleaner: "which published rows are old?"
create index outbox_published on outbox (published_at) where published_at is not null;

-- Nobody searches by the content of a message, so its columns need no statistics. Gathering them was most of what
-- autovacuum did each minute under load: 0.31 s of CPU for an outbox of 60,000 rows, of 0.55 s for all tables (measured).
alter table outbox alter column payload set statistics 0;
alter table outbox alter column headers set statistics 0;

-- Events that have been consumed. A consumer's transaction begins with the insertion of the key.
create table inbox (
  event_key text primary key, -- type:aggregate:version, so that a republished event is recognized whatever its id
  message_id text not null,
  aggregate_id text not null,
  received_at timestamptz not null default now()
);

-- Serves the cleaner.
create index inbox_received on inbox (received_at);

-- What operations (infra/operations) reads and writes, so that the tables can change without it.
create schema operations;
create view operations.outbox as
  select id, aggregate_id, type, payload, created_at, published_at, attempts, last_error, check_at from outbox;
create view operations.inbox as
  select event_key, message_id, aggregate_id, received_at from inbox;

-- Down Migration

drop schema operations cascade;
drop table inbox;
drop table outbox;
