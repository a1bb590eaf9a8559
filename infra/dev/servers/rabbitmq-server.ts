import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { connect } from 'amqplib';
import { maxMessageBytes } from '../../rabbitmq/dead-letter.js';
import type { ServerDirectory, Print } from '../processes/server-directory.js';
import type { LocalServer } from './local-server.js';
import { ManagedProcess, type ManagedProcessOptions } from '../processes/managed-process.js';
import { provideRabbitmq } from './rabbitmq-install.js';
import { runCommand } from '../processes/run-command.js';

const probeLimitMs = 3_000;
const controlLimitMs = 60_000;

interface RabbitmqPorts {
  amqp: number;
  management: number;
  distribution: number;
  epmd: number;
}

export interface RabbitmqServerOptions {
  serverDirectory: ServerDirectory;
  ports: RabbitmqPorts;
  environment: NodeJS.ProcessEnv;
  print: Print;
}

/** Every limit is set, here as in the compose file, since the defaults differ between RabbitMQ 3.10 and 4.x. */
export const brokerLimits = {
  // In milliseconds: a delivery that is not acknowledged for a day closes its channel, and every message held on it
  // counts as delivered again. With the default of 30 minutes an outage of 50 hours would use up the queue's delivery
  // limit of 100.
  consumer_timeout: 86_400_000,
  max_message_size: maxMessageBytes,
  heartbeat: 60,
  'disk_free_limit.absolute': '50MB',
  'vm_memory_high_watermark.relative': 0.4,
} as const;

/** Arguments of `rabbitmqctl` that ask for more free disk space than there can be, or for the usual amount. */
export function diskLimit(full: boolean): string[] {
  return ['set_disk_free_limit', full ? '1000000GB' : brokerLimits['disk_free_limit.absolute']];
}

export interface RabbitmqServer extends LocalServer {
  /** Makes the broker believe that its disk is full, so that it accepts no messages, or that it has space again. */
  setDiskFull(full: boolean): Promise<void>;
}

export function rabbitmqUrl(port: number): string {
  return `amqp://guest:guest@127.0.0.1:${port}`;
}

/**
 * A private RabbitMQ node with the management plugin, on 127.0.0.1 only, with all its files in the server directory. It
 * has its own epmd, Erlang's port directory, since the one that RabbitMQ would start outlives it.
 * @throws CliError if RabbitMQ is not here and cannot be installed
 */
export async function rabbitmqServer(options: RabbitmqServerOptions): Promise<RabbitmqServer> {
  const { serverDirectory, ports, environment, print } = options;
  const programs = await provideRabbitmq(environment, print);
  const home = join(serverDirectory.path, 'rabbitmq');
  writeConfiguration(home, ports);
  const base = {
    args: [],
    env: rabbitmqEnvironment(home, options),
    cwd: home,
    serverDirectoryPath: serverDirectory.path,
    recordDirectory: serverDirectory.run,
    print,
  };
  const epmd = new ManagedProcess({
    ...base,
    name: 'RabbitMQ epmd',
    command: programs.epmd,
    args: ['-port', String(ports.epmd), '-address', '127.0.0.1'],
    logFile: join(serverDirectory.logs, 'rabbitmq-epmd.log'),
    stopLimitMs: 5_000,
    readyLimitMs: 10_000,
    isReady: async () => true,
  } satisfies ManagedProcessOptions);
  const broker = new ManagedProcess({
    ...base,
    name: 'RabbitMQ',
    command: programs.server,
    logFile: join(serverDirectory.logs, 'rabbitmq.log'),
    stopLimitMs: 30_000,
    readyLimitMs: 120_000,
    isReady: () => isUp(ports),
  });
  const control = join(dirname(programs.server), 'rabbitmqctl');
  const { env, cwd } = base;
  return {
    ...inOrder(epmd, broker),
    setDiskFull: async (full) =>
      void (await runCommand(control, diskLimit(full), { env, cwd, limitMs: controlLimitMs })),
  };
}

/** Starts epmd before the broker, and stops it after the broker. */
function inOrder(epmd: ManagedProcess, broker: ManagedProcess): LocalServer {
  return {
    name: broker.name,
    start: async () => {
      await epmd.start();
      await broker.start();
    },
    stop: async () => {
      await broker.stop();
      await epmd.stop();
    },
    kill: async () => {
      await broker.kill();
      await epmd.kill();
    },
  };
}

function writeConfiguration(home: string, ports: RabbitmqPorts): void {
  mkdirSync(home, { recursive: true });
  const settings = {
    'listeners.tcp.1': `127.0.0.1:${ports.amqp}`,
    'management.tcp.ip': '127.0.0.1',
    'management.tcp.port': ports.management,
    ...brokerLimits,
    'log.console': true,
    'log.console.level': 'info',
    'log.console.use_colors': 'off',
    'log.file': false,
  };
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`);
  writeFileSync(join(home, 'rabbitmq.conf'), lines.join(''));
  writeFileSync(join(home, 'advanced.config'), '[].\n');
  writeFileSync(join(home, 'enabled_plugins'), '[rabbitmq_management].\n');
  writeFileSync(join(home, 'rabbitmq-env.conf'), '');
}

/** Sets every path that the scripts would otherwise take from /etc and /var, and drops the caller's own settings. */
function rabbitmqEnvironment(home: string, options: RabbitmqServerOptions): NodeJS.ProcessEnv {
  const { serverDirectory, ports, environment } = options;
  const kept = Object.entries(environment).filter(([key]) => !/^(RABBITMQ|ERL)_/.test(key) && key !== 'NOTIFY_SOCKET');
  return {
    ...Object.fromEntries(kept),
    HOME: home,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // A broker that is killed on purpose need not write a crash dump.
    ERL_CRASH_DUMP_SECONDS: '0',
    // The name does not contain the port, since the node's files are named after it.
    RABBITMQ_NODENAME: `rabbit-${serverDirectory.kind}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: join(home, 'rabbitmq-env.conf'),
    RABBITMQ_CONFIG_FILE: join(home, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(home, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(home, 'enabled_plugins'),
    RABBITMQ_GENERATED_CONFIG_DIR: join(home, 'generated'),
    RABBITMQ_PLUGINS_EXPAND_DIR: join(home, 'plugins-expanded'),
    RABBITMQ_MNESIA_BASE: join(home, 'data'),
    RABBITMQ_LOG_BASE: join(home, 'log'),
    RABBITMQ_PID_FILE: join(home, 'rabbitmq.pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
  };
}

/** Returns true after a complete AMQP handshake and an answer of the management API. */
async function isUp(ports: RabbitmqPorts): Promise<boolean> {
  const connection = await connect(rabbitmqUrl(ports.amqp), { timeout: probeLimitMs });
  // Without a listener, an error between here and close() would end the process.
  connection.on('error', () => undefined);
  await connection.close();
  const response = await fetch(`http://127.0.0.1:${ports.management}/api/overview`, {
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    signal: AbortSignal.timeout(probeLimitMs),
  });
  await response.body?.cancel();
  return response.ok;
}
