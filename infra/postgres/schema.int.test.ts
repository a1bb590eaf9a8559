import assert from 'node:assert/strict';
import pg from 'pg';
import { createTestDatabase, type DatabaseOf, type TestDatabase } from '../dev/testing/test-database.js';

/** What the schema refuses, whatever the code does. The last statement of each rule must be refused. */
const order = (values: string): string =>
  `insert into orders (order_id, customer_id, check_at, status, version, failure_reason, total_amount, items)
   values ('o-1', 'c-1', now(), ${values})`;
const outcome = (values: string): string =>
  `insert into processing_states (order_id, status, version, reason) values ('o-1', ${values})`;
const event = (orderId: string, version: number, type: string): string =>
  `insert into order_events (order_id, version, type) values ('${orderId}', ${version}, '${type}')`;

interface Rule {
  what: string;
  statements: string[];
  code: string;
}

const check = '23514';
const orderRules: Rule[] = [
  { what: 'an unknown status', statements: [order(`'lost', 2, null, 1, '[]'`)], code: check },
  { what: 'an order at version 0', statements: [order(`'done', 0, null, 1, '[]'`)], code: check },
  { what: 'a pending order at version 2', statements: [order(`'pending', 2, null, 1, '[]'`)], code: check },
  { what: 'a settled order at version 1', statements: [order(`'done', 1, null, 1, '[]'`)], code: check },
  { what: 'a failed order without a reason', statements: [order(`'failed', 2, null, 1, '[]'`)], code: check },
  { what: 'a done order with a reason', statements: [order(`'done', 2, 'why', 1, '[]'`)], code: check },
  { what: 'a negative total', statements: [order(`'pending', 1, null, -0.0001, '[]'`)], code: check },
  { what: 'items that are not a list', statements: [order(`'pending', 1, null, 1, '{}'`)], code: check },
  {
    what: 'a second order with the same id',
    statements: [order(`'pending', 1, null, 1, '[]'`), order(`'pending', 1, null, 1, '[]'`)],
    code: '23505',
  },
  { what: 'a history entry without an order', statements: [event('nobody', 1, 'order.created')], code: '23503' },
  {
    what: 'two processed entries for one version of an order',
    statements: [
      order(`'pending', 1, null, 1, '[]'`),
      event('o-1', 2, 'order.processed'),
      event('o-1', 2, 'order.processed'),
    ],
    code: '23505',
  },
];
const outcomeRules: Rule[] = [
  { what: 'an outcome that is pending', statements: [outcome(`'pending', 2, null`)], code: check },
  { what: 'an outcome at version 1', statements: [outcome(`'done', 1, null`)], code: check },
  { what: 'a failed outcome without a reason', statements: [outcome(`'failed', 2, null`)], code: check },
  { what: 'a done outcome with a reason', statements: [outcome(`'done', 2, 'why'`)], code: check },
  {
    what: 'a second outcome of an order',
    statements: [outcome(`'done', 2, null`), outcome(`'done', 2, null`)],
    code: '23505',
  },
];
const messagingRules: Rule[] = [
  {
    what: 'a negative number of attempts',
    statements: [
      `insert into outbox (id, aggregate_id, type, payload, headers, check_at, attempts)
       values (gen_random_uuid(), 'a', 't', '{}', '{}', now(), -1)`,
    ],
    code: check,
  },
  {
    what: 'the same event twice',
    statements: Array<string>(2).fill(
      `insert into inbox (event_key, message_id, aggregate_id) values ('t:a:1', 'm', 'a')`,
    ),
    code: '23505',
  },
];

const suites: [DatabaseOf, Rule[], valid: string[]][] = [
  [
    'order-api',
    [...orderRules, ...messagingRules],
    [
      order(`'pending', 1, null, 0, '[]'`),
      event('o-1', 1, 'order.created'),
      event('o-1', 2, 'order.processed'),
      event('o-1', 2, 'order.outcome-ignored'),
      event('o-1', 2, 'order.outcome-ignored'),
    ],
  ],
  ['processor', [...outcomeRules, ...messagingRules], [outcome(`'failed', 2, 'out of stock'`)]],
];

for (const [service, rules, valid] of suites) {
  describe(`the schema of ${service}`, () => {
    let database: TestDatabase;
    let client: pg.PoolClient;
    before(async () => {
      database = await createTestDatabase(service);
      client = await database.pool.connect();
    });
    beforeEach(() => client.query('begin'));
    afterEach(() => client.query('rollback'));
    after(async () => {
      client.release();
      await database.drop();
    });

    it('accepts valid rows', async () => {
      for (const statement of valid) await client.query(statement);
    });

    for (const { what, statements, code } of rules) {
      it(`refuses ${what}`, async () => {
        const last = statements.at(-1) ?? '';
        for (const statement of statements.slice(0, -1)) await client.query(statement);
        await assert.rejects(client.query(last), (error) => error instanceof pg.DatabaseError && error.code === code);
      });
    }
  });
}
