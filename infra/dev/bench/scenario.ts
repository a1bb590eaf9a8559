import type { LocalServers } from '../servers/local-servers.js';
import type { Series } from './plot.js';
import type { BenchSystem } from './system.js';

/** How much is measured, and for how long. */
export interface Plan {
  /** How often reference and subject are measured, one after the other. */
  readonly pairs: number;
  /** Length of one measurement. */
  readonly windowMs: number;
  readonly clients: number;
  /** Number of orders of all drains together, and of each burst. */
  readonly drainSize: number;
  readonly burstSize: number;
  readonly steadyMs: number;
  readonly soakMs: number;
  /** How long the processor is down, and how many orders wait for it. */
  readonly absenceMs?: number;
  readonly absenceOrders?: number;
}

/** What the scenarios share: the servers, the systems they load, and what an earlier scenario has measured. */
export interface Bench {
  readonly kind: 'full' | 'quick' | 'soak' | 'absence';
  readonly plan: Plan;
  readonly servers: LocalServers;
  readonly print: (line: string) => void;
  /** Returns the system in this mode, which is started on first use. */
  system(mode: Mode): Promise<BenchSystem>;
  /** Orders settled per second in default mode, once `settling` has measured it. */
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

/** `reached` is what is known to be reached instead where a target is out of reach, see docs/performance.md. */
type Target =
  { readonly atLeast: number; readonly reached?: number } | { readonly atMost: number; readonly reached?: undefined };

/** One line of the result: the subject compared with a reference, or with a limit. */
export interface Measurement {
  /** Its name in reports and in `docs/performance.md`. */
  readonly slug: string;
  readonly title: string;
  readonly unit: string;
  readonly subject: readonly number[];
  readonly reference: readonly number[];
  /** The value that is compared with the target; usually the ratio of the medians. */
  readonly ratio: number;
  /** The ratio of each pair, if there were pairs. */
  readonly pairs?: readonly number[];
  readonly target: Target;
  readonly notes: readonly string[];
  readonly charts?: readonly Chart[];
}

/** Takes one measurement or several. @throws Error if a run is invalid: an order was lost or duplicated */
export type Scenario = (bench: Bench) => Promise<Measurement[]>;

type TargetResult = 'met' | 'missed, as known' | 'MISSED';

export function targetResultOf({ ratio, target }: Measurement): TargetResult {
  if ('atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost) return 'met';
  return target.reached !== undefined && ratio >= target.reached ? 'missed, as known' : 'MISSED';
}
