// Usage: node download-temporal-cli.mjs DIRECTORY VERSION. Lets Temporal's SDK download the CLI into the (empty)
// directory and prints the file's path as the last line; fails with code 1 where downloads are not possible.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [directory, version] = process.argv.slice(2);
try {
  // The SDK only downloads in order to start a server: it is stopped again at once.
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: directory, version } },
  });
  await environment.teardown();
  const file = readdirSync(directory).find((name) => !name.endsWith('.downloading'));
  console.log(join(directory, file));
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
