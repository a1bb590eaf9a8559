-- Up Migration

-- How often the order's workflow was asked to publish again, because nothing had been heard of the order for long.
alter table orders add column published_again integer not null default 0 check (published_again >= 0);

-- Down Migration

alter table orders drop column published_again;
