import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AuthError, HostKeyError, messageOf, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { isKept, wasAsked } from '../hosts/kept/reuse.js';
import { openHost } from '../hosts/open.js';
import { route } from '../hosts/route.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import { commandLine } from '../shell.js';
import { runLoginEnd } from './loginend.js';
import { PoolDoor } from './pooldoor.js';
import type { RelaySettings, RelaySite } from './settings.js';
import { earlierState, lastAlive, type RelayState, writeState } from './state.js';

/** Pauses between two attempts to connect: each is twice as long as the one before. */
const pauses = { first: 1_000, longest: 30_000 };
/** A site that did not let us in is asked seldom: some lock accounts out. */
const refusedPauses = { first: 120_000, longest: 6 * 3_600_000 };
/** A relay that was open for this long was a success: the next pause is the first one. */
const successMs = 5_000;
/** The number of nodes is written down at most so often: they may all come at once. */
const countMs = 500;
/** How often to look whether the user has logged in again, so that the kept login can be used. */
const lookMs = 2_000;

/** Keeps the relay to one site open, for as long as the process lives. */
export class RelayKeeper {
  readonly #door: PoolDoor;
  #state: RelayState;
  #opened = 0;
  #ways: readonly (readonly SshSettings[])[] = [];
  #counting: NodeJS.Timeout | undefined;
  /** Ends a pause. */
  #hurry: () => void = () => {};

  constructor(
    private readonly dir: string,
    private readonly site: RelaySite,
    { pool, hostKey, nodeKey }: RelaySettings,
    private readonly log: (line: string) => void,
  ) {
    for (const name of ['state', 'before']) mkdirSync(join(dir, name), { recursive: true, mode: 0o700 });
    this.#state = this.#first();
    this.#set(this.#state);
    this.#door = new PoolDoor({ pool, hostKey, nodeKey, log, onNodes: () => this.#count() });
  }

  /** Connects again and again; never ends. */
  async keep(): Promise<never> {
    let failures = 0;
    let refusals = 0;
    let why: unknown = new AuthError('no login is kept');
    let isHurried = false;
    for (;;) {
      this.#ways = this.#route();
      if (!isHurried && this.#needsPerson()) {
        this.#cut(why, true);
        await this.#pause(Number.POSITIVE_INFINITY, true);
      }
      why = await this.#once();
      const wasOpen = this.#opened > 0;
      if (wasOpen) refusals = 0;
      if (wasOpen && Date.now() - this.#opened > successMs) failures = 0;
      const isRefusal = why instanceof AuthError || why instanceof HostKeyError;
      this.#learn(why);
      this.#cut(why, this.#needsPerson());
      const { first, longest } = isRefusal ? refusedPauses : pauses;
      const ms = Math.min(first * 2 ** (isRefusal ? refusals++ : failures++), longest);
      // also after a kept login has ended: its file may be there for a moment longer
      isHurried = await this.#pause(ms, isRefusal);
    }
  }

  /** Makes the next attempt now, if it waits for one. */
  hurry(): void {
    this.#hurry();
  }

  /** What an earlier process knew goes on: nodes that were cut off by its end have been so since then. */
  #first(): RelayState {
    const { site } = this.site;
    const before = earlierState(this.dir, site);
    const fresh = { site, state: 'connecting', nodes: 0 } as const;
    const login = before?.login ? { login: before.login } : {};
    if (!before || (before.state === 'connecting' && !before.reason)) return { ...fresh, ...login, since: now() };
    if (before.state !== 'open') return { ...before, ...fresh };
    return {
      ...fresh,
      ...login,
      since: lastAlive(this.dir) ?? now(),
      reason: 'the relay on the headnode was started again',
    };
  }

  /** One connection, from its beginning to its end. @returns why it ended */
  async #once(): Promise<unknown> {
    let host: Host | undefined;
    this.#opened = 0;
    const isByKept = this.#isKept();
    // who asked a person will do so again
    if (isByKept && this.#ways.some(wasAsked)) this.#state = { ...this.#state, login: 'kept' };
    try {
      host = await this.#connect();
      const said = await runLoginEnd(host, this.site, {
        onOpen: at => this.#open(at, isByKept),
        onConnection: entering => this.#door.enter(entering),
      });
      return new ScailfinError(said);
    } catch (error) {
      return error;
    } finally {
      await host?.close().catch(() => {});
    }
  }

