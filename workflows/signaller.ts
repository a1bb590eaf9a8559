import type { SignalDefinition } from '@temporalio/common';
import { createBatcher } from '../infra/runtime/batcher.js';
import type { OutcomeSignal } from './messages.js';

type Definition = SignalDefinition<OutcomeSignal[]>;
type Submit = (event: OutcomeSignal) => Promise<boolean>;

/** One signal of 100 events is some 12 kB in the history; the server takes 2 MB. */
const eventsPerSignal = 100;

/**
 * Signals each workflow at most once at a time with each kind of signal: events for it that come meanwhile leave together
 * with the next one. To the workflow every signal is a task, whatever it carries.
 * @param send sends one signal; false when no workflow is there to be told. What it throws, all its events get
 */
export function createSignaller(
  send: (workflowId: string, definition: Definition, events: readonly OutcomeSignal[]) => Promise<boolean>,
): (workflowId: string, definition: Definition, event: OutcomeSignal) => Promise<boolean> {
  const open = new Map<string, { submit: Submit; waiting: number }>();

  return async (workflowId, definition, event) => {
    const key = `${definition.name} ${workflowId}`;
    const entry = open.get(key) ?? { submit: batcherFor(workflowId, definition), waiting: 0 };
    open.set(key, entry);
    entry.waiting += 1;
    try {
      return await entry.submit(event);
    } finally {
      entry.waiting -= 1;
      if (entry.waiting === 0) open.delete(key);
    }
  };

  function batcherFor(workflowId: string, definition: Definition): Submit {
    return createBatcher<OutcomeSignal, boolean>({
      work: async (events) => {
        const told = await send(workflowId, definition, events);
        return events.map(() => told);
      },
      isOutage: () => true, // no event is worse than another: tried one by one, all would fail
      maxSize: eventsPerSignal,
      maxAgeMs: 5,
      maxInFlight: 1,
    });
  }
}
