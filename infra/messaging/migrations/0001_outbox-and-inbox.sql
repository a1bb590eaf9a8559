-- Up Migration

-- What has to be published, written in the transaction of the change it tells of.
create table outbox (
  id uuid primary key, -- UUIDv7, made by the writer: it is the event's id on the wire, the same at every resend
  aggregate_id text not null,
  type text not null,
  payload jsonb not null,
  headers jsonb not null,
  created_at timestamptz not null default now(),
  published_at timestamptz,
  attempts integer not null default 0 check (attempts >= 0),
  last_error text,
  check_at timestamptz not null -- when the sweeper looks at the row, should it still be unpublished
);

-- Serves whoever publishes: "what is unpublished of this aggregate?", and whoever asks what became of its messages.
create index outbox_of_aggregate on outbox (aggregate_id);
-- Serves the sweeper: "which unpublished rows are due?" Its second condition is always true. The sweeper states it and
-- whoever publishes does not: while the statistics say that nothing is unpublished, the planner would take this small index
-- for the hot statements too, and read the whole backlog for each batch (measured at 300,000 rows: 693 instead of 0.7 ms).
create index outbox_due on outbox (check_at) where published_at is null and attempts >= 0;
-- Serves the cleaner: "which published rows are old?"
create index outbox_published on outbox (published_at) where published_at is not null;

-- Nobody searches by what is in a message, so its columns need no statistics. Gathering them was most of what autovacuum
-- did each minute under load: 0.31 s of CPU for an outbox of 60,000 rows, of 0.55 s for all tables (measured).
alter table outbox alter column payload set statistics 0;
alter table outbox alter column headers set statistics 0;

-- What has been consumed: the key is the first thing a consumer's transaction writes.
create table inbox (
  event_key text primary key, -- type:aggregate:version, so that a republished event is known whatever its id
  message_id text not null,
  aggregate_id text not null,
  received_at timestamptz not null default now()
);

-- Serves the cleaner.
create index inbox_received on inbox (received_at);

-- Down Migration

drop table inbox;
drop table outbox;
