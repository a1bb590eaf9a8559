import { ServiceProcess } from '../services/service-process.js';
import { builtServices } from './built-services.js';
import { eventually } from './eventually.js';

/** A service in its own process, built as production runs it. */
export type TestService = ServiceProcess & { readonly url: string };

const listenLimitMs = 30_000;

/**
 * Starts `order-api` or `processor` on a free port and resolves when it listens.
 * @param openFiles how many files it may have open. Default: as many as this process
 * @throws Error with its output if it does not listen within 30 s
 */
export async function startTestService(
  name: 'order-api' | 'processor',
  env: Record<string, string>,
  openFiles?: number,
): Promise<TestService> {
  const service = new ServiceProcess({
    args: [`${name}/main.js`],
    cwd: await builtServices(),
    env: { ...process.env, APP__PORT: '0', APP__LOG_LEVEL: 'info', APP__SERVICE_NAME: name, ...env },
    openFiles,
  });
  const listening = (): number => {
    const line = service.logs.find((entry) => entry['msg'] === `${name} is listening`);
    if (line) return line['port'] as number;
    throw new Error(service.output.slice(-4000));
  };
  try {
    const port = await eventually(`${name} listens`, listening, listenLimitMs);
    return Object.assign(service, { url: `http://127.0.0.1:${port}` });
  } catch (error) {
    await service.kill();
    throw error;
  }
}
