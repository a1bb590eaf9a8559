import { join } from 'node:path';
import { buildServices } from '../services/build-services.js';
import { openInstance, type Instance } from '../processes/instance.js';

let built: Promise<Instance> | undefined;

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
  const instance = await built?.catch(() => undefined);
  instance?.close();
  built = undefined;
}

async function build(): Promise<Instance> {
  const instance = await openInstance('test', () => undefined);
  try {
    const stop = new AbortController().signal;
    await buildServices({ directory: servicesOf(instance), checkTypes: false, stop });
    return instance;
  } catch (error) {
    instance.close();
    throw error;
  }
}

function servicesOf(instance: Instance): string {
  return join(instance.directory, 'services');
}
