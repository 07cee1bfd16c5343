import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { scailfin } from '../../cluster/helpers/cluster.js';
import { Lab } from '../../lab/lab.js';
import { until } from '../../lab/programs.js';
import { labDir } from '../../lab/record.js';
import { stepsTokenOf } from '../helpers/token.js';
import { type Answer, Asker } from './asker.js';
import { BackendPython, beside } from './python.js';

const pool = '/home/scail/.scailfin/lab-slurm/pool';
const workflow = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const port = 5055;

/**
 * A lab with a cluster of two glide-ins, and REANA's job controller on another host of its network: it sees no file of the
 * headnode's, as a pod does. Its requests are made there, too, for it listens on that host's loopback address only.
 */
export class BackendBench {
  #controller: ChildProcess | undefined;
  #asker: Asker | undefined;
  #said = '';

  private constructor(
    readonly lab: Lab,
    readonly backend: BackendPython,
    readonly token: string,
  ) {}

  static async up(): Promise<BackendBench> {
    const backend = await BackendPython.open();
    const lab = await Lab.up();
    try {
      await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '2']);
      const bench = new BackendBench(lab, backend, await stepsTokenOf(lab, pool));
      // HTCondor lets a user act on jobs once it has seen one of theirs; queue superusers, too
      await bench.here(
        'cd /tmp; printf "executable = /bin/true\\nhold = true\\nqueue\\n" | condor_submit -; condor_rm -all',
      );
      await mkdir(bench.workspace);
      await bench.start();
      return bench;
    } catch (error) {
      await lab.down();
      await backend.close();
      throw error;
    }
  }

  get workspace(): string {
    return join(this.backend.dir, 'ws');
  }

  async down(): Promise<void> {
    await this.kill();
    this.#asker?.close();
    await this.lab.down();
    await this.backend.close();
  }

  /** Starts a controller, with another token or pool where that is what is tested. */
  async start(more: Readonly<Record<string, string>> = {}): Promise<void> {
    const [file, ...args] = this.#there([this.backend.python, beside('controller.py'), String(port)]);
    const env = { ...this.backend.env, ...this.settings, ...more };
    this.#controller = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#controller.stdout, this.#controller.stderr]) {
      stream?.on('data', data => {
        this.#said += data;
      });
    }
    await until('the job controller to answer', 60_000, async () => (await this.ask('GET', '/jobs/none')).status !== 0);
  }

  get settings(): Readonly<Record<string, string>> {
    return { SCAILFIN_COLLECTOR: '10.77.0.3:9618', SCAILFIN_POOL_TOKEN: this.token, SCAILFIN_POLL_SECONDS: '0.5' };
  }

  /** Without a chance to clean up. */
  async kill(): Promise<void> {
    const controller = this.#controller;
    if (!controller || controller.exitCode !== null || controller.signalCode !== null) return;
    const gone = new Promise(resolve => controller.once('exit', resolve));
    controller.kill('SIGKILL');
    await gone;
  }

  /** What the controller has logged. */
  get said(): string {
    return this.#said;
  }

  /** A request, made where the controller listens. Status 0: nobody answers. */
  async ask(method: string, path: string, body?: unknown): Promise<Answer> {
    this.#asker ??= new Asker(this.#there([this.backend.python, beside('asker.py')]), this.backend.env);
    const url = `http://127.0.0.1:${port}${path}`;
    return this.#asker.ask({ method, url, body: body === undefined ? null : JSON.stringify(body) });
  }

  post(command: string, more: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    const cmd = Buffer.from(command).toString('base64');
    const paths = { workflow_uuid: workflow, workflow_workspace: this.workspace };
    return this.ask('POST', '/jobs', {
      job_name: 'fit',
      cmd,
      prettified_cmd: '',
      docker_img: '',
      env_vars: {},
      ...paths,
      ...more,
    });
  }

  /** @returns REANA's id of a step that was taken */
  async submit(command: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { status, text } = await this.post(command, more);
    if (status !== 201) throw new Error(`${status}: ${text}\n${this.#said}`);
    return JSON.parse(text).job_id;
  }

  async state(id: string): Promise<string> {
    return JSON.parse((await this.ask('GET', `/jobs/${id}`)).text).status;
  }

  /** Waits for one of some states. @returns all that were seen */
  async becomes(id: string, ...states: string[]): Promise<string[]> {
    const seen: string[] = [];
    await until(`the step to be ${states.join(' or ')}`, 60_000, async () => {
      const state = await this.state(id);
      if (seen.at(-1) !== state) seen.push(state);
      return states.includes(state);
    }).catch(error => {
      throw new Error(`${error.message}; it was ${seen.join(', ')}\n${this.#said}`);
    });
    return seen;
  }

  async log(id: string): Promise<string> {
    return (await this.ask('GET', `/jobs/${id}/logs`)).text;
  }

  /** Waits until `count` steps have printed a text: it grows at the schedd. The output of an earlier step may still be there, so each test has a text of its own. */
  async printed(text: string, count = 1): Promise<void> {
    const show = `find ${pool}/spool -name out -exec cat {} + ; find ${pool}/spool -name err -exec cat {} +`;
    const lines = (said: string) => text.split('\n').every(line => said.split(line).length > count);
    await until(`a step to print ${text}`, 40_000, async () => lines(await this.here(show)));
  }

  /** A line for bash on the headnode, as the pool's owner. */
  async here(command: string): Promise<string> {
    const line = `export CONDOR_CONFIG=${pool}/condor_config; ${command}`;
    return (await this.lab.exec('headnode', ['bash', '-c', line])).stdout.trim();
  }

  /** The backend's Python on the controller's host. @returns what it printed */
  async there(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const [file, ...rest] = this.#there([this.backend.python, ...args]);
    return new Promise((resolve, reject) => {
      const child = spawn(file, rest, {
        env: { ...this.backend.env, ...this.settings, ...env },
        cwd: this.backend.dir,
      });
      let out = '';
      let err = '';
      child.stdout.on('data', data => (out += data));
      child.stderr.on('data', data => (err += data));
      child.on('error', reject);
      child.on('close', code => (code === 0 ? resolve(out) : reject(new Error(`${out}${err}`))));
    });
  }

  async files(content: Readonly<Record<string, string>>): Promise<void> {
    await rm(this.workspace, { recursive: true, force: true });
    await mkdir(this.workspace);
    for (const [name, text] of Object.entries(content)) await writeFile(join(this.workspace, name), text);
  }

  /** In the network of the laptop, with this machine's files. */
  #there(argv: readonly string[]): [string, ...string[]] {
    const pid = readFileSync(join(labDir(this.lab.name), 'laptop/pid'), 'utf8').trim();
    return ['nsenter', '--target', pid, '--net', '--', ...argv];
  }
}
