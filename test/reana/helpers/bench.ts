import type { PoolStepsOptions } from '../../../src/reana/jobs/service.js';
import type { StepRequest } from '../../../src/reana/jobs/step.js';
import { scailfin } from '../../cluster/helpers/cluster.js';
import { Lab } from '../../lab/lab.js';
import { edge, ServiceThere } from './pool.js';

export const workspace = `${edge}/workspaces/one`;

/** A lab with a cluster of two glide-ins and a step service on its headnode. */
export class StepsBench {
  private constructor(
    readonly lab: Lab,
    public steps: ServiceThere,
    private readonly options: Partial<PoolStepsOptions>,
  ) {}

  /** @param more options of `up` @param prepare what is done to the lab before it */
  static async up(
    options: Partial<PoolStepsOptions> = {},
    more: readonly string[] = [],
    prepare?: (lab: Lab) => Promise<unknown>,
  ): Promise<StepsBench> {
    const lab = await Lab.up();
    try {
      await prepare?.(lab);
      await scailfin(lab, 'headnode', ['up', '--site', 'lab-slurm', '--nodes', '2', ...more]);
      return new StepsBench(lab, await ServiceThere.start(lab, options), options);
    } catch (error) {
      await lab.down();
      throw error;
    }
  }

  async down(): Promise<void> {
    await this.steps.close().catch(() => {});
    await this.lab.down();
  }

  /** Kills the service as `kill -9` does, and opens another one where it was. */
  async restart(between: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.steps.kill();
    await between();
    this.steps = await ServiceThere.start(this.lab, this.options);
  }

  /** A line for bash on the headnode, with the pool's environment. */
  async here(command: string): Promise<string> {
    const line = `export CONDOR_CONFIG=~/.scailfin/lab-slurm/pool/condor_config; ${command}`;
    return (await this.lab.exec('headnode', ['bash', '-c', line])).stdout.trim();
  }

  async files(content: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.here(`mkdir -p ${workspace}`);
    for (const [path, text] of Object.entries(content)) {
      await this.lab.write('headnode', `${workspace}/${path}`, text);
    }
  }

  submit(command: string, more: Partial<StepRequest> = {}, id?: string) {
    return this.steps.submit({ ...request, command, ...more }, id);
  }

  async run(command: string, more: Partial<StepRequest> = {}) {
    const { id } = await this.submit(command, more);
    return { id, step: await this.steps.ended(id) };
  }

  /** Waits until a step's line is what its test wants to see. */
  async printed(id: string, text: string): Promise<void> {
    const until = Date.now() + 40_000;
    while (!(await this.steps.log(id)).includes(text)) {
      if (Date.now() > until)
        throw new Error(`the step did not print ${text}: ${JSON.stringify(await this.steps.get(id))}`);
      await new Promise(resolve => setTimeout(resolve, 200));
    }
  }

  /** How often each step's job is in the queue or in the history. */
  async jobsOf(ids: readonly string[]): Promise<number[]> {
    const seen = (await this.here('condor_q -af ScailfinStep; condor_history -af ScailfinStep')).split('\n');
    return ids.map(id => seen.filter(line => line === id).length);
  }
}

const request: Omit<StepRequest, 'command'> = {
  ...{ workflow: 'one', workspace, name: 'step', image: '', environment: {}, resources: { memory: 100, disk: 10 } },
};
