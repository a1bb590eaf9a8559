import { setTimeout as sleep } from 'node:timers/promises';
import { ExpectedError } from '../local/expected-error.js';
import { depths, withDeadLetters } from './dead-letters.js';
import { allDossiers } from './dossiers.js';
import { orderInvariants, type Surroundings } from './invariants.js';
import type { LiveSystem } from './live-system.js';
import { allDiscarded } from './operator-actions.js';
import { failingAmong, failingText, listWorkflows, nonDeterminismIn, type WorkflowRecord } from './workflow-records.js';

/** One invariant, and what was found. */
export interface Verdict {
  readonly id: string;
  readonly title: string;
  /** How many orders, queues or workflows were looked at. */
  readonly checked: number;
  /** What is at fault and how, the first of them; empty when all is well. */
  readonly offending: readonly { readonly subject: string; readonly fault: string }[];
  readonly faults: number;
}

export interface VerifyOptions {
  /** Ids of orders that were answered with 201: each has to be there. */
  readonly accepted?: readonly string[] | undefined;
  /** How long to wait for what is under way to end; the verdicts are those of the last look. Default: one look. */
  readonly waitMs?: number | undefined;
  /** Workflows that have ended before that are not read again, as to whether their code fitted. Default: all are. */
  readonly historiesSince?: Date;
}

const mostShown = 20;
const pollMs = 500;

/**
 * Reads both databases, RabbitMQ and Temporal of a running system and tells for each invariant whether it holds. Meant
 * for a system at rest: what is still under way counts as a fault, hence `waitMs`.
 * @throws ExpectedError naming what is away: of a system that cannot be seen whole nothing is proved
 */
export async function verify(system: LiveSystem, options: VerifyOptions = {}): Promise<Verdict[]> {
  const { accepted, waitMs = 0, historiesSince } = options;
  const away = Object.values(system.away).filter(Boolean);
  if (away.length > 0) throw new ExpectedError(away.join('\n'));
  await untilQuiet(system, waitMs);
  const workflows = new Map<string, WorkflowRecord[]>();
  const runs: WorkflowRecord[] = [];
  for await (const run of listWorkflows(system.temporal)) {
    runs.push(run);
    for (const orderId of run.orderIds) workflows.set(orderId, [...(workflows.get(orderId) ?? []), run]);
  }
  const deadLettered = new Set(
    await withDeadLetters(system.rabbitmq, async (letters) => letters.map(({ messageId }) => messageId)),
  );
  const discarded = await allDiscarded(system.ordersDb);
  return [
    ...(await verifyOrders(system, { deadLettered, discarded, workflows }, accepted)),
    await verifyWorkflows(system, runs, historiesSince),
    await verifyWorkflowTasks(system, runs),
    await verifyQueues(system),
  ];
}

/** Waits until nothing is under way any more; or, when something stays, until the time is over. */
export async function untilQuiet(system: LiveSystem, limitMs: number): Promise<void> {
  for (const end = Date.now() + limitMs; Date.now() < end && !(await isQuiet(system));) await sleep(pollMs);
}

/** Cheap, however many orders there are: whether anything is under way. */
async function isQuiet({ ordersDb, processorDb, temporal, rabbitmq }: LiveSystem): Promise<boolean> {
  const open = `exists (select from outbox where published_at is null and attempts >= 0)`;
  const [ours, theirs] = await Promise.all([
    ordersDb.query<{ open: boolean }>(`select ${open} or exists (select from orders where version = 1) as open`),
    processorDb.query<{ open: boolean }>(`select ${open} as open`),
  ]);
  if (ours.rows[0]?.open || theirs.rows[0]?.open) return false;
  if ((await depths(rabbitmq)).some(({ waiting }) => waiting !== 0)) return false;
  for await (const _ of listWorkflows(temporal, 'ExecutionStatus = "Running"')) return false;
  return true;
}

