import { setTimeout as sleep } from 'node:timers/promises';
import { CliError } from '../runtime/cli-error.js';
import { depths, withDeadLetters } from './dead-letters.js';
import { allSnapshots } from './order-snapshots.js';
import { orderInvariants, type ExternalState } from './invariants.js';
import type { LiveSystem } from './live-system.js';
import { openWork } from './open-work.js';
import { allDiscarded } from './operator-actions.js';
import { failingAmong, failingText, listWorkflows, nonDeterminismIn, type WorkflowRecord } from './workflow-records.js';

/** Says whether one invariant holds. */
export interface InvariantResult {
  readonly id: string;
  readonly title: string;
  /** How many orders, queues or workflows were checked. */
  readonly checked: number;
  /** The first violations, 20 at most; empty when the invariant holds. */
  readonly violations: readonly Violation[];
  readonly violationCount: number;
}

interface Violation {
  /** The id of the order, workflow or queue. */
  readonly subject: string;
  readonly problem: string;
}

export interface VerifyOptions {
  /** Ids of orders that were answered with 201; each must exist. */
  readonly accepted?: readonly string[] | undefined;
  /** How long to wait, at most, until nothing is in progress, before the check. Default: 0. */
  readonly waitMs?: number | undefined;
  /** Histories of workflows that closed before this time are skipped. Default: all are read. */
  readonly historiesSince?: Date;
}

const maxShown = 20;
const pollMs = 500;

/**
 * Reads both databases, RabbitMQ and Temporal of a running system and reports whether each invariant holds. The system
 * has to be at rest, because an order in progress counts as a violation; hence `waitMs`.
 * @throws CliError that names the unavailable servers, because a partial read proves nothing
 */
export async function verify(system: LiveSystem, options: VerifyOptions = {}): Promise<InvariantResult[]> {
  const { accepted, waitMs = 0, historiesSince } = options;
  const unavailable = Object.values(system.unavailable).filter(Boolean);
  if (unavailable.length > 0) throw new CliError(unavailable.join('\n'));
  await untilQuiet(system, waitMs);
  const workflows = new Map<string, WorkflowRecord[]>();
  const runs: WorkflowRecord[] = [];
  for await (const run of listWorkflows(system.temporal)) {
    runs.push(run);
    for (const orderId of run.orderIds) workflows.set(orderId, [...(workflows.get(orderId) ?? []), run]);
  }
  const deadLettered = new Set(
    await withDeadLetters(system.rabbitmq, async (all) => all.map(({ messageId }) => messageId)),
  );
  const discarded = await allDiscarded(system.ordersDb);
  return [
    ...(await verifyOrders(system, { deadLettered, discarded, workflows }, accepted)),
    await verifyWorkflows(system, runs, historiesSince),
    await verifyWorkflowTasks(system, runs),
    await verifyQueues(system),
  ];
}

/** Waits until nothing is in progress, or until `limitMs` have passed. */
export async function untilQuiet(system: LiveSystem, limitMs: number): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end && (await openWork(system)).length > 0;) await sleep(pollMs);
}

async function verifyOrders(
  system: LiveSystem,
  external: ExternalState,
  accepted: readonly string[] | undefined,
): Promise<InvariantResult[]> {
  const missing = new Set(accepted);
  const collectors = orderInvariants.map((invariant) => ({ invariant, result: new ResultBuilder(invariant) }));
  for await (const snapshot of allSnapshots(system)) {
    if (snapshot.order) missing.delete(snapshot.orderId);
    for (const { invariant, result } of collectors) {
      result.add(snapshot.orderId, invariant.violationsOf(snapshot, external));
    }
  }
  const results = collectors.map(({ result }) => result.build());
  if (!accepted) return results;
  const first = new ResultBuilder({ id: 'I1', title: 'every order that was answered with 201 exists' });
  for (const orderId of accepted) first.add(orderId, missing.has(orderId) ? ['it is lost'] : []);
  return [first.build(), ...results];
}

async function verifyWorkflows(
  { temporal, ordersDb }: LiveSystem,
  runs: readonly WorkflowRecord[],
  historiesSince = new Date(0),
): Promise<InvariantResult> {
  const result = new ResultBuilder({
    id: 'I9b',
    title: 'no workflow is stuck on code that does not fit its history, and none is open without a pending order',
  });
  const open = runs.filter(({ status }) => status === 'RUNNING');
  const { rows } = await ordersDb.query<{ order_id: string }>(
    `select order_id from operations.orders where order_id = any($1) and status = 'pending'`,
    [open.flatMap(({ orderIds }) => orderIds)],
  );
  const pending = new Set(rows.map(({ order_id }) => order_id));
  const orphaned = new Set(open.filter(({ orderIds }) => !orderIds.some((id) => pending.has(id))));
  for (const run of runs) {
    const { workflowId, runId, stage } = run;
    result.add(
      workflowId,
      orphaned.has(run) ? [`run ${runId} is open (${stage}), and none of its orders is pending`] : [],
    );
  }
  const recent = runs.filter(({ closedAt }) => closedAt === undefined || closedAt >= historiesSince);
  for (const problem of await nonDeterminismIn(temporal, recent)) {
    result.addViolation({ subject: 'non-determinism', problem });
  }
  return result.build();
}

async function verifyWorkflowTasks(
  { temporal }: LiveSystem,
  runs: readonly WorkflowRecord[],
): Promise<InvariantResult> {
  const result = new ResultBuilder({
    id: 'I9c',
    title: 'every open workflow makes progress: none has a workflow task that fails',
  });
  const failing = new Map((await failingAmong(temporal, runs)).map((each) => [each.run, each]));
  for (const run of runs) {
    const found = failing.get(run);
    result.add(run.workflowId, found ? [`run ${run.runId}: ${failingText(found)}`] : []);
  }
  return result.build();
}

async function verifyQueues({ rabbitmq }: LiveSystem): Promise<InvariantResult> {
  const result = new ResultBuilder({
    id: 'I10b',
    title: 'the queues are empty (dead-letter queues may hold messages)',
  });
  for (const { queue, waiting } of await depths(rabbitmq)) {
    if (waiting === undefined) result.add(queue, ['there is no such queue']);
    else result.add(queue, waiting > 0 ? [`${waiting} messages wait`] : []);
  }
  return result.build();
}

/** Counts what was checked and keeps the first violations. */
class ResultBuilder {
  readonly #invariant: { readonly id: string; readonly title: string };
  readonly #violations: Violation[] = [];
  #checked = 0;
  #violationCount = 0;

  constructor(invariant: { readonly id: string; readonly title: string }) {
    this.#invariant = invariant;
  }

  add(subject: string, problems: readonly string[]): void {
    this.#checked += 1;
    for (const problem of problems) this.addViolation({ subject, problem });
  }

  addViolation(violation: Violation): void {
    this.#violationCount += 1;
    if (this.#violations.length < maxShown) this.#violations.push(violation);
  }

  build(): InvariantResult {
    const { id, title } = this.#invariant;
    return { id, title, checked: this.#checked, violations: this.#violations, violationCount: this.#violationCount };
  }
}
