-- Up Migration

-- What people have done by hand, with `npm run ops`: to a parked message or to an order. Nothing else writes here.
create table operator_actions (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text not null check (who <> ''),
  action text not null,
  reason text not null check (reason <> ''),
  order_id text, -- as the message or the person said; there may be no such order
  detail jsonb not null default '{}'
);

-- Serves "what was done about this order".
create index operator_actions_of_order on operator_actions (order_id);

-- Down Migration

drop table operator_actions;
