import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createHttpApp, createRouter } from './http-app.js';
import { listen } from './http-server.js';

describe('the HTTP server', () => {
  it('listens on a free port when asked for port 0', async () => {
    const server = await listen(createHttpApp(createRouter(), testLogger), '127.0.0.1', 0);
    assert.ok(server.port > 0);
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/`)).status, 404);
    await server.stop();
  });

  it('fails on a port that is in use and says what to do', async () => {
    const app = createHttpApp(createRouter(), testLogger);
    const first = await listen(app, '127.0.0.1', 0);
    try {
      await assert.rejects(
        listen(app, '127.0.0.1', first.port),
        new RegExp(`port ${first.port} on 127.0.0.1 is in use.*APP__PORT`),
      );
    } finally {
      await first.stop();
    }
  });

  it('drops no client of a burst of 1,500 before it accepts them', async function () {
    if (process.platform !== 'linux') this.skip();
    const server = await listen(createHttpApp(createRouter(), testLogger), '127.0.0.1', 0);
    const clients = Array.from({ length: 1500 }, () => connect(server.port, '127.0.0.1'));
    try {
      await new Promise((resolve) => process.nextTick(resolve)); // all have connected; none is accepted yet
      assert.equal(establishedConnectionsTo(server.port), clients.length);
    } finally {
      for (const client of clients) client.destroy();
      await server.stop();
    }
  });

  it('closes connections beyond its limit at once, and accepts a new one once another ends', async () => {
    const app = createHttpApp(createRouter(), testLogger);
    const server = await listen(app, '127.0.0.1', 0, { maxConnections: 3 });
    const held = Array.from({ length: 3 }, () => connect(server.port, '127.0.0.1'));
    try {
      await Promise.all(held.map((client) => once(client, 'connect')));
      for (let times = 0; times < 20; times += 1)
        await assert.rejects(get(server.port, undefined), /hang up|ECONNRESET/);
      held[0]?.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      await once(held[0] as Socket, 'data');
      held[0]?.destroy();
      const { status } = await eventually('the server accepts a new connection', () => get(server.port, undefined));
      assert.equal(status, 404);
    } finally {
      for (const client of held) client.destroy();
      await server.stop();
    }
  });

  it('closes the connection of a client that does not read its answer', async () => {
    const router = createRouter();
    let answer: ServerResponse | undefined;
    router.get('/', (ctx) => {
      answer = ctx.res;
      ctx.body = Buffer.alloc(64 * 2 ** 20);
    });
    const server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0, { idleTimeoutMs: 500 });
    const client = connect(server.port, '127.0.0.1').pause();
    try {
      client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      await eventually('the connection is closed', () => assert.ok(answer?.closed));
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  it('lets the request in progress finish when it stops, and refuses new connections', async () => {
    const { app, begun, finish } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    const inProgress = get(server.port, undefined);
    await eventually('the request is in progress', () => assert.equal(begun(), 1));
    const stopped = server.stop();
    await assert.rejects(get(server.port, undefined), /ECONNREFUSED/);
    finish();
    assert.deepEqual(await inProgress, { status: 200, text: 'finished' });
    await stopped;
  });

  it('stops without waiting for an idle keep-alive connection', async () => {
    const { server, agent } = await withKeepAliveConnection();
    await server.stop();
    await assert.rejects(get(server.port, agent), /ECONNREFUSED|ECONNRESET|socket hang up/);
    agent.destroy();
  });

  it('answers a request that arrives over a keep-alive connection while it stops, and closes it', async () => {
    const { server, agent } = await withKeepAliveConnection();
    const stopped = server.stop();
    assert.equal((await get(server.port, agent)).status, 200);
    await assert.rejects(get(server.port, agent), /ECONNREFUSED/);
    await stopped;
    agent.destroy();
  });

  it('stops without waiting for a keep-alive connection whose last request has just been answered', async () => {
    const { app, begun, finish } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    const agent = new Agent({ keepAlive: true });
    const inProgress = get(server.port, agent);
    await eventually('the request is in progress', () => assert.equal(begun(), 1));
    let stopped = false;
    const stopping = server.stop().then(() => (stopped = true));
    finish();
    assert.equal((await inProgress).status, 200);
    // This is well before the server would close the connections that are still open.
    await eventually('the server has stopped', () => assert.ok(stopped), 3000).finally(() => agent.destroy());
    await stopping;
  });

  it('closes the connection of a request that never ends when the time to drain is over', async () => {
    const { app, begun } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    // The application limits the time of a handler itself, so the request that never ends is one whose body never
    // arrives.
    const stuck = new Promise<string>((resolve) => {
      const half = request({ host: '127.0.0.1', port: server.port, method: 'POST', headers: { 'content-length': 9 } });
      half.on('error', (error) => resolve(error.message));
      half.write('x');
    });
    await eventually('the request is in progress', () => assert.equal(begun(), 1));
    await server.stop();
    assert.match(await stuck, /socket hang up|ECONNRESET/);
  });
});

/** An application with a GET that answers when `finish` is called, and a POST that reads its body and never answers. */
function slowApp() {
  let requests = 0;
  let finish = (): void => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const router = createRouter();
  router.get('/', async (ctx) => {
    requests += 1;
    await finished;
    ctx.body = 'finished';
  });
  router.post('/', async (ctx) => {
    requests += 1;
    ctx.respond = false;
    ctx.req.resume();
    await finished;
  });
  return { app: createHttpApp(router, testLogger), begun: () => requests, finish: () => finish() };
}

/** A server, and an agent that holds a keep-alive connection to it, over which one request has been answered. */
async function withKeepAliveConnection() {
  const { app, finish } = slowApp();
  finish();
  const server = await listen(app, '127.0.0.1', 0);
  const agent = new Agent({ keepAlive: true });
  assert.equal((await get(server.port, agent)).status, 200);
  return { server, agent };
}

function get(port: number, agent: Agent | undefined): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, agent: agent ?? false }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** The number of connections that the kernel has established, whether or not the process has accepted them. */
function establishedConnectionsTo(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.filter((line) => new RegExp(`^ *\\d+: ${local} \\S+ 01 `).test(line)).length;
}
