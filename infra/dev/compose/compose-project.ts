import { runCommand } from '../processes/run-command.js';
import { repositoryRoot } from '../processes/server-directory.js';
import { choosePort } from '../processes/ports.js';
import { processIdentity } from '../processes/exclusive-lock.mjs';

const portVariables = {
  ordersDb: 'ORDERS_DB_PORT',
  processorDb: 'PROCESSOR_DB_PORT',
  rabbitmq: 'RABBITMQ_PORT',
  rabbitmqManagement: 'RABBITMQ_MANAGEMENT_PORT',
  temporal: 'TEMPORAL_PORT',
  temporalUi: 'TEMPORAL_UI_PORT',
  orderApi: 'APP__ORDER_API_PORT',
  processor: 'APP__PROCESSOR_PORT',
} as const;

type Ports = Readonly<Record<keyof typeof portVariables, number>>;

const namePrefix = 'order-processing-test-';
const projectName = `${namePrefix}${process.pid}`;
const imageName = 'order-processing-system';
const commandLimitMs = 120_000;
/** The first time, the servers' images are pulled and the services' image is built. */
const upLimitMs = 20 * 60_000;

/** The compose files under their own project name and ports, used as people use them: through `docker compose`. */
export class ComposeProject {
  readonly ports: Ports;
  readonly #files: readonly string[];
  readonly #environment: NodeJS.ProcessEnv;

  private constructor(ports: Ports, files: readonly string[]) {
    this.ports = ports;
    this.#files = files;
    this.#environment = { ...process.env };
    for (const [key, variable] of Object.entries(portVariables)) {
      this.#environment[variable] = String(ports[key as keyof Ports]);
    }
  }

  static async create(): Promise<ComposeProject> {
    const ports: Partial<Record<keyof Ports, number>> = {};
    for (const key of Object.keys(portVariables) as (keyof Ports)[]) ports[key] = await choosePort();
    return new ComposeProject(ports as Ports, []);
  }

  /** Returns the same project with another compose file on top, e.g. docker-compose.scaled.yml. */
  withFile(name: string): ComposeProject {
    return new ComposeProject(this.ports, ['infra/docker-compose.yml', `infra/${name}`]);
  }

  /** Runs `docker compose up --wait` in the repository's root. */
  up(...options: string[]): Promise<string> {
    return this.#docker(['compose', ...this.#project(), 'up', '--wait', ...options], upLimitMs);
  }

  /** Runs another command of `docker compose`, and returns its output. */
  run(...args: string[]): Promise<string> {
    return this.#docker(['compose', ...this.#project(), ...args], commandLimitMs);
  }

  /** Returns what `docker inspect` shows of each container of the service. */
  async inspect(service: string): Promise<ContainerState[]> {
    const ids = linesOf(await this.run('ps', '--all', '--quiet', service));
    return JSON.parse(await this.#docker(['inspect', ...ids], commandLimitMs)) as ContainerState[];
  }

  async volumes(): Promise<string[]> {
    const filter = `label=com.docker.compose.project=${projectName}`;
    return linesOf(await this.#docker(['volume', 'ls', '--quiet', '--filter', filter], commandLimitMs));
  }

  /** Returns the images of the project's services, without the one that is built from this repository. */
  async images(): Promise<string[]> {
    return linesOf(await this.run('config', '--images')).filter((image) => image !== imageName);
  }

  /** Returns how many log lines with this text each instance of the service has written. */
  async countPerInstance(service: string, text: string): Promise<number[]> {
    const containers = await this.inspect(service);
    const logs = await Promise.all(containers.map(({ Name }) => this.#docker(['logs', Name.slice(1)], commandLimitMs)));
    return logs.map((log) => linesOf(log).filter((line) => line.includes(text)).length);
  }

  /** Returns everything that `docker history` and `docker inspect` show of the services' image. */
  async describeImage(): Promise<string> {
    const history = await this.#docker(['history', '--no-trunc', imageName], commandLimitMs);
    return history + (await this.#docker(['image', 'inspect', imageName], commandLimitMs));
  }

  /** Returns the addresses of the servers as seen from this machine, including passwords. */
  async addresses(): Promise<{ ordersDb: string; processorDb: string; rabbitmq: string }> {
    const output = await this.run('run', '--rm', 'credentials', 'show');
    const [ordersDb, processorDb, rabbitmq] = linesOf(output).filter((line) => /^\w+:\/\//.test(line));
    if (!ordersDb || !processorDb || !rabbitmq) throw new Error(`"credentials show" printed no addresses: ${output}`);
    return { ordersDb, processorDb, rabbitmq };
  }

  /** Removes the containers, the network and the volumes. */
  async remove(): Promise<void> {
    await this.run('down', '--volumes', '--remove-orphans', '--timeout', '5');
  }

  #project(): string[] {
    return ['--progress', 'quiet', '--project-name', projectName, ...this.#files.flatMap((file) => ['--file', file])];
  }

  #docker(args: readonly string[], limitMs: number): Promise<string> {
    return runCommand('docker', args, { cwd: repositoryRoot, env: this.#environment, limitMs });
  }
}

function linesOf(output: string): string[] {
  return output.split('\n').filter(Boolean);
}

/** The part of `docker inspect` that the tests use. */
export interface ContainerState {
  readonly Name: string;
  readonly State: { readonly Status: string; readonly ExitCode: number; readonly Health?: { readonly Status: string } };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: string[] | null;
    readonly SecurityOpt: string[] | null;
    readonly RestartPolicy: { readonly Name: string };
    readonly Memory: number;
    readonly PidsLimit: number | null;
    readonly PortBindings: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[]>>;
  };
}

/** Removes the compose projects of test runs whose process is gone. Does nothing without docker compose. */
export async function sweepComposeProjects(print: (line: string) => void): Promise<void> {
  const list = ['compose', 'ls', '--all', '--quiet'];
  const names = await runCommand('docker', list, { limitMs: commandLimitMs }).catch(() => '');
  for (const name of linesOf(names).filter((each) => each.startsWith(namePrefix))) {
    if (processIdentity(Number(name.slice(namePrefix.length))) !== undefined) continue;
    const down = ['compose', '--project-name', name, 'down', '--volumes', '--remove-orphans', '--timeout', '5'];
    await runCommand('docker', down, { limitMs: commandLimitMs });
    print(`removed the compose project ${name}, which an earlier test run left behind`);
  }
}
