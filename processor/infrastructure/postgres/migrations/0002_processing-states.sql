-- Up Migration

-- The verdict on each order, made once. It outlives the inbox row, so that an event replayed after years decides nothing.
create table processing_states (
  order_id text primary key,
  status text not null check (status in ('done', 'failed')),
  reason text,
  version integer not null check (version >= 2), -- the order was created with version 1
  processed_at timestamptz not null default now(),
  check ((status = 'failed') = (reason is not null))
);

-- Down Migration

drop table processing_states;
