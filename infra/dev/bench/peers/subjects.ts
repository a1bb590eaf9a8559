import type { OrderSystem } from '../load.js';
import { cpuMsOf, serverPids } from '../process-usage.js';
import type { Bench, Mode } from '../scenario.js';
import { PeerUnavailable, peers, pinnedVersion, type Peer } from './peer.js';
import { PeerSystem } from './peer-system.js';

/** A running system that is measured: this system in one of its modes, or a peer. */
export interface Subject {
  readonly system: OrderSystem & {
    /** @throws Error unless every accepted order exists once and is settled, and no work is open */
    verify(): Promise<void>;
  };
  /** CPU time used so far by each of its processes, servers included, in milliseconds. */
  readCpu(): Record<string, number>;
  /** Called after a failure as well as at the end. */
  stop(): Promise<void>;
}

/** A subject that is not running yet. */
export interface Candidate {
  readonly title: string;
  readonly versions: string;
  readonly notes: readonly string[];
  /** @throws PeerUnavailable if something that it needs is not available on this machine */
  start(): Promise<Subject>;
}

/** The servers that every subject uses. Any other server counts only for the subject that needs it. */
const sharedServers = /^(Postgres .*|RabbitMQ)$/;

/**
 * Returns this system in both modes, then the peers. Their CPU time is read by way of the servers' current records,
 * since a restarted server has a new process.
 */
export function candidatesOf(bench: Bench, packages: () => Promise<string>): Candidate[] {
  return [
    ...(['default', 'strict'] as const).map((mode) => ownCandidate(bench, mode)),
    ...peers.map((peer) => peerCandidate(bench, peer, packages)),
  ];
}

function ownCandidate(bench: Bench, mode: Mode): Candidate {
  return {
    title: `this system, ${mode} mode`,
    versions: '',
    notes: [],
    start: async () => {
      const system = await bench.system(mode);
      return {
        system,
        readCpu: () =>
          readCpu(bench, 'Temporal', { 'order-api': system.pidOf('order-api'), processor: system.pidOf('processor') }),
        // Nothing uses it after this; the benchmark drops its databases when it stops all its systems.
        stop: async () => system.kill(),
      };
    },
  };
}

function peerCandidate(bench: Bench, peer: Peer, packages: () => Promise<string>): Candidate {
  const versions = Object.entries(peer.packages).map(
    ([name, licence]) => `${name} ${pinnedVersion(name)} (${licence})`,
  );
  return {
    title: peer.title,
    versions: versions.join(', '),
    notes: peer.differences,
    start: async () => {
      const { serverDirectory } = bench.servers;
      const directory = await packages().catch((error: unknown) => {
        throw new PeerUnavailable('its packages could not be installed', { cause: error });
      });
      const system = await PeerSystem.start(peer, directory, serverDirectory, bench.print);
      return {
        system,
        readCpu: () => readCpu(bench, system.restate?.processName, system.pids),
        stop: () => system.stop(),
      };
    },
  };
}

function readCpu(
  { servers }: Bench,
  ownServer: string | undefined,
  services: Readonly<Record<string, number>>,
): Record<string, number> {
  const all = Object.entries(serverPids(servers.serverDirectory.run));
  const used = all.filter(([name]) => sharedServers.test(name) || name === ownServer);
  return Object.fromEntries([...used, ...Object.entries(services)].map(([name, pid]) => [name, cpuMsOf(pid)]));
}
