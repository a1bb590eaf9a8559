import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { forgetAddresses, recordAddresses } from '../servers/address-file.js';
import { devPorts, startServers, type LocalServers } from '../servers/local-servers.js';
import type { ManagedProcess } from '../processes/managed-process.js';
import { choosePort } from '../processes/ports.js';
import { supervisedService } from '../services/supervised-service.js';
import { onStopRequest } from './stop-request.js';
import { timedPrint } from './timed-print.js';

// `npm start` starts the servers and then both services, waits for Ctrl-C, and stops everything in reverse order.

interface Service {
  process: ManagedProcess;
  port: number;
}

const began = Date.now();
const print = timedPrint();
let servers: LocalServers | undefined;
let services: Service[] = [];

const envFile = join(repositoryRoot, '.env');
if (existsSync(envFile)) process.loadEnvFile(envFile);
const stopRequested = onStopRequest(() => void killEverything());
process.exitCode = await run();
process.exit();

async function run(): Promise<number> {
  let exitCode = 0;
  try {
    print('starting two Postgres servers, RabbitMQ and Temporal; the first start creates their files');
    servers = await startServers({ serverDirectory: 'dev', preferredPorts: devPorts, print, signal: stopRequested });
    services = await startServices(servers);
    recordAddresses(addressesOf(servers));
    if (!stopRequested.aborted) console.log(readyText(servers, services));
    await aborted(stopRequested);
  } catch (error) {
    // A start that fails because it was interrupted is not an error.
    exitCode = stopRequested.aborted ? 0 : 1;
    if (exitCode === 1) console.error(error instanceof CliError ? `\n${error.message}\n` : error);
  }
  if (stopRequested.aborted) print(`stopping (${String(stopRequested.reason)}); press Ctrl-C again to kill everything`);
  await stopEverything();
  return exitCode;
}

async function startServices(running: LocalServers): Promise<Service[]> {
  print('starting order-api and processor');
  const orderApi = await service('order-api', 8001, 'APP__ORDER_API_PORT', running.ordersDb.dsn, running);
  const processor = await service('processor', 8002, 'APP__PROCESSOR_PORT', running.processorDb.dsn, running);
  // Recorded before they are ready, so that an interrupted start stops them too.
  services = [orderApi, processor];
  const onAbort = () => void Promise.allSettled(services.map((each) => each.process.stop()));
  stopRequested.addEventListener('abort', onAbort, { once: true });
  await Promise.all(
    services.map(async (each) => {
      await each.process.start();
      print(`${each.process.name} is ready on 127.0.0.1:${each.port}`);
    }),
  );
  stopRequested.removeEventListener('abort', onAbort);
  return services;
}

async function service(
  name: 'order-api' | 'processor',
  usualPort: number,
  portVariable: string,
  dsn: string,
  running: LocalServers,
): Promise<Service> {
  const preferred = Number(process.env[portVariable] || usualPort);
  const port = await choosePort(preferred);
  if (port !== preferred) print(`port ${preferred} is in use; ${name} listens on ${port} instead`);
  const settings = {
    APP__DB_DSN: dsn,
    APP__RABBITMQ_URL: running.rabbitmq.url,
    TEMPORAL_ADDRESS: running.temporal.address,
  };
  const { serverDirectory } = running;
  return {
    port,
    process: supervisedService({ name, serverDirectory, port, settings, environment: process.env, print }),
  };
}

function readyText({ temporal, rabbitmq, serverDirectory }: LocalServers, [orderApi, processor]: Service[]): string {
  const api = `http://localhost:${orderApi?.port ?? 0}`;
  const order =
    '{"order_id":"ord-001","customer_id":"cust-123","items":[{"sku":"laptop","quantity":1,"price":1200.0}]}';
  const pages = [
    ...(temporal.uiUrl === undefined ? [] : [`  Temporal Web UI      ${temporal.uiUrl}`]),
    ...(rabbitmq.managementUrl === undefined
      ? []
      : [`  RabbitMQ management  ${rabbitmq.managementUrl} (guest / guest)`]),
  ];
  return [
    '',
    `Ready after ${((Date.now() - began) / 1000).toFixed(1)} s.`,
    '',
    '  Place an order, then read it:',
    `    curl -X POST ${api}/orders -H "Content-Type: application/json" \\`,
    `      -d '${order}'`,
    `    curl ${api}/orders/ord-001`,
    '',
    `  Health               ${api}/health, http://localhost:${processor?.port ?? 0}/health`,
    ...pages,
    `  Logs                 ${serverDirectory.logs}`,
    '',
    'Press Ctrl-C to stop everything. The orders are kept; "npm run reset" deletes them.',
    '',
  ].join('\n');
}

function addressesOf({ ordersDb, processorDb, rabbitmq, temporal }: LocalServers) {
  return {
    APP__ORDERS_DB_DSN: ordersDb.dsn,
    APP__PROCESSOR_DB_DSN: processorDb.dsn,
    APP__RABBITMQ_URL: rabbitmq.url,
    TEMPORAL_ADDRESS: temporal.address,
    ...(temporal.uiUrl === undefined ? {} : { TEMPORAL_UI_URL: temporal.uiUrl }),
  };
}

async function stopEverything(): Promise<void> {
  forgetAddresses();
  const results = await Promise.allSettled(services.map((each) => each.process.stop()));
  for (const result of results) if (result.status === 'rejected') print(String(result.reason));
  if (servers === undefined) return;
  if (services.length > 0) print('both services have stopped; stopping Temporal, RabbitMQ and Postgres');
  await servers.stop();
  print('everything has stopped');
}

async function killEverything(): Promise<void> {
  print('killing everything');
  await Promise.allSettled([...services.map((each) => each.process.kill()), servers?.kill()]);
  process.exit(1);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  // The timer keeps the process alive, which a listener alone does not.
  const keepAlive = setInterval(() => undefined, 60_000);
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      clearInterval(keepAlive);
      resolve();
    });
  });
}
