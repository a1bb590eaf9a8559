import type { SystemParts } from './system.js';
import { testLogger } from '../testing/test-logger.js';
import type { Addresses } from '../../operations/addresses.js';
import { exitCodes, runCli } from '../../operations/cli.js';
import { openLiveSystem, type LiveSystem } from '../../operations/live-system.js';
import { CliError } from '../../runtime/cli-error.js';

/** Returns the addresses of a test system's parts, in the form that an operator sets. */
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

/**
 * Connects operations to a test system.
 * @param elsewhere addresses that replace those of the test system
 */
export function openTestSystem(system: SystemParts, elsewhere: Partial<Addresses> = {}): Promise<LiveSystem> {
  return openLiveSystem({ ...addressesOf(system), ...elsewhere }, testLogger);
}

/** What `npm run ops` printed, and whether it exited with code 0. */
export interface Printed {
  readonly lines: readonly string[];
  readonly isComplete: boolean;
}

/**
 * Runs a command as `npm run ops -- COMMAND OPTIONS` would. A command given as one string is split at spaces.
 * @throws CliError when the command fails
 */
export async function operate(
  live: LiveSystem,
  command: string | readonly string[],
  options: Readonly<Record<string, string | true>> = {},
): Promise<Printed> {
  const [subject = '', verb = '', ...positionals] = typeof command === 'string' ? command.split(' ') : command;
  const flags = Object.entries(options).flatMap(([name, value]) => [`--${name}`, ...(value === true ? [] : [value])]);
  const lines: string[] = [];
  const exitCode = await runCli(
    // Ids from unknown senders may begin with a dash.
    [subject, verb, ...flags, ...(positionals.length > 0 ? ['--', ...positionals] : [])],
    {
      // The connections belong to the test, so the command does not close them.
      openSystem: async () => Object.assign(Object.create(live) as LiveSystem, { close: async () => undefined }),
      print: (line) => lines.push(line),
      userName: 'ann',
    },
  );
  if (exitCode === exitCodes.failed) throw new CliError(lines.join('\n'));
  return { lines, isComplete: exitCode === exitCodes.done };
}
