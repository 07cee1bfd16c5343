import { createHash } from 'node:crypto';
import { keyValues } from '../../hosts/script.js';
import type { Headnode } from '../component.js';
import { KUBERNETES } from '../pins.js';
import type { OwnSources } from '../tools.js';

export type Driver = 'docker' | 'podman';

/** What the cluster's own Kubernetes is to be. */
export interface MinikubePlan {
  /** `auto`: Docker, where this user may use it, else Podman. */
  readonly driver: Driver | 'auto';
  readonly cpus: number;
  readonly memoryMib: number;
  /** What must be free where the engine keeps images and volumes. */
  readonly diskMib: number;
  /** `v1.2.3` */
  readonly kubernetesVersion: string;
  readonly tools: OwnSources;
  /** First port tried on the headnode's loopback address; the next 99 follow. */
  readonly firstPort: number;
  /** The port of the node that it leads to. */
  readonly nodePort: number;
}

/**
 * The node's memory is twice what REANA's own development cluster had (MINIKUBE_MEMORY in reanahub/reana's Makefile): the
 * workflows' engines live there, too. The disk is what minikube itself advises (its GUEST_PROVISION_NOSPACE).
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

/** All of it, below the cluster's directory. */
export const homeOf = (at: Pick<Headnode, 'dir'>): string => `${at.dir}/minikube`;

/**
 * minikube's name for the cluster, which names container, volume and network, too: those are one space for all users of a
 * Docker daemon, so the directory has a part in it. Known again when all records are lost.
 */
export function profileOf(at: Pick<Headnode, 'dir' | 'cluster'>): string {
  return `scailfin-${at.cluster}-${createHash('sha256').update(at.dir).digest('hex').slice(0, 6)}`;
}

/** What was chosen when it was first set up, kept in `settings` below its home. */
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

/** @returns undefined where nothing is set up */
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

/** The words before a verb of minikube's: nothing of the user's own minikube is touched, nothing of ours lies elsewhere. */
export function minikube(at: Pick<Headnode, 'dir'>, settings: Pick<Settings, 'minikube'>): string[] {
  const home = homeOf(at);
  const places = [`MINIKUBE_HOME=${home}`, `KUBECONFIG=${home}/kubeconfig`, `TMPDIR=${home}`];
  return ['env', '-u', 'MINIKUBE_ROOTLESS', 'MINIKUBE_WANTUPDATENOTIFICATION=false', ...places, settings.minikube];
}

/** `minikube start`, detached: JSON lines tell how far it is. */
export function startArgv(at: Headnode, plan: MinikubePlan, settings: Settings): string[] {
  return [
    ...minikube(at, settings),
    ...['start', '-p', profileOf(at), `--driver=${settings.driver}`, `--rootless=${settings.rootless}`],
    // the one that minikube's documentation names for nodes without root
    ...(settings.rootless ? ['--container-runtime=containerd'] : []),
    `--kubernetes-version=${plan.kubernetesVersion}`,
    ...[`--cpus=${plan.cpus}`, `--memory=${plan.memoryMib}mb`],
    ...[`--ports=127.0.0.1:${settings.port}:${settings.nodePort}`, '--embed-certs', '--keep-context'],
    ...['--wait=all', '--wait-timeout=10m', '--interactive=false', '-o', 'json'],
  ];
}
