import type pg from 'pg';
import type { OutboxRelay } from '../../../messaging/outbox-relay.js';
import type { Publisher } from '../../../rabbitmq/publisher.js';
import type { Logger } from '../../../runtime/logger.js';
import type { OrderStore, OrderWorkflows } from '../../../../order-api/application/ports.js';
import type { SettlementWaiters } from '../../../../order-api/infrastructure/temporal/settlement-waiters.js';
import { orderCreated } from '../../../../workflows/order-events.js';

/** The first task of this system's workflow waits equally long. */
const fastPathMaxWaitMs = 3000;

/** What a peer runs in place of the Temporal workflow; the rest of the order API stays the same. */
export interface Driver {
  readonly workflows: OrderWorkflows;
  /** Stops accepting work. */
  stop(): Promise<void>;
}

export interface DriverOptions {
  readonly dsn: string;
  readonly pool: pg.Pool;
  readonly store: OrderStore;
  readonly relay: OutboxRelay;
  readonly publisher: Publisher;
  readonly logger: Logger;
  /** How long a workflow waits for its order to settle before it has the event republished. */
  readonly checkAfterMs: number;
}

/** What a workflow engine has to provide. */
interface Engine {
  /** Starts the order's workflow unless it has one. */
  start(orderId: string): Promise<unknown>;
  /** Signals to the order's workflow that the order is settled. */
  signalSettled(orderId: string, status: string): Promise<unknown>;
}

/**
 * Implements the order API's workflow port on an engine. It has the same fast path as the implementation on Temporal,
 * and the same signal as a hint after it.
 */
export function workflowsOn(engine: Engine, waiters: SettlementWaiters, logger: Logger): OrderWorkflows {
  const logged = (what: string) => (error: unknown) => logger.warn({ err: error }, what);
  return {
    startSoon: (orderId) => void engine.start(orderId).catch(logged('starting a workflow failed')),
    ensureWorkflows: async (orders) => {
      const ids = orders.map(({ orderId }) => orderId);
      const starts = await Promise.allSettled(ids.map((id) => engine.start(id)));
      return ids.filter((_, index) => starts[index]?.status === 'fulfilled');
    },
    signalSettled: ({ orderId, status, version }) => {
      if (status === 'pending' || waiters.handOver({ orderId, status, version })) return;
      void engine.signalSettled(orderId, status).catch(logged('signalling a workflow failed'));
    },
  };
}

/** The steps of a workflow, the same as in this system. Each may run again after a crash without doing harm. */
export function stepsOf({ store, relay, checkAfterMs }: DriverOptions, waiters: SettlementWaiters) {
  const { type, dataversion } = orderCreated;
  const publish = (orderId: string, republishAfterMs?: number) =>
    relay.publish({ aggregateIds: [orderId], type, dataversion, republishAfterMs });
  return {
    publish: async (orderId: string) => void (await publish(orderId)),
    /**
     * Publishes the event even if it was published before, provided that is so long ago that it must have been lost.
     */
    republish: async (orderId: string) => void (await publish(orderId, checkAfterMs / 2)),
    /** Waits briefly for the settlement in this process; false if it has not arrived by then. */
    awaitSettled: async (orderId: string) => (await waiters.wait([orderId], fastPathMaxWaitMs)).length > 0,
    isSettled: async (orderId: string) => (await store.findSettled([orderId])).length > 0,
  };
}

/** A workflow ends after this many rounds, 30 days at 30 s each. The reconciler then starts it again. */
export const maxRounds = 86_400;
