import { ScailfinError } from '../../errors.js';
import type { DetachedEnd } from '../detached.js';

/** A line of `minikube … -o json`: a CloudEvent whose data are all text (minikube's pkg/minikube/out/register). */
export interface MinikubeEvent {
  /** The last word of `io.k8s.sigs.minikube.step`: step, download, download.progress, warning, info or error. */
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

const TYPE = 'io.k8s.sigs.minikube.';

/** @returns undefined for a line that is none */
export function eventOf(line: string): MinikubeEvent | undefined {
  try {
    const { type, data } = JSON.parse(line) as { type?: unknown; data?: Record<string, string> };
    if (typeof type !== 'string' || !type.startsWith(TYPE) || !data) return undefined;
    return { type: type.slice(TYPE.length), data };
  } catch {
    return undefined;
  }
}

/** How far it is, in a few words; undefined for what says nothing of it. */
export function progressOf({ type, data }: MinikubeEvent): string | undefined {
  if (type === 'step' && data.name) {
    return data.currentstep ? `${data.name} (${data.currentstep} of ${data.totalsteps})` : data.name;
  }
  if (type !== 'download.progress') return undefined;
  const artifact = data.artifact?.split('@')[0]?.split('/').at(-1) ?? 'files';
  return `fetching ${artifact} ${Math.floor(100 * Number(data.progress))} %`;
}

/** Why it ended badly: minikube's own words, and what to do in scailfin's, where minikube's advice is for another road. */
export class StartFailed extends ScailfinError {
  constructor(
    host: string,
    /** minikube's name for it, such as PROVIDER_DOCKER_NOT_RUNNING; empty where it gave none. */
    readonly reason: string,
    readonly words: string,
    hint: string,
  ) {
    super(`Kubernetes does not start on ${host}: ${words}${reason ? ` (${reason})` : ''}`, { hint });
  }

  /** Somebody took the port between our look at it and the engine's. */
  get portTaken(): boolean {
    return /port is already allocated|address already in use|ports are not available/i.test(this.words);
  }
}

/** @param events all of the run that ended so */
export function failureOf(host: string, events: readonly MinikubeEvent[], end: DetachedEnd): StartFailed {
  // errors it got over are told, too; the one it ended by has a status
  const error = (
    events.findLast(e => e.type === 'error' && e.data.exitcode) ?? events.findLast(e => e.type === 'error')
  )?.data;
  const said = error?.message || end.stderr || `minikube start exited with status ${end.exitCode}`;
  // that an image could not be had is a warning before the error, which then speaks of something else
  const before = events.filter(
    e => e.type === 'warning' && /unable to|cannot pull|failed to pull/i.test(e.data.message ?? ''),
  );
  const words = [essence(said), ...before.slice(-1).map(e => essence(e.data.message ?? ''))].join('; before that: ');
  return new StartFailed(host, error?.name ?? '', words, hintFor(error?.name ?? '', words, error?.advice ?? ''));
}

/** Of a command's whole story, what it wrote at last. */
function essence(said: string): string {
  const at = said.lastIndexOf('stderr:');
  const written = at < 0 ? undefined : said.slice(at + 'stderr:'.length);
  // without the sign that it draws before each line
  const text = (written?.trim() || said).replace(/^[^\p{L}\p{N}"'(]+/u, '').replace(/^X\s+/, '');
  const lines = text
    .split('\n')
    .map(l => l.trim())
    .filter(l => l !== '');
  const short = lines.slice(0, 6).join('\n');
  return short.length > 700 ? `${short.slice(0, 697)}...` : short;
}

function hintFor(reason: string, words: string, advice: string): string {
  if (/^(RSRC|GUEST_PROVISION_NOSPACE)/.test(reason)) {
    return 'choose a larger headnode; scailfin config set reana.memory 4G asks for less; --reana edge needs no Kubernetes';
  }
  if (/^INET|pull|no such host|i\/o timeout|proxyconnect/i.test(`${reason} ${words}`)) {
    return 'the headnode must reach registry.k8s.io, gcr.io and docker.io; https_proxy in ~/.bashrc there is respected';
  }
  // minikube's advice is good where it is about the system, not about minikube's own flags
  if (advice && !/minikube|--[a-z]/.test(advice)) return advice;
  return 'scailfin down cleans up; the same command tries again, or takes the edge, which needs no Kubernetes: --reana edge';
}
