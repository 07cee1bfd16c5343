import type { Missing } from '../component.js';
import { type ContainerEngine, engineOf } from './container-engines.js';
import type { Found } from './look.js';
import type { MinikubePlan } from './minikube-plan.js';

export interface Verdict {
  /** The container engine to use, if there is one. */
  readonly engine?: ContainerEngine | undefined;
  readonly missing: readonly Missing[];
}

/** Below these limits kubeadm does not start (minikube's minUsableMem and minimumCPUS). */
const LEAST = { memoryMib: 1800, cpus: 2 };
/** Space for minikube's own downloads and caches, MiB. */
const OWN_ROOM = 2000;

const elsewhere = 'choose another headnode, or the edge, which needs no Kubernetes: --reana edge';

/**
 * Chooses the container engine, and lists what else is missing. A node that exists already has its share of the machine.
 */
export function judge(found: Found, plan: MinikubePlan): Verdict {
  const wanted = found.settings?.driver ?? plan.driver;
  const words = found.engines.filter(e => wanted === 'auto' || e.name === wanted);
  const engines = words.map(e => engineOf(e, found));
  const engine = engines.find(e => e.missing.length === 0);
  const missing = [...root(found), ...(engine ? [] : noEngine(engines, wanted))];
  if (found.settings) return { engine, missing };
  const room = words.find(w => w.name === engine?.name)?.room;
  return { engine, missing: [...missing, ...resources(found, plan, engine), ...space(found, plan, room)] };
}

function* root(found: Found): Generator<Missing> {
  if (found.uid !== 0) return;
  yield {
    what: 'minikube must be run by an ordinary user, not by root',
    hint: 'log in as yourself: --headnode [user@]host',
  };
}

function noEngine(engines: readonly ContainerEngine[], wanted: MinikubePlan['driver']): readonly Missing[] {
  if (engines.length > 0) return engines.flatMap(e => e.missing);
  const what = wanted === 'auto' ? 'neither docker nor podman is installed' : `${wanted} is not installed`;
  return [{ what: `no container engine: ${what}`, hint: `ask for Docker or Podman there; ${elsewhere}` }];
}

function* resources(found: Found, plan: MinikubePlan, engine: ContainerEngine | undefined): Generator<Missing> {
  const cores = engine?.cpus || found.cores;
  const cpus = Math.max(plan.cpus, LEAST.cpus);
  if (cores < cpus)
    yield { what: `${cpus} cores are wanted, ${cores} ${cores === 1 ? 'is' : 'are'} there`, hint: elsewhere };
  const memory = Math.max(plan.memoryMib, LEAST.memoryMib);
  const free = Math.min(found.available, engine?.memoryMib || found.available);
  if (free < memory) {
    const what = `${memory} MiB of memory are wanted, ${free} of ${found.memory} MiB are free`;
    yield {
      what,
      hint: `find out what uses the memory there; or ask for less: scailfin config set reana.memory 4G; or ${elsewhere}`,
    };
  }
}

function* space(found: Found, plan: MinikubePlan, room: number | undefined): Generator<Missing> {
  const lack = (wanted: number, free: number, where: string): Missing => ({
    what: `${wanted} MiB are needed ${where}, but only ${free} MiB are free`,
    hint: `free some space there, or ${elsewhere}`,
  });
  if (room !== undefined && room < plan.diskMib) yield lack(plan.diskMib, room, 'where images are kept');
  if (found.room < OWN_ROOM) yield lack(OWN_ROOM, found.room, "in the cluster's directory");
  if (found.port !== undefined) return;
  const what = `all ports from ${plan.firstPort} to ${plan.firstPort + 99} are taken there`;
  yield { what, hint: elsewhere };
}
