import type pg from 'pg';
import { Counter, Histogram, type Registry } from 'prom-client';
import { addSqlGauge } from '../../infra/metrics/registry.js';
import type { AppliedOutcome } from '../application/ports.js';

/** From tens of milliseconds, alone, to the minutes after an outage. */
const settleBuckets = [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];

const maxPendingCounted = 100_001;

/**
 * Served by the index of pending orders, in its order, whichever of these two conditions that has: by the table's checks
 * they are the same rows. The settled ones are counted as they settle: they are without number.
 */
export const pendingStatement = `
  select count(*) as value
  from (select from orders where status = 'pending' and version = 1 order by check_at limit ${maxPendingCounted}) as pending`;

/** Orders by status and how long they take; returns what is told of every answer. */
export function addOrderMetrics(registry: Registry, pool: pg.Pool): (applied: AppliedOutcome) => void {
  addSqlGauge(
    registry,
    pool,
    { name: 'orders_pending', help: `Orders that wait for their outcome, up to ${maxPendingCounted}` },
    pendingStatement,
  );
  const registers = [registry];
  const settled = new Counter({
    ...{ name: 'orders_settled_total', help: 'Orders settled by this process', labelNames: ['status'], registers },
  });
  const seconds = new Histogram({
    ...{
      name: 'order_settle_seconds',
      help: 'From the acceptance of an order to its settlement',
      buckets: settleBuckets,
      registers,
    },
  });
  for (const status of ['done', 'failed']) settled.inc({ status }, 0);
  return ({ order, result }) => {
    if (result !== 'applied') return;
    settled.inc({ status: order.status });
    // A clock that was set back must not take anything from the sum: to Prometheus that is a restart.
    seconds.observe(Math.max(0, order.updatedAt.getTime() - order.createdAt.getTime()) / 1000);
  };
}
