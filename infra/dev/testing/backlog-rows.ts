/** Statements that fill the tables of the services, for tests with many rows. */

/**
 * Returns a statement that inserts orders settled weeks ago, with all their rows. The cleaner would remove messages.
 */
export function insertSettledOrders(count: number): string {
  return `
    with settled as (
      select gen_random_uuid()::text as id, now() - interval '40 days' + n * interval '1 second' as at
      from generate_series(1, ${count}) as n
    ), added as (
      insert into orders (order_id, customer_id, status, version, total_amount, items, check_at, created_at)
      select id, 'c-1', 'done', 2, 1, '[]', at, at from settled
    ), history as (
      insert into order_events (order_id, version, type)
      select id, version, case version when 1 then 'order.created' else 'order.processed' end
      from settled, generate_series(1, 2) as version
    ), received as (
      insert into inbox (event_key, message_id, aggregate_id, received_at)
      select 'order.processed:' || id || ':2', 'm', id, at from settled
    )
    insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at, published_at)
    select gen_random_uuid(), id, 'order.created', '{}', '{}', at, at, at from settled`;
}

/** Returns a statement that inserts pending orders with unpublished events, all due for reconciler and sweeper now. */
export function insertPendingOrders(count: number): string {
  return `
    with pending as (
      select gen_random_uuid()::text as id, now() - interval '1 hour' + n * interval '1 millisecond' as at
      from generate_series(1, ${count}) as n
    ), added as (
      insert into orders (order_id, customer_id, status, version, total_amount, items, check_at, created_at)
      select id, 'c-1', 'pending', 1, 1, '[]', at, at from pending
    )
    insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at)
    select gen_random_uuid(), id, 'order.created', '{}', '{}', at, at from pending`;
}

/** Returns a statement that inserts orders decided weeks ago, whose outcomes were published then or are unpublished. */
export function insertDecidedOrders(count: number, outcome: 'published' | 'unpublished'): string {
  return `
    with decided as (
      select gen_random_uuid()::text as id, now() - interval '40 days' + n * interval '1 second' as at
      from generate_series(1, ${count}) as n
    ), added as (
      insert into processing_states (order_id, status, version, processed_at) select id, 'done', 2, at from decided
    ), received as (
      insert into inbox (event_key, message_id, aggregate_id, received_at)
      select 'order.created:' || id || ':1', 'm', id, at from decided
    )
    insert into outbox (id, aggregate_id, type, payload, headers, check_at, created_at, published_at)
    select gen_random_uuid(), id, 'order.processed', '{}', '{}', at, at, ${outcome === 'published' ? 'at' : 'null'} from decided`;
}
