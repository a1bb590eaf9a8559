import type { LocalServers } from '../servers/local-servers.js';
import { describeMachine, type Results } from './report.js';
import type { Bench, Measurement, Mode, Plan, Scenario } from './scenario.js';
import { absence } from './scenarios/absence.js';
import { accepting } from './scenarios/accepting.js';
import { burst } from './scenarios/burst.js';
import { confirms } from './scenarios/confirms.js';
import { draining } from './scenarios/draining.js';
import { halfLoad, singleOrder } from './scenarios/latency.js';
import { measurePeers } from './scenarios/peers.js';
import { settling } from './scenarios/settling.js';
import { soak } from './scenarios/soak.js';
import { serverVersions } from './server-versions.js';
import { BenchSystem } from './system.js';

const noLoad = { pairs: 0, windowMs: 0, clients: 0, drainSize: 0, burstSize: 0, steadyMs: 0, soakMs: 0 };

const plans = {
  full: { pairs: 5, windowMs: 6000, clients: 200, drainSize: 50_000, burstSize: 10_000, steadyMs: 30_000, soakMs: 0 },
  quick: { pairs: 2, windowMs: 1500, clients: 200, drainSize: 6000, burstSize: 1000, steadyMs: 4000, soakMs: 0 },
  soak: { pairs: 3, windowMs: 5000, clients: 200, drainSize: 0, burstSize: 0, steadyMs: 0, soakMs: 20 * 60_000 },
  absence: { ...noLoad, absenceMs: 60 * 60_000, absenceOrders: 20_000 },
} as const satisfies Record<string, Plan>;

/** Listed in the order in which they run: capacity comes before the scenarios that need it, the largest load last. */
const scenarios = {
  confirms,
  'single-order': singleOrder,
  settling,
  'half-load': halfLoad,
  accepting,
  draining,
  burst,
} as const satisfies Record<string, Scenario>;

/** The names of the scenarios that can be chosen one by one. */
export const scenarioNames = Object.keys(scenarios);

/** The soak includes `settling`, which measures the capacity that it needs. */
const scenariosOf: Readonly<Record<keyof typeof plans, Readonly<Record<string, Scenario>>>> = {
  full: scenarios,
  quick: scenarios,
  soak: { settling, soak },
  absence: { absence },
};

export interface BenchOptions {
  readonly kind: keyof typeof plans;
  /** Runs only these scenarios. Default: all of the kind. */
  readonly only?: readonly string[] | undefined;
  /** Measures only this system beside its peers. */
  readonly peers?: boolean | undefined;
  readonly print: (line: string) => void;
  readonly stop: AbortSignal;
  /** Length of a soak. Default: as in its plan. */
  readonly soakMinutes?: number | undefined;
  /** Length and size of an absence. Default: as in its plan. */
  readonly absence?: Pick<Plan, 'absenceMs' | 'absenceOrders'> | undefined;
}

/**
 * Runs the benchmark on servers that are running and were passed to `provideTestServers`. A scenario that fails is
 * reported as invalid and does not make this throw.
 */
export async function runBench(
  servers: LocalServers,
  { kind, only, peers: withPeers, print, stop, soakMinutes, absence: absencePlan }: BenchOptions,
): Promise<Results> {
  const soakPlan = soakMinutes === undefined ? {} : { soakMs: soakMinutes * 60_000 };
  const plan: Plan = { ...plans[kind], ...soakPlan, ...absencePlan };
  const systems = new Map<Mode, Promise<BenchSystem>>();
  let failures = 0;
  const bench: Bench = {
    ...{ kind, plan, servers, print },
    system: (mode) => {
      const settings: Record<string, string> = mode === 'strict' ? { APP__ORDERS_PER_WORKFLOW: '1' } : {};
      const known =
        systems.get(mode) ?? BenchSystem.start(`${mode}${failures || ''}`, servers.serverDirectory, settings);
      systems.set(mode, known);
      return known;
    },
  };
  const chosen = withPeers ? [] : Object.entries(scenariosOf[kind]);
  const measurements: Measurement[] = [];
  const invalid: { scenario: string; reason: string }[] = [];
  for (const [name, scenario] of chosen) {
    if (stop.aborted) break;
    if (only && !only.includes(name)) continue;
    try {
      measurements.push(...(await scenario(bench)));
    } catch (error) {
      invalid.push({ scenario: name, reason: String(error) });
      print(`${name}: INVALID: ${String(error)}`);
      // The work it left open would make the next scenarios invalid too, so they get new systems.
      await abandon(systems);
      failures += 1;
    }
  }
  const peers = withPeers ? await measurePeers(bench, stop) : [];
  for (const { title, invalid: reason } of peers) if (reason !== undefined) invalid.push({ scenario: title, reason });
  const machine = describeMachine(await serverVersions(servers));
  await Promise.all(
    [...systems.values()].map(async (system) =>
      (await system).stop().catch((error: unknown) => print(`stopping a system failed: ${String(error)}`)),
    ),
  );
  return { measurements, peers, invalid, machine, plan };
}

async function abandon(systems: Map<Mode, Promise<BenchSystem>>): Promise<void> {
  for (const system of systems.values()) (await system.catch(() => undefined))?.kill();
  systems.clear();
}
