import type { Duplex } from 'node:stream';
import { Connections } from '../../src/cluster/connections.js';
import type { HeadnodeSpec } from '../../src/cluster/headnodes.js';
import { CommandError, ConnectionError } from '../../src/errors.js';
import type { FileToPut, Host, Output, RunOptions } from '../../src/hosts/host.js';
import type { Machine as MachineName } from '../../src/hosts/machine.js';
import { templateText } from '../../src/templates.js';
import { type Fault, type Process, process_ } from './laptop.js';
import { failed, type Run, type Script } from './script.js';
import { scripts } from './scripts.js';
import { slurm } from './slurm.js';
import { type Machine, machineText, type World } from './world.js';

/** A script whose connection has broken, and that ends by that. */
class HungUp extends Error {}

let known: ReadonlyMap<string, Script> | undefined;
let batch = '';
let submit = '';

/**
 * A machine of the world, by SSH or as this machine. It stands in for sshd, for the shell, and for all that the scripts call;
 * what is sent is the real code's, and a script that it does not know is an error.
 */
export class WorldHost implements Host {
  readonly name: string;
  readonly address: string;
  roundTrips = 0;
  #isBroken = false;

  constructor(
    private readonly world: World,
    private readonly machine: Machine,
    private readonly process: Process,
    alias: string,
  ) {
    const isHere = machine === process.laptop;
    this.name = isHere ? 'this machine' : alias;
    this.address = isHere ? 'local' : machine.address;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    const out = await this.#act(run => interpret(run, argv));
    if (options.check !== false && out.exitCode !== 0)
      throw new CommandError(this.name, 'a script', out.exitCode, out.stderr);
    return out;

    async function interpret(run: Run, words: readonly string[]): Promise<Output> {
      return execute({ ...run, stdin: String(options.stdin ?? '') }, words);
    }
  }

  async put(files: readonly FileToPut[]): Promise<void> {
    const out = await this.#act(run => placed(run, files));
    if (out.exitCode !== 0) throw new CommandError(this.name, 'write', out.exitCode, out.stderr);
  }

  async upload(_local: string, remote: string): Promise<void> {
    const { disk } = this.machine;
    const out = await this.#act(async ({ pause }) => {
      disk.make(remote.slice(0, remote.lastIndexOf('/')));
      disk.write(`${remote}.part`, 'archive');
      try {
        await pause(2000);
        disk.move(`${remote}.part`, remote);
      } finally {
        disk.remove(`${remote}.part`);
      }
      return { stdout: '', stderr: '', exitCode: 0 };
    });
    if (out.exitCode !== 0) throw new CommandError(this.name, 'upload', out.exitCode, out.stderr);
  }

  attach(): Promise<number> {
    throw new Error('nothing is attached here');
  }

  download(): Promise<void> {
    throw new Error('nothing is downloaded here');
  }

  dial(): Promise<Duplex> {
    throw new Error('nothing is dialled here');
  }

  async neighbour(name: string): Promise<Host> {
    const there = this.world.logins.find(machine => machine.name === name);
    if (!there || !this.world.logins.includes(this.machine)) throw new ConnectionError(`no route to ${name}`);
    return new WorldHost(this.world, there, this.process, `alice@${name}`);
  }

  async close(): Promise<void> {}

  /** One action on the host, with the fault that may be meant for it. */
  async #act(work: (run: Run) => Promise<Output>): Promise<Output> {
    const { world, machine, process } = this;
    this.roundTrips += 1;
    const isHere = machine === process.laptop;
    const given = process.isOver ? undefined : process.next();
    // nothing lies between a laptop and itself
    const fault = given?.how === 'cut' && isHere ? undefined : given;
    await world.clock.delay(isHere ? 2 : 20);
    const lose = async (): Promise<never> => {
      if (fault?.how === 'cut') this.#isBroken = true;
      else if (!process.isOver) process.kill();
      if (process.isOver) return new Promise<never>(() => {});
      throw new ConnectionError(`the connection to ${this.name} broke`);
    };
    if (process.isOver) return new Promise<never>(() => {});
    if (fault?.when === 'before') return lose();
    if (this.#isBroken || (!isHere && world.clock.now < machine.cutUntil))
      throw new ConnectionError(`the connection to ${this.name} broke`);
    const { starts } = machine;
    const script = new Promise<Output>((resolve, reject) => {
      let pauses = 0;
      const run: Run = {
        ...{ world, machine, stdin: '' },
        ssh: isHere ? undefined : `${process.laptop.address} 1 ${machine.address} 22`,
        pause: async ms => {
          if (isAmid(fault, pauses++)) {
            void lose().catch(reject);
            if (!fault?.goesOn) throw new HungUp();
          }
          await world.clock.delay(ms);
          if (machine.starts !== starts) throw new HungUp();
        },
      };
      work(run)
        .catch(error => {
          if (error instanceof Unknown) throw error;
          if (!(error instanceof HungUp)) return failed(error);
          // the machine was started again, or nobody is left to hear
          void lose().catch(reject);
          return new Promise<never>(() => {});
        })
        .then(resolve, reject);
    });
    const out = await Promise.race([script, process.killed]);
    if (out === 'killed') return new Promise<never>(() => {});
    if (fault) return lose();
    return out;
  }
}

