import { rmSync } from 'node:fs';
import type { Context } from '../../src/cluster/context.js';
import { down } from '../../src/cluster/down.js';
import { Journal } from '../../src/cluster/journal.js';
import { scale } from '../../src/cluster/scale.js';
import { type ClusterStatus, clusterStatus } from '../../src/cluster/status.js';
import { up } from '../../src/cluster/up.js';
import { messageOf, ScailfinError, UsageError } from '../../src/errors.js';
import { services } from '../../src/frameworks/registry.js';
import { install as installClock, settle } from './clock.js';
import type { Ending, Step } from './history.js';
import { Unknown, WorldConnections } from './host.js';
import { type Fault, install as installLaptop, Process } from './laptop.js';
import { clusterSpec, NAME, siteSpec } from './request.js';
import { prepareState, removeState, stateOf, useState } from './state.js';
import { wrongAfterDown, wrongAfterUp, wrongInStatus, wrongNow } from './truths.js';
import { type Machine, type Setting, World } from './world.js';

/** How a command ended. */
interface Outcome {
  readonly error?: unknown;
  readonly status?: ClusterStatus | undefined;
  readonly isKilled?: boolean;
}

/** Something that must never be. */
export class Violation extends Error {}

/** A user repeats a command, and waits between two tries for as long as hints say. */
const TRIES = 6;
const BETWEEN = 200;
/** No command may take longer. Milliseconds. */
const LONGEST = 3 * 3600_000;

/** A history as it happens. */
export class Story {
  readonly world: World;
  /** How many glide-ins were asked for: the last command may or may not have been taken down in the journal. */
  #asked = new Set<number>();
  /** The last `scale` was not carried out. */
  #unscaled: number | undefined;
  /** The last `down` said that a cluster of that name is there whose record is lost. */
  #isAnother = false;
  readonly #notes: string[] = [];
  readonly #problems: string[] = [];
  readonly #restore: () => void;
  readonly told: string[] = [];

