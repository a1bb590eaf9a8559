// Usage: node download-temporal.mjs temporal|temporal-test-server DIRECTORY VERSION. Has Temporal's SDK download a program into the
// directory, which must be empty, and prints the file's path as the last line. Exits with code 1 if the download is not
// possible.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';

const [program, directory, version] = process.argv.slice(2);
const server = { executable: { type: 'cached-download', downloadDir: directory, version } };
try {
  // The SDK downloads only in order to start a server, which is stopped again immediately.
  const environment = await (program === 'temporal'
    ? TestWorkflowEnvironment.createLocal({ server })
    : TestWorkflowEnvironment.createTimeSkipping({ server }));
  await environment.teardown();
  const file = readdirSync(directory).find((name) => !name.endsWith('.downloading'));
  console.log(join(directory, file));
  process.exit(0);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
