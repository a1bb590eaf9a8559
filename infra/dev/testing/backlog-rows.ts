/** Statements that fill the tables of the services, for tests of what happens when there is much in them. */

/** Orders that were settled weeks ago, with all that has come of them. The cleaner would remove their messages. */
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

/** Pending orders, whose events are unpublished; the reconciler and the sweeper are to look at all of them now. */
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

/** Orders that the processor decided weeks ago; it has published their outcomes then, or not yet. */
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
