import { ScailfinError } from '../../errors.js';
import type { DetachedEnd } from '../detached.js';

/** A line of `minikube … -o json`: a CloudEvent with only text in its data (minikube's pkg/minikube/out/register). */
export interface MinikubeEvent {
  /** The last word of `io.k8s.sigs.minikube.step`: step, download, download.progress, warning, info or error. */
  readonly type: string;
  readonly data: Readonly<Record<string, string>>;
}

const TYPE = 'io.k8s.sigs.minikube.';

/** @returns undefined for a line that is not an event */
export function eventOf(line: string): MinikubeEvent | undefined {
  try {
    const { type, data } = JSON.parse(line) as { type?: unknown; data?: Record<string, string> };
    if (typeof type !== 'string' || !type.startsWith(TYPE) || !data) return undefined;
    return { type: type.slice(TYPE.length), data };
  } catch {
    return undefined;
  }
}

/** Its progress in a few words; undefined if the event says nothing about it. */
export function progressOf({ type, data }: MinikubeEvent): string | undefined {
  if (type === 'step' && data.name) {
    return data.currentstep ? `${data.name} (${data.currentstep} of ${data.totalsteps})` : data.name;
  }
  if (type !== 'download.progress') return undefined;
  const artifact = data.artifact?.split('@')[0]?.split('/').at(-1) ?? 'files';
  return `fetching ${artifact} ${Math.floor(100 * Number(data.progress))} %`;
}

/**
 * Why the start failed: in minikube's words, with a hint in scailfin's, because minikube's advice is for another way of
 * using it.
 */
export class StartFailed extends ScailfinError {
  constructor(
    host: string,
    /** minikube's name for the reason, such as PROVIDER_DOCKER_NOT_RUNNING; empty if it gave none. */
    readonly reason: string,
    readonly words: string,
    hint: string,
  ) {
    super(`Kubernetes does not start on ${host}: ${words}${reason ? ` (${reason})` : ''}`, { hint });
  }

  /** Another process took the port after it was checked and before the container engine used it. */
  get portTaken(): boolean {
    return /port is already allocated|address already in use|ports are not available/i.test(this.words);
  }
}

/** @param events all events of the run that failed */
export function failureOf(host: string, events: readonly MinikubeEvent[], end: DetachedEnd): StartFailed {
  // minikube also reports errors that it recovered from; the final one has a status
  const error = (
    events.findLast(e => e.type === 'error' && e.data.exitcode) ?? events.findLast(e => e.type === 'error')
  )?.data;
  const said = error?.message || end.stderr || `minikube start exited with status ${end.exitCode}`;
  // that an image could not be fetched is a warning before the error, which then is about something else
  const before = events.filter(
    e => e.type === 'warning' && /unable to|cannot pull|failed to pull/i.test(e.data.message ?? ''),
  );
  const words = [essence(said), ...before.slice(-1).map(e => essence(e.data.message ?? ''))].join('; before that: ');
  return new StartFailed(host, error?.name ?? '', words, hintFor(error?.name ?? '', words, error?.advice ?? ''));
}

/** The last output of a command, from its whole log. */
function essence(said: string): string {
  const at = said.lastIndexOf('stderr:');
  const written = at < 0 ? undefined : said.slice(at + 'stderr:'.length);
  // without the symbol that it draws before each line
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
    return 'choose a larger headnode; or ask for less memory: scailfin config set reana.memory 4G; or use the edge, which needs no Kubernetes: --reana edge';
  }
  if (/^INET|pull|no such host|i\/o timeout|proxyconnect/i.test(`${reason} ${words}`)) {
    return 'the headnode must reach registry.k8s.io, gcr.io and docker.io; if it needs a proxy, set https_proxy in ~/.bashrc there';
  }
  // minikube's advice is useful if it is about the system, and not about minikube's own flags
  if (advice && !/minikube|--[a-z]/.test(advice)) return advice;
  return 'to clean up: scailfin down; then run the same command again, or use the edge, which needs no Kubernetes: --reana edge';
}
