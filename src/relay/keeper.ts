import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AuthError, HostKeyError, messageOf, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { isKept } from '../hosts/kept/reuse.js';
import { openHost } from '../hosts/open.js';
import { route } from '../hosts/route.js';
import { runLoginEnd } from './loginend.js';
import { PoolDoor } from './pooldoor.js';
import type { RelaySettings, RelaySite } from './settings.js';
import { type RelayState, readState, writeState } from './state.js';

/** Pauses between two attempts to connect. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;
/** A site that did not let us in is not asked again at once: some lock accounts out. */
const refusedPauseMs = 600_000;
/** The number of nodes is written down at most so often: they may all come at once. */
const countMs = 500;
/** How often to look whether the user has logged in again, so that the kept login can be used. */
const lookMs = 2_000;

/** Keeps the relay to one site open, for as long as the process lives. */
export class RelayKeeper {
  readonly #door: PoolDoor;
  #state: RelayState;
  #counting: NodeJS.Timeout | undefined;

  constructor(
    private readonly dir: string,
    private readonly site: RelaySite,
    { pool, hostKey, nodeKey }: RelaySettings,
    private readonly log: (line: string) => void,
  ) {
    mkdirSync(join(dir, 'state'), { recursive: true, mode: 0o700 });
    const before = readState(dir, site.site);
    // a relay that was cut stays cut since then
    this.#state = { site: site.site, state: 'connecting', since: now(), nodes: 0 };
    if (before?.state === 'cut') this.#state = { ...before, nodes: 0 };
    this.#door = new PoolDoor({ pool, hostKey, nodeKey, log, onNodes: () => this.#count() });
  }

  /** Connects again and again; never ends. */
  async keep(): Promise<never> {
    let pause = firstPauseMs;
    for (;;) {
      const began = Date.now();
      const why = await this.#once();
      const isRefusal = why instanceof AuthError || why instanceof HostKeyError;
      this.#cut(why);
      if (Date.now() - began > longestPauseMs) pause = firstPauseMs;
      await this.#wait(isRefusal ? refusedPauseMs : pause, isRefusal);
      pause = Math.min(pause * 2, longestPauseMs);
    }
  }

  /** One connection, from its beginning to its end. @returns why it ended */
  async #once(): Promise<unknown> {
    let host: Host | undefined;
    try {
      host = await this.#connect();
      const said = await runLoginEnd(host, this.site, {
        onOpen: at => this.#open(at),
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
    const { targets, auth, configFile } = this.site;
    let first: unknown;
    for (const target of kepts(this.site)) {
      try {
        return await openHost({ kind: 'ssh', ...target }, { auth, configFile });
      } catch (error) {
        // whoever refuses us would do so again at the next login node
        if (error instanceof AuthError || error instanceof HostKeyError) throw error;
        first ??= error;
      }
    }
    throw first ?? new ScailfinError(`no login node is known at ${targets.length} places`);
  }

  async #wait(ms: number, isRefusal: boolean): Promise<void> {
    const until = Date.now() + ms;
    while (Date.now() < until) {
      await new Promise(resolve => setTimeout(resolve, Math.min(lookMs, until - Date.now())));
      if (isRefusal && isAnyKept(this.site)) return;
    }
  }

  #open(at: string): void {
    this.log(`${this.site.site}: compute nodes reach the pool at ${at}`);
    const { site, nodes } = this.#state;
    this.#set({ site, nodes, state: 'open', since: now(), at });
  }

  #cut(error: unknown): void {
    const reason = messageOf(error).split('\n')[0] ?? '';
    const hint = error instanceof AuthError || error instanceof HostKeyError ? error.hint : undefined;
    this.log(`${this.site.site}: ${reason}`);
    const since = this.#state.state === 'cut' ? this.#state.since : now();
    const { site, nodes } = this.#state;
    this.#set({ site, nodes, state: 'cut', since, reason, ...(hint === undefined ? {} : { hint }) });
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
}

const now = (): number => Math.floor(Date.now() / 1000);

const isKeptFor =
  ({ configFile }: RelaySite) =>
  (target: RelaySite['targets'][number]): boolean =>
    isKept(route(target, { configFile }));

const isAnyKept = (site: RelaySite): boolean => site.targets.some(isKeptFor(site));

/** A login node with a kept login comes first. */
function kepts(site: RelaySite): RelaySite['targets'] {
  const isKeptTarget = isKeptFor(site);
  const kept = site.targets.filter(isKeptTarget);
  return [...kept, ...site.targets.filter(target => !kept.includes(target))];
}

/** Resolves when the process is told to end. */
export async function toldToEnd(): Promise<void> {
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
}
