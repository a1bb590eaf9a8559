import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { installDebianPackages } from './debian-packages.js';
import { findProgram } from '../processes/find-program.js';
import { openInstance, repositoryRoot, type Report } from '../processes/instance.js';
import { ManagedProcess } from '../processes/managed-process.js';
import { commandWorks, runCommand } from '../processes/run-command.js';

/** A Docker that answers. `stop` stops it if it was started here, and does nothing otherwise. */
export interface DockerEngine {
  stop(): Promise<void>;
}

const imagesLimitMs = 40 * 60_000;
const longestReason = 400;
const neededPackages = ['docker.io', 'debootstrap'];

/**
 * A Docker daemon with docker compose and the images of our compose file: the one that answers, or one that is
 * installed and started here, which takes root. Images that cannot be pulled are made by the script that CI_IMAGES_SCRIPT
 * names, where a machine has one.
 * @returns the reason, in one line, where it cannot be had
 */
export async function provideDocker(report: Report, stop: AbortSignal): Promise<DockerEngine | string> {
  let engine: DockerEngine = { stop: async () => undefined };
  try {
    if (!(await commandWorks('docker', ['info']))) engine = await startDocker(report);
    const problem = await provideImages(report, stop);
    if (problem === undefined) return engine;
    await engine.stop();
    return problem;
  } catch (error) {
    await engine.stop();
    return inOneLine((error as Error).message);
  }
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*\|?\s*/g, ' ').slice(0, longestReason);
}

async function startDocker(report: Report): Promise<DockerEngine> {
  const { env } = process;
  if (process.getuid?.() !== 0) throw new Error('no Docker daemon answers, and only root can start one');
  const missing = findProgram('dockerd', env) === undefined || findProgram('debootstrap', env) === undefined;
  if (missing) await installDebianPackages(neededPackages, 'Docker', env, report);
  const command = findProgram('dockerd', env);
  if (command === undefined) throw new Error('no Docker daemon answers, and none could be installed');
  const instance = await openInstance('test', report);
  const daemon = new ManagedProcess({
    name: 'Docker',
    command,
    args: [],
    env,
    cwd: repositoryRoot,
    instanceDirectory: instance.directory,
    logFile: join(instance.logs, 'docker.log'),
    recordDirectory: instance.run,
    stopLimitMs: 60_000,
    readyLimitMs: 60_000,
    isReady: () => commandWorks('docker', ['info']),
    report,
  });
  try {
    await daemon.start();
  } catch (error) {
    instance.close();
    throw error;
  }
  report('Docker: started a daemon of our own');
  const stop = async (): Promise<void> => {
    await daemon.stop();
    instance.close();
  };
  return { stop };
}

/** Undefined when docker compose has every image it needs but our own; else what it said. */
async function provideImages(report: Report, stop: AbortSignal): Promise<string | undefined> {
  if (await hasImages()) return undefined;
  const script = resolve(repositoryRoot, process.env['CI_IMAGES_SCRIPT'] ?? 'none');
  if (existsSync(script)) {
    report(`Docker: making images with ${script}; the first time this takes some minutes`);
    await runCommand(script, [], { limitMs: imagesLimitMs, signal: stop, onLine: (line) => report(`  ${line}`) });
    return (await hasImages()) ? undefined : `${script} did not make every image that the compose file names`;
  }
  report('Docker: pulling the images');
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
