import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readEvent, toEnvelope, UnreadableMessage } from '../infra/messaging/envelope.js';
import { eventKeyOf, orderCreated, orderProcessed, orderTopology } from './order-events.js';
import { skuSchema } from './order-grammar.js';

const id = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/).filter((text) => text !== '.' && text !== '..'),
  fc.constant('x'.repeat(128)),
);
const amount = fc.nat(10 ** 9).map((units) => units / 10_000);
const sku = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }).filter(isPrintable);
const plain = { noNullPrototype: true } as const;
const item = fc.record({ sku, quantity: fc.integer({ min: 1, max: 1_000_000 }), price: amount }, plain);
const version = fc.integer({ min: 1, max: 2 ** 31 - 1 });

const created = fc.record(
  {
    order_id: id,
    customer_id: id,
    items: fc.array(item, { minLength: 1, maxLength: 100 }),
    total_amount: amount,
    version: fc.constant(1),
  },
  plain,
);
const processed = fc.oneof(
  fc.record({ order_id: id, status: fc.constant('done' as const), version }, plain),
  fc.record({ order_id: id, status: fc.constant('failed' as const), reason: sku, version }, plain),
);

function isPrintable(text: string): boolean {
  return skuSchema.safeParse(text).success;
}

describe('the wire contract', () => {
  it('preserves the data of an order.created', () => {
    fc.assert(
      fc.property(created, (data) => assert.deepEqual(throughTheWire(orderCreated, data), data)),
      {
        numRuns: 50,
      },
    );
  });

  it('preserves the data of an order.processed', () => {
    fc.assert(fc.property(processed, (data) => assert.deepEqual(throughTheWire(orderProcessed, data), data)));
  });

  const anOrder = {
    order_id: 'o-1',
    customer_id: 'c-1',
    items: [{ sku: 'A', quantity: 1, price: 1 }],
    total_amount: 1,
    version: 1,
  };
  const anItem = (fields: object) => ({ sku: 'A', quantity: 1, price: 1, ...fields });
  const badOrders: [string, object][] = [
    ['without items', { ...anOrder, items: [] }],
    ['without an order id', { ...anOrder, order_id: '' }],
    ['with a negative price', { ...anOrder, items: [{ sku: 'A', quantity: 1, price: -1 }] }],
    ['with a fractional quantity', { ...anOrder, items: [{ sku: 'A', quantity: 0.5, price: 1 }] }],
    ['with a total that is a string', { ...anOrder, total_amount: '1' }],
    ['with version 0', { ...anOrder, version: 0 }],
    ['with a version that exceeds the column', { ...anOrder, version: 2 ** 31 }],
    ['with a terminal sequence in its order id', { ...anOrder, order_id: 'x\r\n\u001b[31m' }],
    ['with an order id of 129 characters', { ...anOrder, order_id: 'x'.repeat(129) }],
    ['with an order id that is a directory name', { ...anOrder, order_id: '..' }],
    ['with a space in its customer id', { ...anOrder, customer_id: 'a b' }],
    ['with 101 items', { ...anOrder, items: Array.from({ length: 101 }, () => anItem({})) }],
    ['with a sku of 129 characters', { ...anOrder, items: [anItem({ sku: 'x'.repeat(129) })] }],
    ['with a blank sku', { ...anOrder, items: [anItem({ sku: '\u3164' })] }],
    ['with a control character in a sku', { ...anOrder, items: [anItem({ sku: 'a\u0007b' })] }],
    ['with a lone surrogate in a sku', { ...anOrder, items: [anItem({ sku: 'a\ud800' })] }],
    ['with quantity 0', { ...anOrder, items: [anItem({ quantity: 0 })] }],
    ['with a quantity of more than a million', { ...anOrder, items: [anItem({ quantity: 1_000_001 })] }],
    ['with a price of 5 decimals', { ...anOrder, items: [anItem({ price: 0.00001 })] }],
    ['with a total of 5 decimals', { ...anOrder, total_amount: 1.00001 }],
    ['with a negative total', { ...anOrder, total_amount: -1 }],
  ];
  for (const [what, data] of badOrders) {
    it(`rejects an order.created ${what}`, () => {
      assert.throws(() => throughTheWire(orderCreated, data), UnreadableMessage);
    });
  }

  const aFailure = { order_id: 'o-1', status: 'failed', reason: 'declined', version: 2 };
  const badOutcomes: [string, object][] = [
    ['that failed without a reason', { order_id: 'o-1', status: 'failed', version: 2 }],
    ['that failed with an empty reason', { order_id: 'o-1', status: 'failed', reason: '', version: 2 }],
    ['with a reason of more than 1000 characters', { ...aFailure, reason: 'x'.repeat(1001) }],
    ['with a blank reason', { ...aFailure, reason: ' \u200b ' }],
    ['with a terminal sequence in its reason', { ...aFailure, reason: '\u001b[2Jdeclined' }],
    ['with a line break in its order id', { ...aFailure, order_id: 'o-1\n' }],
    ['with a version that exceeds the column', { ...aFailure, version: 2 ** 31 }],
    ['that is still pending', { order_id: 'o-1', status: 'pending', version: 2 }],
    ['with a version that is a string', { order_id: 'o-1', status: 'done', version: '2' }],
    ['without a version', { order_id: 'o-1', status: 'done' }],
  ];
  for (const [what, data] of badOutcomes) {
    it(`rejects an order.processed ${what}`, () => {
      assert.throws(() => throughTheWire(orderProcessed, data), UnreadableMessage);
    });
  }

  it('rejects an event of the other type', () => {
    const body = bodyOf(orderProcessed.type, { order_id: 'o-1', status: 'done', version: 2 });
    assert.throws(
      () => readEvent(body, orderCreated.type, '1', orderCreated.data),
      /unknown event type order\.processed/,
    );
  });

  it('gives different events different keys', () => {
    const event = fc.tuple(fc.constantFrom(orderCreated.type, orderProcessed.type), id, version);
    fc.assert(
      fc.property(event, event, (a, b) => {
        const same = a.every((part, index) => part === b[index]);
        assert.equal(keyOf(a) === keyOf(b), same);
      }),
    );
    assert.notEqual(keyOf(['order.created', 'a:1', 1]), keyOf(['order.created', 'a', 11]));
  });

  it('forms the key of an event as type:order_id:version', () => {
    assert.equal(eventKeyOf(orderCreated.type, { order_id: 'o-1', version: 1 }), 'order.created:o-1:1');
  });

  it('routes each event to a queue by its type', () => {
    assert.deepEqual(orderTopology, {
      exchange: 'orders',
      queues: [
        { name: 'processor.order-created', routingKey: 'order.created' },
        { name: 'order-api.order-processed', routingKey: 'order.processed' },
      ],
    });
  });
});

function keyOf([type, order_id, eventVersion]: readonly [string, string, number]): string {
  return eventKeyOf(type, { order_id, version: eventVersion });
}

function throughTheWire(event: typeof orderCreated | typeof orderProcessed, data: object): object {
  const body = bodyOf(event.type, data);
  return event.type === orderCreated.type
    ? readEvent(body, orderCreated.type, orderCreated.dataversion, orderCreated.data).data
    : readEvent(body, orderProcessed.type, orderProcessed.dataversion, orderProcessed.data).data;
}

function bodyOf(type: string, payload: object): Buffer {
  const message = { id: 'm-1', aggregateId: 'o-1', type, payload, headers: {}, createdAt: new Date(0) };
  return Buffer.from(JSON.stringify(toEnvelope(message, 'test', '1')));
}
