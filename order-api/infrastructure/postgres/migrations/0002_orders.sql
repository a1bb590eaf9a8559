-- Up Migration

create table orders (
  order_id text primary key,
  customer_id text not null,
  status text not null,
  total_amount numeric not null,
  version integer not null,
  items jsonb not null,
  failure_reason text,
  workflow_id text, -- the workflow that carries it; written before its start is requested, null until then
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  check_at timestamptz not null, -- when the reconciler looks for the order's workflow, should it still be pending
  constraint orders_status_is_known check (status in ('pending', 'done', 'failed')),
  constraint orders_total_amount_is_not_negative check (total_amount >= 0),
  constraint orders_version_starts_at_1 check (version >= 1),
  constraint orders_items_are_a_list check (jsonb_typeof(items) = 'array'),
  constraint orders_pending_is_version_1 check ((status = 'pending') = (version = 1)),
  constraint orders_failed_has_a_reason check ((status = 'failed') = (failure_reason is not null))
);

-- Serves the reconciler: "which pending orders are due?" Settled orders leave it. By orders_pending_is_version_1, version 1
-- and pending are the same orders. The reconciler states the version and the hot statements state the status: while the
-- statistics say that nothing is pending, the planner would take this small index for them too, and read the whole backlog
-- for each batch (measured at 300,000 pending orders: 260 to 290 instead of 1 ms).
create index orders_due on orders (check_at) where version = 1;

-- The order's own history. It outlives Temporal's retention.
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

-- One event a version: two outcomes can never both have been applied. Ignored outcomes are recorded beside it, so that the
-- third part tells them apart. It serves "the history of one order" as well, without an index of its own: order ids are
-- random, so that each index of them is a page more that an order writes to the log after every checkpoint (measured with
-- 100,000 orders, each right after a checkpoint: 14.1 kB of WAL an order with two indexes, 11.5 with one).
create unique index order_events_versions
  on order_events (order_id, version, (case type when 'order.outcome-ignored' then id else 0 end));

-- Nobody searches by their content, so these columns need no statistics: see the outbox.
alter table orders alter column items set statistics 0;
alter table order_events alter column detail set statistics 0;

-- What operations (infra/operations) reads and writes of it.
create view operations.orders as
  select order_id, customer_id, status, total_amount, version, items, failure_reason, workflow_id, created_at, updated_at,
    check_at
  from orders;
create view operations.order_events as
  select id, order_id, version, type, at, detail from order_events;

-- What operators have done, to a dead-lettered message or to an order. Only operations writes here.
create table operations.actions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null,
  action text not null,
  reason text not null,
  order_id text, -- as the message or the operator said; there may be no such order
  detail jsonb not null default '{}',
  constraint actions_have_an_author check (who <> ''),
  constraint actions_have_a_reason check (reason <> '')
);

-- Serves "which actions concern this order?"
create index actions_of_order on operations.actions (order_id);

-- Down Migration

drop table operations.actions;
drop view operations.order_events;
drop view operations.orders;
drop table order_events;
drop table orders;
