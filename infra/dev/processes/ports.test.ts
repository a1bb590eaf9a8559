import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:net';
import { choosePort } from './ports.js';

describe('the choice of a port', () => {
  let occupant: Server | undefined;

  afterEach(() => {
    occupant?.close();
    occupant = undefined;
  });

  async function occupy(): Promise<number> {
    const port = await choosePort(undefined, new Set());
    occupant = createServer();
    await new Promise<void>((resolve) => occupant?.listen(port, '127.0.0.1', resolve));
    return port;
  }

  it('uses the preferred port if it is free', async () => {
    const free = await choosePort(undefined, new Set());
    assert.equal(await choosePort(free, new Set()), free);
  });

  it('replaces a port that is in use', async () => {
    const busy = await occupy();
    assert.notEqual(await choosePort(busy, new Set()), busy);
  });

  it('gives different ports to two concurrent callers that prefer the same one', async () => {
    const free = await choosePort(undefined, new Set());
    const taken = new Set<number>();
    const [first, second] = await Promise.all([choosePort(free, taken), choosePort(free, taken)]);
    assert.notEqual(first, second);
    assert.deepEqual(taken, new Set([first, second]));
  });

  it('stays below the ports of outgoing connections', async () => {
    const port = await choosePort(undefined, new Set());
    assert.ok(port >= 20_000 && port < 32_000);
  });
});
