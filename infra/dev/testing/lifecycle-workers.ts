import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type {
  OrderApiActivities,
  ProcessorActivities,
  PublishRequest,
} from '../../../workflows/contract/activities.js';
import {
  stageQuery,
  taskQueues,
  type LifecycleStage,
  type OrderOutcome,
} from '../../../workflows/contract/messages.js';
import type { orderLifecycle } from '../../../workflows/order-lifecycle.js';
import { eventually } from './eventually.js';
import { createTestNamespace, type TestNamespace } from './test-namespace.js';
import { workflowCoverage } from './workflow-coverage.js';

export type LifecycleHandle = WorkflowHandle<typeof orderLifecycle>;

export type LifecycleServer = Pick<TestNamespace, 'connection' | 'namespace' | 'client' | 'close'>;

/** Runs the real workflow on a real server for one suite, with activities that only record their requests. */
export class LifecycleWorkers {
  /**
   * One line for each publish: the event and its orders, with `again` if an already published event may be repeated.
   */
  published: string[] = [];
  /** How many of the next publishes will fail. */
  failures = 0;
  /** The outcomes that the order API has applied. */
  settled: OrderOutcome[] = [];
  /** The outcomes that the processor knows. */
  decided: OrderOutcome[] = [];
  /** Replaces the result of every activity, as if an operator had completed the activity by hand. */
  resultByHand: { readonly value: unknown } | undefined;
  readonly temporal: LifecycleServer;
  #workers: Worker[] = [];
  #running: Promise<unknown> = Promise.resolve();

  private constructor(temporal: LifecycleServer) {
    this.temporal = temporal;
  }

  /** @param temporal the server to use, which `close` closes. Default: a new namespace of the test server */
  static async start(temporal?: LifecycleServer): Promise<LifecycleWorkers> {
    const lifecycle = new LifecycleWorkers(temporal ?? (await createTestNamespace()));
    await lifecycle.#startWorkers();
    return lifecycle;
  }

  async #startWorkers(): Promise<void> {
    const { connection, namespace } = this.temporal;
    const orderApi: OrderApiActivities = {
      publishOrderCreated: async (request) => this.#result(this.#publish('order.created', request)),
      awaitSettled: async ({ orderIds }) =>
        this.#result({ outcomes: this.settled.filter(({ orderId }) => orderIds.includes(orderId)) }),
    };
    const processor: ProcessorActivities = {
      publishOrderProcessed: async (request) => {
        const outcomes = this.decided.filter(({ orderId }) => request.orderIds.includes(orderId));
        return this.#result({ ...this.#publish('order.processed', request), outcomes });
      },
    };
    this.#workers = [
      await Worker.create(
        workflowCoverage.augment({
          connection,
          namespace,
          taskQueue: taskQueues.orderApi,
          workflowsPath: fileURLToPath(new URL('../../../workflows/order-lifecycle.ts', import.meta.url)),
          activities: orderApi,
        }),
      ),
      await Worker.create({ connection, namespace, taskQueue: taskQueues.processor, activities: processor }),
    ];
    this.#running = Promise.all(this.#workers.map((worker) => worker.run()));
  }

  #publish(event: string, { orderIds, republishAfterMs }: PublishRequest): { messageIds: string[] } {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('RabbitMQ is not connected');
    }
    this.published.push(`${event}${republishAfterMs === undefined ? '' : ' again'} ${orderIds.join(' ')}`);
    return { messageIds: [] };
  }

  #result<T>(result: T): T {
    return this.resultByHand ? (this.resultByHand.value as T) : result;
  }

  /** Clears what an earlier test has left. */
  reset(): void {
    this.published = [];
    this.failures = 0;
    this.settled = [];
    this.decided = [];
    this.resultByHand = undefined;
  }

  /** Waits until the workflow is in this stage. */
  async reaches(handle: LifecycleHandle, stage: LifecycleStage): Promise<void> {
    await eventually(`stage ${stage}`, async () => assert.equal(await handle.query(stageQuery), stage));
  }

  /** Runs `act` while no worker is running. The signals that workflows are sent meanwhile then reach them together. */
  async whileStopped(act: () => Promise<void>): Promise<void> {
    await this.#stopWorkers();
    await act();
    await this.#startWorkers();
  }

  async #stopWorkers(): Promise<void> {
    for (const worker of this.#workers) worker.shutdown();
    await this.#running;
  }

  async close(): Promise<void> {
    try {
      await this.#stopWorkers();
    } finally {
      await this.temporal.close();
    }
    workflowCoverage.save();
  }
}
