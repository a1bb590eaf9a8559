import { join } from 'node:path';
import { buildServices } from '../services/build-services.js';
import { openServerDirectory, type ServerDirectory } from '../processes/server-directory.js';

let built: Promise<ServerDirectory> | undefined;

/**
 * Where the services are as production runs them. They are built when the first test asks, once for all: started from
 * source, each start would compile them and bundle the workflow code anew, several seconds of both cores.
 */
export async function builtServices(): Promise<string> {
  built ??= build();
  return servicesOf(await built);
}

/** At the end of a run; one that is killed leaves it to the next to remove them. */
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
