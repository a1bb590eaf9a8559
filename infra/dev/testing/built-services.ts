import { join } from 'node:path';
import { buildServices } from '../services/build-services.js';
import { openServerDirectory, type ServerDirectory } from '../processes/server-directory.js';

let built: Promise<ServerDirectory> | undefined;

/**
 * Returns the directory of the services as production runs them. The first test that asks for it builds them, once per
 * run. If they were started from source, each start would compile them and bundle the workflow code again, which takes
 * both cores several seconds.
 */
export async function builtServices(): Promise<string> {
  built ??= build();
  return servicesOf(await built);
}

/** Removes the build at the end of a run. After a killed run, the next run removes it. */
export async function removeBuiltServices(): Promise<void> {
  const serverDirectory = await built?.catch(() => undefined);
  serverDirectory?.close();
  built = undefined;
}

async function build(): Promise<ServerDirectory> {
  const serverDirectory = await openServerDirectory('test', () => undefined);
  try {
    const stop = new AbortController().signal;
    await buildServices({ directory: servicesOf(serverDirectory), checkTypes: false, stop });
    return serverDirectory;
  } catch (error) {
    serverDirectory.close();
    throw error;
  }
}

function servicesOf(serverDirectory: ServerDirectory): string {
  return join(serverDirectory.path, 'services');
}
