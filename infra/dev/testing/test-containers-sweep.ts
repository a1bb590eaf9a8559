import { getContainerRuntimeClient } from 'testcontainers';
import { isAlive, type LockHolder } from '../processes/exclusive-lock.mjs';
import { reference } from '../processes/process-tree.js';

const label = 'order-processing-system.test-run';

/** Labels that mark a container as this process's, for `sweepTestContainers`. */
export function ownerLabels(): Record<string, string> {
  return { [label]: JSON.stringify(reference(process.pid)) };
}

/** Removes the containers and volumes of test runs whose process is gone. Does nothing if Docker is unavailable. */
export async function sweepTestContainers(print: (line: string) => void): Promise<void> {
  const client = await getContainerRuntimeClient().catch(() => undefined);
  if (client === undefined) return;
  const all = await client.container.dockerode.listContainers({ all: true, filters: { label: [label] } });
  const orphans = all.filter((container) => !isAlive(JSON.parse(container.Labels[label] ?? '{}') as LockHolder));
  for (const orphan of orphans) await client.container.getById(orphan.Id).remove({ force: true, v: true });
  if (orphans.length > 0) print(`removed ${orphans.length} containers that an earlier test run left behind`);
}
