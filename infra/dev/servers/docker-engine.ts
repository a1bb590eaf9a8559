import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installDebianPackages } from './debian-packages.js';
import { findProgram } from '../processes/find-program.js';
import { openServerDirectory, repositoryRoot, type Print } from '../processes/server-directory.js';
import { ManagedProcess } from '../processes/managed-process.js';
import { commandWorks, runCommand } from '../processes/run-command.js';

/** A running Docker daemon. `stop` stops it if it was started here, and does nothing otherwise. */
export interface DockerEngine {
  stop(): Promise<void>;
}

const imagesLimitMs = 40 * 60_000;
const maxReasonLength = 400;
const neededPackages = ['docker.io', 'debootstrap'];

/**
 * Provides a Docker daemon with docker compose and the images of the compose file. It is the daemon that is running, or
 * one that is installed and started here, which requires root. If a machine has the script that CI_IMAGES_SCRIPT names,
 * the script makes the images; otherwise they are pulled.
 * @returns the reason in one line if Docker is not available
 */
export async function provideDocker(print: Print, stop: AbortSignal): Promise<DockerEngine | string> {
  let engine: DockerEngine = { stop: async () => undefined };
  try {
    if (!(await commandWorks('docker', ['info']))) engine = await startDocker(print);
    const problem = await provideImages(print, stop);
    if (problem === undefined) return engine;
    await engine.stop();
    return problem;
  } catch (error) {
    await engine.stop();
    return inOneLine((error as Error).message);
  }
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*\|?\s*/g, ' ').slice(0, maxReasonLength);
}

async function startDocker(print: Print): Promise<DockerEngine> {
  const { env } = process;
  if (process.getuid?.() !== 0) throw new Error('no Docker daemon is running, and only root can start one');
  const missing = findProgram('dockerd', env) === undefined || findProgram('debootstrap', env) === undefined;
  if (missing) await installDebianPackages(neededPackages, 'Docker', env, print);
  const command = findProgram('dockerd', env);
  if (command === undefined) throw new Error('no Docker daemon is running, and none could be installed');
  const serverDirectory = await openServerDirectory('test', print);
  const daemon = new ManagedProcess({
    name: 'Docker',
    command,
    args: [],
    env,
    cwd: repositoryRoot,
    serverDirectoryPath: serverDirectory.path,
    logFile: join(serverDirectory.logs, 'docker.log'),
    recordDirectory: serverDirectory.run,
    stopLimitMs: 60_000,
    readyLimitMs: 60_000,
    isReady: () => commandWorks('docker', ['info']),
    print,
  });
  try {
    await daemon.start();
  } catch (error) {
    serverDirectory.close();
    throw error;
  }
  print('Docker: started a private daemon');
  const stop = async (): Promise<void> => {
    await daemon.stop();
    serverDirectory.close();
  };
  return { stop };
}

/** Returns undefined if docker compose has every image it needs apart from our own, otherwise the reason. */
async function provideImages(print: Print, stop: AbortSignal): Promise<string | undefined> {
  if (await hasImages()) return undefined;
  const script = resolve(repositoryRoot, process.env['CI_IMAGES_SCRIPT'] || 'none');
  if (existsSync(script)) {
    print(`Docker: making the images with ${script}; the first time this takes several minutes`);
    await runCommand(script, [], { limitMs: imagesLimitMs, signal: stop, onLine: (line) => print(`  ${line}`) });
    return (await hasImages()) ? undefined : `${script} did not make every image that the compose file names`;
  }
  print('Docker: pulling the images');
  const compose = ['compose', 'pull', '--ignore-buildable', '--quiet'];
  await runCommand('docker', compose, { cwd: repositoryRoot, limitMs: imagesLimitMs, signal: stop });
  return undefined;
}

async function hasImages(): Promise<boolean> {
  const cwd = repositoryRoot;
  const listed = await runCommand('docker', ['compose', 'config', '--images'], { cwd, limitMs: 20_000 }).catch(
    () => '',
  );
  const images = [
    ...new Set(listed.split('\n').filter((image) => image !== '' && image !== 'order-processing-system')),
  ];
  if (images.length === 0) return false;
  return commandWorks('docker', ['image', 'inspect', ...images]);
}
