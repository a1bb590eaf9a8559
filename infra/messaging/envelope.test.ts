import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { z } from 'zod';
import { readEvent, readMessage, toEnvelope, traceOf, UnreadableMessage } from './envelope.js';
import type { StoredOutboxMessage } from './outbox.js';

const dataSchema = z.object({ thing_id: z.string(), count: z.number() });
const stored: StoredOutboxMessage = {
  id: '0190b6a5-0000-7000-8000-000000000001',
  aggregateId: 'thing-1',
  type: 'thing.made',
  payload: { thing_id: 'thing-1', count: 3 },
  headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
  createdAt: new Date('2026-01-02T03:04:05.678Z'),
};
const envelope = toEnvelope(stored, 'some-service', '1');

describe('an envelope', () => {
  it('is a CloudEvents 1.0 event built from nothing but the outbox row', () => {
    assert.equal(
      JSON.stringify(envelope),
      '{"specversion":"1.0","id":"0190b6a5-0000-7000-8000-000000000001","source":"some-service","type":"thing.made",' +
        '"subject":"thing-1","time":"2026-01-02T03:04:05.678Z","dataversion":"1","data":{"thing_id":"thing-1","count":3}}',
    );
  });

  it('has the same bytes each time it is published', () => {
    const again = toEnvelope(structuredClone(stored), 'some-service', '1');
    assert.deepEqual(Buffer.from(JSON.stringify(again)), Buffer.from(JSON.stringify(envelope)));
  });

  it('yields its id, subject and data when it is read', () => {
    assert.deepEqual(read(envelope), {
      id: stored.id,
      subject: 'thing-1',
      data: { thing_id: 'thing-1', count: 3 },
    });
  });

  it('is read without the fields that the contract does not know', () => {
    const data = { thing_id: 'thing-1', count: 3, colour: 'red' };
    assert.deepEqual(read({ ...envelope, data, traceparent: 'x', extra: { deep: true } }).data, stored.payload);
  });

  it('may give its time with an offset', () => {
    assert.equal(read({ ...envelope, time: '2026-01-02T03:04:05+02:00' }).id, stored.id);
  });

  for (const time of ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.678901Z', '2026-01-02t03:04:05.6-00:30']) {
    it(`may give its time as ${time}`, () => assert.equal(read({ ...envelope, time }).id, stored.id));
  }

  it('may escape a character as a surrogate pair', () => {
    const body = JSON.stringify({ ...envelope, subject: 'S' }).replace('"S"', '"\\ud83d\\ude00"');
    assert.equal(readEvent(Buffer.from(body), 'thing.made', '1', dataSchema).subject, '😀');
  });

  it('may have a key twice, of which the last one counts', () => {
    const body = JSON.stringify(envelope).replace('"count":3', '"count":1,"count":3');
    assert.deepEqual(readEvent(Buffer.from(body), 'thing.made', '1', dataSchema).data, stored.payload);
  });

  it('is read at a size of 256 KiB', () => {
    const body = bytes(envelope);
    const filled = Buffer.concat([body, Buffer.alloc(262_144 - body.length, ' ')]);
    assert.equal(readEvent(filled, 'thing.made', '1', dataSchema).id, stored.id);
  });

  const { data: _data, ...withoutData } = envelope;
  const { id: _id, ...withoutId } = envelope;
  const unreadable: [string, Buffer, RegExp][] = [
    ['is empty', Buffer.from(''), /not JSON/],
    ['is not JSON', Buffer.from('{"id":'), /not JSON/],
    ['is not text', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
    ['is encoded in Latin-1', Buffer.from(JSON.stringify({ ...envelope, subject: 'Bär' }), 'latin1'), /not UTF-8/],
    ['ends within a character', Buffer.from('"ä"').subarray(0, 2), /not UTF-8/],
    ['has half a surrogate pair in its data', bytes({ ...envelope, data: { a: ['\ud83d'] } }), /lone surrogate/],
    ['has half a surrogate pair in a key', bytes({ ...envelope, data: { '\udc00': 1 } }), /lone surrogate/],
    ['begins with a byte order mark', Buffer.concat([Buffer.from('\ufeff'), bytes(envelope)]), /not JSON/],
    ['is compressed', gzipSync(bytes(envelope)), /not UTF-8/],
    ['begins with NUL bytes', Buffer.from([0, 0, 0, 0, 7]), /not JSON/],
    [
      'is larger than 256 KiB',
      Buffer.concat([bytes(envelope), Buffer.alloc(262_144, ' ')]),
      /has \d+ bytes, more than/,
    ],
    ['opens 100,000 nested arrays', Buffer.from('['.repeat(100_000)), /not JSON/],
    ['opens and closes 100,000 nested arrays', Buffer.from(nested(100_000)), /not JSON|not a CloudEvents/],
    ['is JSON null', bytes(null), /not a CloudEvents/],
    ['is an array', bytes([envelope]), /not a CloudEvents/],
    ['has no id', bytes(withoutId), /not a CloudEvents[^]*id/],
    ['has an empty id', bytes({ ...envelope, id: '' }), /not a CloudEvents[^]*id/],
    ['has another CloudEvents version', bytes({ ...envelope, specversion: '2.0' }), /not a CloudEvents[^]*specversion/],
    ['has an invalid time', bytes({ ...envelope, time: 'yesterday' }), /not a CloudEvents[^]*time/],
    ['has an unknown type', bytes({ ...envelope, type: 'thing.lost' }), /unknown event type thing\.lost/],
    ['has an unknown dataversion', bytes({ ...envelope, dataversion: '2' }), /unknown dataversion 2 of thing\.made/],
    ['has a number as dataversion', bytes({ ...envelope, dataversion: 1 }), /not a CloudEvents[^]*dataversion/],
    ['has no data', bytes(withoutData), /not a CloudEvents[^]*data/],
    [
      'has invalid data',
      bytes({ ...envelope, data: { thing_id: 'thing-1' } }),
      /data of thing\.made is invalid[^]*count/,
    ],
  ];
  for (const [what, body, reason] of unreadable) {
    it(`is unreadable when it ${what}, and the error says why`, () => {
      assert.throws(
        () => readEvent(body, 'thing.made', '1', dataSchema),
        (error) => error instanceof UnreadableMessage && reason.test(error.message),
      );
    });
  }

  const verbose: [string, Buffer, RegExp][] = [
    [
      'has a type of 200,000 characters',
      bytes({ ...envelope, type: 'x'.repeat(200_000) }),
      /type x+…, expected thing\.made$/,
    ],
    [
      'has a dataversion of 200,000 characters',
      bytes({ ...envelope, dataversion: 'x'.repeat(200_000) }),
      /dataversion x+… of thing\.made, expected 1$/,
    ],
    [
      'has 20,000 problems',
      bytes({ ...envelope, data: { ...stored.payload, parts: Array(20_000).fill({}) } }),
      /19990 more/,
    ],
    ['has a NUL in its type', bytes({ ...envelope, type: 'thing\u0000made' }), /unknown event type/],
  ];
  for (const [what, body, reason] of verbose) {
    it(`is unreadable when it ${what}, and the error stays within 1,000 characters`, () => {
      const schema = dataSchema.extend({ parts: z.array(z.object({ name: z.string() })).optional() });
      assert.throws(
        () => readEvent(body, 'thing.made', '1', schema),
        (error) => error instanceof UnreadableMessage && reason.test(error.message) && error.message.length <= 1000,
      );
    });
  }

  const contract = { type: 'thing.made', dataversion: '1', data: dataSchema };
  const withProperties = (contentType?: unknown, headers?: Record<string, unknown>) =>
    readMessage({ content: bytes(envelope), properties: { contentType, headers } }, contract);
  const readable: [string, unknown, Record<string, unknown>?][] = [
    ['no content type', undefined],
    ['the content type of CloudEvents', 'application/cloudevents+json'],
    [
      'that content type in another case and with a charset',
      'Application/CloudEvents+JSON ; Charset="UTF-8"',
      { 'cloudEvents:id': 'x' },
    ],
    ['the charset utf8', 'application/json;charset=utf8', { traceparent: 'x' }],
  ];
  for (const [what, contentType, headers] of readable) {
    it(`is read from a message with ${what}`, () => assert.equal(withProperties(contentType, headers).id, stored.id));
  }

  for (const contentType of ['application/json; charset=latin1', 'application/cloudevents+json;CHARSET="utf-16"']) {
    it(`is unreadable in a message with the content type ${contentType}, whatever its bytes are`, () => {
      assert.throws(() => withProperties(contentType), /UnreadableMessage: body is in the charset (latin1|utf-16)/);
    });
  }

  for (const header of ['cloudEvents:specversion', 'cloudEvents_id', 'cloudevents:type']) {
    it(`is unreadable in binary mode, with the header ${header}, and the error says so`, () => {
      assert.throws(() => withProperties('application/json', { [header]: '1.0' }), /UnreadableMessage: .*binary mode/);
    });
  }

  it('is never read from arbitrary bytes: the only error is UnreadableMessage', () => {
    const anyBody = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(anyBody, (body) => {
        assert.throws(() => readEvent(Buffer.from(body), 'thing.made', '1', dataSchema), UnreadableMessage);
      }),
    );
  });

  describe('has a trace that', () => {
    it('is its traceparent header if that is well formed', () => {
      assert.equal(traceOf(stored.headers), stored.headers['traceparent']);
    });

    for (const headers of [undefined, {}, { traceparent: 'x' }, { traceparent: 7 }, { traceparent: null }]) {
      it(`is undefined for the headers ${JSON.stringify(headers)}`, () => assert.equal(traceOf(headers), undefined));
    }
  });
});

function read(content: unknown) {
  return readEvent(bytes(content), 'thing.made', '1', dataSchema);
}

function nested(depth: number): string {
  return '['.repeat(depth) + ']'.repeat(depth);
}

function bytes(content: unknown): Buffer {
  return Buffer.from(JSON.stringify(content));
}
