import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { eventually } from '../dev/testing/eventually.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createHttpApp, createRouter } from './http-app.js';
import { listen } from './http-server.js';
import { receiveJsonText } from './json-text.js';

describe('a body', () => {
  it('that arrives byte by byte takes up no more memory than a few bodies that arrive in one piece', async () => {
    const router = createRouter();
    let received = 0;
    router.post('/', async (ctx, next) => {
      ctx.req.on('data', (chunk: Buffer) => (received += chunk.length));
      await receiveJsonText(ctx, next);
    });
    const server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0);
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n';
    const size = 60_000;
    const before = heapInUse();
    const clients = Array.from({ length: 5 }, () => connect(server.port, '127.0.0.1'));
    try {
      for (const client of clients) client.write(head + '1\r\nx\r\n'.repeat(size));
      await eventually('all bytes are received', () => assert.equal(received, clients.length * size));
      // Keeping the chunks as they arrive would take over 50 MiB.
      const grown = heapInUse() - before;
      assert.ok(grown < 10 * 2 ** 20, `${grown} bytes`);
    } finally {
      for (const client of clients) client.destroy();
      await server.stop();
    }
  });
});

function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}
