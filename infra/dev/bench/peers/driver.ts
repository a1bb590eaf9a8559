import type pg from 'pg';
import type { OutboxRelay } from '../../../messaging/outbox-relay.js';
import type { Publisher } from '../../../rabbitmq/publisher.js';
import type { Logger } from '../../../runtime/logger.js';
import type { OrderStore, OrderWorkflows } from '../../../../order-api/application/ports.js';
import type { SettlementWaiters } from '../../../../order-api/infrastructure/temporal/settlement-waiters.js';
import { orderCreated } from '../../../../workflows/order-events.js';

/** As long as the first task of our workflow waits. */
const fastPathMaxWaitMs = 3000;

/** What a peer puts in the place of our Temporal workflow; the rest of the order API stays as it is. */
export interface Driver {
  readonly workflows: OrderWorkflows;
  /** Takes no further work. */
  stop(): Promise<void>;
}

export interface DriverOptions {
  readonly dsn: string;
  readonly pool: pg.Pool;
  readonly store: OrderStore;
  readonly relay: OutboxRelay;
  readonly publisher: Publisher;
  readonly logger: Logger;
  /** How long a workflow waits for its order to be settled before it has the event published again. */
  readonly checkAfterMs: number;
}

/** What an engine has to offer. */
interface Engine {
  /** Starts the order's workflow unless there is one. */
  start(orderId: string): Promise<unknown>;
  /** Tells the order's workflow that the order is settled. */
  tell(orderId: string, status: string): Promise<unknown>;
}

/** The order API's workflows on an engine: what our own are on Temporal, with the same fast path and the same hint after it. */
export function workflowsOn(engine: Engine, waiters: SettlementWaiters, logger: Logger): OrderWorkflows {
  const logged = (what: string) => (error: unknown) => logger.warn({ err: error }, what);
  return {
    startSoon: (orderId) => void engine.start(orderId).catch(logged('a workflow was not started')),
    ensureWorkflows: async (orders) => {
      const ids = orders.map(({ orderId }) => orderId);
      const starts = await Promise.allSettled(ids.map((id) => engine.start(id)));
      return ids.filter((_, index) => starts[index]?.status === 'fulfilled');
    },
    signalSettled: ({ orderId, status, version }) => {
      if (status === 'pending' || waiters.handOver({ orderId, status, version })) return;
      void engine.tell(orderId, status).catch(logged('a workflow was not told'));
    },
  };
}

/** The steps of a workflow, the same as those of subject: each may run again after a crash, and does no harm then. */
export function stepsOf({ store, relay, checkAfterMs }: DriverOptions, waiters: SettlementWaiters) {
  const { type, dataversion } = orderCreated;
  const publish = (orderId: string, republishAfterMs?: number) =>
    relay.publish({ aggregateIds: [orderId], type, dataversion, republishAfterMs });
  return {
    publish: async (orderId: string) => void (await publish(orderId)),
    /** Also when it was published before, but so long ago that it must have been lost. */
    publishAgain: async (orderId: string) => void (await publish(orderId, checkAfterMs / 2)),
    /** Waits a moment for the settlement in this process; false when it has not come by then. */
    awaitSettled: async (orderId: string) => (await waiters.wait([orderId], fastPathMaxWaitMs)).length > 0,
    isSettled: async (orderId: string) => (await store.findSettled([orderId])).length > 0,
  };
}

/** A workflow that lasts longer than this many rounds ends: 30 days of 30 s each. The reconciler starts it again. */
export const maxRounds = 86_400;
