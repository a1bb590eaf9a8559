import type pg from 'pg';
import type { OutboxRelay } from '../../messaging/outbox-relay.js';
import type { Publisher } from '../../rabbitmq/publisher.js';
import type { Logger } from '../../runtime/logger.js';
import type { OrderStore, OrderWorkflows } from '../../../order-api/application/ports.js';

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

/** A workflow that lasts longer than this many rounds ends: 30 days of 30 s each. The reconciler starts it again. */
export const maxRounds = 86_400;
