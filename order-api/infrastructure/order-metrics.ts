import type pg from 'pg';
import { Counter, Histogram, type Registry } from 'prom-client';
import { addSqlGauge } from '../../infra/metrics/registry.js';
import type { AppliedOutcome } from '../application/ports.js';

/** Seconds: an order alone takes tens of milliseconds; after an outage it can take minutes. */
const settleBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const maxPendingCounted = 100_001;

/**
 * Served by the index of pending orders, in index order. It states both conditions, which select the same rows by the
 * table's check constraint, so it does not depend on which of them the index has. Settled orders are counted as they
 * settle, because their number in the table is unbounded.
 */
export const pendingStatement = `
  select count(*) as value
  from (select from orders where status = 'pending' and version = 1 order by check_at limit ${maxPendingCounted}) as pending`;

/** Adds the order metrics to the registry; returns a callback to call with every applied outcome. */
export function addOrderMetrics(registry: Registry, pool: pg.Pool): (applied: AppliedOutcome) => void {
  addSqlGauge(
    registry,
    pool,
    { name: 'orders_pending', help: `Orders that await their outcome, counted up to ${maxPendingCounted}` },
    pendingStatement,
  );
  const registers = [registry];
  const settled = new Counter({
    ...{ name: 'orders_settled_total', help: 'Orders settled by this process', labelNames: ['status'], registers },
  });
  const seconds = new Histogram({
    ...{
      name: 'order_settle_seconds',
      help: 'Time from the acceptance of an order to its settlement',
      buckets: settleBuckets,
      registers,
    },
  });
  for (const status of ['done', 'failed']) settled.inc({ status }, 0);
  return ({ order, result }) => {
    if (result !== 'applied') return;
    settled.inc({ status: order.status });
    // If a clock was set back, the sum must not decrease: Prometheus would take that for a restart.
    seconds.observe(Math.max(0, order.updatedAt.getTime() - order.createdAt.getTime()) / 1000);
  };
}
