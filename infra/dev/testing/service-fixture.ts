import { setTimeout as sleep } from 'node:timers/promises';
import { EnvironmentError } from '../../runtime/environment.js';
import { runService } from '../../runtime/run-service.js';

// Usage: service-fixture.ts SITUATION. A service for the tests of `runService`: three parts, of which the second does what
// the situation says when it is stopped.

const situation = process.argv[2];

const readConfig = () => {
  if (situation === 'has unusable settings') throw new EnvironmentError(['A: is required', 'B: is wrong']);
  return { service: { name: 'fixture', logLevel: 'info' } };
};

await runService(readConfig, async (_config, logger, service) => {
  const stop = (name: string) => async () => logger.info({ part: name }, 'part stopped');
  service.onStop('first', stop('first'));
  service.run('second', {
    start: () => logger.info({ part: 'second' }, 'part started'),
    stop: async () => {
      if (situation === 'has a part that fails to stop') throw new Error('it does not stop');
      if (situation === 'has a part that takes long to stop') await sleep(600_000);
      await stop('second')();
    },
  });
  service.onStop('third', stop('third'));
  if (situation === 'cannot start') throw new Error('there is no disk');
  // A timer keeps the process alive as a server would.
  setInterval(() => undefined, 60_000);
  logger.info('listening');
});
