import assert from 'node:assert/strict';
import type pg from 'pg';
import { Registry } from 'prom-client';
import type { AppliedOutcome } from '../application/ports.js';
import { addOrderMetrics } from './order-metrics.js';

const pool = { query: () => Promise.reject(new Error('the database is unavailable')) } as unknown as pg.Pool;

/** An order that was settled `ms` milliseconds after it was placed. */
function settledAfter(ms: number, status: 'done' | 'failed' = 'done'): AppliedOutcome {
  const createdAt = new Date('2026-01-01T00:00:00Z');
  const order = { status, createdAt, updatedAt: new Date(createdAt.getTime() + ms) };
  return { order: order as AppliedOutcome['order'], result: 'applied' };
}

describe('the order metrics', () => {
  async function valueOf(registry: Registry, series: string): Promise<number | undefined> {
    const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }

  it('start at 0', async () => {
    const registry = new Registry();
    addOrderMetrics(registry, pool);
    for (const series of [
      'orders_settled_total{status="done"}',
      'orders_settled_total{status="failed"}',
      'order_settle_seconds_sum',
      'order_settle_seconds_count',
      'order_settle_seconds_bucket{le="+Inf"}',
    ]) {
      assert.equal(await valueOf(registry, series), 0, series);
    }
  });

  it('never decrease, even when a clock is set back between the placing and the settling of an order', async () => {
    const registry = new Registry();
    const onApplied = addOrderMetrics(registry, pool);
    let sum = 0;
    for (const ms of [1500, -3_600_000, 0, 500, -1]) {
      onApplied(settledAfter(ms));
      const now = (await valueOf(registry, 'order_settle_seconds_sum')) ?? NaN;
      assert.ok(now >= sum, `${now} after ${sum}`);
      sum = now;
    }
    assert.equal(sum, 2);
    assert.equal(await valueOf(registry, 'order_settle_seconds_count'), 5);
  });

  it('count each settled order once and ignore repeated and stale outcomes', async () => {
    const registry = new Registry();
    const onApplied = addOrderMetrics(registry, pool);
    onApplied(settledAfter(1, 'failed'));
    onApplied({ ...settledAfter(1, 'failed'), result: 'repeated' });
    onApplied({ ...settledAfter(1, 'failed'), result: 'stale' });
    assert.equal(await valueOf(registry, 'orders_settled_total{status="failed"}'), 1);
    assert.equal(await valueOf(registry, 'order_settle_seconds_count'), 1);
  });
});
