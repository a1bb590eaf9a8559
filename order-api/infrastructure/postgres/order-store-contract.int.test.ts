import { itKeepsThePromisesOfOrderStore } from '../../../infra/dev/testing/order-store-contract.js';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { createOrderStore } from './order-store.js';

describe('the Postgres order store', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase('order-api');
  });
  after(() => database.drop());

  itKeepsThePromisesOfOrderStore(async (graceMs) => {
    await database.pool.query('truncate orders, order_events, outbox, inbox');
    return createOrderStore(database.pool, graceMs);
  });
});
