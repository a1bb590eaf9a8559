import assert from 'node:assert/strict';
import type { Options } from 'amqplib';
import { createSystemParts, type SystemParts } from '../dev/e2e/system.js';
import { declareTopology } from '../rabbitmq/topology.js';
import { orderTopology } from '../../workflows/order-events.js';
import { eventually } from '../dev/testing/eventually.js';
import type { LiveSystem } from './live-system.js';
import { openTestSystem, operate as operateOn } from '../dev/e2e/live-test-system.js';

const queue = 'processor.order-created';
const withReason = { reason: 'the test says so' };
// eslint-disable-next-line no-control-regex -- the tests look for control characters
const dangerous = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\u2028\u2029]/;

interface TestMessage {
  readonly body?: Buffer;
  readonly properties?: Options.Publish;
}

describe('the ops command, on messages from unknown senders,', function () {
  this.timeout(60_000);
  let system: SystemParts;
  let live: LiveSystem;

  before(async () => {
    system = await createSystemParts();
    live = await openTestSystem(system);
    await declareTopology(await live.rabbitmq.createChannel(), orderTopology);
  });
  after(async () => {
    await live.close();
    await system.temporal.close();
    await Promise.all([system.ordersDb.drop(), system.processorDb.drop(), system.vhost.drop()]);
  });
  afterEach(async () => {
    await system.vhost.take(queue);
    await system.vhost.take(`${queue}.dead-letter`);
  });

  const operate = (command: string | readonly string[], options?: Record<string, string | true>) =>
    operateOn(live, command, options);

  async function deadLetter(...messages: readonly TestMessage[]): Promise<void> {
    const channel = await live.rabbitmq.createConfirmChannel();
    for (const { body = Buffer.from('{}'), properties } of messages) {
      channel.sendToQueue(`${queue}.dead-letter`, body, { messageId: 'm-1', type: 'order.created', ...properties });
    }
    await channel.waitForConfirms();
    await channel.close();
  }

  const messagesIn = (name: string) => system.vhost.peek(name);

  const hostileTexts = {
    'an escape sequence for a colour': '\x1b[2J\x1b[31mOWNED',
    'an escape sequence for a window title': '\x1b]0;title\x07',
    'a forged line': 'x\r\nreplayed all',
    'C1 control characters': '\x80\x9b2J\x9d0;title\x9c\x9f',
    'bidirectional overrides': '\u202a\u202e\u2066gnp.exe\u2069',
    'line separators': 'x\u2028y\u2029z',
    NUL: 'x\0y',
  };
  for (const [what, text] of Object.entries(hostileTexts)) {
    it(`shows a dead-lettered message with ${what} on a single line, and accepts the id that it shows`, async () => {
      await deadLetter({
        body: Buffer.from(text),
        properties: {
          ...{ messageId: `id-${text}`, type: text, correlationId: text },
          headers: { 'x-dead-letter-reason': text, 'x-dead-letter-at': text, [`k${text}`]: text },
        },
      });
      const { lines } = await operate('dead-letters list');
      assert.equal(lines.length, 1);
      const all = [
        ...lines,
        ...(await operate('dead-letters list', { type: text })).lines,
        ...(await operate(['dead-letters', 'show', `id-${text}`])).lines,
        ...(await operate(['dead-letters', 'show', `never-${text}`])).lines,
        ...(text.includes('\0') ? [] : (await operate(['orders', 'show', text])).lines),
      ];
      for (const line of all) assert.doesNotMatch(line, dangerous);
      const [shownId = ''] = lines[0]?.split(/ (?=\\|x)/) ?? [];
      const { isComplete, lines: done } = await operate(['dead-letters', 'discard', shownId.trim()], withReason);
      assert.ok(isComplete, done.join('\n'));
      for (const line of done) assert.doesNotMatch(line, dangerous);
    });
  }

  it('shows hostile text from the databases without control characters', async () => {
    const text = Object.values(hostileTexts).join().replaceAll('\0', '');
    await system.ordersDb.pool.query(
      `insert into outbox (id, aggregate_id, type, payload, headers, check_at, attempts, last_error)
       values (gen_random_uuid(), $1, $1, '{}', '{}', now(), 1, $1)`,
      [text],
    );
    await system.ordersDb.pool.query(`insert into inbox (event_key, message_id, aggregate_id) values ($1, $1, $1)`, [
      text,
    ]);
    const pending = (await operate('outbox pending')).lines;
    const shown = (await operate(['orders', 'show', text])).lines;
    for (const line of [...pending, ...shown]) assert.doesNotMatch(line, dangerous);
    assert.ok(pending.length === 1 && shown.length > 2, JSON.stringify({ pending, shown }));
    await system.ordersDb.pool.query('delete from outbox');
    await system.ordersDb.pool.query('delete from inbox');
  });

  it('limits how much of a message it shows', async () => {
    // The body is almost as large as the broker's limit of 1 MiB.
    const long = 'x'.repeat(500_000);
    const body = Buffer.from(JSON.stringify({ subject: long, data: long }));
    await deadLetter({ body, properties: { headers: { 'x-dead-letter-at': 'x'.repeat(10_000) } } });
    const { lines } = await operate('dead-letters list');
    assert.ok(lines.length === 1 && (lines[0]?.length ?? 0) < 1000, String(lines[0]?.length));
    const shown = (await operate('dead-letters show m-1')).lines;
    assert.match(shown.at(-1) ?? '', /^ {2}content .*… \(\d+ more characters\)$/);
  });

  let nested: Record<string, unknown> = {};
  for (let level = 0; level < 500; level += 1) nested = { nested };
  const hardToKeep: Readonly<Record<string, TestMessage>> = {
    'a body that begins with NUL': { body: Buffer.from([0, 0, 0, 0, 7]) },
    'a reason with NUL': { properties: { headers: { 'x-dead-letter-reason': 'SyntaxError: "\0\0\0"' } } },
    'a type with NUL': { properties: { type: 'order\0created' } },
    'a correlation id with NUL': { properties: { correlationId: 'ord\0' } },
    'a message id with NUL': { properties: { messageId: 'm-\0' } },
    'a header with NUL': { properties: { headers: { x: 'a\0' } } },
    'a header whose name has NUL': { properties: { headers: { 'x\0': ['\0'] } } },
    'an order id that is half a surrogate pair': { body: Buffer.from('{"subject":"\\ud83d"}') },
    'deeply nested headers': { properties: { headers: nested } },
    'bytes and large integers in its headers': { properties: { headers: { x: Buffer.from([0]), y: 2 ** 52 } } },
    'no id and no type': { properties: { messageId: '', type: '' } },
  };
  for (const [what, message] of Object.entries(hardToKeep)) {
    it(`replays and discards one with ${what}, and records its original content`, async () => {
      const body = message.body ?? Buffer.from('{}');
      for (const command of ['replay', 'discard'] as const) {
        await deadLetter(message);
        const [listed] = (await operate('dead-letters list')).lines;
        const id = listed?.split(' ')[0] ?? '';
        assert.deepEqual((await operate(['dead-letters', command, id], withReason)).isComplete, true);
        assert.deepEqual((await operate('dead-letters list')).lines, ['no message is dead-lettered']);
      }
      const replayed = await eventually('it is in its queue', async () => {
        const found = await messagesIn(queue);
        assert.equal(found.length, 1);
        return found[0];
      });
      assert.ok(replayed);
      const { rows } = await system.ordersDb.pool.query<{ content: string }>(
        `select detail->>'content' as content from operations.actions where action = 'discard' order by id desc limit 1`,
      );
      assert.deepEqual(Buffer.from(rows[0]?.content ?? '', 'base64'), body);
    });
  }

  it('replays messages of all these kinds in one call', async () => {
    await deadLetter(...Object.values(hardToKeep));
    const { lines, isComplete } = await operate('dead-letters replay', { ...withReason, all: true });
    assert.ok(isComplete, lines.join('\n'));
    assert.equal(lines.length, Object.keys(hardToKeep).length);
  });

  it('names those that it cannot replay, and replays the ones behind them', async () => {
    const unwritable = { '!': 'double', value: 2 ** 50 + 0.5 };
    await deadLetter(
      { properties: { messageId: 'good-1' } },
      { properties: { messageId: 'bad-1', headers: { unwritable } } },
      { properties: { messageId: 'good-2' } },
      { properties: { messageId: 'bad-2', headers: { unwritable } } },
      { properties: { messageId: 'good-3' } },
    );
    const { lines, isComplete } = await operate('dead-letters replay', { ...withReason, all: true });
    assert.equal(isComplete, false);
    assert.deepEqual(
      lines.map((line) => line.split(/ +/).slice(0, 2).join(' ')),
      ['replayed good-1', 'FAILED bad-1', 'replayed good-2', 'FAILED bad-2', 'replayed good-3', '2 of'],
    );
    assert.match(lines.at(-1) ?? '', /^2 of 5 could not be replayed: bad-1, bad-2$/);
    const left = (await operate('dead-letters list')).lines.map((line) => line.split(' ')[0]);
    assert.deepEqual(left, ['bad-1', 'bad-2']);
    for (const id of left) assert.ok((await operate(`dead-letters discard ${id}`, withReason)).isComplete);
  });

  it('replays a message into its own queue only, whatever its headers request', async () => {
    const other = 'order-api.order-processed';
    await deadLetter({ properties: { headers: { CC: [other], BCC: [other], kept: 'yes' } } });
    await system.vhost.take(other); // sending the message has already put a copy here
    assert.ok((await operate('dead-letters replay m-1', withReason)).isComplete);
    const [message] = await messagesIn(queue);
    const headers = message?.properties['headers'] as Record<string, unknown>;
    assert.deepEqual([headers['CC'], headers['BCC'], headers['kept']], [undefined, undefined, 'yes']);
    assert.deepEqual(await messagesIn(other), []);
  });
});
