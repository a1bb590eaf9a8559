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

describe('envelope', () => {
  it('is a CloudEvents 1.0 event made of nothing but the outbox row', () => {
    assert.equal(
      JSON.stringify(envelope),
      '{"specversion":"1.0","id":"0190b6a5-0000-7000-8000-000000000001","source":"some-service","type":"thing.made",' +
        '"subject":"thing-1","time":"2026-01-02T03:04:05.678Z","dataversion":"1","data":{"thing_id":"thing-1","count":3}}',
    );
  });

  it('has the same bytes at every resend', () => {
    const again = toEnvelope(structuredClone(stored), 'some-service', '1');
    assert.deepEqual(Buffer.from(JSON.stringify(again)), Buffer.from(JSON.stringify(envelope)));
  });

  it('that was written is read: id, subject and data', () => {
    assert.deepEqual(read(envelope), {
      id: stored.id,
      subject: 'thing-1',
      data: { thing_id: 'thing-1', count: 3 },
    });
  });

  it('with fields nobody knows is read without them', () => {
    const data = { thing_id: 'thing-1', count: 3, colour: 'red' };
    assert.deepEqual(read({ ...envelope, data, traceparent: 'x', extra: { deep: true } }).data, stored.payload);
  });

  it('may give its time with an offset', () => {
    assert.equal(read({ ...envelope, time: '2026-01-02T03:04:05+02:00' }).id, stored.id);
  });

  for (const time of ['2026-01-02t03:04:05z', '2026-01-02T03:04:05.678901Z', '2026-01-02t03:04:05.6-00:30']) {
    it(`may give its time as ${time}`, () => assert.equal(read({ ...envelope, time }).id, stored.id));
  }

  it('may escape a character in two halves', () => {
    const body = JSON.stringify({ ...envelope, subject: 'S' }).replace('"S"', '"\\ud83d\\ude00"');
    assert.equal(readEvent(Buffer.from(body), 'thing.made', '1', dataSchema).subject, '😀');
  });

  it('may name a key twice: the last counts', () => {
    const body = JSON.stringify(envelope).replace('"count":3', '"count":1,"count":3');
    assert.deepEqual(readEvent(Buffer.from(body), 'thing.made', '1', dataSchema).data, stored.payload);
  });

  it('of 256 KiB is read', () => {
    const body = bytes(envelope);
    const filled = Buffer.concat([body, Buffer.alloc(262_144 - body.length, ' ')]);
    assert.equal(readEvent(filled, 'thing.made', '1', dataSchema).id, stored.id);
  });

  const { data: _data, ...withoutData } = envelope;
  const { id: _id, ...withoutId } = envelope;
  const unreadable: [string, Buffer, RegExp][] = [
    ['that is empty', Buffer.from(''), /not JSON/],
    ['that is not JSON', Buffer.from('{"id":'), /not JSON/],
    ['that is not text', Buffer.from([0xff, 0xfe, 0x00]), /not UTF-8/],
    ['in Latin-1', Buffer.from(JSON.stringify({ ...envelope, subject: 'Bär' }), 'latin1'), /not UTF-8/],
    ['that is cut within a character', Buffer.from('"ä"').subarray(0, 2), /not UTF-8/],
    ['with half a character in its data', bytes({ ...envelope, data: { a: ['\ud83d'] } }), /lone surrogate/],
    ['with half a character in a name', bytes({ ...envelope, data: { '\udc00': 1 } }), /lone surrogate/],
    ['that begins with a byte order mark', Buffer.concat([Buffer.from('\ufeff'), bytes(envelope)]), /not JSON/],
    ['that is compressed', gzipSync(bytes(envelope)), /not UTF-8/],
    ['that begins with NUL bytes', Buffer.from([0, 0, 0, 0, 7]), /not JSON/],
    ['over 256 KiB', Buffer.concat([bytes(envelope), Buffer.alloc(262_144, ' ')]), /has \d+ bytes, more than/],
    ['that is nested 100,000 deep', Buffer.from('['.repeat(100_000)), /not JSON/],
    ['that is nested 100,000 deep and closed', Buffer.from(nested(100_000)), /not JSON|not a CloudEvents/],
    ['that is JSON null', bytes(null), /not a CloudEvents/],
    ['that is an array', bytes([envelope]), /not a CloudEvents/],
    ['without an id', bytes(withoutId), /not a CloudEvents[^]*id/],
    ['with an empty id', bytes({ ...envelope, id: '' }), /not a CloudEvents[^]*id/],
    ['of another CloudEvents version', bytes({ ...envelope, specversion: '2.0' }), /not a CloudEvents[^]*specversion/],
    ['with a time that is none', bytes({ ...envelope, time: 'yesterday' }), /not a CloudEvents[^]*time/],
    ['of an unknown type', bytes({ ...envelope, type: 'thing.lost' }), /unknown event type thing\.lost/],
    ['of an unknown dataversion', bytes({ ...envelope, dataversion: '2' }), /unknown dataversion 2 of thing\.made/],
    ['with a dataversion that is a number', bytes({ ...envelope, dataversion: 1 }), /not a CloudEvents[^]*dataversion/],
    ['without data', bytes(withoutData), /not a CloudEvents[^]*data/],
    [
      'with wrong data',
      bytes({ ...envelope, data: { thing_id: 'thing-1' } }),
      /data of thing\.made is invalid[^]*count/,
    ],
  ];
  for (const [what, body, reason] of unreadable) {
    it(`${what} is unreadable, and the error says why`, () => {
      assert.throws(
        () => readEvent(body, 'thing.made', '1', dataSchema),
        (error) => error instanceof UnreadableMessage && reason.test(error.message),
      );
    });
  }

  const verbose: [string, Buffer, RegExp][] = [
    [
      'with a type of 200,000 characters',
      bytes({ ...envelope, type: 'x'.repeat(200_000) }),
      /type x+…, expected thing\.made$/,
    ],
    [
      'with a dataversion of 200,000 characters',
      bytes({ ...envelope, dataversion: 'x'.repeat(200_000) }),
      /dataversion x+… of thing\.made, expected 1$/,
    ],
    [
      'with 20,000 faults',
      bytes({ ...envelope, data: { ...stored.payload, parts: Array(20_000).fill({}) } }),
      /19990 more/,
    ],
    ['with a NUL in its type', bytes({ ...envelope, type: 'thing\u0000made' }), /unknown event type/],
  ];
  for (const [what, body, reason] of verbose) {
    it(`${what} is unreadable, and the error says why in few words`, () => {
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
    ['another case of it and a charset', 'Application/CloudEvents+JSON ; Charset="UTF-8"', { 'cloudEvents:id': 'x' }],
    ['the charset utf8', 'application/json;charset=utf8', { traceparent: 'x' }],
  ];
  for (const [what, contentType, headers] of readable) {
    it(`in a message with ${what} is read`, () => assert.equal(withProperties(contentType, headers).id, stored.id));
  }

  for (const contentType of ['application/json; charset=latin1', 'application/cloudevents+json;CHARSET="utf-16"']) {
    it(`in a message of ${contentType} is unreadable, whatever its bytes are`, () => {
      assert.throws(() => withProperties(contentType), /UnreadableMessage: body is in the charset (latin1|utf-16)/);
    });
  }

  for (const header of ['cloudEvents:specversion', 'cloudEvents_id', 'cloudevents:type']) {
    it(`in binary mode, with the header ${header}, is unreadable and the reason says so`, () => {
      assert.throws(() => withProperties('application/json', { [header]: '1.0' }), /UnreadableMessage: .*binary mode/);
    });
  }

  it('of any bytes is read or unreadable, and nothing else', () => {
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

  describe('trace', () => {
    it('is the traceparent header, if it is well formed', () => {
      assert.equal(traceOf(stored.headers), stored.headers['traceparent']);
    });

    for (const headers of [undefined, {}, { traceparent: 'x' }, { traceparent: 7 }, { traceparent: null }]) {
      it(`is none for ${JSON.stringify(headers)}`, () => assert.equal(traceOf(headers), undefined));
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
