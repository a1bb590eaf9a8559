-- Up Migration

-- Serves the publish activity, and now also those who ask what became of an aggregate's messages: to publish one again, or
-- to show an order's way.
create index outbox_of_aggregate on outbox (aggregate_id);
drop index outbox_unpublished;

-- Down Migration

create index outbox_unpublished on outbox (aggregate_id) where published_at is null;
drop index outbox_of_aggregate;
