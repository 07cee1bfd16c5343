import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { hasFields } from '../fields.js';
import { inLine } from '../printable.js';

/** The relay to one site, as the process on the headnode writes it down. */
export interface RelayState {
  readonly site: string;
  /** `connecting`: the first attempt of this process; `cut`: no connection to the login node now; it is tried again. */
  readonly state: 'connecting' | 'open' | 'cut';
  /** Since when it is in this state, Unix time. */
  readonly since: number;
  /** Why it is cut, and what the user can do, if it is more than to wait. */
  readonly reason?: string;
  readonly hint?: string;
  /** The site let nobody in: with another login it might. */
  readonly refused?: true;
  /** Where compute nodes find it: `10.0.0.1:31234 on login2`. */
  readonly at?: string;
  /** How many compute nodes are connected. */
  readonly nodes: number;
  /**
   * How the headnode logs in there: `own`, by itself, as it has done before; `kept`, only by a login that the user keeps,
   * because the site asks a person.
   */
  readonly login?: 'own' | 'kept';
}

/** The file with the state of a site's relay, below the relay's directory. */
export const stateFile = (dir: string, site: string): string => join(dir, 'state', `${site}.json`);

/** The file is replaced as a whole. */
export function writeState(dir: string, state: RelayState): void {
  writeFileAtomic.sync(stateFile(dir, state.site), `${JSON.stringify(state)}\n`, { mode: 0o600 });
}

/** @returns undefined for a text that is no state */
export function parseState(text: string): RelayState | undefined {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!hasFields(found, { site: 'string', state: 'string', since: 'number', nodes: 'number' })) return undefined;
  const { site, state, since, nodes, refused, reason, hint, at, login } = found as unknown as RelayState;
  // the login node's words are in it
  const words = Object.entries({ reason, hint, at }).flatMap(([key, text]) =>
    typeof text === 'string' ? [[key, inLine(text)]] : [],
  );
  const how = login === 'own' || login === 'kept' ? { login } : {};
  const isRefused = refused === true ? { refused } : {};
  return { site, state, since, nodes, ...isRefused, ...Object.fromEntries(words), ...how };
}

/**
 * What an earlier process left. `relay-start.sh` moves states aside, so that it sees new ones.
 * @returns undefined if there was none
 */
export function earlierState(dir: string, site: string): RelayState | undefined {
  for (const file of [stateFile(dir, site), join(dir, 'before', `${site}.json`)]) {
    try {
      return parseState(readFileSync(file, 'utf8'));
    } catch {
      // there is none
    }
  }
  return undefined;
}

/** When an earlier process showed its last sign of life, Unix time; see `program-run.ejs`. */
export function lastAlive(dir: string): number | undefined {
  const found = statSync(join(dir, 'alive.before'), { throwIfNoEntry: false });
  return found && Math.floor(found.mtimeMs / 1000);
}
