import { existsSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ExpectedError } from './expected-error.js';
import { findProgram, versionedBins } from './find-program.js';
import type { Report } from './instance.js';
import { commandWorks, runCommand } from './run-command.js';

const installLimitMs = 10 * 60_000;
const debianBin = '/usr/lib/rabbitmq/bin';
const policyFile = '/usr/sbin/policy-rc.d';

export interface RabbitmqPrograms {
  server: string;
  epmd: string;
}

/**
 * RabbitMQ as installed on this machine, else installed now from Debian's or Ubuntu's package, without its system
 * server being started.
 * @throws ExpectedError that names each way to provide RabbitMQ
 */
export async function provideRabbitmq(environment: NodeJS.ProcessEnv, report: Report): Promise<RabbitmqPrograms> {
  const found = findRabbitmq(environment);
  if (found !== undefined) return found;
  const prefix = await privilegePrefix(environment);
  if (prefix !== undefined) {
    await installPackage(prefix, environment, report);
    const installed = findRabbitmq(environment);
    if (installed !== undefined) return installed;
  }
  throw new ExpectedError(
    'No RabbitMQ found, and it cannot be installed automatically here. Any of these helps:\n' +
      '  - install it: "apt-get install rabbitmq-server", "brew install rabbitmq", or your system\'s way\n' +
      '  - give the address of a running one: APP__RABBITMQ_URL=amqp://guest:guest@127.0.0.1:5672',
  );
}

function findRabbitmq(environment: NodeJS.ProcessEnv): RabbitmqPrograms | undefined {
  // Debian's script in PATH changes to the user "rabbitmq"; the real one runs as whoever calls it.
  const real = findProgram('rabbitmq-server', { PATH: debianBin });
  const server = real ?? findProgram('rabbitmq-server', environment, ['/opt/homebrew/sbin', '/usr/local/sbin']);
  const erl = findProgram('erl', environment, ['/opt/homebrew/bin', '/usr/local/bin']);
  if (server === undefined || erl === undefined) return undefined;
  const erlangBin = dirname(realpathSync(erl));
  const beside = [erlangBin, ...versionedBins(join(erlangBin, '..')).filter((path) => path.includes('/erts-'))];
  const epmd = findProgram('epmd', environment, beside);
  return epmd === undefined ? undefined : { server, epmd };
}

/** What to put before apt-get to run it as root; undefined where there is no apt-get or no way to be root. */
async function privilegePrefix(environment: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  if (findProgram('apt-get', environment) === undefined) return undefined;
  if (process.getuid?.() === 0) return [];
  return (await commandWorks('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined;
}

async function installPackage(prefix: string[], environment: NodeJS.ProcessEnv, report: Report): Promise<void> {
  report('RabbitMQ: installing the package rabbitmq-server with apt-get, about half a minute');
  // Not interruptible: apt-get cut off in the middle leaves the system's package database in need of repair.
  const run = (...command: string[]) => {
    const settings = ['env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C'];
    const [program = '', ...args] = [...prefix, ...settings, ...command];
    return runCommand(program, args, { env: environment, limitMs: installLimitMs });
  };
  const locks = ['-o', 'DPkg::Lock::Timeout=120'];
  await run('apt-get', ...locks, 'update').catch((error: unknown) => {
    report(`RabbitMQ: the package lists could not be refreshed, going on with those here (${String(error)})`);
  });
  const allowStarts = await forbidServiceStarts(prefix, run);
  try {
    await run('apt-get', ...locks, 'install', '--yes', '--no-install-recommends', 'rabbitmq-server');
  } finally {
    await allowStarts();
  }
}

/** Debian asks this file before it starts a package's server; ours says no, and is removed by the returned function. */
async function forbidServiceStarts(
  prefix: string[],
  run: (...command: string[]) => Promise<string>,
): Promise<() => Promise<void>> {
  if (existsSync(policyFile)) return async () => undefined;
  const text = '#!/bin/sh\nexit 101\n';
  if (prefix.length === 0) {
    writeFileSync(policyFile, text, { mode: 0o755 });
    return async () => rmSync(policyFile, { force: true });
  }
  await run('sh', '-c', `printf '${text.replaceAll('\n', '\\n')}' > ${policyFile} && chmod 755 ${policyFile}`);
  return async () => void (await run('rm', '-f', policyFile));
}
