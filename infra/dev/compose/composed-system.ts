import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { eventually } from '../testing/eventually.js';
import type { ComposeProject } from './compose-project.js';

const answerTimeoutMs = 5_000;
const settleLimitMs = 120_000;
const loadPauseMs = 50;

/** The composed system as its users see it: from outside, through the ports it publishes. */
export class ComposedSystem {
  readonly project: ComposeProject;
  #orders = 0;

  constructor(project: ComposeProject) {
    this.project = project;
  }

  url(path: string): string {
    return `http://localhost:${this.project.ports.orderApi}${path}`;
  }

  /** Posts a new order once. @returns its id if it was accepted; undefined if it was refused or not answered */
  async place(): Promise<string | undefined> {
    this.#orders += 1;
    const order_id = `ord-${Date.now().toString(36)}-${this.#orders}`;
    const order = { order_id, customer_id: 'cust-123', items: [{ sku: 'laptop', quantity: 1, price: 1200 }] };
    const response = await fetch(this.url('/orders'), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(order),
      signal: AbortSignal.timeout(answerTimeoutMs),
    }).catch(() => undefined);
    await response?.body?.cancel();
    return response?.status === 201 ? order_id : undefined;
  }

  /** Places orders one after the other while `during` runs. @returns the ids of those that were accepted */
  async placeWhile(during: () => Promise<unknown>): Promise<string[]> {
    const accepted: string[] = [];
    const over = new AbortController();
    const placing = (async () => {
      while (!over.signal.aborted) {
        const id = await this.place();
        if (id !== undefined) accepted.push(id);
        await sleep(loadPauseMs);
      }
    })();
    try {
      await during();
    } finally {
      over.abort();
      await placing;
    }
    return accepted;
  }

  async get(orderId: string): Promise<Record<string, unknown>> {
    const response = await fetch(this.url(`/orders/${orderId}`), { signal: AbortSignal.timeout(answerTimeoutMs) });
    return (await response.json()) as Record<string, unknown>;
  }

  /**
   * Waits until every order in the database has settled once, which must include every accepted one, and no work is in
   * progress: no outbox message is unpublished, the queues are empty, each event is in the inbox once, no workflow
   * runs.
   * @throws Error that names what does not hold after 2 minutes
   */
  async settledOnce(accepted: readonly string[]): Promise<void> {
    const addresses = await this.project.addresses();
    await eventually(
      'everything has settled',
      async () => {
        const [orders] = await query<OrdersState>(addresses.ordersDb, ordersState, [accepted]);
        const [processor] = await query<ProcessorState>(addresses.processorDb, processorState, []);
        assert.deepEqual(
          { ...orders, ...processor, ...(await this.#queues(addresses.rabbitmq)), running: await this.#running() },
          {
            missing: 0,
            unsettled: 0,
            not_received_once: 0,
            unpublished: 0,
            all: orders?.all,
            decided: orders?.all,
            received: orders?.all,
            outcomes_unpublished: 0,
            messages: 0,
            running: 0,
          },
        );
      },
      settleLimitMs,
    );
  }

  async workflowStatus(workflowId: string): Promise<string> {
    return this.#temporal(async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);
  }

  #running(): Promise<number> {
    return this.#temporal(async (client) => (await client.workflow.count('ExecutionStatus="Running"')).count);
  }

  async #temporal<T>(ask: (client: Client) => Promise<T>): Promise<T> {
    const address = `localhost:${this.project.ports.temporal}`;
    const connection = await Connection.connect({ address, connectTimeout: answerTimeoutMs });
    try {
      return await connection.withDeadline(Date.now() + answerTimeoutMs, () => ask(new Client({ connection })));
    } finally {
      await connection.close();
    }
  }

  /** Counts the messages in all queues, including dead-lettered ones. */
  async #queues(address: string): Promise<{ messages: number }> {
    const { username, password } = new URL(address);
    const response = await fetch(`http://localhost:${this.project.ports.rabbitmqManagement}/api/queues`, {
      headers: { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` },
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const queues = (await response.json()) as { name: string; messages?: number }[];
    assert.equal(queues.length, 4, 'two queues and their dead-letter queues');
    return { messages: queues.reduce((sum, queue) => sum + (queue.messages ?? 0), 0) };
  }
}

interface OrdersState {
  missing: number;
  unsettled: number;
  not_received_once: number;
  unpublished: number;
  all: number;
}

interface ProcessorState {
  decided: number;
  received: number;
  outcomes_unpublished: number;
}

const ordersState = `
  select
    (select count(*)::int from unnest($1::text[]) as accepted (id) where not exists (select from orders where order_id = id)) as missing,
    (select count(*)::int from orders where status = 'pending' or version <> 2) as unsettled,
    (select count(*)::int from orders o where 1 <> (select count(*) from inbox where aggregate_id = o.order_id)) as not_received_once,
    (select count(*)::int from outbox where published_at is null) as unpublished,
    (select count(*)::int from orders) as all`;

const processorState = `
  select
    (select count(*)::int from processing_states) as decided,
    (select count(*)::int from inbox) as received,
    (select count(*)::int from outbox where published_at is null) as outcomes_unpublished`;

async function query<Row>(dsn: string, text: string, values: readonly unknown[]): Promise<Row[]> {
  const client = new pg.Client({
    connectionString: dsn,
    connectionTimeoutMillis: answerTimeoutMs,
    query_timeout: answerTimeoutMs,
  });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows as Row[];
  } finally {
    await client.end();
  }
}
