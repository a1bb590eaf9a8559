import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { acquireLock } from '../processes/exclusive-lock.mjs';
import { findProgram, isExecutable } from '../processes/find-program.js';
import { repositoryRoot, type Print } from '../processes/server-directory.js';
import { runCommand } from '../processes/run-command.js';

const moduleDirectory = join(repositoryRoot, 'infra/dev/servers/temporal-cli');
const downloadLimitMs = 60_000;
const buildLimitMs = 30 * 60_000;
const progressMs = 30_000;
const oldestGo = [1, 21] as const;

/**
 * Path of a Temporal CLI that can run the development server: from PATH, from our cache, downloaded by Temporal's SDK,
 * or built from the version pinned in `temporal-cli/go.mod`; the last two go into the cache. Two runs at once do the
 * work once.
 * @throws CliError that names each way to provide it
 */
export async function provideTemporalCli(
  environment: NodeJS.ProcessEnv,
  print: Print,
  signal?: AbortSignal,
): Promise<string> {
  const installed = findProgram('temporal', environment);
  if (installed !== undefined && (await canRunServer(installed))) return installed;
  const cache = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'order-processing-system');
  const cached = join(cache, `temporal-${pinnedVersion()}`);
  if (isExecutable(cached)) return cached;
  const release = await acquireLock(`${cached}.lock`, {
    waitMs: buildLimitMs,
    onWait: (pid) => print(`Temporal: waiting for process ${String(pid)}, which is fetching or building the CLI`),
  });
  try {
    if (isExecutable(cached)) return cached;
    const draft = mkdtempSync(join(cache, 'draft-'));
    try {
      const made = (await download(draft, print, signal)) ?? (await build(draft, environment, print, signal));
      // One step, so that nobody ever runs half a file.
      renameSync(made, cached);
      return cached;
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  } finally {
    release();
  }
}

function pinnedVersion(): string {
  const version = /github\.com\/temporalio\/cli v(\S+)/.exec(
    readFileSync(join(moduleDirectory, 'go.mod'), 'utf8'),
  )?.[1];
  if (version === undefined)
    throw new Error('infra/dev/servers/temporal-cli/go.mod names no version of the Temporal CLI');
  return version;
}

async function canRunServer(program: string): Promise<boolean> {
  const help = await runCommand(program, ['server', 'start-dev', '--help'], { limitMs: 20_000 }).catch(() => '');
  return ['--db-filename', '--sqlite-pragma', '--dynamic-config-value', '--ui-port'].every((flag) =>
    help.includes(flag),
  );
}

async function download(directory: string, print: Print, signal?: AbortSignal): Promise<string | undefined> {
  print('Temporal: downloading the CLI (about 50 MB)');
  const script = join(repositoryRoot, 'infra/dev/servers/download-temporal-cli.mjs');
  try {
    // In a process of its own: the SDK's native part takes over the signals of the process that loads it.
    const args = [script, directory, `v${pinnedVersion()}`];
    const output = await runCommand(process.execPath, args, { limitMs: downloadLimitMs, signal });
    const file = output.trim().split('\n').at(-1) ?? '';
    return isExecutable(file) ? file : undefined;
  } catch {
    if (signal?.aborted === true) throw new CliError('the download of the Temporal CLI was interrupted');
    print('Temporal: the download is not possible here, trying the next way');
    return undefined;
  }
}

async function build(
  directory: string,
  environment: NodeJS.ProcessEnv,
  print: Print,
  signal?: AbortSignal,
): Promise<string> {
  const go = findProgram('go', environment, ['/usr/local/go/bin', '/opt/homebrew/bin']);
  if (go === undefined || !(await isNewEnough(go))) throw noWay();
  print('Temporal: building the CLI from source with Go: 5 to 10 minutes, once, since it contains the whole server');
  const target = join(directory, 'temporal');
  const began = Date.now();
  const progress = setInterval(() => {
    print(`Temporal: still building the CLI, ${Math.round((Date.now() - began) / 1000)} s so far`);
  }, progressMs);
  try {
    await runCommand(go, ['build', '-o', target, 'github.com/temporalio/cli/cmd/temporal'], {
      cwd: moduleDirectory,
      env: { ...environment, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly' },
      limitMs: buildLimitMs,
      signal,
    });
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n${noWay().message}`);
  } finally {
    clearInterval(progress);
  }
  return target;
}

async function isNewEnough(go: string): Promise<boolean> {
  // From 1.21 on, Go fetches the exact version that go.mod asks for by itself.
  const version = await runCommand(go, ['version'], { limitMs: 20_000 }).catch(() => '');
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1]);
}

function noWay(): CliError {
  return new CliError(
    'No Temporal CLI found, and it could not be downloaded or built. Any of these helps:\n' +
      '  - install the Temporal CLI, so that "temporal" is in PATH\n' +
      '  - give the address of a running server: TEMPORAL_ADDRESS=127.0.0.1:7233\n' +
      `  - install Go ${oldestGo.join('.')} or newer: the CLI is then built from source`,
  );
}
