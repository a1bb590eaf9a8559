// The first code that runs on a fresh clone: plain JavaScript, no dependency. It checks Node, installs what
// package-lock.json pins, and then becomes the command it was asked for, in this same process.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../processes/exclusive-lock.mjs';

const commands = {
  start: [() => import('./start.ts'), 'start the servers and both services'],
  test: [() => import('./test.ts'), 'run every test, with coverage'],
  'test-unit': [() => import('./test-unit.ts'), 'run the tests that need no server'],
  'test-compose': [() => import('./test-compose.ts'), 'bring the compose file up and test it from outside'],
  'test-faults': [() => import('./test-faults.ts'), 'do to the system everything that it is said to survive'],
  check: [() => import('./check.ts'), 'run the static checks'],
  ci: [() => import('./ci.ts'), 'run the static checks and every test, and add the counts up'],
  bench: [() => import('./bench.ts'), 'measure, side by side with references'],
  ops: [() => import('./ops.ts'), 'look at a running system and set right what needs a person'],
  verify: [() => import('./verify.ts'), 'check every promise on a running system'],
  build: [() => import('./build.ts'), 'compile what production runs into dist/'],
  reset: [() => import('./reset.ts'), 'delete the local state of npm start'],
};
const oldestNode = [20, 19];
const installLimitMs = 15 * 60_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));

// Whoever reads our output may be gone (`| head`, a closed terminal) while we still have something to bring to its end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const command = commands[process.argv[2]];
try {
  if (command === undefined) fail(`usage: node infra/dev/commands/bootstrap.mjs COMMAND\n${listOfCommands()}`);
  requireNode();
  process.chdir(root);
  await ensureDependencies();
  const { register } = await import('tsx/esm/api');
  register();
  await command[0]();
} catch (error) {
  console.error(error?.expected ? error.message : error);
  process.exit(1);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return;
  fail(
    `This project needs Node ${oldestNode.join('.')} or newer; this is Node ${process.versions.node}.\n` +
      'Install a newer one (with nvm: "nvm install", which reads .nvmrc) and run the command again.',
  );
}

/** Two commands started at once in a fresh clone must not install over each other, hence the lock. */
async function ensureDependencies() {
  if (dependenciesMatch()) return;
  const release = await acquireLock(`${root}.local/install.lock`, {
    waitMs: installLimitMs,
    onWait: (pid) => console.log(`waiting for the installation that process ${pid} has begun`),
  });
  try {
    if (dependenciesMatch()) return;
    console.log('installing the dependencies that package-lock.json pins (npm ci); this may take a minute or two');
    await npmCi();
    if (!dependenciesMatch()) fail('npm ci ended well, but node_modules does not match package-lock.json.');
  } finally {
    release();
  }
}

/**
 * npm notes in node_modules/.package-lock.json, as its last step, what it has installed. Comparing that note with
 * package-lock.json also serves those who ran npm themselves, and notices an installation that was cut off.
 */
function dependenciesMatch() {
  try {
    const wanted = readPackages('package-lock.json');
    const installed = readPackages('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const found = installed[path];
      // Optional packages are those of other platforms.
      return found === undefined ? entry.optional === true : found.version === entry.version;
    });
  } catch (error) {
    if (error.code === 'ENOENT') return false;
    throw error;
  }
}

function readPackages(file) {
  return JSON.parse(readFileSync(root + file, 'utf8')).packages;
}

function npmCi() {
  const npm = process.env.npm_execpath;
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund'];
  const [file, argv] = npm?.endsWith('.js') ? [process.execPath, [npm, ...args]] : ['npm', args];
  return new Promise((resolve, reject) => {
    const child = spawn(file, argv, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], timeout: installLimitMs });
    const passOn = (signal) => child.kill(signal);
    process.on('SIGINT', passOn).on('SIGTERM', passOn);
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      process.off('SIGINT', passOn).off('SIGTERM', passOn);
      if (code === 0) return resolve();
      const how = signal === null ? `with code ${code}` : `by ${signal}`;
      reject(expected(`npm ci ended ${how}; its messages are above.`));
    });
  });
}

function listOfCommands() {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  return Object.entries(commands)
    .map(([name, [, purpose]]) => `  ${name.padEnd(width)}  ${purpose}`)
    .join('\n');
}

function expected(message) {
  return Object.assign(new Error(message), { expected: true });
}

function fail(message) {
  throw expected(message);
}
