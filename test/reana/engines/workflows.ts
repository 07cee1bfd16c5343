import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { graphOf } from '../../../src/reana/edge/page/graph.js';
import type { EngineRun, WorkflowEngine } from '../../../src/reana/engines/engine.js';
import { external } from '../../../src/reana/engines/external.js';
import { end, running } from '../../../src/reana/engines/process.js';
import type { PythonEngine } from '../../../src/reana/engines/python.js';
import { Tally } from '../../../src/reana/engines/tally.js';
import { isStepOver } from '../../../src/reana/jobs/step.js';
import type { Progress, Specification } from '../../../src/reana/run.js';
import { pythonWith } from '../../lab/python.js';
import { LocalSteps } from '../local-steps.js';

export const never = new AbortController().signal;
export const requirements = (kind: PythonEngine | 'build'): string =>
  new URL(`../../../templates/engines/requirements-${kind}.txt`, import.meta.url).pathname;

export interface Workflow {
  readonly files?: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly specification?: unknown;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly options?: Readonly<Record<string, unknown>>;
}

/** A run in directories below `base`, as an edge has it. */
export async function runIn(base: string, kind: PythonEngine, workflow: Workflow) {
  const { file, specification, parameters = {}, options = {} } = workflow;
  const described: Specification = { workflow: { type: kind, ...(file ? { file } : {}), specification } };
  const seen: Progress[] = [];
  const said: string[] = [];
  const tally = new Tally();
  const steps = new LocalSteps(join(base, 'steps'));
  const run: EngineRun = {
    ...{ workflow: base, workspace: join(base, 'work'), dir: join(base, 'run'), steps, parameters, options },
    ...{ specification: described, environment: { GREETING: 'hello' } },
    ...{ tally, progress: () => seen.push(tally.progress), log: text => said.push(text) },
  };
  const engine: WorkflowEngine = external(kind, {
    dir: base,
    enginePython: { [kind]: await pythonWith(requirements(kind)) },
  });
  return { run, engine, steps, seen, said, graph: () => graphOf(run, run.dir) };
}

/** Directories for a run, with what its user uploaded; they go when the test is over, with all that runs in them. */
export async function prepared(kind: PythonEngine, files: Readonly<Record<string, string>> = {}) {
  const base = await realpath(await mkdtemp(join(tmpdir(), `engine-${kind}-`)));
  const dir = join(base, 'run');
  onTestFinished(async () => {
    const pid = await running(dir);
    if (pid !== undefined) await end(pid, dir, 0);
    const steps = new LocalSteps(join(base, 'steps'));
    for (const step of steps.of(base)) if (!isStepOver(step.state)) await steps.stop(step.id).catch(() => {});
    await steps.close();
    await rm(base, { recursive: true, force: true, maxRetries: 5 });
  });
  for (const path of [join(base, 'work'), dir]) await mkdir(path);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(base, 'work', name)), { recursive: true });
    await writeFile(join(base, 'work', name), text);
  }
  const read = (name: string): Promise<string> => readFile(join(base, 'work', name), 'utf8');
  const started = async (): Promise<string[]> =>
    (await readFile(join(base, 'steps/started'), 'utf8').catch(() => '')).split('\n').filter(Boolean).sort();
  return { base, read, started };
}

export async function runOf(kind: PythonEngine, workflow: Workflow) {
  const { base, read, started } = await prepared(kind, workflow.files);
  return { base, read, started, ...(await runIn(base, kind, workflow)) };
}
