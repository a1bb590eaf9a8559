-- Up Migration

create table orders (
  order_id text primary key,
  customer_id text not null,
  status text not null,
  total_amount numeric not null,
  version integer not null,
  items jsonb not null,
  failure_reason text,
  workflow_id text, -- the workflow that carries the order; written before its start is requested, null until then
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check_at timestamptz not null, -- when the reconciler checks for the order's workflow if the order is still pending
  constraint orders_status_is_known check (status in ('pending', 'done', 'failed')),
  constraint orders_total_amount_is_not_negative check (total_amount >= 0),
  constraint orders_version_starts_at_1 check (version >= 1),
  constraint orders_items_are_a_list check (jsonb_typeof(items) = 'array'),
  constraint orders_pending_is_version_1 check ((status = 'pending') = (version = 1)),
  constraint orders_failed_has_a_reason check ((status = 'failed') = (failure_reason is not null))
);

-- Serves the reconciler's query "which pending orders are due?" Settled orders leave the index. By
-- orders_pending_is_version_1, the orders at version 1 are exactly the pending ones. The reconciler's statement states
-- the version; the hot statements state the status instead, so that they cannot use this index: while the statistics
-- show no pending order, the planner would choose it for its small size and read the whole backlog for each batch
-- (measured with 300,000 pending orders: 260 to 290 ms instead of 1 ms).
create index orders_due on orders (check_at) where version = 1;

-- The history of each order. It outlives Temporal's retention period.
create table order_events (
  id bigint generated always as identity primary key,
  order_id text not null,
  version integer not null,
  type text not null,
  at timestamptz not null default now(),
  detail jsonb not null default '{}',
  constraint order_events_of_order foreign key (order_id) references orders (order_id),
  constraint order_events_version_starts_at_1 check (version >= 1)
);

-- Allows one event per version, so two outcomes can never both be applied. Ignored outcomes are recorded too; the third
-- part of the key tells them apart. The index also serves "the history of one order", which therefore needs no index of
-- its own: order ids are random, so after every checkpoint each index on them adds a full page to the WAL of an order
-- (measured with 100,000 orders, each right after a checkpoint: 14.1 kB of WAL per order with two indexes, 11.5 kB with
-- one).
create unique index order_events_versions
  on order_events (order_id, version, (case type when 'order.outcome-ignored' then id else 0 end));

-- No query filters by the content of these columns, so they need no statistics; see the outbox.
alter table orders alter column items set statistics 0;
alter table order_events alter column detail set statistics 0;

-- The views through which operations (infra/operations) reads and writes these tables.
create view operations.orders as
  select order_id, customer_id, status, total_amount, version, items, failure_reason, workflow_id, created_at, updated_at,
    check_at
  from orders;
create view operations.order_events as
  select id, order_id, version, type, at, detail from order_events;

-- The actions that operators have taken on a dead-lettered message or an order. Only operations writes to this table.
create table operations.actions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  action text not null,
  reason text not null,
  order_id text, -- as given by the message or the operator; the order may not exist
  detail jsonb not null default '{}',
  constraint actions_have_an_author check (who <> ''),
  constraint actions_have_a_reason check (reason <> '')
);

-- Serves the query "which actions concern this order?"
create index actions_of_order on operations.actions (order_id);

-- Down Migration

drop table operations.actions;
drop view operations.order_events;
drop view operations.orders;
drop table order_events;
drop table orders;
