// An edge to be killed: killable.ts DIRECTORY. Its steps outlive it, as those of a pool do: a file each, and one
// more, with the exit status, when somebody has run it. Prints its port.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Edge } from '../../../src/reana/edge/server.js';
import { serial } from '../../../src/reana/engines/serial.js';
import { isStepOver, type Step, type StepRequest, type StepService } from '../../../src/reana/jobs/step.js';
import type { Wire } from '../../../src/reana/jobs/wire.js';
import { askPool, token } from './edges.js';

class DiskSteps implements StepService {
  constructor(private readonly dir: string) {
    mkdirSync(dir, { recursive: true });
  }

  async submit(request: StepRequest, id = ''): Promise<Step> {
    const file = join(this.dir, `${id}.json`);
    if (!existsSync(file)) {
      const step = { id, request, state: 'running', attempts: 1, created: Date.now() };
      writeFileSync(`${file}.part`, JSON.stringify(step));
      renameSync(`${file}.part`, file);
      // a test that sees this may kill us
      appendFileSync(join(this.dir, 'submitted'), `${id}\n`);
    }
    return this.get(id) as Step;
  }

  get(id: string): Step | undefined {
    const [file, exit] = [join(this.dir, `${id}.json`), join(this.dir, `${id}.exit`)];
    if (!existsSync(file)) return undefined;
    const step = JSON.parse(readFileSync(file, 'utf8')) as Step;
    if (!existsSync(exit)) return step;
    const exitCode = Number(readFileSync(exit, 'utf8'));
    return { ...step, exitCode, state: exitCode === 0 ? 'finished' : 'failed' };
  }

  of(workflow: string): Step[] {
    const ids = readdirSync(this.dir).filter(name => name.endsWith('.json'));
    const steps = ids.map(name => this.get(name.slice(0, -5)) as Step);
    return steps.filter(step => step.request.workflow === workflow).sort((a, b) => a.created - b.created);
  }

  async ended(id: string): Promise<Step> {
    for (;;) {
      const step = this.get(id) as Step;
      if (isStepOver(step.state)) return step;
      await sleep(20);
    }
  }

  async stop(id: string): Promise<void> {
    writeFileSync(join(this.dir, `${id}.exit`), '143');
  }

  log = async (): Promise<string> => '';
  save = async (): Promise<void> => {};
  wire = (): Wire => ({ send: () => new Promise(() => {}), close: () => {} });
  onChange = (): (() => void) => () => {};
  forget = async (): Promise<void> => {};
  close = async (): Promise<void> => {};
}

const dir = process.argv[2] as string;
const steps = new DiskSteps(join(dir, 'steps'));
const about = { dir, cluster: 'killed', version: '1.2.3', token, port: 0, log: (): void => {} };
const edge = await Edge.open({ ...about, engines: { serial }, steps, askPool });
process.stdout.write(`${edge.port}\n`);
