import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, request, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createHttpApp, createRouter } from './http-app.js';
import { listen } from './http-server.js';

describe('HTTP server', () => {
  it('serves on a free port when asked for port 0', async () => {
    const server = await listen(createHttpApp(createRouter(), testLogger), '127.0.0.1', 0);
    assert.ok(server.port > 0);
    assert.equal((await fetch(`http://127.0.0.1:${server.port}/`)).status, 404);
    await server.stop();
  });

  it('on a taken port says so, and what to do', async () => {
    const app = createHttpApp(createRouter(), testLogger);
    const first = await listen(app, '127.0.0.1', 0);
    try {
      await assert.rejects(
        listen(app, '127.0.0.1', first.port),
        new RegExp(`port ${first.port} on 127.0.0.1 is taken.*APP__PORT`),
      );
    } finally {
      await first.stop();
    }
  });

  it('leaves no client of a burst outside before it gets to them', async function () {
    if (process.platform !== 'linux') this.skip();
    const server = await listen(createHttpApp(createRouter(), testLogger), '127.0.0.1', 0);
    const clients = Array.from({ length: 1500 }, () => connect(server.port, '127.0.0.1'));
    try {
      await new Promise((resolve) => process.nextTick(resolve)); // all have knocked, and this process has accepted nobody
      assert.equal(connectionsWaitingAt(server.port), clients.length);
    } finally {
      for (const client of clients) client.destroy();
      await server.stop();
    }
  });

  it('holds as many connections as it may and closes further ones, until one of those goes', async () => {
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
      const { status } = await eventually('there is room', () => get(server.port, undefined));
      assert.equal(status, 404);
    } finally {
      for (const client of held) client.destroy();
      await server.stop();
    }
  });

  it('gives up a client that does not read its answer', async () => {
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
      await eventually('the answer is given up', () => assert.ok(answer?.closed));
    } finally {
      client.destroy();
      await server.stop();
    }
  });

  it('a stop lets the request under way finish, and refuses new ones', async () => {
    const { app, begun, finish } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    const underWay = get(server.port, undefined);
    await eventually('the request is under way', () => assert.equal(begun(), 1));
    const stopped = server.stop();
    await assert.rejects(get(server.port, undefined), /ECONNREFUSED/);
    finish();
    assert.deepEqual(await underWay, { status: 200, text: 'finished' });
    await stopped;
  });

  it('a stop does not wait for a connection that is kept alive and idle', async () => {
    const { server, agent } = await withKeptConnection();
    await server.stop();
    await assert.rejects(get(server.port, agent), /ECONNREFUSED|ECONNRESET|socket hang up/);
    agent.destroy();
  });

  it('a stop answers a request that is on its way over a kept connection, and ends the connection with it', async () => {
    const { server, agent } = await withKeptConnection();
    const stopped = server.stop();
    assert.equal((await get(server.port, agent)).status, 200);
    await assert.rejects(get(server.port, agent), /ECONNREFUSED/);
    await stopped;
    agent.destroy();
  });

  it('a stop does not wait for a kept connection whose last request has just been answered', async () => {
    const { app, begun, finish } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    const agent = new Agent({ keepAlive: true });
    const underWay = get(server.port, agent);
    await eventually('the request is under way', () => assert.equal(begun(), 1));
    let stopped = false;
    const stopping = server.stop().then(() => (stopped = true));
    finish();
    assert.equal((await underWay).status, 200);
    // Well before the server would cut off what is still open.
    await eventually('the server has stopped', () => assert.ok(stopped), 3000).finally(() => agent.destroy());
    await stopping;
  });

  it('a stop cuts off a request that never ends, in the end', async () => {
    const { app, begun } = slowApp();
    const server = await listen(app, '127.0.0.1', 0);
    // The application itself gives up on a handler, so the one that never ends is a caller who does not send its body.
    const stuck = new Promise<string>((resolve) => {
      const half = request({ host: '127.0.0.1', port: server.port, method: 'POST', headers: { 'content-length': 9 } });
      half.on('error', (error) => resolve(error.message));
      half.write('x');
    });
    await eventually('the request is under way', () => assert.equal(begun(), 1));
    await server.stop();
    assert.match(await stuck, /socket hang up|ECONNRESET/);
  });
});

/** One route that answers when `finish` is called; a POST waits for its body, too. */
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

/** A server, and a client that it has answered over a connection that is kept. */
async function withKeptConnection() {
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

/** Established, as the kernel sees it, whether or not they have been accepted. */
function connectionsWaitingAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n');
  return lines.filter((line) => new RegExp(`^ *\\d+: ${local} \\S+ 01 `).test(line)).length;
}
