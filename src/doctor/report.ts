import { keyValues } from '../hosts/script.js';
import type { SiteProfile } from '../sites/schema.js';
import { type UrlAnswer, urlAnswer } from './urls.js';

export type Runtime = SiteProfile['containers'][number]['runtime'];

export interface FoundRuntime {
  readonly runtime: Runtime;
  /** In the job's PATH or a usual place. */
  readonly path?: string;
  readonly version?: string;
  /** Available only after this module is loaded. */
  readonly module?: string;
}

/** One address that was tried. */
export interface Reach {
  /** `10.77.0.3 port 9618` */
  readonly to: string;
  readonly answers: boolean;
  /** `answers`, or the reason why not. */
  readonly words: string;
}

/** A compute node's report about itself. Memory in MiB. */
export interface NodeReport {
  readonly node: string;
  /** What the batch system gave to the job; absent if it did not say. */
  readonly allocation: { readonly cores?: number; readonly memory?: number };
  /** What the machine has. */
  readonly machine: { readonly cores: number; readonly memory: number; readonly usableCores: number };
  readonly system: { readonly os: string; readonly kernel: string; readonly arch: string; readonly glibc: string };
  readonly gpus: readonly string[];
  readonly gpuDevices: readonly string[];
  readonly runtimes: readonly FoundRuntime[];
  readonly modules: { readonly system: string | undefined; readonly names: readonly string[] };
  /** Whether DIR on the node is the same as on the login node. */
  readonly work: 'same' | 'other' | 'missing';
  readonly writable: boolean;
  readonly headnode: readonly Reach[];
  readonly login: readonly Reach[];
  readonly urls: readonly UrlAnswer[];
  /** The node's clock when it wrote this; seconds since 1970. */
  readonly now: number;
}

const programs: Record<string, Runtime> = {
  ...{ shifter: 'shifter', singularity: 'singularity', apptainer: 'apptainer' },
  ...{ 'ch-run': 'charliecloud', 'podman-hpc': 'podman-hpc' },
};

/** Reads the output of templates/site/node.sh. */
export function parseReport(text: string): NodeReport {
  const values = keyValues(text);
  const all = (key: string): readonly string[] => values.get(key) ?? [];
  const one = (key: string): string => all(key)[0] ?? '';
  const number = (key: string): number => Number(one(key)) || 0;
  const names = all('module').filter(name => /^[\w./+-]+$/.test(name));
  const [cores, memory] = [megabytes(one('cores')), megabytes(one('memory'))];
  return {
    node: one('node'),
    allocation: { ...(cores ? { cores } : {}), ...(memory ? { memory } : {}) },
    machine: { cores: number('machinecores'), memory: number('machinememory'), usableCores: number('usable') },
    system: { os: one('os'), kernel: one('kernel'), arch: one('arch'), glibc: one('glibc') },
    gpus: all('gpu').map(gpu => gpu.trim()),
    gpuDevices: all('device'),
    runtimes: runtimes(all('runtime'), names),
    modules: { system: one('modulesystem').trim() || undefined, names },
    work: one('work') === 'same' ? 'same' : one('work') === 'other' ? 'other' : 'missing',
    writable: one('writable') === 'yes',
    ...{ headnode: all('headnode').map(reach), login: all('login').map(reach) },
    urls: all('url').map(urlAnswer),
    now: number('now'),
  };
}

/** Only plain numbers; other text counts as not reported. */
function megabytes(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function reach(line: string): Reach {
  const at = line.indexOf(': ');
  const words = line.slice(at + 2);
  return { to: line.slice(0, at), answers: words === 'answers', words };
}

/** First those in the PATH; then those that only modules provide. */
function runtimes(lines: readonly string[], modules: readonly string[]): FoundRuntime[] {
  const found = lines.flatMap((line): FoundRuntime[] => {
    const [program = '', path = '', ...words] = line.split(' ');
    const runtime = programs[program];
    if (!runtime) return [];
    const version = /(?<!\d)\d+(?:\.\d+)+\S*/.exec(words.join(' '))?.[0];
    return [{ runtime, path, ...(version === undefined ? {} : { version }) }];
  });
  const known = new Set(found.map(f => f.runtime));
  const pattern = /^(?:.*\/)?(shifter|singularity|apptainer|charliecloud|podman-hpc)(?:\/|$)/i;
  for (const module of modules) {
    const runtime = pattern.exec(module)?.[1]?.toLowerCase() as Runtime | undefined;
    if (runtime === undefined || known.has(runtime)) continue;
    known.add(runtime);
    found.push({ runtime, module });
  }
  return found;
}
