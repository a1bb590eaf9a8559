import type { LocalServers } from '../servers/local-servers.js';
import { describeMachine, type Results } from './report.js';
import type { Bench, Finding, Mode, Plan, Row } from './row.js';
import { absence } from './rows/absence.js';
import { accepting } from './rows/accepting.js';
import { burst } from './rows/burst.js';
import { confirms } from './rows/confirms.js';
import { draining } from './rows/draining.js';
import { halfLoad, singleOrder } from './rows/latency.js';
import { measurePeers } from './rows/peers.js';
import { settling } from './rows/settling.js';
import { soak } from './rows/soak.js';
import { serverVersions } from './server-versions.js';
import { BenchSystem } from './system.js';

const noLoad = { pairs: 0, windowMs: 0, clients: 0, drainSize: 0, burstSize: 0, steadyMs: 0, soakMs: 0 };

const plans = {
  full: { pairs: 5, windowMs: 6000, clients: 200, drainSize: 50_000, burstSize: 10_000, steadyMs: 30_000, soakMs: 0 },
  quick: { pairs: 2, windowMs: 1500, clients: 200, drainSize: 6000, burstSize: 1000, steadyMs: 4000, soakMs: 0 },
  soak: { pairs: 3, windowMs: 5000, clients: 200, drainSize: 0, burstSize: 0, steadyMs: 0, soakMs: 20 * 60_000 },
  absence: { ...noLoad, absenceMs: 60 * 60_000, absenceOrders: 20_000 },
} as const satisfies Record<string, Plan>;

/** In the order in which they run: the capacity comes before the rows that need it, the largest load last. */
const rows: readonly { readonly numbers: readonly number[]; readonly name: string; readonly row: Row }[] = [
  { numbers: [6], name: 'confirms', row: confirms },
  { numbers: [4], name: 'single order', row: singleOrder },
  { numbers: [2, 3, 10], name: 'settling', row: settling },
  { numbers: [5], name: 'half load', row: halfLoad },
  { numbers: [1], name: 'accepting', row: accepting },
  { numbers: [7], name: 'draining', row: draining },
  { numbers: [8], name: 'burst', row: burst },
];

/** Needs the capacity, too. */
const soakRows = [...rows.filter(({ row }) => row === settling), { numbers: [9], name: 'soak', row: soak }];

const absenceRows = [{ numbers: [12], name: 'absence', row: absence }];

export interface BenchOptions {
  readonly kind: keyof typeof plans;
  /** Only these rows of the table; default: all. */
  readonly only?: readonly number[] | undefined;
  /** Measures this system beside its peers, and no row of the table. */
  readonly peers?: boolean | undefined;
  readonly report: (line: string) => void;
  readonly stop: AbortSignal;
  /** Of a soak. */
  readonly soakMinutes?: number | undefined;
  /** Instead of the plan's. */
  readonly absence?: Pick<Plan, 'absenceMs' | 'absenceOrders'> | undefined;
}

/** Runs the benchmark on servers that are up and provided to the tests. Never throws for a row that could not be measured. */
export async function runBench(
  servers: LocalServers,
  { kind, only, peers: withPeers, report, stop, soakMinutes, absence: absencePlan }: BenchOptions,
): Promise<Results> {
  const soakPlan = soakMinutes === undefined ? {} : { soakMs: soakMinutes * 60_000 };
  const plan: Plan = { ...plans[kind], ...soakPlan, ...absencePlan };
  const systems = new Map<Mode, Promise<BenchSystem>>();
  let failures = 0;
  const bench: Bench = {
    ...{ kind, plan, servers, report },
    system: (mode) => {
      const settings: Record<string, string> = mode === 'strict' ? { APP__ORDERS_PER_WORKFLOW: '1' } : {};
      const known = systems.get(mode) ?? BenchSystem.start(`${mode}${failures || ''}`, servers.instance, settings);
      systems.set(mode, known);
      return known;
    },
  };
  const chosen = withPeers ? [] : { full: rows, quick: rows, soak: soakRows, absence: absenceRows }[kind];
  const findings: Finding[] = [];
  const invalid: { row: string; reason: string }[] = [];
  for (const { numbers, name, row } of chosen) {
    if (stop.aborted) break;
    if (only && !numbers.some((number) => only.includes(number))) continue;
    try {
      findings.push(...(await row(bench)));
    } catch (error) {
      invalid.push({ row: name, reason: String(error) });
      report(`${name}: INVALID: ${String(error)}`);
      // What it has left open would make the rows after it invalid too: they get systems of their own.
      await abandon(systems);
      failures += 1;
    }
  }
  const peers = withPeers ? await measurePeers(bench, stop) : [];
  for (const { title, invalid: reason } of peers) if (reason !== undefined) invalid.push({ row: title, reason });
  const machine = describeMachine(await serverVersions(servers));
  await Promise.all(
    [...systems.values()].map(async (system) =>
      (await system).stop().catch((error: unknown) => report(`stopping: ${String(error)}`)),
    ),
  );
  return { findings, peers, invalid, machine, plan };
}

async function abandon(systems: Map<Mode, Promise<BenchSystem>>): Promise<void> {
  for (const system of systems.values()) (await system.catch(() => undefined))?.kill();
  systems.clear();
}
