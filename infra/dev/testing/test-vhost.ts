import { randomUUID } from 'node:crypto';
import { testServers } from './test-servers.js';

/** A message as the management API shows it. */
export interface QueuedMessage {
  readonly payload: string;
  readonly properties: Readonly<Record<string, unknown>> & { readonly headers: Readonly<Record<string, unknown>> };
}

/** A RabbitMQ virtual host for one suite, so that suites cannot see each other's exchange and queues. */
export interface TestVhost {
  /** AMQP address of the virtual host. */
  readonly url: string;
  /** Calls the management API about this virtual host, e.g. `request('GET', 'queues')`. */
  request(method: string, resource: string, body?: object): Promise<unknown>;
  /**
   * Returns the ready messages of a queue, oldest first, without removing them. Unacknowledged ones are not included.
   */
  peek(queue: string): Promise<QueuedMessage[]>;
  /** Returns the ready messages of a queue, oldest first, and removes them. */
  take(queue: string): Promise<QueuedMessage[]>;
  /**
   * Closes every connection, as an operator would, and returns their number. A new connection appears here only some
   * seconds after it is opened.
   */
  closeConnections(): Promise<number>;
  drop(): Promise<void>;
}

/** Far more than any test puts into a queue. */
const maxMessages = 1000;

/** @throws Error if RabbitMQ has no management API at its address, which is needed to create virtual hosts */
export async function createTestVhost(): Promise<TestVhost> {
  const { url, managementUrl } = testServers().rabbitmq;
  const management = new URL(managementUrl ?? defaultManagementUrl(url));
  const amqp = new URL(url);
  const name = `test-${randomUUID()}`;
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { username, password } = amqp;
    const response = await fetch(new URL(`/api/${path}`, `${management.protocol}//${management.host}`), {
      method,
      headers: {
        'content-type': 'application/json',
        authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`,
      },
      body: body ? JSON.stringify(body) : null,
      signal: AbortSignal.timeout(10_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`RabbitMQ answered ${response.status} to ${method} ${path}: ${text}`);
    return text === '' ? undefined : (JSON.parse(text) as unknown);
  };
  await call('PUT', `vhosts/${name}`);
  await call('PUT', `permissions/${name}/${amqp.username}`, { configure: '.*', write: '.*', read: '.*' });
  amqp.pathname = `/${name}`;
  const request: TestVhost['request'] = (method, resource, body) => {
    const [kind, ...rest] = resource.split('/');
    return call(method, [kind, name, ...rest].join('/'), body);
  };
  const get = async (queue: string, ackmode: string): Promise<QueuedMessage[]> => {
    const options = { count: maxMessages, ackmode, encoding: 'auto' };
    return ((await request('POST', `queues/${queue}/get`, options)) as QueuedMessage[]).map(withoutDeliveryCount);
  };
  return {
    url: amqp.href,
    request,
    peek: (queue) => get(queue, 'ack_requeue_true'),
    take: (queue) => get(queue, 'ack_requeue_false'),
    closeConnections: async () => {
      const connections = (await request('GET', 'vhosts/connections')) as { name: string }[];
      for (const connection of connections) await call('DELETE', `connections/${encodeURIComponent(connection.name)}`);
      return connections.length;
    },
    drop: async () => void (await call('DELETE', `vhosts/${name}`)),
  };
}

/** Removes the queue's own header, which RabbitMQ 3.10 sets from the first delivery on, and 4.x from the second on. */
function withoutDeliveryCount({ payload, properties }: QueuedMessage): QueuedMessage {
  const { 'x-delivery-count': _count, ...headers } = properties.headers;
  return { payload, properties: { ...properties, headers } };
}

function defaultManagementUrl(amqpUrl: string): string {
  return process.env['TEST_RABBITMQ_MANAGEMENT_URL'] ?? `http://${new URL(amqpUrl).hostname}:15672`;
}
