-- Up Migration

-- As with the outbox: nobody searches by what is in there.
alter table orders alter column items set statistics 0;
alter table order_events alter column detail set statistics 0;

-- Down Migration

alter table orders alter column items set statistics -1;
alter table order_events alter column detail set statistics -1;
