import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange, type RawAnswer } from '../dev/testing/raw-http.js';
import { testLogger } from '../dev/testing/test-logger.js';
import { createHttpApp, createRouter } from './http-app.js';
import { listen, type HttpServer } from './http-server.js';
import { receiveJsonText } from './json-text.js';

const long = 'x'.repeat(20_000);

describe('a malformed request', () => {
  let server: HttpServer;
  before(async () => {
    const router = createRouter();
    router.get('/fine', (ctx) => void (ctx.body = 'fine'));
    router.get('/slow', async (ctx) => {
      await sleep(200);
      ctx.body = 'slow';
    });
    router.post('/text', receiveJsonText, (ctx) => void (ctx.body = ctx.state.text));
    server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0);
  });
  after(() => server.stop());

  const request = (line: string, headers: readonly string[] = ['Host: x']) => [line, ...headers, '', ''].join('\r\n');
  const get = (headers: readonly string[]) => request('GET /fine HTTP/1.1', [...headers, 'Connection: close']);
  const chunked = ['Host: x', 'Content-Type: application/json', 'Transfer-Encoding: chunked'];

  /** Sends `sent` and returns the only answer to it, which must be a problem. */
  async function problemAfter(...sent: string[]): Promise<RawAnswer> {
    const [answer, ...others] = await exchange(server.port, ...sent);
    assert.ok(answer);
    assert.deepEqual(others, []);
    assertProblem(answer);
    assert.equal(answer.headers['connection'], 'close');
    return answer;
  }

  function assertProblem({ status, headers, text }: RawAnswer): void {
    assert.equal(headers['content-type'], 'application/problem+json');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.ok(headers['date']);
    assert.ok(text.length < 1000 && !text.includes('xxx'), text);
    const problem = JSON.parse(text) as { type: string; title: string; status: number; detail: string };
    assert.equal(problem.status, status);
    assert.equal(problem.type, 'about:blank');
    assert.ok(problem.title !== 'Error' && problem.detail);
  }

  const malformed: [string, number, string][] = [
    ['no HTTP in it at all', 400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 client hello'],
    ['an empty method', 400, request(' /fine HTTP/1.1')],
    ['a space in its path', 400, request('GET /fine more HTTP/1.1')],
    ['a non-ASCII letter in its path', 400, request('GET /é HTTP/1.1')],
    ['a space before a colon', 400, get(['Host : x'])],
    ['a folded header', 400, get(['Host: x', 'A: b\r\n c: d', ' e'])],
    ['a control character in a header', 400, get(['Host: x', 'A: \u0001'])],
    ['two Content-Length headers', 400, get(['Host: x', 'Content-Length: 1', 'Content-Length: 2'])],
    ['both a Content-Length and chunks', 400, get(['Host: x', 'Content-Length: 1', 'Transfer-Encoding: chunked'])],
    ['a Content-Length that is not a number', 400, get(['Host: x', 'Content-Length: +1'])],
    ['a malformed chunk', 400, `${request('POST /text HTTP/1.1', chunked)}zz\r\n`],
    ['a chunk extension of 20,000 characters', 413, `${request('POST /text HTTP/1.1', chunked)}1;${long}\r\nx\r\n`],
    ['headers of over 16 KiB', 431, get(['Host: x', `A: ${long}`])],
    ['a path of over 16 KiB', 431, request(`GET /${long} HTTP/1.1`)],
    ['an unknown method', 501, request('XYZZY /fine HTTP/1.1')],
    ['a method in lower case', 501, request('get /fine HTTP/1.1')],
    ['the method CONNECT', 501, request('CONNECT x:80 HTTP/1.1')],
    ['no HTTP version', 400, 'GET /fine\r\n\r\n'],
    ['another HTTP version', 505, request('GET /fine HTTP/2.0', ['Host: x', 'Connection: close'])],
    ['no Host header', 400, get([])],
    ['two Host headers', 400, get(['Host: x', 'Host: x'])],
    ['two hosts in one Host header', 400, get(['Host: x, y'])],
    ['an invalid Host header', 400, get(['Host: a b/c'])],
    ['a transfer coding other than chunked', 501, get(['Host: x', 'Transfer-Encoding: gzip, chunked']) + '0\r\n\r\n'],
    ['an unknown expectation', 417, get(['Host: x', 'Expect: coffee'])],
  ];
  for (const [what, status, sent] of malformed) {
    it(`gets a ${status} problem when it has ${what}`, async () => {
      assert.equal((await problemAfter(sent)).status, status);
    });
  }

  it('is not an HTTP/1.0 request without a Host header or with an Expect header', async () => {
    for (const headers of [[], ['Host: x'], ['Expect: 100-continue'], ['Expect: coffee']]) {
      const answers = await exchange(server.port, request('GET /fine HTTP/1.0', headers));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200],
      );
    }
  });

  it('is not a request whose Host is an address, has a port or is empty', async () => {
    for (const host of ['[::1]:8001', '127.0.0.1', 'a.example:80', 'xn--bcher-kva.example', '']) {
      const answers = await exchange(server.port, get([`Host: ${host}`]));
      assert.equal(answers[0]?.status, 200, host);
    }
  });

  it('is answered after the requests that precede it on the connection', async () => {
    const slow = request('GET /slow HTTP/1.1');
    const answers = await exchange(server.port, slow + slow + request('GET /fine more HTTP/1.1'), 'more of that');
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 400],
    );
  });

  it('gets no second answer when it proves malformed after it was answered', async () => {
    const client = connect(server.port, '127.0.0.1');
    client.write(`${request('POST /nothing HTTP/1.1', chunked)}1\r\nx\r\n`);
    let received = '';
    client.on('data', (chunk: Buffer) => {
      received += chunk.toString();
      client.write('zz\r\n');
    });
    await once(client, 'end');
    client.destroy();
    assert.match(received, /^HTTP\/1\.1 404 /);
    assert.equal(received.split('HTTP/1.1').length, 2);
  });

  it('is refused with an answer that a client which continues to send can read', async () => {
    const answer = await problemAfter(get(['Host: x', `A: ${'x'.repeat(4 * 2 ** 20)}`]));
    assert.equal(answer.status, 431);
  });

  it('is never processed when it follows the last request of its connection', async () => {
    const answers = await exchange(server.port, get(['Host: x']), request('GET /fine HTTP/1.1'), get(['Host: x']));
    assert.equal(answers.length, 1);
  });
});

describe('a connection', () => {
  const timeouts = { headersTimeoutMs: 300, requestTimeoutMs: 600 };

  const stalled: Record<string, string> = {
    'sends nothing': '',
    'stalls in its headers': 'GET /fine HTTP/1.1\r\nHost: x\r\nA:',
    'stalls in its body':
      'POST /text HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n1',
  };
  for (const [what, sent] of Object.entries(stalled)) {
    it(`that ${what} gets a 408 and is closed within a second after its timeout`, async function () {
      // This is well below the 30 s after which Node would notice by default.
      this.timeout(8000);
      const router = createRouter();
      router.post('/text', receiveJsonText, (ctx) => void (ctx.body = ctx.state.text));
      const server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0, timeouts);
      try {
        const answers = await exchange(server.port, sent);
        assert.deepEqual(
          answers.map(({ status }) => status),
          [408],
        );
        assert.equal(answers[0]?.headers['content-type'], 'application/problem+json');
      } finally {
        await server.stop();
      }
    });
  }
});
