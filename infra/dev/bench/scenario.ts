import type { LocalServers } from '../servers/local-servers.js';
import type { Series } from './plot.js';
import type { BenchSystem } from './system.js';

/** How much is measured. */
export interface Plan {
  /** How often the reference and the system are measured, one after the other. */
  readonly pairs: number;
  /** How long one measurement takes, in milliseconds. */
  readonly windowMs: number;
  readonly clients: number;
  /** How many orders a drain and a burst are made of. */
  readonly drainSize: number;
  readonly burstSize: number;
  readonly steadyMs: number;
  readonly soakMs: number;
  /** How long the processor is away, and how many orders wait for it. */
  readonly absenceMs?: number;
  readonly absenceOrders?: number;
}

/** What the scenarios share: servers, the systems they load, and what an earlier scenario has measured. */
export interface Bench {
  readonly kind: 'full' | 'quick' | 'soak' | 'absence';
  readonly plan: Plan;
  readonly servers: LocalServers;
  readonly print: (line: string) => void;
  /** The system in this mode, started at its first use. */
  system(mode: Mode): Promise<BenchSystem>;
  /** Orders settled a second in default mode, once `settling` has measured it. */
  capacity?: number;
}

export type Mode = 'default' | 'strict';

export interface Chart {
  readonly file: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

/** `reached` is for a target that is out of reach, as docs/performance.md shows: what is reached instead. */
type Target =
  { readonly atLeast: number; readonly reached?: number } | { readonly atMost: number; readonly reached?: undefined };

/** One line of the result: the system against a reference, or against a limit of its own. */
export interface Measurement {
  /** Its name in reports and in `docs/performance.md`. */
  readonly slug: string;
  readonly title: string;
  readonly unit: string;
  readonly subject: readonly number[];
  readonly reference: readonly number[];
  /** What is compared with the target; usually the quotient of the medians. */
  readonly ratio: number;
  /** The same of each pair, where there were pairs. */
  readonly pairs?: readonly number[];
  readonly target: Target;
  readonly notes: readonly string[];
  readonly charts?: readonly Chart[];
}

/** Takes one measurement or several. @throws Error when a run was invalid: an order was lost or doubled */
export type Scenario = (bench: Bench) => Promise<Measurement[]>;

type TargetResult = 'met' | 'missed, as known' | 'MISSED';

export function targetResultOf({ ratio, target }: Measurement): TargetResult {
  if ('atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost) return 'met';
  return target.reached !== undefined && ratio >= target.reached ? 'missed, as known' : 'MISSED';
}
