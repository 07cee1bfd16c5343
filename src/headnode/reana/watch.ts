import { ScailfinError, TimeoutError } from '../../errors.js';
import type { Headnode } from '../component.js';
import { type Kube, wordsOf } from './kube.js';
import type { KubeEvent, Listed } from './objects.js';
import { after, type Pace } from './pace.js';
import { isUp, type Piece, piecesOf, troublesOf, waitsFor } from './parts.js';
import type { Trouble } from './troubles.js';

/** A pod's last lines are enough to see why it ended. */
const LOG_LINES = '8';

/** The parts that the others need: as long as these are not up, the others may end again and again. */
const FOUNDATION = ['db', 'message-broker', 'cache'];

/** A problem that was not seen for this long is over. */
const OVER_MS = 40_000;

export interface Wait {
  /** The part to wait for; undefined: all. */
  readonly only: string | undefined;
  /** Milliseconds since the epoch. */
  readonly until: number;
  readonly pace: Pace;
}

/**
 * Waits until REANA's parts are up, and reports progress.
 * @throws ScailfinError with the pod's error if a part can't come up; TimeoutError naming the parts that are not up
 */
export async function waitForParts(kube: Kube, at: Headnode, wait: Wait): Promise<void> {
  const borne = new Borne();
  let heard = Date.now();
  for (;;) {
    const listed = await everything(kube).catch((error: unknown) => {
      if (Date.now() - heard > wait.pace.silenceMs) throw silent(at, error);
      return undefined;
    });
    if (listed !== undefined) {
      heard = Date.now();
      const all = piecesOf(listed, kube.release);
      const wanted = all.filter(piece => wait.only === undefined || piece.name === wait.only);
      const missing = wanted.filter(piece => !isUp(piece));
      if (wanted.length > 0 && missing.length === 0) return;
      at.onProgress(progress(all));
      const final = finalTrouble(all, borne, wait.pace);
      if (final) throw await cannotStart(kube, at, ...final);
      if (Date.now() > wait.until) throw await late(kube, at, missing);
    } else if (Date.now() > wait.until) throw await late(kube, at, []);
    await after(wait.pace.pollMs);
  }
}

export function everything(kube: Kube): Promise<readonly Listed[]> {
  return kube.list<Listed>(['deployments,statefulsets,pods']);
}

/** `5 of 8 parts are up; waiting for server (ContainerCreating)`. */
export function progress(pieces: readonly Piece[]): string {
  const missing = pieces.filter(piece => !isUp(piece));
  const up = `${pieces.length - missing.length} of ${pieces.length} parts are up`;
  const names = missing.slice(0, 3).map(piece => `${piece.name} (${waitsFor(piece)})`);
  const more = missing.length > 3 ? ` and ${missing.length - 3} more` : '';
  return missing.length === 0 ? up : `${up}; waiting for ${names.join(', ')}${more}`;
}

/** The first problem that has lasted too long. */
function finalTrouble(pieces: readonly Piece[], borne: Borne, pace: Pace): readonly [Piece, Trouble] | undefined {
  const missing = pieces.filter(p => !isUp(p));
  const founded = !missing.some(p => FOUNDATION.includes(p.name));
  for (const piece of missing) {
    for (const trouble of troublesOf(piece)) {
      if (trouble.kind === 'crash' && !founded && !FOUNDATION.includes(piece.name)) continue;
      // problems are counted per part, because Kubernetes may replace a pod that has one
      const lasted = borne.lasted(`${piece.name} ${trouble.kind}`, Date.now());
      if (lasted >= trouble.patienceMs * pace.patience) return [piece, trouble];
    }
  }
  return undefined;
}

/**
 * How long each problem has lasted. A problem that is not seen for a while is over; if it is missing only shortly,
 * Kubernetes is trying again.
 */
class Borne {
  private readonly times = new Map<string, { first: number; last: number }>();

  /** Milliseconds. */
  lasted(trouble: string, now: number): number {
    const known = this.times.get(trouble);
    const first = known !== undefined && now - known.last < OVER_MS ? known.first : now;
    this.times.set(trouble, { first, last: now });
    return now - first;
  }
}

async function cannotStart(kube: Kube, at: Headnode, piece: Piece, trouble: Trouble): Promise<ScailfinError> {
  const said = [await lastEvent(kube, trouble.pod), ...(await lastLines(kube, trouble))].filter(line => line !== '');
  const unheard = said.filter(line => !trouble.words.includes(line));
  const message = `REANA's ${piece.name} can't start on ${at.host.name}: ${trouble.reason}: ${trouble.words}`;
  return new ScailfinError([message, ...unheard.map(line => `  ${line}`)].join('\n'), { hint: trouble.hint });
}

/** The last warning of Kubernetes about a pod or its owner; empty if there is none, or if it can't be asked. */
async function lastEvent(kube: Kube, name: string): Promise<string> {
  const events = await kube
    .list<KubeEvent>(['events', '--field-selector', `involvedObject.name=${name},type=Warning`])
    .catch(() => []);
  const at = (event: KubeEvent): string => event.lastTimestamp ?? event.metadata.creationTimestamp ?? '';
  // events that say why a container waits; that it waits is in the pod's own status
  const telling = events.filter(event => event.reason !== 'BackOff' && !/^Error: \w+$/.test(event.message ?? ''));
  return (
    [...telling]
      .sort((a, b) => at(a).localeCompare(at(b)))
      .at(-1)
      ?.message?.trim() ?? ''
  );
}

async function lastLines(kube: Kube, { pod, container, reason }: Trouble): Promise<readonly string[]> {
  if (reason !== 'CrashLoopBackOff' || container === undefined) return [];
  const args = ['logs', pod, '--container', container, '--previous', '--tail', LOG_LINES];
  const out = await kube.kubectl(args, { check: false }).catch(() => undefined);
  return out?.exitCode === 0 ? out.stdout.trim().split('\n') : [];
}

async function late(kube: Kube, at: Headnode, missing: readonly Piece[]): Promise<TimeoutError> {
  const lines = await Promise.all(
    missing.map(async piece => {
      const warned = await lastEvent(kube, (piece.pods[0] ?? piece.workload).metadata.name);
      return `  ${piece.name}: ${waitsFor(piece)}${warned ? ` (${warned})` : ''}`;
    }),
  );
  return new TimeoutError([`REANA did not come up on ${at.host.name} in time:`, ...lines].join('\n'), {
    hint: 'run `scailfin up` again to wait longer: the images continue to be fetched',
  });
}

function silent(at: Headnode, error: unknown): ScailfinError {
  return new ScailfinError(`Kubernetes on ${at.host.name} no longer answers: ${wordsOf(error)}`, {
    hint: 'check that it is still running, then run `scailfin up` again: it continues where it stopped',
    cause: error,
  });
}
