import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { UsageError } from '../../errors.js';
import { render } from '../../templates.js';
import type { Room } from './queue.js';
import type { StepRequest } from './step.js';

/** The resources of a step that asks for none; MiB. */
const DEFAULTS = { cores: 1, memory: 1024, disk: 1024 };
/** Seconds beyond a step's time limit after which HTCondor itself ends the step. */
const GRACE = 120;
const UNLIMITED = 10 * 365 * 86400;

export interface Place {
  /** Absolute; the directory of all steps. */
  readonly dir: string;
  readonly wrapper: string;
  readonly log: string;
  /** Seconds after which a node that does not answer is given up; undefined: the pool's default. */
  readonly lease?: number | undefined;
}

/** A step as a row of a submit description; its job's files are in `dir/ID/job`. */
export interface Row {
  readonly id: string;
  readonly request: StepRequest;
  /** Bytes of its inputs. */
  readonly inputBytes: number;
}

/** One description for many steps, with one job each, in this order. */
export function description(place: Place, rows: readonly Row[]): string {
  const isShared = rows.some(({ request }) => request.account !== undefined);
  return render('step/submit', {
    isShared,
    isSession: rows.some(({ request }) => request.isSession === true),
    ...place,
    lease: place.lease,
    wrapperDir: dirname(place.wrapper),
    rows: rows.map(row => rowText(row, isShared)),
  });
}

/** The resources that a step needs on a node, without the space for its inputs. */
export function needsOf({ resources }: Pick<StepRequest, 'resources'>): Room {
  const { cores = DEFAULTS.cores, memory = DEFAULTS.memory, disk = DEFAULTS.disk } = resources;
  return { cores, memory: Math.ceil(memory), disk: Math.ceil(disk * 1024) };
}

function rowText({ id, request, inputBytes }: Row, isShared: boolean): string {
  const { cores, memory, disk } = needsOf(request);
  const { time } = request.resources;
  // the inputs are on the same disk as the outputs
  const kib = Math.ceil(disk + inputBytes / 1024);
  const limit = time === undefined ? UNLIMITED : Math.ceil(time) + GRACE;
  // a step from before anybody else came is the pool's owner's
  const { name, person } = request.account ?? { name: userInfo().username, person: 'owner' };
  const who = isShared ? [name, person] : [];
  // the last field is the rest of the line, including blanks
  return [id, cores, memory, kib, limit, ...who, request.workspace].join(' ');
}

/** @throws UsageError for a step that can't be submitted */
export function checkRequest(request: StepRequest): void {
  if (!request.workspace.startsWith('/'))
    throw new UsageError(`the workspace ${request.workspace} is no absolute path`);
  // in a submit description these characters would have another meaning
  if (/[\n\r",$\\]/.test(request.workspace))
    throw new UsageError(
      `the workspace ${JSON.stringify(request.workspace)} contains a character that HTCondor does not accept`,
    );
  for (const [what, value] of Object.entries(request.resources)) {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      throw new UsageError(`${request.name}: ${what} must be a number above 0, not ${value}`);
    }
  }
  const odd = Object.keys(request.environment).find(name => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (odd !== undefined) throw new UsageError(`${request.name}: ${odd} is not a valid name of an environment variable`);
}
