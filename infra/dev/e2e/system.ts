import assert from 'node:assert/strict';
import { eventually } from '../testing/eventually.js';
import { startTestService, type TestService } from '../testing/test-service.js';
import { createTestDatabase, type TestDatabase } from '../testing/test-database.js';
import { createTestNamespace, type TestNamespace } from '../testing/test-namespace.js';
import { createTestVhost, type TestVhost } from '../testing/test-vhost.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}

/** The databases, vhost and namespace of a system, created for one suite. */
export type SystemParts = Pick<TestSystem, 'ordersDb' | 'processorDb' | 'vhost' | 'temporal'>;

/** The whole system for one suite: both services as processes, with their own databases, vhost and namespace. */
export class TestSystem {
  orderApi!: TestService;
  processor!: TestService;
  readonly ordersDb: TestDatabase;
  readonly processorDb: TestDatabase;
  readonly vhost: TestVhost;
  readonly temporal: TestNamespace;
  readonly #env: Record<string, string>;

  constructor(parts: SystemParts, env: Record<string, string>) {
    this.ordersDb = parts.ordersDb;
    this.processorDb = parts.processorDb;
    this.vhost = parts.vhost;
    this.temporal = parts.temporal;
    this.#env = {
      APP__RABBITMQ_URL: parts.vhost.url,
      TEMPORAL_ADDRESS: parts.temporal.address,
      TEMPORAL_NAMESPACE: parts.temporal.namespace,
      // These are shorter than in production, so that workflows check and the reconciler runs within seconds.
      APP__CHECK_AFTER_MS: '3000',
      APP__RECONCILE_INTERVAL_MS: '250',
      APP__RECONCILE_GRACE_MS: '2000',
      ...env,
    };
  }

  async startOrderApi(env: Record<string, string> = {}, openFiles?: number): Promise<void> {
    const own = { ...this.#env, APP__DB_DSN: this.ordersDb.dsn, ...env };
    this.orderApi = await startTestService('order-api', own, openFiles);
  }

  async startProcessor(env: Record<string, string> = {}): Promise<void> {
    this.processor = await startTestService('processor', { ...this.#env, APP__DB_DSN: this.processorDb.dsn, ...env });
  }

  /**
   * Stops both services and drops what was created for the suite.
   * @throws AssertionError unless both exit with code 0
   */
  async stop(): Promise<void> {
    const codes = await Promise.all([this.orderApi.stop(), this.processor.stop()]);
    await this.temporal.close();
    await Promise.all([this.ordersDb.drop(), this.processorDb.drop(), this.vhost.drop()]);
    assert.deepEqual(codes, [0, 0], 'both services stop cleanly');
  }

  post(order: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    return this.request('POST', '/orders', {
      body: typeof order === 'string' ? order : JSON.stringify(order),
      headers: { 'content-type': 'application/json', ...headers },
    });
  }

  get(orderId: string): Promise<Answer> {
    return this.request('GET', `/orders/${orderId}`);
  }

  async request(method: string, path: string, more: { body?: string; headers?: Record<string, string> } = {}) {
    const response = await fetch(this.orderApi.url + path, { method, ...more, signal: AbortSignal.timeout(15_000) });
    const text = await response.text();
    const answer: Answer = {
      status: response.status,
      headers: response.headers,
      body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
    };
    return answer;
  }

  /** Waits until the order is settled, and returns it. */
  settled(orderId: string, timeoutMs = 30_000): Promise<Record<string, unknown>> {
    return eventually(
      `${orderId} settles`,
      async () => {
        const { body } = await this.get(orderId);
        assert.notEqual(body['status'] ?? 'unknown', 'pending');
        return body;
      },
      timeoutMs,
    );
  }

  /** Waits until the `order.created` of each of these orders is published. */
  published(orderIds: readonly string[]): Promise<void> {
    return eventually(`${orderIds.join()} are published`, async () => {
      const { rowCount } = await this.ordersDb.pool.query(
        'select from outbox where aggregate_id = any($1) and published_at is not null',
        [orderIds],
      );
      assert.equal(rowCount, orderIds.length);
    });
  }

  /** Waits until both services report that they are healthy. */
  async healthy(timeoutMs = 30_000): Promise<void> {
    for (const { url } of [this.orderApi, this.processor]) {
      await eventually(
        `${url} is healthy`,
        async () => {
          const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(5000) });
          const body = (await response.json()) as { status: string };
          assert.equal(body.status, 'ok', JSON.stringify(body));
        },
        timeoutMs,
      );
    }
  }
}

/** Creates databases, a vhost and a namespace for one suite. */
export async function createSystemParts(): Promise<SystemParts> {
  const [ordersDb, processorDb, vhost, temporal] = await Promise.all([
    createTestDatabase('order-api'),
    createTestDatabase('processor'),
    createTestVhost(),
    createTestNamespace(),
  ]);
  return { ordersDb, processorDb, vhost, temporal };
}

/** Creates a system's parts, starts both services, and waits until they are healthy. */
export async function startSystem(env: Record<string, string> = {}): Promise<TestSystem> {
  const system = new TestSystem(await createSystemParts(), env);
  await Promise.all([system.startOrderApi(), system.startProcessor()]);
  await system.healthy();
  return system;
}

let orders = 0;

/** Returns an order with an id that no other test uses. */
export function anOrder(more: object = {}) {
  orders += 1;
  return {
    order_id: `ord-${Date.now().toString(36)}-${orders}`,
    customer_id: 'cust-secret-4711',
    items: [{ sku: 'laptop', quantity: 1, price: 1200.0 }],
    ...more,
  };
}
