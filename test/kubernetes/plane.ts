import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { program, until } from '../lab/programs.js';
import { Daemon, freePorts } from './daemons.js';
import { type Fates, stages } from './fates.js';
import { type Pods, podsConfig } from './pods.js';
import { planeProgram } from './program.js';
import { type KubernetesTools, kubernetesTools } from './tools.js';

/** A control plane that is real: etcd, API server, controllers and scheduler. Its nodes are kwok's. */
export interface PlaneOptions {
  /** What the one node has; a kubelet's own words for amounts. Enough for everything, unless said. */
  readonly node?: { readonly cpu: string; readonly memory: string };
  readonly fates?: Fates;
  readonly pods?: Pods;
}

/** Why there is no control plane here; undefined when there can be one. */
export async function planeUnavailable(): Promise<string | undefined> {
  const needs = [await kubernetesTools(), await planeProgram()];
  return needs.flatMap(need => ('missing' in need ? [need.missing] : [])).join('; ') || undefined;
}

/**
 * A Kubernetes for a test: everything but containers. Pods of its node run, fail and go as `fates` says; `kubectl
 * exec` and `logs` find what `pods` names. Only on 127.0.0.1; nothing of it outlives its maker.
 */
export class ControlPlane {
  readonly context = 'plane';
  readonly kubeconfig: string;
  private readonly daemons: Daemon[] = [];
  private nodes: Daemon | undefined;

  private constructor(
    readonly dir: string,
    readonly tools: KubernetesTools,
    private readonly plane: string,
    private readonly ports: {
      readonly etcd: number;
      readonly peer: number;
      readonly api: number;
      readonly kubelet: number;
      readonly kwok: number;
    },
    private pods: Pods,
  ) {
    this.kubeconfig = join(dir, 'kubeconfig');
  }

  /** Some seconds. @throws Error with the words of the component that did not come up */
  static async start(options: PlaneOptions = {}): Promise<ControlPlane> {
    const [tools, built] = [await kubernetesTools(), await planeProgram()];
    if ('missing' in tools) throw new Error(tools.missing);
    if ('missing' in built) throw new Error(built.missing);
    const [etcd = 0, peer = 0, api = 0, kubelet = 0, kwok = 0] = await freePorts(5);
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-plane-'));
    const plane = new ControlPlane(dir, tools, built.path, { etcd, peer, api, kubelet, kwok }, options.pods ?? {});
    try {
      await plane.writeFiles();
      await plane.startServers();
      await plane.startNodes(options);
    } catch (error) {
      await plane.stop();
      throw error;
    }
    return plane;
  }

