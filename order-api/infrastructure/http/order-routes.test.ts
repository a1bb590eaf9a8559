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

describe('order routes', () => {
  let server: HttpServer;
  let underWay = 0;
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
        underWay += 1;
        await released;
        underWay -= 1;
        return request.orderId === 'taken' ? { kind: 'conflicting' } : { kind: 'created', order };
      },
    });
    server = await listen(createHttpApp(router, testLogger), '127.0.0.1', 0);
  });
  after(() => server.stop());

  const head = (headers: readonly string[], target = 'POST /orders') =>
    [`${target} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n');
  const lengthOf = (body: string | Buffer) => `Content-Length: ${Buffer.byteLength(body)}`;
  const farewell = head(['Connection: close'], 'GET /orders/o-1');

  /** The answer to a POST. The connection then has to be good for another request. */
  async function post(body: string | Buffer, headers: readonly string[] = [json]): Promise<RawAnswer> {
    const [answer, next, ...others] = await exchange(server.port, head([...headers, lengthOf(body)]), body, farewell);
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
    it(`take an order sent as ${type}`, async () => {
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
    it(`answer 415 with Accept to an order sent as ${type || 'nothing'}`, async () => {
      const answer = await post(good, type ? [`Content-Type: ${type}`] : []);
      assert.deepEqual([answer.status, answer.headers['accept']], [415, 'application/json']);
    });
  }

  it('answer 415 to two content types', async () => {
    assert.equal((await post(good, [json, 'Content-Type: text/plain'])).status, 415);
  });

  for (const coding of ['gzip', 'GZIP', 'x-gzip', 'deflate', 'br', 'identity, gzip']) {
    it(`answer 415 with Accept-Encoding to the content coding ${coding}`, async () => {
      const answer = await post(good, [json, `Content-Encoding: ${coding}`]);
      assert.deepEqual([answer.status, answer.headers['accept-encoding']], [415, 'identity']);
    });
  }

  it('take an order that says it is not encoded', async () => {
    assert.equal((await post(good, [json, 'Content-Encoding: Identity'])).status, 201);
  });

  const notUtf8: Record<string, Buffer> = {
    'Latin-1': Buffer.from(good.replace('A-1', 'Größe'), 'latin1'),
    'a byte that never occurs': Buffer.concat([Buffer.from(good), Buffer.from([0xff])]),
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

  it('ignore a byte order mark, which RFC 8259 lets them', async () => {
    assert.equal((await post(`\ufeff${good}`)).status, 201);
    assert.equal((await post(`\ufeff\ufeff${good}`)).status, 400);
  });

  const refused: [string, string, number, RegExp][] = [
    ['an empty body', '', 400, /not JSON/],
    ['what is not JSON', '{"order_id": nobody}', 400, /not JSON, see at position 13/],
    ['a key with two values', '{"order_id":"a","order_id":"b"}', 400, /two values, see at position 17/],
    ['32,000 numbers', `{"items":[${Array(32_000).fill('0').join()}]}`, 413, /1,000 values/],
    ['60,000 opening brackets', '['.repeat(60_000), 400, /too deeply/],
    ['a number of 60,000 digits', `{"items":${'9'.repeat(60_000)}}`, 400, /over 100 characters/],
    ['a body of over 64 KiB', `"${'x'.repeat(65_536)}"`, 413, /64 KiB/],
    ['a price below any', good.replace('1.5', '1e-9000000000000001'), 422, /at most 4 decimals/],
    ['an id that is a directory', good.replace('o-1', '..'), 422, /order_id/],
    ['an id that is taken', good.replace('o-1', 'taken'), 409, /another order/],
  ];
  for (const [what, body, status, detail] of refused) {
    it(`answer ${status} to ${what}, and go on over the same connection`, async () => {
      const answer = await post(body);
      assert.equal(answer.status, status);
      assert.match(answer.text, detail);
    });
  }

  it('take the largest order there is', async () => {
    assert.equal((await post(JSON.stringify({ ...anOrder, items: Array(100).fill(item) }, undefined, 2))).status, 201);
  });

  const manifold: Record<string, string> = {
    'items with 5 unknown keys each': JSON.stringify({
      ...anOrder,
      items: Array(100).fill({ a: 1, b: 2, c: 3, d: 4, e: 5 }),
    }),
    'many keys of control characters': object(300, (key) => '\\u0007'.repeat(20) + String(key)),
    'many long keys': object(60, (key) => 'x'.repeat(1000) + String(key)),
    'many long keys that have to be escaped': object(90, (key) => `${'~/'.repeat(300)}${String(key)}`),
    'many keys of halves of surrogate pairs': object(90, (key) => '\\ud800'.repeat(100) + String(key)),
    'many keys of emoji': object(90, (key) => '😀'.repeat(150) + String(key)),
    'items that are no objects': JSON.stringify({ ...anOrder, items: Array(100).fill(0) }),
  };
  for (const [what, body] of Object.entries(manifold)) {
    it(`answer ${what} with 20 validation errors and how many more there are, in 8 KiB`, async () => {
      const { status, text } = await post(body);
      assert.equal(status, 422);
      const { errors, detail } = JSON.parse(text) as { detail: string; errors: { pointer: string; detail: string }[] };
      assert.equal(detail, 'validation failed; see errors');
      assert.equal(errors.length, 21);
      assert.match(errors.at(-1)?.detail ?? '', /^and \d+ more$/);
    });
  }

  it('cut a key as long as the body', async () => {
    const { status, text } = await post(object(1, () => 'x'.repeat(65_000)));
    assert.deepEqual([status, text.includes('x'.repeat(40)), text.includes('x'.repeat(41))], [422, true, false]);
  });

  it('answer 404 to an id of any length without repeating it', async () => {
    for (const id of ['x'.repeat(9000), '%00', '..%2f', 'ord-unknown']) {
      const [answer] = await exchange(server.port, head(['Connection: close'], `GET /orders/${id}`));
      assert.equal(checked(answer).status, 404);
      assert.ok(!answer?.text.includes(id));
    }
  });

  describe('with an expectation', () => {
    const expecting = (headers: readonly string[], body = '') =>
      exchange(server.port, head([...headers, 'Connection: close']), body);
    const waiting = 'Expect: 100-continue';

    it('let the body come when its headers are acceptable', async () => {
      for (const expectation of [waiting, 'expect: 100-Continue']) {
        const answers = await expecting([json, lengthOf(good), expectation], good);
        assert.deepEqual(
          answers.map(({ status }) => status),
          [100, 201],
        );
      }
    });

    const unacceptable: [string, string[], number][] = [
      ['another content type', ['Content-Type: text/plain', 'Content-Length: 9'], 415],
      ['a content coding', [json, 'Content-Encoding: gzip', 'Content-Length: 9'], 415],
      ['a length of over 64 KiB', [json, 'Content-Length: 10000000'], 413],
    ];
    for (const [what, headers, status] of unacceptable) {
      it(`answer ${status} to ${what} before any of the body is sent`, async () => {
        const answers = await expecting([...headers, waiting]);
        assert.deepEqual(
          answers.map((answer) => checked(answer).status),
          [status],
        );
      });
    }

    it('answer 417 to any other', async () => {
      for (const expectation of ['200-ok', '100-continue, foo', 'x=y']) {
        const [answer, ...others] = await expecting([json, lengthOf(good), `Expect: ${expectation}`], good);
        assert.equal(checked(answer).status, 417);
        assert.deepEqual(others, []);
      }
    });
  });

  it('let a client that sends all of a large body read why it is refused', async () => {
    const large = 'x'.repeat(8 * 2 ** 20);
    for (const framing of [
      ['Expect: 100-continue'],
      ['Connection: close'],
      ['Connection: close', 'Expect: 100-continue'],
    ]) {
      const answers = await exchange(server.port, head([json, lengthOf(large), ...framing]), large, farewell);
      assert.equal(checked(answers[0]).status, 413);
    }
  });

  it('count a body whose length nobody says', async () => {
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const [answer, next] = await exchange(
      server.port,
      head([json, 'Transfer-Encoding: chunked']),
      chunk.repeat(5),
      '0\r\n\r\n',
      farewell,
    );
    assert.deepEqual([checked(answer).status, next?.status], [413, 404]);
  });

  it('put together a body that comes byte by byte, in chunks that cut characters', async () => {
    const body = Buffer.from(good.replace('A-1', 'Größe 😀'));
    const chunks = Array.from(body, (byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
    const sent = Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]);
    const [answer] = await exchange(server.port, head([json, 'Transfer-Encoding: chunked']), sent, farewell);
    assert.equal(checked(answer).status, 201);
    assert.match(answer?.text ?? '', /"Größe 😀"/);
  });

  it('refuse more orders at once than they can answer before they parse them, and count no slow sender', async () => {
    released = new Promise((resolve) => (release = resolve));
    const slow = connect(server.port, '127.0.0.1');
    slow.write(head([json, lengthOf(good)]) + good.slice(0, 20));
    const places = [post(good), post(good)];
    await eventually('two orders are under way', () => assert.equal(underWay, 2));
    // What can only be refused after it was parsed is not looked at.
    for (const body of [good, '{', '['.repeat(60_000), '{}']) {
      const answer = await post(body);
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '1']);
    }
    // What its headers refuse takes no place.
    assert.equal((await post(good, ['Content-Type: text/plain'])).status, 415);
    release();
    for (const place of places) assert.equal((await place).status, 201);
    assert.equal((await post(good)).status, 201);
    slow.destroy();
  });
});

function object(keys: number, keyOf: (key: number) => string): string {
  return `{${Array.from({ length: keys }, (_, key) => `"${keyOf(key)}":0`).join()}}`;
}
