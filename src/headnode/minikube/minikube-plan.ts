import { createHash } from 'node:crypto';
import { keyValues } from '../../hosts/script.js';
import type { Headnode } from '../component.js';
import { KUBERNETES } from '../pins.js';
import type { OwnSources } from '../tools.js';

export type Driver = 'docker' | 'podman';

/** The settings of the cluster's own Kubernetes. */
export interface MinikubePlan {
  /** `auto`: Docker if this user may use it, otherwise Podman. */
  readonly driver: Driver | 'auto';
  readonly cpus: number;
  readonly memoryMib: number;
  /** MiB that must be free where the container engine keeps images and volumes. */
  readonly diskMib: number;
  /** `v1.2.3` */
  readonly kubernetesVersion: string;
  readonly tools: OwnSources;
  /** First port tried on the headnode's loopback address; the next 99 follow. */
  readonly firstPort: number;
  /** The port of the node to which it is forwarded. */
  readonly nodePort: number;
}

/**
 * The node's memory is twice that of REANA's own development cluster (MINIKUBE_MEMORY in reanahub/reana's Makefile),
 * because the workflow engines run there, too. The disk space is what minikube itself recommends (its
 * GUEST_PROVISION_NOSPACE).
 */
export const minikubeDefaults: MinikubePlan = {
  driver: 'auto',
  cpus: 2,
  memoryMib: 6144,
  diskMib: 20_000,
  kubernetesVersion: KUBERNETES,
  tools: {},
  firstPort: 30_443,
  nodePort: 30_443,
};

/** The directory of all its files, below the cluster's directory. */
export const homeOf = (at: Pick<Headnode, 'dir'>): string => `${at.dir}/minikube`;

/**
 * minikube's name for the cluster. The container, volume and network have the same name. These names are shared by all
 * users of a Docker daemon, so a part of the name comes from the directory. It can be computed again when all records are
 * lost.
 */
export function profileOf(at: Pick<Headnode, 'dir' | 'cluster'>): string {
  return `scailfin-${at.cluster}-${createHash('sha256').update(at.dir).digest('hex').slice(0, 6)}`;
}

/** What was chosen at the first setup, kept in the file `settings` below its home. */
export interface Settings {
  readonly driver: Driver;
  readonly rootless: boolean;
  readonly port: number;
  readonly nodePort: number;
  readonly minikube: string;
  readonly kubectl: string;
  readonly helm: string;
}

export function settingsText(settings: Settings): string {
  const lines = Object.entries(settings).map(([key, value]) => `${key.toLowerCase()}=${value}`);
  return `${lines.join('\n')}\n`;
}

/** @returns undefined if nothing is set up */
export function settingsFrom(text: string): Settings | undefined {
  const values = keyValues(text);
  const one = (key: string): string => values.get(key)?.[0] ?? '';
  const driver = one('driver');
  if (driver !== 'docker' && driver !== 'podman') return undefined;
  return {
    ...{ driver, rootless: one('rootless') === 'true', port: Number(one('port')), nodePort: Number(one('nodeport')) },
    ...{ minikube: one('minikube'), kubectl: one('kubectl'), helm: one('helm') },
  };
}

/**
 * The words before a minikube command: it does not touch the user's own minikube, and puts all of its files below our
 * directory.
 */
export function minikube(at: Pick<Headnode, 'dir'>, settings: Pick<Settings, 'minikube'>): string[] {
  const home = homeOf(at);
  const places = [`MINIKUBE_HOME=${home}`, `KUBECONFIG=${home}/kubeconfig`, `TMPDIR=${home}`];
  return ['env', '-u', 'MINIKUBE_ROOTLESS', 'MINIKUBE_WANTUPDATENOTIFICATION=false', ...places, settings.minikube];
}

/** The detached `minikube start`, which reports its progress in JSON lines. */
export function startArgv(at: Headnode, plan: MinikubePlan, settings: Settings): string[] {
  return [
    ...minikube(at, settings),
    ...['start', '-p', profileOf(at), `--driver=${settings.driver}`, `--rootless=${settings.rootless}`],
    // the runtime that minikube's documentation recommends for nodes without root
    ...(settings.rootless ? ['--container-runtime=containerd'] : []),
    `--kubernetes-version=${plan.kubernetesVersion}`,
    ...[`--cpus=${plan.cpus}`, `--memory=${plan.memoryMib}mb`],
    ...[`--ports=127.0.0.1:${settings.port}:${settings.nodePort}`, '--embed-certs', '--keep-context'],
    ...['--wait=all', '--wait-timeout=10m', '--interactive=false', '-o', 'json'],
  ];
}
