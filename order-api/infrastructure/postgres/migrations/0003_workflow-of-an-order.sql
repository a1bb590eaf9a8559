-- Up Migration

-- The workflow that carries the order, alone or with others; written before its start is asked for. Null: nobody has
-- tried to start one yet.
alter table orders add column workflow_id text;

-- Down Migration

alter table orders drop column workflow_id;
