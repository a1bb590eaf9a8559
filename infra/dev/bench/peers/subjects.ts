import type { OrderSystem } from '../load.js';
import { cpuMsOf, serverPids } from '../process-usage.js';
import type { Bench, Mode } from '../scenario.js';
import { PeerUnavailable, peers, pinnedVersion, type Peer } from './peer.js';
import { PeerSystem } from './peer-system.js';

/** A running system that is measured: subject in one of its modes, or a peer. */
export interface Subject {
  readonly system: OrderSystem & {
    /** @throws Error unless every accepted order is there once and settled, and nothing is open any more */
    verify(): Promise<void>;
  };
  /** CPU time used so far by each of its processes, servers included, in milliseconds. */
  readCpu(): Record<string, number>;
  /** After a failure as well as at the end. */
  stop(): Promise<void>;
}

/** One that is not running yet. */
export interface Candidate {
  readonly title: string;
  readonly versions: string;
  readonly notes: readonly string[];
  /** @throws PeerUnavailable when what it needs cannot be had on this machine */
  start(): Promise<Subject>;
}

/** Servers that every system here stands on; what else one needs is counted for it alone. */
const sharedServers = /^(Postgres .*|RabbitMQ)$/;

/** Ours first. The servers' records are read each time: one that was started again has another process. */
export function candidatesOf(bench: Bench, packages: () => Promise<string>): Candidate[] {
  return [
    ...(['default', 'strict'] as const).map((mode) => ourCandidate(bench, mode)),
    ...peers.map((peer) => peerCandidate(bench, peer, packages)),
  ];
}

function ourCandidate(bench: Bench, mode: Mode): Candidate {
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
        // Nobody uses it after this; the benchmark drops its databases when it stops all its systems.
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
