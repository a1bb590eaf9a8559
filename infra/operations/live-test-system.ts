import type { SystemParts } from '../e2e/system.js';
import { silentLogger } from '../testing/silent-logger.js';
import type { Addresses } from './addresses.js';
import { runOperation, type OperationRequest } from './commands.js';
import { openLiveSystem, type LiveSystem } from './live-system.js';

/** Where the parts of a test's system are, as its operators would say it. */
function addressesOf({ ordersDb, processorDb, vhost, temporal }: SystemParts): Addresses {
  return {
    APP__ORDERS_DB_DSN: ordersDb.dsn,
    APP__PROCESSOR_DB_DSN: processorDb.dsn,
    APP__RABBITMQ_URL: vhost.url,
    APP__OUTBOX_RETENTION_DAYS: 7,
    TEMPORAL_UI_URL: 'http://localhost:8233',
    temporal: { connectionOptions: { address: temporal.address }, namespace: temporal.namespace },
  };
}

/** @param elsewhere addresses that are not those of the test's system */
export function openTestSystem(system: SystemParts, elsewhere: Partial<Addresses> = {}): Promise<LiveSystem> {
  return openLiveSystem({ ...addressesOf(system), ...elsewhere }, silentLogger);
}

/** Runs a command as `npm run ops -- LINE` would. */
export function operate(live: LiveSystem, line: string, more: Partial<OperationRequest> = {}) {
  const nothingMore = { all: false, type: undefined, reason: undefined, by: 'ann' };
  return runOperation(live, { words: line.split(' '), ...nothingMore, ...more });
}
