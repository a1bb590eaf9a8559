import { createInMemoryProcessingStore } from './in-memory-processing-store.js';
import { itKeepsThePromisesOfProcessingStore } from './processing-store-contract.js';

describe('the in-memory processing store', () => {
  itKeepsThePromisesOfProcessingStore(async () => createInMemoryProcessingStore());
});
