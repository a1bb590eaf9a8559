import { setTimeout as sleep } from 'node:timers/promises';
import { FaultRun } from './fault-run.js';
import { fault } from './selection.js';

/** How long every signal is lost. */
const lostMs = { quick: 5000, full: 300_000 };
/** With this delay no order settles within its workflow's first task, so its workflow depends on signals. */
const slowProcessing = { APP__PROCESSING_DELAY_MS: '3500-4500' };
/** A workflow that receives no signal checks after 5 s here, and again after 10 s. */
const settleLimitMs = 60_000;

describe('the system under load', () => {
  let run: FaultRun;
  before(async function () {
    this.timeout(120_000);
    run = await FaultRun.start();
  });
  after(() => run.stop());

  for (const [kind, ms] of Object.entries(lostMs)) {
    fault(
      `loses no order when every signal is lost for ${ms / 1000} s`,
      { quick: kind === 'quick', limitMs: 600_000 },
      async () => {
        for (const service of ['order-api', 'processor'] as const) {
          await run.serviceOf(service).stop();
          const slow = service === 'processor' ? slowProcessing : {};
          await run.startService(service, { APP__FAILPOINT: 'signal.before:error', ...slow });
        }
        await run.survives({ what: `every signal lost for ${ms / 1000} s`, settleLimitMs, inject: () => sleep(ms) });
      },
    );
  }
});