const isAmid = (fault: Fault | undefined, pauses: number): boolean =>
  fault?.when === 'amid' && (fault.point ?? 0) === pauses;

/** Runs a command line as a shell does that has our scripts' words. */
async function execute(run: Run, argv: readonly string[]): Promise<Output> {
  known ??= scripts();
  batch ||= templateText('site/batch.sh');
  submit ||= templateText('site/submit.sh');
  // bash --norc -c TEXT NAME …, or sh -c TEXT NAME …
  const [program = ''] = argv;
  const [text = '', ...rest] = argv.slice(program === 'bash' ? 3 : 2);
  if (program === 'true') return { stdout: '', stderr: '', exitCode: 0 };
  if (program === 'bash' && text === batch) return execute(run, rest.slice(4));
  if (program === 'bash' && text === submit) return submission(run, rest.slice(1));
  if (program === 'bash') {
    const script = known.get(text);
    if (!script) throw new Unknown(text);
    return script(run, rest.slice(1));
  }
  if (program === 'sh' && rest[0] === 'on-machine') {
    const [, nonce, wanted, ...command] = rest;
    const here = machineText(run.machine);
    if (here !== wanted) return { stdout: `${nonce} ${here}\n`, stderr: '', exitCode: 95 };
    return execute(run, command);
  }
  if (program === 'sh' && text.startsWith('eval "$(head -c ')) return several(run, Number(/\d+/.exec(text)?.[0]));
  if (program === '/bin/sh' && text.startsWith('script=$(cat)')) return placed(run, filesIn(run.stdin));
  // the last lines of a glide-in's log
  if (program === 'sh' && text.startsWith('tail -n 4')) return { stdout: '', stderr: '', exitCode: 0 };
  if (/^(sbatch|squeue|sacct|scancel)$/.test(program)) {
    await run.pause(program === 'sbatch' ? 400 : 20);
    return slurm(run.world.queue, argv, run.stdin, run.world.setting.accounting);
  }
  throw new Unknown(argv.join(' '));
}

/** The double must learn the script first. It is no answer, and no fault of the program. */
export class Unknown extends Error {
  constructor(text: string) {
    super(`the double of a host does not know this script: ${text.slice(0, 300)}`);
  }
}

/** `put` of src/hosts/host.ts: all temporary files first, then the renames. */
async function placed(
  { machine: { disk }, pause }: Run,
  files: readonly { readonly path: string; readonly content: string | Buffer }[],
): Promise<Output> {
  for (const { path, content } of files) {
    disk.make(path.slice(0, path.lastIndexOf('/')));
    disk.write(`${path}.tmp`, String(content));
  }
  try {
    await pause(10);
    for (const { path } of files) disk.move(`${path}.tmp`, path);
  } finally {
    for (const { path } of files) disk.remove(`${path}.tmp`);
  }
  return { stdout: '', stderr: '', exitCode: 0 };
}

/** The files of `putScript` in src/hosts/transfer.ts. */
function filesIn(script: string): { readonly path: string; readonly content: string }[] {
  const texts = new Map(
    [...script.matchAll(/^decode >(.+) <<'=end=' \|\| fail\n([\s\S]*?)^=end=$/gm)].map(([, temporary, text = '']) => [
      temporary,
      Buffer.from(text, 'base64').toString(),
    ]),
  );
  return [...script.matchAll(/^mv -f (\S+) (\S+) \|\| fail$/gm)].map(([, temporary, path = '']) => ({
    ...{ path: wordsOf(path)[0] as string, content: texts.get(temporary) ?? '' },
  }));
}

