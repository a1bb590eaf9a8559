-- Up Migration

-- The workflow that published the order's event: it is told of the verdict. Null: the message did not say.
alter table processing_states add column workflow_id text;

-- Down Migration

alter table processing_states drop column workflow_id;
