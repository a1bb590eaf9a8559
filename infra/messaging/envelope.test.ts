import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import { readEvent, toEnvelope, traceOf, UnreadableMessage } from './envelope.js';
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

  const { data: _data, ...withoutData } = envelope;
  const { id: _id, ...withoutId } = envelope;
  const unreadable: [string, Buffer, RegExp][] = [
    ['that is empty', Buffer.from(''), /not JSON/],
    ['that is not JSON', Buffer.from('{"id":'), /not JSON/],
    ['that is not text', Buffer.from([0xff, 0xfe, 0x00]), /not JSON/],
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

function bytes(content: unknown): Buffer {
  return Buffer.from(JSON.stringify(content));
}
