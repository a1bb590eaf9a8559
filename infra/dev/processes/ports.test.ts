import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { choosePort } from './ports.js';

describe('the choice of a port', () => {
  let occupant: Server | undefined;

  afterEach(() => {
    occupant?.close();
    occupant = undefined;
  });

  /** Returns a port that was free a moment ago and that nobody here has chosen. */
  async function freePort(): Promise<number> {
    const port = await occupy();
    await new Promise((resolve) => occupant?.close(resolve));
    return port;
  }

  async function occupy(): Promise<number> {
    const server = createServer();
    occupant = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  }

  it('uses the preferred port if it is free', async () => {
    const free = await freePort();
    assert.equal(await choosePort(free), free);
  });

  it('replaces a port that is in use', async () => {
    const busy = await occupy();
    assert.notEqual(await choosePort(busy), busy);
  });

  it('gives different ports to two concurrent callers that prefer the same one', async () => {
    const free = await freePort();
    const [first, second] = await Promise.all([choosePort(free), choosePort(free)]);
    assert.notEqual(first, second);
  });

  it('chooses no port twice, although nothing listens on it yet', async () => {
    const chosen = await choosePort();
    assert.notEqual(await choosePort(chosen), chosen);
  });

  it('stays below the ports of outgoing connections', async () => {
    const port = await choosePort();
    assert.ok(port >= 20_000 && port < 32_000);
  });
});
