import {
  UnknownOrder,
  type AppliedOutcome,
  type OrderStore,
  type PendingOrder,
} from '../../../order-api/application/ports.js';
import type { Order } from '../../../order-api/domain/order.js';

const hourMs = 3_600_000;

interface Row {
  order: Order;
  checkAt: number;
}

export interface InMemoryOrderStoreOptions {
  /** How long after its placement an order is first due for a check. */
  readonly graceMs?: number;
  /** Default: the system's clock. */
  readonly now?: () => number;
}

/**
 * Implements the port `OrderStore` without a database, for tests of the use cases. It keeps the same promises as the
 * Postgres store, as the suite in `order-store-contract.ts` checks for both, but only within one process.
 */
export function createInMemoryOrderStore({ graceMs = 0, now = Date.now }: InMemoryOrderStoreOptions = {}): OrderStore {
  const rows = new Map<string, Row>();
  const inbox = new Set<string>();

  const pending = (orderId: string): Row | undefined => {
    const row = rows.get(orderId);
    return row?.order.status === 'pending' ? row : undefined;
  };

  return {
    place: async (order) => {
      const existing = rows.get(order.orderId);
      if (existing) return { order: existing.order, created: false };
      const at = new Date(now());
      const placed: Order = { ...order, workflowId: null, createdAt: at, updatedAt: at };
      rows.set(order.orderId, { order: placed, checkAt: now() + graceMs });
      return { order: placed, created: true };
    },
    find: async (orderId) => rows.get(orderId)?.order,
    applyOutcome: async ({ orderId, status, version, reason }, { eventKey }): Promise<AppliedOutcome> => {
      const row = rows.get(orderId);
      if (!row) throw new UnknownOrder(`there is no order ${orderId}`);
      if (inbox.has(eventKey)) return { order: row.order, result: 'repeated' };
      inbox.add(eventKey);
      if (row.order.status !== 'pending' || version <= row.order.version) return { order: row.order, result: 'stale' };
      row.order = { ...row.order, status, version, failureReason: reason, updatedAt: new Date(now()) };
      return { order: row.order, result: 'applied' };
    },
    claimPending: async (limit, leaseMs): Promise<PendingOrder[]> => {
      const due = [...rows.values()]
        .filter(({ order, checkAt }) => order.status === 'pending' && checkAt <= now())
        .sort((a, b) => a.checkAt - b.checkAt)
        .slice(0, limit);
      for (const row of due) row.checkAt = now() + leaseMs;
      return due.map(({ order: { orderId, workflowId } }) => ({ orderId, workflowId }));
    },
    deferCheck: async (orderIds, minDelayMs) => {
      for (const orderId of orderIds) {
        const row = pending(orderId);
        if (!row) continue;
        const ageMs = now() - row.order.createdAt.getTime();
        row.checkAt = now() + Math.min(Math.max(ageMs, minDelayMs), hourMs);
      }
    },
    assignWorkflow: async (orders, workflowId) => {
      const assigned: string[] = [];
      for (const { orderId, workflowId: known } of orders) {
        const row = pending(orderId);
        if (!row || ![known, workflowId].includes(row.order.workflowId)) continue;
        row.order = { ...row.order, workflowId };
        assigned.push(orderId);
      }
      return assigned;
    },
    findSettled: async (orderIds) =>
      orderIds.flatMap((orderId) => {
        const order = rows.get(orderId)?.order;
        if (!order || order.status === 'pending') return [];
        return [{ orderId, status: order.status, version: order.version }];
      }),
  };
}