  /** @returns what it printed. @throws Error with its words when it fails */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    const argv = [this.tools.kubectl, '--kubeconfig', this.kubeconfig, ...args] as const;
    return program([...argv], { timeoutMs: 60_000, ...(input !== undefined && { input }) });
  }

  /** What `kubectl get … -o json` says. */
  async get<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl(['get', ...args, '-o', 'json'])) as T;
  }

  /** From now on; of pods that are there already, too. */
  async fate(fates: Fates, pods: Pods = this.pods): Promise<void> {
    this.pods = pods;
    await this.nodes?.stop();
    await this.write('exec.json', JSON.stringify(pods.exec ?? {}));
    await this.write('kwok.yaml', [stages(fates), ...podsConfig(pods)].join('---\n'));
    this.nodes = await Daemon.start(this.dir, this.plane, 'kwok', [
      ...['--kubeconfig', this.kubeconfig, '--config', join(this.dir, 'kwok.yaml'), '--manage-all-nodes'],
      ...['--node-ip', '127.0.0.1', '--node-port', `${this.ports.kubelet}`],
      ...['--server-address', `127.0.0.1:${this.ports.kwok}`],
    ]);
  }

  /** Everything of it is gone. */
  async stop(): Promise<void> {
    const all = this.nodes ? [this.nodes, ...this.daemons] : this.daemons;
    await Promise.all(all.map(daemon => daemon.stop()));
    await rm(this.dir, { recursive: true, force: true });
  }

  private async writeFiles(): Promise<void> {
    const tls = ['-keyout', join(this.dir, 'tls.key'), '-out', join(this.dir, 'tls.crt')] as const;
    const names = 'subjectAltName=DNS:localhost,DNS:kubernetes,IP:127.0.0.1';
    const kind = ['-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=plane'] as const;
    await program(['openssl', 'req', '-x509', ...kind, '-addext', names, ...tls]);
    const token = randomBytes(16).toString('hex');
    await this.write('tokens.csv', `${token},admin,admin,system:masters\n`);
    const cluster = {
      server: `https://127.0.0.1:${this.ports.api}`,
      'certificate-authority': join(this.dir, 'tls.crt'),
    };
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: this.context, cluster }],
      users: [{ name: this.context, user: { token } }],
      contexts: [{ name: this.context, context: { cluster: this.context, user: this.context } }],
      'current-context': this.context,
    };
    await this.write('kubeconfig', stringify(config));
  }

  private async write(name: string, text: string): Promise<void> {
    const path = join(this.dir, name);
    await writeFile(path, text, { mode: 0o600 });
    await chmod(path, 0o600);
  }

  private async startServers(): Promise<void> {
    const { etcd, peer, api } = this.ports;
    const key = join(this.dir, 'tls.key');
    await this.serve('etcd', {
      'data-dir': join(this.dir, 'etcd'),
      'listen-client-urls': `http://127.0.0.1:${etcd}`,
      'advertise-client-urls': `http://127.0.0.1:${etcd}`,
      'listen-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-advertise-peer-urls': `http://127.0.0.1:${peer}`,
      'initial-cluster': `default=http://127.0.0.1:${peer}`,
      // a crash of this machine may cost a test its data
      'unsafe-no-fsync': 'true',
    });
    await this.serve('kube-apiserver', {
      'etcd-servers': `http://127.0.0.1:${etcd}`,
      'bind-address': '127.0.0.1',
      'secure-port': `${api}`,
      'advertise-address': '127.0.0.1',
      'tls-cert-file': join(this.dir, 'tls.crt'),
      'tls-private-key-file': key,
      'cert-dir': this.dir,
      'token-auth-file': join(this.dir, 'tokens.csv'),
      'authorization-mode': 'RBAC',
      'service-account-issuer': 'https://kubernetes.default.svc',
      'service-account-key-file': key,
      'service-account-signing-key-file': key,
      'service-cluster-ip-range': '10.0.0.0/24',
      'kubelet-preferred-address-types': 'InternalIP',
      // it is one server, and it stands still at once
      'endpoint-reconciler-type': 'none',
      'shutdown-delay-duration': '0s',
    });
    await this.ready('/readyz');
    const client = { kubeconfig: this.kubeconfig, 'leader-elect': 'false', 'secure-port': '0' };
    await this.serve('kube-controller-manager', { ...client, 'service-account-private-key-file': key });
    await this.serve('kube-scheduler', client);
  }

  private async serve(name: string, flags: Readonly<Record<string, string>>): Promise<void> {
    const argv = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    this.daemons.push(await Daemon.start(this.dir, this.plane, name, argv));
  }

  private async startNodes({ node = { cpu: '64', memory: '256Gi' }, fates = {} }: PlaneOptions): Promise<void> {
    await this.fate(fates);
    const capacity = { ...node, pods: '110', 'ephemeral-storage': '100Gi' };
    const object = {
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name: 'plane', labels: { 'kubernetes.io/hostname': 'plane' } },
      status: { capacity, allocatable: capacity },
    };
    await this.kubectl(['create', '-f', '-'], JSON.stringify(object));
    const tls = [join(this.dir, 'tls.crt'), join(this.dir, 'tls.key')];
    const { kubelet, kwok } = this.ports;
    const argv = [`127.0.0.1:${kubelet}`, ...tls, `127.0.0.1:${kwok}`, join(this.dir, 'exec.json')];
    this.daemons.push(await Daemon.start(this.dir, this.plane, 'kubelet', argv));
    const isReady = () => this.kubectl(['wait', 'node/plane', '--for=condition=Ready', '--timeout=1s']);
    await this.while('its node', isReady);
    // no pod is let in before its namespace has one
    await this.while('service accounts', () => this.kubectl(['get', 'serviceaccount', 'default']));
  }

  private ready(path: string): Promise<unknown> {
    return this.while('the API server', () => this.kubectl(['get', '--raw', path]));
  }

  /** Waits, unless one of the daemons is dead. */
  private async while(what: string, probe: () => Promise<unknown>): Promise<void> {
    await until(what, 120_000, async () => {
      const dead = [...this.daemons, ...(this.nodes ? [this.nodes] : [])].filter(daemon => !daemon.isAlive);
      if (dead.length > 0) return true;
      await probe();
      return true;
    });
    for (const daemon of [...this.daemons, ...(this.nodes ? [this.nodes] : [])]) await daemon.assertAlive();
  }
}
