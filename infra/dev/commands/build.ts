import { join } from 'node:path';
import { buildServices } from '../services/build-services.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { onStopRequest } from './stop-request.js';

// `npm run build`: what production runs, in dist/.

const directory = join(repositoryRoot, 'dist');
const stop = onStopRequest(() => process.exit(1));
try {
  await buildServices({ directory, checkTypes: true, stop });
} catch (error) {
  console.error((error as Error).message);
  process.exit(1);
}
console.log(`built ${directory}`);
process.exit(0);
