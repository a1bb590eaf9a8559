import { randomUUID } from 'node:crypto';
import { NativeConnection } from '@temporalio/worker';
import { Client } from '@temporalio/client';
import { ensureSearchAttributes } from '../../temporal/search-attributes.js';
import { searchAttributeTypes } from '../../../workflows/client/order-workflow-client.js';
import { eventually } from './eventually.js';
import { testServers } from './test-servers.js';

/** A Temporal namespace for one suite, with the system's search attributes. */
export interface TestNamespace {
  readonly address: string;
  readonly namespace: string;
  readonly connection: NativeConnection;
  readonly client: Client;
  /** Disconnects. The namespace remains until the server is removed, since Temporal takes minutes to delete one. */
  close(): Promise<void>;
  /** Registers the namespace again on a server that lost it, as an operator would. Nothing else is restored. */
  restore(): Promise<void>;
}

const retentionSeconds = 86_400;

export async function createTestNamespace(): Promise<TestNamespace> {
  const { address } = testServers().temporal;
  const connection = await NativeConnection.connect({ address });
  const namespace = `test-${randomUUID()}`;
  const restore = async (): Promise<void> => {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: { seconds: retentionSeconds as unknown as never },
    });
  };
  await restore();
  // It takes a moment until every part of the server knows a new namespace.
  await eventually('the namespace is usable', () =>
    ensureSearchAttributes(connection, namespace, searchAttributeTypes),
  );
  const client = new Client({ connection, namespace });
  await eventually('the namespace can be listed', async () => {
    for await (const _ of client.workflow.list()) return;
  });
  return { address, namespace, connection, client, close: () => connection.close(), restore };
}