  constructor(readonly setting: Setting) {
    this.world = new World(setting, queue => {
      const most = Math.max(0, ...this.#asked);
      // a job that is on its way out is replaced at once
      const { length } = queue.active.filter(task => task.state !== 'COMPLETING');
      if (length > most)
        this.#problems.push(`${length} jobs are at the site, but never more than ${most} were asked for`);
    });
    prepareState();
    this.#restore = installClock(this.world.clock);
  }

  /**
   * Puts worlds in the place of this machine, and loads what the real code loads only when it needs it: that takes real time.
   * @returns what puts this machine back
   */
  static async ready(): Promise<() => void> {
    await Promise.all(services.map(({ service }) => service?.()));
    const { XDG_STATE_HOME, XDG_CACHE_HOME } = process.env;
    const restore = installLaptop();
    return () => {
      restore();
      for (const [name, value] of Object.entries({ XDG_STATE_HOME, XDG_CACHE_HOME }))
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      removeState();
    };
  }

  /** The machine's own clock goes on. */
  close(): void {
    this.#restore();
  }

  /** @throws Violation */
  async step(step: Step): Promise<void> {
    this.told.push(JSON.stringify(step));
    await this.#take(step);
    this.#check();
  }

  /** The end of all faults, and then the user's last wish. @throws Violation */
  async end(ending: Ending): Promise<void> {
    const { world } = this;
    for (const { disk } of world.disks) disk.isFull = false;
    for (const machine of world.machines) machine.cutUntil = 0;
    world.queue.fates.length = 0;
    Object.assign(world.queue, { downUntil: 0, wait: 2, lag: 0 });
    this.told.push(`then ${ending}`);
    await (ending === 'up' ? this.#endUp() : this.#endDown());
  }

  async #take(step: Step): Promise<void> {
    const { world } = this;
    const isAway = 'from' in step && step.from === 'elsewhere';
    const laptop = world.laptops[isAway ? 1 : 0] as Machine;
    switch (step.do) {
      case 'up':
      case 'down':
      case 'scale':
      case 'status': {
        const { fault } = step;
        const work = this.#command(step, laptop);
        const first = this.#begin(laptop, fault, work);
        if ('second' in step && step.second) {
          const { after, from } = step.second;
          const where = from === 'here' ? laptop : (world.laptops[1] as Machine);
          const second = new Promise<Outcome>(resolve => {
            world.clock.after(after, () => this.#begin(where, undefined, this.#command(step, where)).then(resolve));
          });
          await this.#until(Promise.all([first, second]));
          if (from === 'elsewhere') await this.#withdraw(where);
          return;
        }
        await this.#until(first);
        return;
      }
      case 'pass':
        return this.#pass(step.seconds);
      case 'restart':
        if (step.what === 'login') world.restart(world.login);
        else world.restart(step.what === 'laptop' ? laptop : world.headnode);
        return;
      case 'submission':
        world.queue.fates.push(step.fate);
        return;
      case 'silence':
        world.queue.downUntil = world.clock.now + step.seconds * 1000;
        return;
      case 'queue':
        Object.assign(world.queue, { wait: step.wait, lag: step.lag });
        return;
      case 'network':
        for (const machine of step.what === 'site' ? world.logins : [world.headnode])
          machine.cutUntil = world.clock.now + step.seconds * 1000;
        return;
      case 'disk':
        diskOf(world, step.what).isFull = step.full;
        return;
      case 'node': {
        const running = world.queue.active.find(task => task.state === 'RUNNING');
        if (running) world.queue.kill(running);
        return;
      }
      case 'lead':
        world.lead += 1;
        return;
      case 'lose':
        rmSync(stateOf(laptop), { recursive: true, force: true });
        this.#unscaled = undefined;
        return;
    }
  }

  /** What the command line makes of a command, without its words on the terminal. */
  #command(
    step: Extract<Step, { do: 'up' | 'down' | 'scale' | 'status' }>,
    laptop: Machine,
  ): (context: Context) => Promise<ClusterStatus | undefined> {
    return async context => {
      const { record } = context.journal;
      switch (step.do) {
        case 'up': {
          const { nodes } = step;
          const spec = clusterSpec(this.setting);
          const site = siteSpec(this.setting, nodes);
          return this.#asking(nodes, context, () =>
            up(context, spec, site, { wait: step.wait ? nodes : 0, timeout: 900 }),
          );
        }
        case 'scale': {
          const old = record?.sites[0]?.spec;
          if (!old) throw new UsageError('there is no such cluster', { hint: 'scailfin up' });
          if (laptop === this.world.laptops[0]) this.#unscaled = step.nodes;
          return this.#asking(step.nodes, context, async () => {
            this.#notes.length = 0;
            await scale(context, { ...old, nodes: step.nodes });
            // jobs that the batch system does not show are not cancelled, and it says so: the user tries again later
            if (!this.#notes.some(text => text.includes('is unknown'))) this.#unscaled = undefined;
            return undefined;
          });
        }
        case 'down': {
          const isKnown = record && record.state !== 'terminated';
          const lost = isKnown ? undefined : { spec: clusterSpec(this.setting), site: siteSpec(this.setting, 1) };
          const { left, verified } = await down(context, lost);
          this.#isAnother = verified.some(text => text.includes('another cluster has that name'));
          if (left.length === 0) this.#require(wrongAfterDown(this.world, laptop, isKnown ? record.id : undefined));
          this.#asked.clear();
          this.#unscaled = undefined;
          return undefined;
        }
        case 'status': {
          if (!record) throw new UsageError('there is no such cluster', { hint: 'scailfin up' });
          const status = await clusterStatus(record, context.connections);
          this.#require(wrongInStatus(this.world, status));
          return status;
        }
      }
    };
  }

  /** The number counts as asked for while the command runs, and afterwards unless it refused the request. */
  async #asking<T>(nodes: number, { journal }: Context, work: () => Promise<T>): Promise<T> {
    const before = new Set(this.#asked);
    this.#asked.add(nodes);
    try {
      const result = await work();
      this.#asked = new Set([nodes]);
      return result;
    } catch (error) {
      const recorded = journal.record?.state === 'terminated' ? undefined : journal.record?.sites[0]?.spec.nodes;
      if (error instanceof UsageError && recorded !== nodes) this.#asked = before;
      throw error;
    }
  }

  #begin(
    laptop: Machine,
    fault: Fault | undefined,
    work: (context: Context) => Promise<ClusterStatus | undefined>,
  ): Promise<Outcome> {
    const process = new Process(laptop, fault);
    useState(laptop);
    const done = process.run(async (): Promise<Outcome> => {
      try {
        const context: Context = {
          journal: Journal.open(NAME),
          connections: new WorldConnections(this.world, process),
          sink: event => {
            if (event.type === 'note') this.#notes.push(event.text);
            if (event.type === 'warning') this.told.push(`  warning: ${event.text}`);
          },
        };
        return { status: await work(context) };
      } catch (error) {
        return { error };
      }
    });
    return Promise.race([done, process.killed.then((): Outcome => ({ isKilled: true }))]).then(outcome => {
      const isKilled = process.isOver;
      process.end();
      if (isKilled) return { isKilled };
      this.#hear(outcome.error);
      return outcome;
    });
  }

  /** Every error that a user can meet is one of ours, with something to type. */
  #hear(error: unknown): void {
    if (error === undefined) return;
    this.told.push(`  ${messageOf(error).split('\n').slice(0, 2).join(' ')}`);
    if (error instanceof ScailfinError && error.hint) this.told.push(`    → ${error.hint}`);
    if (error instanceof Violation || error instanceof Unknown) this.#problems.push(error.message);
    else if (!(error instanceof ScailfinError))
      this.#problems.push(`an error that no user can understand: ${error instanceof Error ? error.stack : error}`);
  }

  /** Goes on until something has happened. */
  async #until<T>(awaited: Promise<T>): Promise<T> {
    const { clock } = this.world;
    let result: { readonly value: T } | undefined;
    void awaited.then(value => {
      result = { value };
    });
    const end = clock.now + LONGEST;
    let stuck = 0;
    for (;;) {
      await settle();
      if (result) return result.value;
      if (clock.now > end) throw new Violation('a command does not come to an end');
      // something real may be read from a disk
      stuck = clock.step() ? 0 : stuck + 1;
      if (stuck > 1000) throw new Violation('a command waits for nothing');
    }
  }

  async #pass(seconds: number): Promise<void> {
    await this.#until(this.world.clock.delay(seconds * 1000));
  }

  /** On the other laptop, a second command must leave nothing: it was refused, or its cluster is taken down again. */
  async #withdraw(where: Machine): Promise<void> {
    useState(where);
    const { record } = Journal.open(NAME);
    useState(this.world.laptops[0] as Machine);
    if (!record || record.state === 'terminated') return;
    for (let n = 0; n < TRIES; n++) {
      const { error } = await this.#until(this.#begin(where, undefined, this.#command({ do: 'down' }, where)));
      if (error === undefined) return;
      await this.#pass(BETWEEN);
    }
  }

  /** `up` again ends in a running cluster with exactly the number of glide-ins that was asked for. */
  async #endUp(): Promise<void> {
    const laptop = this.world.laptops[0] as Machine;
    let last: unknown;
    for (let n = 0; n < TRIES; n++) {
      if (this.#unscaled !== undefined) {
        const scaled = { do: 'scale', nodes: this.#unscaled } as const;
        const { error } = await this.#until(this.#begin(laptop, undefined, this.#command(scaled, laptop)));
        if (error instanceof UsageError) this.#unscaled = undefined;
      }
      const again = { do: 'up', nodes: this.#unscaled ?? this.#recorded() ?? 2, wait: true } as const;
      const { error } = await this.#until(this.#begin(laptop, undefined, this.#command(again, laptop)));
      this.#check();
      last = error;
      if (error === undefined) return this.#require(wrongAfterUp(this.world, again.nodes));
      // a user does what the hint says
      const hint = error instanceof ScailfinError ? (error.hint ?? '') : '';
      if (
        /^f(inish taking it down first|irst take down what is left): |take that cluster down: scailfin down/.test(hint)
      )
        await this.#until(this.#begin(laptop, undefined, this.#command({ do: 'down' }, laptop)));
      else await this.#pass(BETWEEN);
    }
    throw this.#violation(`up does not bring the cluster up, however often it is repeated: ${messageOf(last)}`);
  }

  /** How many glide-ins the laptop's record asks for. */
  #recorded(): number | undefined {
    useState(this.world.laptops[0] as Machine);
    const { record } = Journal.open(NAME);
    return record?.state === 'terminated' ? undefined : record?.sites[0]?.spec.nodes;
  }

  /** `down` ends with nothing on any host, and says so. */
  async #endDown(): Promise<void> {
    const laptop = this.world.laptops[0] as Machine;
    let last: unknown;
    for (let n = 0; n < TRIES; n++) {
      const { error } = await this.#until(this.#begin(laptop, undefined, this.#command({ do: 'down' }, laptop)));
      this.#check();
      last = error;
      if (error === undefined && !this.#isAnother) {
        // what was under way when it said so must not come back
        await this.#pass(900);
        this.#require(wrongAfterDown(this.world, laptop, undefined));
        return this.#check();
      }
      await this.#pass(BETWEEN);
    }
    throw this.#violation(`down does not take the cluster down, however often it is repeated: ${messageOf(last)}`);
  }

  /** What must be true at every moment. */
  #check(): void {
    const wrong = wrongNow(this.world);
    this.#require([...this.#problems, ...(wrong === undefined ? [] : [wrong])].join('; ') || undefined);
  }

  #require(wrong: string | undefined): void {
    if (wrong !== undefined) throw this.#violation(wrong);
  }

  #violation(what: string): Violation {
    return new Violation(`${what}\n${JSON.stringify(this.setting)}\n${this.told.join('\n')}`);
  }
}

const diskOf = (world: World, what: 'laptop' | 'headnode' | 'site'): Machine['disk'] =>
  what === 'site' ? world.queue.disk : what === 'headnode' ? world.headnode.disk : (world.laptops[0] as Machine).disk;