async function verifyOrders(
  system: LiveSystem,
  surroundings: Surroundings,
  accepted: readonly string[] | undefined,
): Promise<Verdict[]> {
  const missing = new Set(accepted);
  const collectors = orderInvariants.map((invariant) => ({ invariant, findings: new Findings(invariant) }));
  for await (const dossier of allDossiers(system)) {
    if (dossier.order) missing.delete(dossier.orderId);
    for (const { invariant, findings } of collectors) {
      findings.add(dossier.orderId, invariant.faultsOf(dossier, surroundings));
    }
  }
  const verdicts = collectors.map(({ findings }) => findings.verdict());
  if (!accepted) return verdicts;
  const first = new Findings({ id: 'I1', title: 'every order that was answered with 201 is there' });
  for (const orderId of accepted) first.add(orderId, missing.has(orderId) ? ['it is lost'] : []);
  return [first.verdict(), ...verdicts];
}

async function verifyWorkflows(
  { temporal, ordersDb }: LiveSystem,
  runs: readonly WorkflowRecord[],
  historiesSince = new Date(0),
): Promise<Verdict> {
  const findings = new Findings({
    id: 'I9b',
    title: 'no workflow is stuck on code that does not fit its history, and none is open without a pending order',
  });
  const open = runs.filter(({ status }) => status === 'RUNNING');
  const { rows } = await ordersDb.query<{ order_id: string }>(
    `select order_id from orders where order_id = any($1) and status = 'pending'`,
    [open.flatMap(({ orderIds }) => orderIds)],
  );
  const pending = new Set(rows.map(({ order_id }) => order_id));
  const idle = new Set(open.filter(({ orderIds }) => !orderIds.some((id) => pending.has(id))));
  for (const run of runs) {
    const { workflowId, runId, stage } = run;
    findings.add(
      workflowId,
      idle.has(run) ? [`run ${runId} is open (${stage}), and none of its orders is pending`] : [],
    );
  }
  const recent = runs.filter(({ closedAt }) => closedAt === undefined || closedAt >= historiesSince);
  for (const fault of await nonDeterminismIn(temporal, recent)) findings.fault('non-determinism', fault);
  return findings.verdict();
}

async function verifyWorkflowTasks({ temporal }: LiveSystem, runs: readonly WorkflowRecord[]): Promise<Verdict> {
  const findings = new Findings({ id: 'I9c', title: 'every open workflow gets on: none has a task that fails' });
  const failing = new Map((await failingAmong(temporal, runs)).map((each) => [each.run, each]));
  for (const run of runs) {
    const found = failing.get(run);
    findings.add(run.workflowId, found ? [`run ${run.runId}: ${failingText(found)}`] : []);
  }
  return findings.verdict();
}

async function verifyQueues({ rabbitmq }: LiveSystem): Promise<Verdict> {
  const findings = new Findings({ id: 'I10b', title: 'the queues are empty (parked messages are no fault)' });
  for (const { queue, waiting } of await depths(rabbitmq)) {
    if (waiting === undefined) findings.add(queue, ['there is no such queue']);
    else findings.add(queue, waiting > 0 ? [`${waiting} messages wait`] : []);
  }
  return findings.verdict();
}

/** Counts what was looked at and keeps the first faults. */
class Findings {
  readonly #about: { readonly id: string; readonly title: string };
  readonly #offending: { subject: string; fault: string }[] = [];
  #checked = 0;
  #faults = 0;

  constructor(about: { readonly id: string; readonly title: string }) {
    this.#about = about;
  }

  add(subject: string, faults: readonly string[]): void {
    this.#checked += 1;
    for (const fault of faults) this.fault(subject, fault);
  }

  fault(subject: string, fault: string): void {
    this.#faults += 1;
    if (this.#offending.length < mostShown) this.#offending.push({ subject, fault });
  }

  verdict(): Verdict {
    const { id, title } = this.#about;
    return { id, title, checked: this.#checked, offending: this.#offending, faults: this.#faults };
  }
}
