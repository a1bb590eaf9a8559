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
  check_at timestamptz not null -- when the reconciler looks at the row, should it still be unpublished
);

-- Serves the publish activity: "what is unpublished of this aggregate?"
create index outbox_unpublished on outbox (aggregate_id) where published_at is null;
-- Serves the reconciler: "which unpublished rows are due?"
create index outbox_due on outbox (check_at) where published_at is null;
-- Serves the cleaner: "which published rows are old?"
create index outbox_published on outbox (published_at) where published_at is not null;

-- What has been consumed: the key is the first thing a consumer's transaction writes.
create table inbox (
  event_key text primary key, -- type:aggregate:version, so that a republished event is known whatever its id
  message_id text not null,
  aggregate_id text not null,
  received_at timestamptz not null default now(),
  signal_due_at timestamptz -- not null: the workflow has not been told yet, and when to try next
);

-- Serves the reconciler: "which workflows are still owed a signal?"
create index inbox_signal_due on inbox (signal_due_at) where signal_due_at is not null;
-- Serves the cleaner.
create index inbox_received on inbox (received_at);

-- Down Migration

drop table inbox;
drop table outbox;
