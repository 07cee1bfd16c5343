import type { ChildProcess } from 'node:child_process';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { PoolStepsOptions } from '../../../src/reana/jobs/service.js';
import { isStepOver, type Step, type StepRequest } from '../../../src/reana/jobs/step.js';
import { wrapperScript } from '../../../src/steps/wrapper.js';
import { inLab } from '../../lab/bundled.js';
import type { Lab } from '../../lab/lab.js';

/** A JSON line per call in, a JSON line per answer or change out. */
const agent = `
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
const { PoolSteps } = await import('/opt/scailfin/src/reana/jobs/service.ts');
const steps = await PoolSteps.open(JSON.parse(process.argv[2]));
const say = message => process.stdout.write(JSON.stringify(message) + '\\n');
steps.onChange(step => say({ change: step }));
say({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { n, call, args } = JSON.parse(line);
  Promise.resolve(steps[call](...args)).then(result => say({ n, result }), error => say({ n, error: error.message }));
}
`;

export const edge = '/home/scail/.scailfin/lab-slurm/pool/edge';

/** A step service which runs on a lab's headnode, as its user, and can be killed. */
export class ServiceThere {
  readonly changes: { readonly at: number; readonly step: Step }[] = [];
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #n = 0;

  private constructor(private readonly child: ChildProcess) {}

  static async start(lab: Lab, options: Partial<PoolStepsOptions> = {}): Promise<ServiceThere> {
    const all: PoolStepsOptions = {
      ...{ dir: `${edge}/steps`, condorBin: '/usr/bin', wrapper: `${edge}/wrapper/step.sh` },
      ...{ condorConfig: '/home/scail/.scailfin/lab-slurm/pool/condor_config', ...options },
    };
    await lab.exec('headnode', ['mkdir', '-p', dirname(all.wrapper)]);
    await lab.write('headnode', all.wrapper, wrapperScript(), { mode: 0o755 });
    const argv = [...(await inLab(agent)), JSON.stringify(all)];
    const child = lab.spawn('headnode', argv, { stdio: 'pipe' });
    let said = '';
    child.stderr?.on('data', data => {
      said += data;
    });
    const service = new ServiceThere(child);
    await new Promise<void>((resolve, reject) => {
      child.once('exit', code => {
        const error = new Error(`the service ended with ${code}: ${said}`);
        reject(error);
        for (const { reject } of service.#waiting.values()) reject(error);
      });
      createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', line => {
        const message = JSON.parse(line);
        if (message.ready) resolve();
        else service.#hear(message);
      });
    });
    return service;
  }

  submit(request: StepRequest, id?: string): Promise<Step> {
    return this.#call('submit', request, id) as Promise<Step>;
  }

  get(id: string): Promise<Step> {
    return this.#call('get', id) as Promise<Step>;
  }

  of(workflow: string): Promise<Step[]> {
    return this.#call('of', workflow) as Promise<Step[]>;
  }

  ended(id: string): Promise<Step> {
    return this.#call('ended', id) as Promise<Step>;
  }

  stop(id: string): Promise<void> {
    return this.#call('stop', id) as Promise<void>;
  }

  log(id: string, bytes?: number): Promise<string> {
    return this.#call('log', id, bytes) as Promise<string>;
  }

  forget(workflow: string): Promise<void> {
    return this.#call('forget', workflow) as Promise<void>;
  }

  /** When a step was first told to be over, by this machine's clock. */
  heardOfEnd(id: string): number | undefined {
    return this.changes.find(({ step }) => step.id === id && isStepOver(step.state))?.at;
  }

  /** Without a chance to clean up. */
  async kill(): Promise<void> {
    const gone = new Promise(resolve => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }

  async close(): Promise<void> {
    await this.#call('close');
    await this.kill();
  }

  #call(call: string, ...args: unknown[]): Promise<unknown> {
    const n = ++this.#n;
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, { resolve, reject });
      this.child.stdin?.write(`${JSON.stringify({ n, call, args: args.filter(arg => arg !== undefined) })}\n`);
    });
  }

  #hear({ n, result, error, change }: { n: number; result?: unknown; error?: string; change?: Step }): void {
    if (change) this.changes.push({ at: Date.now(), step: change });
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    if (error === undefined) waiting?.resolve(result);
    else waiting?.reject(new Error(error));
  }
}
