import type { Client } from '@temporalio/client';
import type { ChannelModel } from 'amqplib';
import type { Queryable } from '../postgres/pool.js';
import { depths } from './dead-letters.js';
import { listWorkflows } from './workflow-records.js';

interface Databases {
  readonly ordersDb: Queryable;
  readonly processorDb: Queryable;
}

/** The parts that hold work in progress. Without `rabbitmq`, messages in queues are not looked at. */
export interface WorkingParts extends Databases {
  readonly temporal: Client;
  readonly rabbitmq?: ChannelModel;
}

/**
 * Says what is in progress, by kind; an empty list means that the system is at rest. Dead-lettered messages are not work
 * in progress. Partial indexes serve its queries, so they stay cheap however many orders there are.
 */
export async function openWork({ temporal, rabbitmq, ...databases }: WorkingParts): Promise<string[]> {
  if (await hasOpenRows(databases)) return ['pending orders or unpublished events'];
  if (rabbitmq && (await depths(rabbitmq)).some(({ waiting }) => waiting !== 0)) return ['messages in queues'];
  for await (const { workflowId } of listWorkflows(temporal, 'ExecutionStatus = "Running"')) {
    return [`workflows, e.g. ${workflowId}`];
  }
  return [];
}

/** True while any order is pending or any event is unpublished, in either service. */
export async function hasOpenRows({ ordersDb, processorDb }: Databases): Promise<boolean> {
  const unpublished = 'exists (select from operations.outbox where published_at is null and attempts >= 0)';
  const results = await Promise.all([
    ordersDb.query<{ open: boolean }>(
      `select /* operations */ ${unpublished} or exists (select from operations.orders where version = 1) as open`,
    ),
    processorDb.query<{ open: boolean }>(`select /* operations */ ${unpublished} as open`),
  ]);
  return results.some(({ rows }) => rows[0]?.open ?? true);
}