  async #connect(): Promise<Host> {
    const { auth, configFile } = this.site;
    let first: unknown;
    for (const target of this.#targets()) {
      try {
        return await openHost({ kind: 'ssh', ...target }, { auth, configFile });
      } catch (error) {
        // whoever refuses us would do so again at the next login node
        if (error instanceof AuthError || error instanceof HostKeyError) throw error;
        first ??= error;
      }
    }
    throw first ?? new ScailfinError(`no login node of ${this.site.site} is known`);
  }

  /** @param forKept it ends as soon as there is a kept login @returns whether it was ended by `hurry` */
  async #pause(ms: number, forKept: boolean): Promise<boolean> {
    const until = Date.now() + ms;
    let isHurried = false;
    while (!isHurried && Date.now() < until) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>(resolve => {
        timer = setTimeout(resolve, Math.min(lookMs, until - Date.now()));
        this.#hurry = () => {
          isHurried = true;
          resolve();
        };
      });
      clearTimeout(timer);
      if (forKept && this.#isKept()) break;
    }
    this.#hurry = () => {};
    return isHurried;
  }

  /** Nobody but a person can log in there, and no login is kept. */
  #needsPerson(): boolean {
    // the cluster's own key was made after its user's login had been refused, and is another way in
    return !this.site.ownKey && this.#state.login === 'kept' && !this.#isKept();
  }

  /** Remembers whether this site needs a person. */
  #learn(why: unknown): void {
    if (why instanceof AuthError && why.needsPerson && this.#state.login !== 'own')
      this.#state = { ...this.#state, login: 'kept' };
  }

  #open(at: string, isByKept: boolean): void {
    this.#opened = Date.now();
    this.log(`${this.site.site}: compute nodes reach the pool at ${at}`);
    const { site, nodes, login } = this.#state;
    const how = isByKept ? login : 'own';
    this.#set({ site, nodes, state: 'open', since: now(), at, ...(how ? { login: how } : {}) });
  }

  #cut(error: unknown, needsPerson: boolean): void {
    const why = messageOf(error).split('\n')[0] ?? '';
    this.log(`${this.site.site}: ${why}`);
    const reason = needsPerson
      ? `${why}; the site asks a person at each login, so it is not tried before there is a kept one`
      : why;
    const { site, nodes, login, state, since: before, reason: earlier } = this.#state;
    const since = state === 'cut' || earlier !== undefined ? before : now();
    const hint = this.#hint(error, needsPerson);
    const refused = error instanceof AuthError ? { refused: true as const } : {};
    const more = { ...(hint === undefined ? {} : { hint }), ...(login ? { login } : {}), ...refused };
    this.#set({ site, nodes, state: 'cut', since, reason, ...more });
  }

  #hint(error: unknown, needsPerson: boolean): string | undefined {
    const { site, configFile } = this.site;
    // a configuration of its own: the user types on another machine than this one
    if (needsPerson && configFile === undefined) return commandLine(['scailfin', 'login', site]);
    return error instanceof AuthError || error instanceof HostKeyError ? error.hint : undefined;
  }

  #count(): void {
    if (this.#counting) return;
    this.#counting = setTimeout(() => {
      this.#counting = undefined;
      this.#set({ ...this.#state, nodes: this.#door.nodes });
    }, countMs);
  }

  #set(state: RelayState): void {
    this.#state = state;
    try {
      writeState(this.dir, state);
    } catch (error) {
      this.log(`its state could not be written: ${messageOf(error)}`);
    }
  }

  /** The ways to the login nodes. The user's configuration may have mistakes today. */
  #route(): (readonly SshSettings[])[] {
    const { targets, configFile } = this.site;
    try {
      return targets.map(target => route(target, { configFile }));
    } catch {
      return [];
    }
  }

  #isKept(): boolean {
    return this.#ways.some(isKept);
  }

  /** A login node with a kept login comes first. */
  #targets(): RelaySite['targets'] {
    const { targets } = this.site;
    const kept = targets.filter((_, n) => this.#ways[n] && isKept(this.#ways[n]));
    return [...kept, ...targets.filter(target => !kept.includes(target))];
  }
}

const now = (): number => Math.floor(Date.now() / 1000);

/** Resolves when the process is told to end. */
export async function toldToEnd(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
}
