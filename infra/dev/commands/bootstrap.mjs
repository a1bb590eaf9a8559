// The first code that runs on a fresh clone: plain JavaScript without dependencies. It checks the version of Node,
// installs the dependencies that package-lock.json pins, and then runs the requested command in this same process.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { acquireLock } from '../processes/exclusive-lock.mjs';

const commands = {
  start: [() => import('./start.ts'), 'start the servers and both services'],
  test: [() => import('./test.ts'), 'run every test, with coverage'],
  'test-unit': [() => import('./test-unit.ts'), 'run the tests that need no server'],
  'test-compose': [() => import('./test-compose.ts'), 'start the composed system and test it from outside'],
  'test-faults': [() => import('./test-faults.ts'), 'inject every fault that the system is said to survive'],
  check: [() => import('./check.ts'), 'run the static checks'],
  schema: [() => import('./schema.ts'), 'write docs/schema/ from the migrations'],
  spec: [() => import('./spec.ts'), 'print the titles of all tests'],
  ci: [() => import('./ci.ts'), 'run the static checks and every test, and add up the counts'],
  bench: [() => import('./bench.ts'), 'measure the system side by side with references'],
  ops: [() => import('./ops.ts'), 'inspect a running system and repair what needs an operator'],
  verify: [() => import('./verify.ts'), 'check every guarantee on a running system'],
  build: [() => import('./build.ts'), 'compile the services as production runs them into dist/'],
  reset: [() => import('./reset.ts'), 'delete the local state of npm start'],
};
const oldestNode = [20, 19];
const installLimitMs = 15 * 60_000;
const root = fileURLToPath(new URL('../../../', import.meta.url));

// The reader of our output may be gone (`| head`, a closed terminal) while there is still work to finish.
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
    `This project needs Node ${oldestNode.join('.')} or newer, but this is Node ${process.versions.node}.\n` +
      'Install a newer version (with nvm: "nvm install", which reads .nvmrc) and run the command again.',
  );
}

/** The lock keeps two commands that start at the same time in a fresh clone from installing over each other. */
async function ensureDependencies() {
  if (dependenciesMatch()) return;
  const release = await acquireLock(`${root}.local/install.lock`, {
    waitMs: installLimitMs,
    onWait: (pid) => console.log(`waiting for process ${pid}, which is installing the dependencies`),
  });
  try {
    if (dependenciesMatch()) return;
    console.log('installing the dependencies that package-lock.json pins (npm ci); this may take a minute or two');
    await npmCi();
    if (!dependenciesMatch()) {
      fail(
        'npm ci succeeded, but node_modules does not match package-lock.json.\n' +
          'Delete node_modules and run the command again.',
      );
    }
  } finally {
    release();
  }
}

/**
 * As its last step, npm records in node_modules/.package-lock.json what it installed. Comparing that record with
 * package-lock.json also works for people who run npm themselves, and it detects an installation that was cut off.
 */
function dependenciesMatch() {
  try {
    const wanted = readPackages('package-lock.json');
    const installed = readPackages('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, entry]) => {
      if (path === '') return true;
      const found = installed[path];
      // Optional packages are those for other platforms.
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
      const how = signal === null ? `exited with code ${code}` : `was killed by ${signal}`;
      reject(expected(`npm ci ${how}. Its messages are above; fix the cause and run the command again.`));
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
