import { itKeepsThePromisesOfProcessingStore } from '../../../infra/dev/testing/processing-store-contract.js';
import { createTestDatabase, type TestDatabase } from '../../../infra/dev/testing/test-database.js';
import { createProcessingStore } from './processing-store.js';

describe('the Postgres processing store', () => {
  let database: TestDatabase;
  before(async () => {
    database = await createTestDatabase('processor');
  });
  after(() => database.drop());

  itKeepsThePromisesOfProcessingStore(async () => {
    await database.pool.query('truncate processing_states, outbox, inbox');
    return createProcessingStore(database.pool, 0);
  });
});
