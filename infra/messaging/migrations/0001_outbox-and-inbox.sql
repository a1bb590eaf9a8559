-- Up Migration

-- Events to publish. Each is written in the transaction of the change that it reports.
create table outbox (
  id uuid primary key, -- UUIDv7 from the writer: the event's id on the wire, the same each time it is published
  aggregate_id text not null,
  type text not null,
  payload jsonb not null,
  headers jsonb not null,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  attempts integer not null default 0,
  last_error text,
  check_at timestamptz not null, -- when the sweeper looks at the row if it is still unpublished
  constraint outbox_attempts_are_counted check (attempts >= 0)
);

-- Serves the relay ("which messages of this aggregate are unpublished?") and every other query by aggregate.
create index outbox_of_aggregate on outbox (aggregate_id);
-- Serves the sweeper: "which unpublished rows are due?" Its second condition is always true. The sweeper states it and
-- the relay does not. Otherwise, while the statistics say that nothing is unpublished, the planner would use this small
-- index for the relay's statements too and read the whole backlog for each batch (measured at 300,000 rows: 693 ms
-- instead of 0.7 ms).
create index outbox_due on outbox (check_at) where published_at is null and attempts >= 0;
-- Serves the cleaner: "which published rows are old?"
create index outbox_published on outbox (published_at) where published_at is not null;

-- No query searches by the content of a message, so its columns need no statistics. Gathering them was most of what
-- autovacuum did each minute under load (measured: 0.31 s of CPU for an outbox of 60,000 rows, of 0.55 s for all
-- tables).
alter table outbox alter column payload set statistics 0;
alter table outbox alter column headers set statistics 0;

-- Consumed events. A consumer's transaction begins by inserting the key.
create table inbox (
  event_key text primary key, -- type:aggregate:version, so that a republished event is recognized whatever its id
  message_id text not null,
  aggregate_id text not null,
  received_at timestamptz not null default now()
);

-- Serves the cleaner: "which entries are old?"
create index inbox_received on inbox (received_at);

-- The operations commands (infra/operations) use these views, so that the tables can change independently.
create schema operations;
create view operations.outbox as
  select id, aggregate_id, type, payload, created_at, published_at, attempts, last_error, check_at from outbox;
create view operations.inbox as
  select event_key, message_id, aggregate_id, received_at from inbox;

-- Down Migration

drop schema operations cascade;
drop table inbox;
drop table outbox;
