import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { createHttpApp, createRouter } from '../../../infra/http/http-app.js';
import { listen, type HttpServer } from '../../../infra/http/http-server.js';
import { eventually } from '../../../infra/dev/testing/eventually.js';
import { exchange, type RawAnswer } from '../../../infra/dev/testing/raw-http.js';
import { testLogger } from '../../../infra/dev/testing/test-logger.js';
import { newOrder, type Order } from '../../domain/order.js';
import { addOrderRoutes } from './order-routes.js';

const item = { sku: 'A-1', quantity: 1, price: 1.5 };
const anOrder = { order_id: 'o-1', customer_id: 'c-1', items: [item] };
const good = JSON.stringify(anOrder);
const json = 'Content-Type: application/json';

describe('the order routes', () => {
  let server: HttpServer;
  let inFlight = 0;
  let release: () => void = () => undefined;
  let released = Promise.resolve();

  before(async () => {
    const router = createRouter();
    const at = new Date();
    addOrderRoutes(router, {
      maxConcurrent: 2,
      store: { find: async () => undefined },
      placeOrder: async (request) => {
        const order: Order = { ...newOrder(request), workflowId: null, createdAt: at, updatedAt: at };
        inFlight += 1;
        await released;
        inFlight -= 1;
        return request.orderId === 'taken' ? { kind: 'conflicting' } : { kind: 'created', order };
      },
    });
    server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0);
  });
  after(() => server.stop());

  const head = (headers: readonly string[], target = 'POST /orders') =>
    [`${target} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
  const lengthOf = (body: string | Buffer) => `Content-Length: ${Buffer.byteLength(body)}`;
  const lastRequest = head(['Connection: close'], 'GET /orders/o-1');

  /** Returns the answer to a POST, after asserting that the connection still serves another request. */
  async function post(body: string | Buffer, headers: readonly string[] = [json]): Promise<RawAnswer> {
    const [answer, next, ...others] = await exchange(
      server.port,
      head([...headers, lengthOf(body)]),
      body,
      lastRequest,
    );
    assert.equal(next?.status, 404);
    assert.deepEqual(others, []);
    return checked(answer);
  }

  function checked(answer: RawAnswer | undefined): RawAnswer {
    assert.ok(answer);
    assert.ok(answer.text.length <= 8192, `${answer.text.length} bytes`);
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
    if (answer.status >= 400) {
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal((JSON.parse(answer.text) as { status: number }).status, answer.status);
    }
    return answer;
  }

  for (const type of [
    'application/json',
    'Application/JSON',
    'application/json ;charset=utf-8',
    'application/json; charset="UTF-8"',
  ]) {
    it(`accept an order sent as ${type}`, async () => {
      assert.equal((await post(good, [`Content-Type: ${type}`])).status, 201);
    });
  }

  for (const type of [
    'text/plain',
    'application/json; charset=iso-8859-1',
    'application/json;charset=UTF-16',
    'text/json',
    '',
  ]) {
    it(`answer 415 with an Accept header to the content type ${type || '(none)'}`, async () => {
      const answer = await post(good, type ? [`Content-Type: ${type}`] : []);
      assert.deepEqual([answer.status, answer.headers['accept']], [415, 'application/json']);
    });
  }

  it('answer 415 to an order sent with two content types', async () => {
    assert.equal((await post(good, [json, 'Content-Type: text/plain'])).status, 415);
  });

  for (const coding of ['gzip', 'GZIP', 'x-gzip', 'deflate', 'br', 'identity, gzip']) {
    it(`answer 415 with an Accept-Encoding header to the content coding ${coding}`, async () => {
      const answer = await post(good, [json, `Content-Encoding: ${coding}`]);
      assert.deepEqual([answer.status, answer.headers['accept-encoding']], [415, 'identity']);
    });
  }

  it('accept an order sent with the content coding identity', async () => {
    assert.equal((await post(good, [json, 'Content-Encoding: Identity'])).status, 201);
  });

  const notUtf8: Record<string, Buffer> = {
    'Latin-1': Buffer.from(good.replace('A-1', 'Größe'), 'latin1'),
    'an invalid byte': Buffer.concat([Buffer.from(good), Buffer.from([0xff])]),
    'half a character': Buffer.from('"é').subarray(0, 2),
    'an overlong slash': Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
    'an encoded surrogate': Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    'UTF-16': Buffer.from(`\ufeff${good}`, 'utf16le'),
  };
  for (const [what, body] of Object.entries(notUtf8)) {
    it(`answer 400 to a body that is not UTF-8: ${what}`, async () => {
      const { status, text } = await post(body);
      assert.equal(status, 400);
      assert.match(text, /UTF-8/);
    });
  }

  it('ignore one byte order mark, as RFC 8259 allows', async () => {
    assert.equal((await post(`\ufeff${good}`)).status, 201);
    assert.equal((await post(`\ufeff\ufeff${good}`)).status, 400);
  });

  const refused: [string, string, number, RegExp][] = [
    ['an empty body', '', 400, /not JSON/],
    ['a body that is not JSON', '{"order_id": nobody}', 400, /not JSON \(at position 13\)/],
    ['a duplicate key', '{"order_id":"a","order_id":"b"}', 400, /duplicate key \(at position 17\)/],
    ['32,000 numbers', `{"items":[${Array(32_000).fill('0').join()}]}`, 413, /1,000 values/],
    ['60,000 opening brackets', '['.repeat(60_000), 400, /too deeply/],
    ['a number of 60,000 digits', `{"items":${'9'.repeat(60_000)}}`, 400, /more than 100 characters/],
    ['a body of more than 64 KiB', `"${'x'.repeat(65_536)}"`, 413, /64 KiB/],
    ['a price too small to be valid', good.replace('1.5', '1e-9000000000000001'), 422, /at most 4 decimals/],
    ['an id that is a directory name', good.replace('o-1', '..'), 422, /order_id/],
    ['an id that is taken', good.replace('o-1', 'taken'), 409, /another order/],
  ];
  for (const [what, body, status, detail] of refused) {
    it(`answer ${status} to ${what} and keep the connection open`, async () => {
      const answer = await post(body);
      assert.equal(answer.status, status);
      assert.match(answer.text, detail);
    });
  }

  it('accept the largest valid order', async () => {
    assert.equal((await post(JSON.stringify({ ...anOrder, items: Array(100).fill(item) }, undefined, 2))).status, 201);
  });

  const manyErrors: Record<string, string> = {
    'items with 5 unknown keys each': JSON.stringify({
      ...anOrder,
      items: Array(100).fill({ a: 1, b: 2, c: 3, d: 4, e: 5 }),
    }),
    'many keys of control characters': object(300, (key) => '\\u0007'.repeat(20) + String(key)),
    'many long keys': object(60, (key) => 'x'.repeat(1000) + String(key)),
    'many long keys that have to be escaped': object(90, (key) => `${'~/'.repeat(300)}${String(key)}`),
    'many keys of lone surrogates': object(90, (key) => '\\ud800'.repeat(100) + String(key)),
    'many keys of emoji': object(90, (key) => '😀'.repeat(150) + String(key)),
    'items that are not objects': JSON.stringify({ ...anOrder, items: Array(100).fill(0) }),
  };
  for (const [what, body] of Object.entries(manyErrors)) {
    it(`answer 422 to ${what}, with 20 validation errors and a count of the others, within 8 KiB`, async () => {
      const { status, text } = await post(body);
      assert.equal(status, 422);
      const { errors, detail } = JSON.parse(text) as { detail: string; errors: { pointer: string; detail: string }[] };
      assert.equal(detail, 'validation failed; see errors');
      assert.equal(errors.length, 21);
      assert.match(errors.at(-1)?.detail ?? '', /^and \d+ more$/);
    });
  }

  it('truncate a key that is as long as the body', async () => {
    const { status, text } = await post(object(1, () => 'x'.repeat(65_000)));
    assert.deepEqual([status, text.includes('x'.repeat(40)), text.includes('x'.repeat(41))], [422, true, false]);
  });

  it('answer 404 to an unknown id of any length without repeating it', async () => {
    for (const id of ['x'.repeat(9000), '%00', '..%2f', 'ord-unknown']) {
      const [answer] = await exchange(server.port, head(['Connection: close'], `GET /orders/${id}`));
      assert.equal(checked(answer).status, 404);
      assert.ok(!answer?.text.includes(id));
    }
  });

  describe('when a request has an Expect header,', () => {
    const expecting = (headers: readonly string[], body = '') =>
      exchange(server.port, head([...headers, 'Connection: close']), body);
    const waiting = 'Expect: 100-continue';

    it('answer 100 and read the body when the other headers are acceptable', async () => {
      for (const expectation of [waiting, 'expect: 100-Continue']) {
        const answers = await expecting([json, lengthOf(good), expectation], good);
        assert.deepEqual(
          answers.map(({ status }) => status),
          [100, 201],
        );
      }
    });

    const unacceptable: [string, string[], number][] = [
      ['a content type other than JSON', ['Content-Type: text/plain', 'Content-Length: 9'], 415],
      ['a content coding', [json, 'Content-Encoding: gzip', 'Content-Length: 9'], 415],
      ['a length of more than 64 KiB', [json, 'Content-Length: 10000000'], 413],
    ];
    for (const [what, headers, status] of unacceptable) {
      it(`answer ${status} to ${what} before the body is sent`, async () => {
        const answers = await expecting([...headers, waiting]);
        assert.deepEqual(
          answers.map((answer) => checked(answer).status),
          [status],
        );
      });
    }

    it('answer 417 to any expectation other than 100-continue', async () => {
      for (const expectation of ['200-ok', '100-continue, foo', 'x=y']) {
        const [answer, ...others] = await expecting([json, lengthOf(good), `Expect: ${expectation}`], good);
        assert.equal(checked(answer).status, 417);
        assert.deepEqual(others, []);
      }
    });
  });

  it('let a client that sends a large body in full read why it was refused', async () => {
    const large = 'x'.repeat(8 * 2 ** 20);
    for (const framing of [
      ['Expect: 100-continue'],
      ['Connection: close'],
      ['Connection: close', 'Expect: 100-continue'],
    ]) {
      const answers = await exchange(server.port, head([json, lengthOf(large), ...framing]), large, lastRequest);
      assert.equal(checked(answers[0]).status, 413);
    }
  });

  it('enforce the size limit on a body that declares no length', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const [answer, next] = await exchange(
      server.port,
      head([json, 'Transfer-Encoding: chunked']),
      chunk.repeat(5),
      '0\r\n\r\n',
      lastRequest,
    );
    assert.deepEqual([checked(answer).status, next?.status], [413, 404]);
  });

  it('reassemble a body that arrives byte by byte, in chunks that split characters', async () => {
    const body = Buffer.from(good.replace('A-1', 'Größe 😀'));
    const chunks = Array.from(body, (byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
    const sent = Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
    const [answer] = await exchange(server.port, head([json, 'Transfer-Encoding: chunked']), sent, lastRequest);
    assert.equal(checked(answer).status, 201);
    assert.match(answer?.text ?? '', /"Größe 😀"/);
  });

  it('refuse orders beyond the concurrency limit before parsing them, and do not count slow senders', async () => {
    released = new Promise((resolve) => (release = resolve));
    const slow = connect(server.port, '127.0.0.1');
    slow.write(head([json, lengthOf(good)]) + good.slice(0, 20));
    const admitted = [post(good), post(good)];
    await eventually('two orders are in flight', () => assert.equal(inFlight, 2));
    // These would otherwise be refused only after parsing; here they are not parsed at all.
    for (const body of [good, '{', '['.repeat(60_000), '{}']) {
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
    }
    // A request that is refused for its headers does not count towards the limit.
    assert.equal((await post(good, ['Content-Type: text/plain'])).status, 415);
    release();
    for (const answer of admitted) assert.equal((await answer).status, 201);
    assert.equal((await post(good)).status, 201);
    slow.destroy();
  });
});

function object(keys: number, keyOf: (key: number) => string): string {
  return `{${Array.from({ length: keys }, (_, key) => `"${keyOf(key)}":0`).join()}}`;
}
