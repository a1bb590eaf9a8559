import { randomUUID } from 'node:crypto';
import { testServers } from './test-servers.js';

/** A RabbitMQ virtual host of one suite's own, so that suites cannot see each other's exchange and queues. */
export interface TestVhost {
  /** AMQP address of the virtual host. */
  readonly url: string;
  /** Asks the management API, e.g. `request('GET', 'queues')` about this virtual host. */
  request(method: string, resource: string, body?: object): Promise<unknown>;
  drop(): Promise<void>;
}

/** @throws Error when RabbitMQ has no management API at its address, which is needed to make virtual hosts */
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
  return {
    url: amqp.href,
    request: (method, resource, body) => {
      const [kind, ...rest] = resource.split('/');
      return call(method, [kind, name, ...rest].join('/'), body);
    },
    drop: async () => void (await call('DELETE', `vhosts/${name}`)),
  };
}

function defaultManagementUrl(amqpUrl: string): string {
  return process.env['TEST_RABBITMQ_MANAGEMENT_URL'] ?? `http://${new URL(amqpUrl).hostname}:15672`;
}
