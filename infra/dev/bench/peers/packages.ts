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
/** Tells a peer's processes where the peers' packages are installed. */
export const packagesVariable = 'PEER_PACKAGES';

/**
 * Returns the directory of the peers' packages in the user's cache. The first use installs the versions pinned in
 * `packages/`, so that `npm ci` of the project does not have to download their 240 MB. Concurrent runs install once.
 * @throws CliError if npm cannot install them
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
    onWait: (pid) => print(`peers: waiting for process ${String(pid)}, which is installing their packages`),
  });
  try {
    if (existsSync(directory)) return directory;
    print(`peers: installing their packages into ${directory} (240 MB, only on first use)`);
    const draft = mkdtempSync(join(cache, 'draft-'));
    try {
      for (const file of files) copyFileSync(join(pinned, file), join(draft, file));
      // Their install scripts only report the installation to their vendors.
      const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
      const env = withoutOwnProject(environment);
      await runCommand('npm', args, { cwd: draft, env, limitMs: installLimitMs, signal });
      // The rename is one step, so no run ever finds half of them.
      renameSync(draft, directory);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
    return directory;
  } finally {
    release();
  }
}

/** Loads a package of the peers. They are not dependencies of the project, so the caller declares the types it uses. */
export function loadPeerPackage(name: string): unknown {
  return createRequire(join(process.env[packagesVariable] ?? '', 'package.json'))(name) as unknown;
}

/** Changes with the pinned versions, so that each set of versions has its own directory. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(pinned, file)));
  return hash.digest('hex').slice(0, 12);
}

/** `npm run` passes the location of its own project to its children, and an npm among them would install there. */
function withoutOwnProject(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = /^(npm_(package|lifecycle)_|npm_config_local_prefix$|INIT_CWD$)/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !own.test(name)));
}
