import { readFileSync } from 'node:fs';
import { serverDirectoryVariable } from '../processes/process-tree.js';
import type { ServerDirectory } from '../processes/server-directory.js';
import { choosePort } from '../processes/ports.js';
import { isHealthy, ServiceProcess } from '../services/service-process.js';
import { eventually } from '../testing/eventually.js';

const shownLines = 5;

export interface MeasuredProcessOptions {
  /** Names the process in error messages. */
  readonly name: string;
  /** Arguments of Node: its options, then the file. */
  readonly args: readonly string[];
  readonly cwd: string;
  readonly settings: Readonly<Record<string, string>>;
  /** The directory of the servers, whose mark the process carries so that it can be found and killed. */
  readonly serverDirectory: ServerDirectory;
  readonly logFile: string;
}

/**
 * Starts a service of a measured system with its output in the log file. Resolves when the service is healthy.
 * @throws Error with its last log lines if it exits, or with its state if it does not become healthy
 */
export async function startMeasured(
  options: MeasuredProcessOptions,
): Promise<{ service: ServiceProcess; port: number }> {
  const { name, args, cwd, settings, serverDirectory, logFile } = options;
  const port = await choosePort();
  const env = {
    ...withoutSettings(process.env),
    [serverDirectoryVariable]: serverDirectory.path,
    APP__PORT: String(port),
    APP__LOG_LEVEL: 'info',
    ...settings,
  };
  const service = new ServiceProcess({ args, cwd, env, logFile });
  try {
    await eventually(`${name} is healthy`, async () => {
      if (!service.hasEnded) await isHealthy(port);
    });
  } catch (error) {
    await service.kill();
    throw error;
  }
  if (service.hasEnded) throw new Error(`${name} could not start: ${lastLines(logFile)}`);
  return { service, port };
}

/** Quoted in the error, since the log file is removed together with the server directory. */
function lastLines(logFile: string): string {
  return readFileSync(logFile, 'utf8').trim().split('\n').slice(-shownLines).join('\n');
}

/** Settings in the caller's environment must not change what is measured. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(APP__|TEMPORAL_)/.test(name)));
}
