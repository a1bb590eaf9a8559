import type { SignalDefinition } from '@temporalio/common';
import { isGroupId, type OutcomeSignal } from './messages.js';

type Definition = SignalDefinition<OutcomeSignal[]>;

/** One signal of 100 events is some 12 kB in the history; the server takes 2 MB. */
const eventsPerSignal = 100;
/**
 * How long the first event for a group waits for others. They come in one or two batches of the consumer, some
 * milliseconds apart; each signal that they share spares the workflow a task of tens of milliseconds. An order that has
 * its workflow to itself waits for nothing.
 */
const groupDelayMs = 20;

/** What waits for one workflow and one kind of signal. */
interface Mailbox {
  readonly waiting: { event: OutcomeSignal; resolve: (told: boolean) => void; reject: (error: unknown) => void }[];
}

/**
 * Signals each workflow at most once at a time with each kind of signal: events for it that come meanwhile leave together
 * with the next one. To the workflow every signal is a task, whatever it carries.
 * @param send sends one signal; false when no workflow is there to be told. What it throws, all its events get
 */
export function createSignaller(
  send: (workflowId: string, definition: Definition, events: readonly OutcomeSignal[]) => Promise<boolean>,
): (workflowId: string, definition: Definition, event: OutcomeSignal) => Promise<boolean> {
  const mailboxes = new Map<string, Mailbox>();

  async function empty(workflowId: string, definition: Definition, { waiting }: Mailbox): Promise<void> {
    while (waiting.length > 0) {
      const sent = waiting.splice(0, eventsPerSignal);
      try {
        const told = await send(
          workflowId,
          definition,
          sent.map(({ event }) => event),
        );
        for (const { resolve } of sent) resolve(told);
      } catch (error) {
        for (const { reject } of sent) reject(error);
      }
    }
  }

  return (workflowId, definition, event) =>
    new Promise((resolve, reject) => {
      const key = `${definition.name} ${workflowId}`;
      const known = mailboxes.get(key);
      const mailbox = known ?? { waiting: [] };
      mailbox.waiting.push({ event, resolve, reject });
      if (known) return;
      mailboxes.set(key, mailbox);
      const leave = (): void => {
        void empty(workflowId, definition, mailbox).finally(() => mailboxes.delete(key));
      };
      if (isGroupId(workflowId)) setTimeout(leave, groupDelayMs);
      else setImmediate(leave);
    });
}
