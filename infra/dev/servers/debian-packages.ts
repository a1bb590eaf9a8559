import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { findProgram } from '../processes/find-program.js';
import type { Print } from '../processes/server-directory.js';
import { commandWorks, runCommand } from '../processes/run-command.js';

const installLimitMs = 10 * 60_000;
const policyFile = '/usr/sbin/policy-rc.d';

/**
 * Installs packages with apt-get without starting their system services.
 * @param what product name that is shown in messages
 * @returns false if there is no apt-get, or no way to become root; nothing was done then
 * @throws CliError if apt-get fails
 */
export async function installDebianPackages(
  names: readonly string[],
  what: string,
  environment: NodeJS.ProcessEnv,
  print: Print,
): Promise<boolean> {
  const prefix = await privilegePrefix(environment);
  if (prefix === undefined) return false;
  print(`${what}: installing ${names.join(', ')} with apt-get; this takes about half a minute`);
  // Not interruptible, since an interrupted apt-get leaves the system's package database in need of repair.
  const run = (...command: string[]) => {
    const settings = ['env', 'DEBIAN_FRONTEND=noninteractive', 'LC_ALL=C'];
    const [program = '', ...args] = [...prefix, ...settings, ...command];
    return runCommand(program, args, { env: environment, limitMs: installLimitMs });
  };
  const locks = ['-o', 'DPkg::Lock::Timeout=120'];
  await run('apt-get', ...locks, 'update').catch((error: unknown) => {
    print(`${what}: refreshing the package lists failed; continuing with the existing lists (${String(error)})`);
  });
  const allowStarts = await forbidServiceStarts(prefix, run);
  try {
    await run('apt-get', ...locks, 'install', '--yes', '--no-install-recommends', ...names);
  } finally {
    await allowStarts();
  }
  return true;
}

/** The words to put before apt-get to run it as root; undefined if there is no apt-get or no way to become root. */
async function privilegePrefix(environment: NodeJS.ProcessEnv): Promise<string[] | undefined> {
  if (findProgram('apt-get', environment) === undefined) return undefined;
  if (process.getuid?.() === 0) return [];
  return (await commandWorks('sudo', ['-n', 'true'])) ? ['sudo', '-n'] : undefined;
}

/**
 * Debian runs this file before it starts a package's service. The file written here forbids the start; the returned
 * function removes it.
 */
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
