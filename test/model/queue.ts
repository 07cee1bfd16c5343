import type { Clock } from './clock.js';
import type { Disk } from './disk.js';

/** What a batch job does on its node. @returns how it ends; undefined as long as it goes on */
export type Look = (task: Task, now: number) => { readonly exit: number } | undefined;

export type State =
  | 'PENDING'
  | 'RUNNING'
  | 'COMPLETING'
  | 'COMPLETED'
  | 'FAILED'
  | 'CANCELLED'
  | 'TIMEOUT'
  | 'NODE_FAIL';

/** One job, or one task of an array. */
export interface Task {
  readonly job: number;
  readonly task: number | undefined;
  readonly name: string;
  /** Seconds. */
  readonly walltime: number;
  /** Absolute directory and token of the glide-in, as its script names them. */
  readonly dir: string;
  readonly token: string;
  /** Milliseconds. */
  readonly submitted: number;
  state: State;
  node: string;
  started: number;
  ended: number;
  exit: number;
  /** Since when the glide-in has not reached its pool, and since when it has had no work. Milliseconds. */
  silent: number;
  idle: number;
}

const OVER: readonly State[] = ['COMPLETED', 'FAILED', 'CANCELLED', 'TIMEOUT', 'NODE_FAIL'];
export const isOver = ({ state }: Pick<Task, 'state'>): boolean => OVER.includes(state);

/** How often a glide-in looks around (templates/glidein/glidein.sh has 5 s and 30 s). Milliseconds. */
const LOOK = 10_000;

/** The batch system of a site behind its commands: it starts jobs, and ends them as it is told or as their time ends. */
export class Queue {
  readonly tasks: Task[] = [];
  /** A controller that does not answer. Milliseconds. */
  downUntil = 0;
  /** Fates of the coming submissions; what is not told goes well. */
  readonly fates: Fate[] = [];
  /** Seconds that a job waits. */
  wait = 2;
  /** Milliseconds after which a new job is shown. */
  lag = 0;
  #next = 100;

  constructor(
    private readonly clock: Clock,
    readonly disk: Disk,
    private readonly look: Look,
    /** Called for each new job: the model's own view of what was asked for. */
    private readonly onSubmit: (queue: Queue) => void,
  ) {}

  get isDown(): boolean {
    return this.clock.now < this.downUntil;
  }

  /** Jobs that wait or run. */
  get active(): Task[] {
    return this.tasks.filter(task => !isOver(task));
  }

  submit(order: Pick<Task, 'name' | 'walltime' | 'dir' | 'token'> & { readonly count: number | undefined }): number {
    const { count, ...rest } = order;
    const job = this.#next++;
    const begin = { state: 'PENDING', node: '', started: 0, ended: 0, exit: 0, silent: 0, idle: 0 } as const;
    for (let n = 1; n <= (count ?? 1); n++) {
      const task: Task = { ...rest, job, task: count && n, submitted: this.clock.now, ...begin };
      this.tasks.push(task);
      this.clock.after(this.wait * 1000, () => this.#start(task));
    }
    this.onSubmit(this);
    return job;
  }

  cancel(task: Task): void {
    if (task.state === 'PENDING') this.#end(task, 'CANCELLED', 0);
    if (task.state !== 'RUNNING') return;
    task.state = 'COMPLETING';
    this.clock.after(3000, () => this.#end(task, 'CANCELLED', 0));
  }

  /** The node of a job dies. */
  kill(task: Task): void {
    this.#end(task, 'NODE_FAIL', 0);
  }

  #start(task: Task): void {
    if (task.state !== 'PENDING') return;
    const now = this.clock.now;
    Object.assign(task, { state: 'RUNNING', node: `c${(task.job + (task.task ?? 0)) % 9}`, started: now });
    Object.assign(task, { silent: now, idle: now });
    this.#watch(task);
  }

  #watch(task: Task): void {
    if (task.state !== 'RUNNING') return;
    const end = this.look(task, this.clock.now);
    if (this.clock.now - task.started >= task.walltime * 1000) this.#end(task, 'TIMEOUT', 0);
    else if (end) this.#end(task, end.exit === 0 ? 'COMPLETED' : 'FAILED', end.exit);
    else this.clock.after(LOOK, () => this.#watch(task));
  }

  #end(task: Task, state: State, exit: number): void {
    if (isOver(task)) return;
    Object.assign(task, { state, exit, ended: this.clock.now });
  }
}

/** What becomes of a submission: it is refused, or the controller answers too late and has taken the job, or has not. */
export type Fate = 'refused' | 'taken' | 'lost';