/** `runAll` in src/hosts/batch.ts. @param bytes how long its script is, which comes before the commands' own input */
async function several(run: Run, bytes: number): Promise<Output> {
  const text = Buffer.from(run.stdin).subarray(0, bytes).toString();
  const mark = /^printf '%s%s\\n' (\S+) \$s/m.exec(text)?.[1];
  const lines = /^(?:head -c (\d+) \| \{ )?\( ([\s\S]*?) \) (?:<\/dev\/null )?>"\$t\/o" 2>"\$t\/e"; s=\$\?/gm;
  let input = Buffer.from(run.stdin).subarray(bytes);
  let stdout = '';
  for (const [, size = '0', line = ''] of text.matchAll(lines)) {
    const stdin = input.subarray(0, Number(size)).toString();
    input = input.subarray(Number(size));
    const out = await execute({ ...run, stdin }, wordsOf(line)).catch(failed);
    stdout += `${mark}${out.exitCode}\n${out.stdout}\n${mark}\n${out.stderr}\n`;
    if (out.exitCode !== 0 && text.includes('[ "$s" = 0 ] || exit 0')) break;
  }
  return { stdout, stderr: '', exitCode: 0 };
}

/** The reverse of `commandLine` in src/shell.ts. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/(?:'[^']*'|\\'|[^\s'\\])+/g)];
  return words.map(([word]) => word.replaceAll(/'([^']*)'|\\(')/g, (_, quoted, escaped) => quoted ?? escaped));
}

/** templates/site/submit.sh: the batch system's command goes on without the connection. */
async function submission(run: Run, [dir = '', label = '', , ...argv]: readonly string[]): Promise<Output> {
  const { disk } = run.machine;
  const file = `${dir}/submit/${label}`;
  if (!disk.isDirectory(dir)) return { stdout: '', stderr: 'cd: No such file or directory\n', exitCode: 75 };
  if (!disk.has(`${file}.rc`)) {
    if (disk.has(`${dir}/closed`)) return { stdout: '', stderr: 'this cluster is being taken down\n', exitCode: 75 };
    if (disk.isFull) return { stdout: '', stderr: 'the job script arrived incomplete\n', exitCode: 75 };
    disk.write(`${file}.script.1`, run.stdin);
    await run.pause(5);
    if (disk.has(`${file}.started`)) {
      disk.remove(`${file}.script.1`);
      return { stdout: '', stderr: `another submission of ${label} is under way\n`, exitCode: 76 };
    }
    disk.write(`${file}.started`, String(run.world.clock.now));
    disk.move(`${file}.script.1`, `${file}.script`);
    const detached = { ...run, pause: (ms: number) => run.world.clock.delay(ms) };
    const work = execute(detached, argv).then(out => {
      disk.write(`${file}.err`, out.stderr);
      disk.write(`${file}.out`, out.stdout);
      disk.write(`${file}.rc`, `${out.exitCode}\n`);
      // when it was written, which stat(1) tells of real files
      disk.write(`${file}.time`, String(run.world.clock.now));
    });
    const done = work.catch(() => {});
    await run.pause(0);
    await done;
  }
  return {
    ...{ stdout: disk.read(`${file}.out`) ?? '', stderr: disk.read(`${file}.err`) ?? '' },
    exitCode: Number(disk.read(`${file}.rc`) ?? 1),
  };
}

/** The hosts of one command, which are machines of the world. */
export class WorldConnections extends Connections {
  readonly #open = new Map<Machine, Host>();

  constructor(
    private readonly world: World,
    private readonly process: Process,
  ) {
    super(undefined);
  }

  override async site(): Promise<Host> {
    return this.#connect(this.world.login, 'alice@login');
  }

  override async head(spec: HeadnodeSpec, _home?: unknown, _wanted?: MachineName): Promise<Host> {
    if (spec.kind === 'local') return this.#connect(this.process.laptop, '');
    if (spec.kind === 'login') return this.site();
    return this.#connect(this.world.headnode, 'scail@headnode');
  }

  async #connect(machine: Machine, alias: string): Promise<Host> {
    const known = this.#open.get(machine);
    if (known) return known;
    const isHere = machine === this.process.laptop;
    if (!isHere) {
      await this.world.clock.delay(50);
      if (process_()?.isOver) return new Promise<never>(() => {});
      if (this.world.clock.now < machine.cutUntil)
        throw new ConnectionError(`could not connect to ${alias}: no route to host`);
    }
    const host = new WorldHost(this.world, machine, this.process, alias);
    this.#open.set(machine, host);
    return host;
  }
}
