import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { provideTestServer } from '../infra/dev/servers/temporal-test-server.js';
import { LifecycleWorkers, type LifecycleHandle } from '../infra/dev/testing/lifecycle-workers.js';
import { indexedValueTypes } from '../infra/temporal/search-attributes.js';
import { searchAttributeTypes } from './client/order-workflow-client.js';
import { settledSignal, taskQueues, workflowIdOf } from './contract/messages.js';
import type { orderLifecycle } from './order-lifecycle.js';

const checkAfterMs = 30_000;
const [minute, hour] = [60_000, 3_600_000];

describe('the workflow of an order, on a server that skips time,', () => {
  let environment: TestWorkflowEnvironment;
  let lifecycle: LifecycleWorkers;
  let stop = (): Promise<void> => Promise.resolve();

  before(async function () {
    this.timeout(180_000);
    const path = await provideTestServer({ environment: process.env, print: console.log });
    // It cannot be downloaded everywhere, and nothing else skips time.
    if (path === undefined) return this.skip();
    environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path } },
    });
    stop = () => environment.teardown();
    const { nativeConnection: connection, client } = environment;
    // This server cannot list search attributes, as ensureSearchAttributes does before it registers any.
    const types = Object.entries(searchAttributeTypes).map(([name, type]) => [name, indexedValueTypes[type]]);
    const searchAttributes = Object.fromEntries(types) as Record<string, number>;
    await connection.operatorService.addSearchAttributes({ namespace: 'default', searchAttributes });
    const server = { connection, client, namespace: 'default', close: () => environment.teardown() };
    lifecycle = await LifecycleWorkers.start(server);
    stop = () => lifecycle.close();
  });
  beforeEach(() => lifecycle.reset());
  after(() => stop());

  async function startOrder() {
    const orderId = randomUUID();
    const handle = await environment.client.workflow.start<typeof orderLifecycle>('orderLifecycle', {
      ...{
        taskQueue: taskQueues.orderApi,
        workflowId: workflowIdOf(orderId),
        args: [{ orderIds: [orderId], checkAfterMs }],
      },
    });
    const outcome = { orderId, status: 'done', version: 2 } as const;
    const settle = async (): Promise<void> => {
      await handle.signal(settledSignal, { outcomes: [outcome] });
      assert.deepEqual(await handle.result(), { status: 'done', version: 2 });
    };
    return { orderId, handle, outcome, settle };
  }

  /** Returns how long the workflow has waited before each of its checks, in milliseconds. */
  async function waitsOf(handle: LifecycleHandle): Promise<number[]> {
    const { events } = await handle.fetchHistory();
    return (events ?? []).flatMap(({ timerStartedEventAttributes: timer }) => {
      if (!timer) return [];
      return [Number(timer.startToFireTimeout?.seconds ?? 0) * 1000 + (timer.startToFireTimeout?.nanos ?? 0) / 1e6];
    });
  }

  function assertAbout(waits: readonly number[], expected: readonly number[]): void {
    assert.ok(waits.length >= expected.length, `${waits.length} waits`);
    expected.forEach((wait, index) => {
      const waited = waits[index] ?? 0;
      assert.ok(waited >= wait * 0.8 && waited <= wait * 1.2, `wait ${index + 1}: ${waited} ms instead of ${wait} ms`);
    });
  }

  it('checks after 30 s, 1, 2, 4, 8, 16 and 32 minutes without a signal, then every hour, with 20 % of jitter', async () => {
    const { handle, settle } = await startOrder();
    await environment.sleep('1 day');
    const doubling = [0.5, 1, 2, 4, 8, 16, 32].map((minutes) => minutes * minute);
    const hourly = Array.from({ length: 15 }, () => hour);
    assertAbout(await waitsOf(handle), [...doubling, ...hourly]);
    await settle();
  });

  it('has lost events published again by its first ten checks, and by none after that', async () => {
    const { orderId, settle } = await startOrder();
    await environment.sleep('1 day');
    const again = lifecycle.published.filter((event) => event === `order.created again ${orderId}`);
    assert.equal(again.length, 10);
    await settle();
  });

  it('waits 30 s again after a check that has found something new', async () => {
    const { handle, outcome, settle } = await startOrder();
    await environment.sleep('5 minutes');
    const before = (await waitsOf(handle)).length;
    lifecycle.decided = [outcome];
    await environment.sleep('1 hour');
    assertAbout((await waitsOf(handle)).slice(before), [checkAfterMs, minute, 2 * minute]);
    await settle();
  });

  it('retries a publish with growing pauses, up to 30 s, and for as long as it takes', async () => {
    lifecycle.failures = 1_000_000;
    const { orderId, settle } = await startOrder();
    await environment.sleep('1 hour');
    const attempts = 1_000_000 - lifecycle.failures;
    // One within the task, nine until the pauses have grown to 30 s, which takes 51 s, and then two a minute.
    assert.ok(attempts >= 120 && attempts <= 135, `${attempts} attempts`);
    lifecycle.failures = 0;
    await environment.sleep('1 minute');
    assert.equal(lifecycle.published[0], `order.created ${orderId}`);
    await settle();
  });
});
