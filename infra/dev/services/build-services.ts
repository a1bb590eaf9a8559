import { join } from 'node:path';
import { repositoryRoot } from '../processes/server-directory.js';
import { runCommand } from '../processes/run-command.js';

const script = join(repositoryRoot, 'infra/docker/build-services.mjs');
const buildLimitMs = 300_000;

export interface BuildOptions {
  /** Inside the repository, which has the dependencies. Its previous content is removed first. */
  directory: string;
  /** False saves a third of the compile time; `npm run check` checks the types anyway. */
  checkTypes: boolean;
  stop: AbortSignal;
}

/**
 * Builds what production runs, in the same way as the image's build: see `infra/docker/build-services.mjs`.
 * @throws CliError with the compiler's messages if the services do not compile
 */
export async function buildServices({ directory, checkTypes, stop }: BuildOptions): Promise<void> {
  const args = [script, directory, ...(checkTypes ? [] : ['--no-types'])];
  await runCommand(process.execPath, args, { cwd: repositoryRoot, limitMs: buildLimitMs, signal: stop });
}
