import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../../processes/exclusive-lock.mjs';
import type { Print } from '../../processes/server-directory.js';
import { runCommand } from '../../processes/run-command.js';

const pinned = fileURLToPath(new URL('packages/', import.meta.url));
const files = ['package.json', 'package-lock.json'] as const;
const installLimitMs = 10 * 60_000;
/** Tells the processes of a peer where its packages are. */
export const packagesVariable = 'PEER_PACKAGES';

/**
 * The directory with the peers' packages, in our cache: installed at first use from the versions pinned in `packages/`,
 * so that no `npm ci` of the project has to fetch their 240 MB. Two runs at once install once.
 * @throws CliError when npm cannot install them
 */
export async function providePeerPackages(
  environment: NodeJS.ProcessEnv,
  print: Print,
  signal?: AbortSignal,
): Promise<string> {
  const cache = join(environment['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'order-processing-system');
  const directory = join(cache, `bench-peers-${fingerprint()}`);
  if (existsSync(directory)) return directory;
  mkdirSync(cache, { recursive: true });
  const release = await acquireLock(`${directory}.lock`, {
    waitMs: installLimitMs,
    onWait: (pid) => print(`peers: waiting for process ${String(pid)}, which is installing them`),
  });
  try {
    if (existsSync(directory)) return directory;
    print(`peers: installing their packages into ${directory}, once (240 MB)`);
    const draft = mkdtempSync(join(cache, 'draft-'));
    try {
      for (const file of files) copyFileSync(join(pinned, file), join(draft, file));
      // Their install scripts only tell their makers that they were installed.
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
      const env = withoutOwnProject(environment);
      await runCommand('npm', args, { cwd: draft, env, limitMs: installLimitMs, signal });
      // One step, so that nobody ever finds half of them.
      renameSync(draft, directory);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    return directory;
  } finally {
    release();
  }
}

/** A package of the peers. They are no dependencies of the project, so the caller says what it uses of the module. */
export function loadPeerPackage(name: string): unknown {
  return createRequire(join(process.env[packagesVariable] ?? '', 'package.json'))(name) as unknown;
}

/** A change of the pinned versions is another directory. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(pinned, file)));
  return hash.digest('hex').slice(0, 12);
}

/** `npm run` tells what it starts where its own project is, and an npm below it would install there. */
function withoutOwnProject(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.test(name)));
}
