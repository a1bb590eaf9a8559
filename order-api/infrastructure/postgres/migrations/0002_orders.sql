-- Up Migration

create table orders (
  order_id text primary key,
  customer_id text not null,
  status text not null check (status in ('pending', 'done', 'failed')),
  total_amount numeric not null check (total_amount >= 0),
  version integer not null check (version >= 1),
  items jsonb not null check (jsonb_typeof(items) = 'array'),
  failure_reason text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check_at timestamptz not null, -- when the reconciler looks after the order's workflow, should it still be pending
  check ((status = 'pending') = (version = 1)),
  check ((status = 'failed') = (failure_reason is not null))
);

-- Serves the reconciler: "which pending orders are due?" Settled orders leave it.
create index orders_due on orders (check_at) where status = 'pending';

-- The order's own history. It outlives Temporal's retention.
create table order_events (
  id bigint generated always as identity primary key,
  order_id text not null references orders (order_id),
  version integer not null check (version >= 1),
  type text not null,
  at timestamptz not null default now(),
  detail jsonb not null default '{}'
);

-- One fact a version: two outcomes can never both have been applied. Answers that changed nothing are noted beside it.
create unique index order_events_versions on order_events (order_id, version) where type <> 'order.outcome-ignored';
-- Serves "the history of one order".
create index order_events_of_order on order_events (order_id, id);

-- Down Migration

drop table order_events;
drop table orders;
