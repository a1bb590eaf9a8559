-- Up Migration

-- The outcome of each order, which is decided once. It outlives the inbox row, so that an event that is replayed years
-- later leads to no second decision.
create table processing_states (
  order_id text primary key,
  status text not null,
  reason text,
  version integer not null,
  processed_at timestamptz not null default now(),
  constraint processing_states_status_is_known check (status in ('done', 'failed')),
  constraint processing_states_version_follows_creation check (version >= 2), -- an order is created at version 1
  constraint processing_states_failed_has_a_reason check ((status = 'failed') = (reason is not null))
);

-- The view through which operations (infra/operations) reads this table.
create view operations.outcomes as
  select order_id, status, reason, version, processed_at from processing_states;

-- Down Migration

drop view operations.outcomes;
drop table processing_states;
