import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { anOrder, createSystemParts, TestSystem } from './system.js';

describe('connections that send nothing', function () {
  this.timeout(120_000);
  let system: TestSystem;
  const clients: Socket[] = [];

  before(async () => {
    system = new TestSystem(await createSystemParts(), {});
    await Promise.all([system.startOrderApi({}, 200), system.startProcessor()]);
    await system.healthy();
  });

  after(async () => {
    for (const client of clients) client.destroy();
    await system.stop();
  });

  it('are closed before they use up the file descriptors of the order API, which still accepts orders', async () => {
    const openedFirst = await openConnection();
    for (let count = 0; count < 300; count += 1) await openConnection();
    // The order goes over the connection that was opened first, because the order API has no room for another.
    const order = anOrder();
    const body = JSON.stringify(order);
    openedFirst.write(
      `POST /orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const [answer] = (await once(openedFirst, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 201 /);
    // Closing these connections makes room for new ones.
    for (const client of clients) client.destroy();
    const settled = await system.settled(order.order_id);
    assert.match(String(settled['status']), /done|failed/);
  });

  async function openConnection(): Promise<Socket> {
    const { hostname, port } = new URL(system.orderApi.url);
    const client = connect(Number(port), hostname);
    client.on('error', () => undefined);
    clients.push(client);
    await once(client, 'connect');
    return client;
  }
});
