import { join } from 'node:path';
import { consoleLine } from './console-line.js';
import { repositoryRoot, type ServerDirectory, type Print } from '../processes/server-directory.js';
import { isHealthy, nodeOptions } from './service-process.js';
import { ManagedProcess } from '../processes/managed-process.js';

export interface SupervisedServiceOptions {
  name: 'order-api' | 'processor';
  serverDirectory: ServerDirectory;
  port: number;
  /** Added to the environment. */
  settings: NodeJS.ProcessEnv;
  environment: NodeJS.ProcessEnv;
  print: Print;
}

/**
 * Returns a process that runs a service from its source and is restarted when it exits. It is ready when the service's
 * health page says "ok".
 */
export function supervisedService(options: SupervisedServiceOptions): ManagedProcess {
  const { name, serverDirectory, port, settings, environment, print } = options;
  return new ManagedProcess({
    name,
    command: process.execPath,
    args: ['--import', 'tsx', `${name}/main.ts`],
    env: { ...environment, ...settings, APP__SERVICE_NAME: name, APP__PORT: String(port), NODE_OPTIONS: nodeOptions },
    cwd: repositoryRoot,
    serverDirectoryPath: serverDirectory.path,
    logFile: join(serverDirectory.logs, `${name}.log`),
    recordDirectory: serverDirectory.run,
    stopLimitMs: 30_000,
    readyLimitMs: 120_000,
    isReady: () => isHealthy(port),
    onLine: (line) => console.log(consoleLine(name, line)),
    print,
  });
}
