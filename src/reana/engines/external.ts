import { execFile } from 'node:child_process';
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { ScailfinError } from '../../errors.js';
import { templateText } from '../../templates.js';
import { openJobController } from '../jobcontroller/server.js';
import { isStepOver } from '../jobs/step.js';
import { removeTree } from '../tree.js';
import type { EngineRun, WorkflowEngine } from './engine.js';
import { failure } from './failure.js';
import { Output } from './output.js';
import { end, isRunning, running, start } from './process.js';
import { type EngineSettings, enginePython, type PythonEngine } from './python.js';
import { readSharedJson, writeShared } from './shared.js';

const LOOK_MS = 200;
/** A workflow engine that dies unexpectedly is restarted this often, and continues where it was. */
const STARTS = 3;
/** Limit of the reason for a failure, in characters. */
const MOST_REASON = 10_000;

/**
 * A workflow engine for CWL, yadage or Snakemake: the language's own program in a process beside the edge. It hands each
 * step to a job controller of the run. The process outlives an edge that is killed; the next edge finds it and continues
 * with it.
 */
export function external(kind: PythonEngine, settings: EngineSettings): WorkflowEngine {
  return {
    async run(run, signal) {
      signal.throwIfAborted();
      // workflow engines resolve links in paths, so steps must get the resolved directory that their commands name
      const workspace = await realpath(run.workspace);
      const stopTelling = tellProgress(run);
      const controller = await openJobController({ ...run, workspace }, run.steps);
      try {
        await write(run.dir, 'controller.json', { port: controller.port, token: controller.token });
        await write(run.dir, 'run.json', described(run, workspace));
        await toTheEnd(kind, settings, { ...run, workspace }, signal);
      } finally {
        await controller.close();
        await stopSteps(run);
        stopTelling();
      }
    },
  };
}

async function toTheEnd(kind: PythonEngine, settings: EngineSettings, run: EngineRun, signal: AbortSignal) {
  const output = new Output(join(run.dir, 'engine.log'), text => run.log(text));
  for (let starts = 0; ; ) {
    let pid = await running(run.dir);
    const before = pid === undefined ? await resultIn(run.dir) : undefined;
    if (pid === undefined && before === undefined) {
      if (starts++ === STARTS)
        throw new ScailfinError(`the workflow engine for ${kind} ended without a result: ${await output.end()}`);
      pid = await begin(kind, settings, run, signal);
    }
    if (pid !== undefined) await followed(run, pid, output, signal);
    signal.throwIfAborted();
    const result = before ?? (await resultIn(run.dir));
    if (result?.failed !== undefined) throw new ScailfinError(why(run, result.failed));
    if (result) return;
  }
}

const programs: Readonly<Record<PythonEngine, readonly string[]>> = {
  cwl: ['controller.py', 'cwl_engine.py'],
  yadage: ['controller.py', 'yadage_engine.py'],
  snakemake: ['controller.py', 'snakemake_compat.py', 'snakemake_engine.py'],
};

interface Result {
  readonly failed?: string;
}

async function begin(kind: PythonEngine, settings: EngineSettings, run: EngineRun, signal: AbortSignal) {
  const python = await enginePython(kind, settings, text => run.log(text));
  signal.throwIfAborted();
  // kept with the run, so that it continues with the same code when the edge is replaced
  const code = join(run.dir, 'code');
  await removeTree(code);
  await mkdir(code, { mode: 0o700 });
  for (const file of programs[kind]) await writeShared(code, file, templateText(`engines/${file}`));
  const command: [string, ...string[]] = [python, '-s', '-u', join(code, `${kind}_engine.py`), run.dir];
  const argv = settings.fence === undefined ? command : await fenced(settings.fence, run, python, command);
  return start(argv, { cwd: run.dir, env: environment(run.dir), log: join(run.dir, 'engine.log') });
}

/**
 * A workflow is a program that somebody wrote: the workflow engine itself runs the Python of Snakemake's rules, and the
 * JavaScript of CWL. So the workflow engine sees only the files of its run and of its interpreter, and no other files of
 * the headnode.
 */
async function fenced(
  fence: string,
  run: EngineRun,
  python: string,
  command: readonly string[],
): Promise<[string, ...string[]]> {
  const where =
    'import os, sys; print(sys.prefix, sys.base_prefix, os.path.dirname(os.path.realpath(sys.executable)), sep="\\n")';
  const { stdout } = await promisify(execFile)(python, ['-c', where]);
  const programs = new Set([...stdout.trim().split('\n'), process.execPath]);
  return ['/bin/sh', join(fence, 'engine.sh'), run.dir, run.workspace, ...programs, '--', ...command];
}

/**
 * Workflow engines pass parts of their environment on to steps, so it contains nothing about this machine but the paths
 * of a shell and of node.
 */
function environment(dir: string): Record<string, string> {
  const { HOME = '/', TMPDIR } = process.env;
  const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;
  const cache = join(dir, 'cache');
  return { PATH: path, HOME, LANG: 'C.UTF-8', XDG_CACHE_HOME: cache, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}

function described(run: EngineRun, workspace: string) {
  const { file, specification } = run.specification.workflow;
  const { parameters, options } = run;
  return { workspace, file: file ?? null, specification: specification ?? null, parameters, options };
}

/** Waits until the process has ended; if the run is stopped, ends the process. */
async function followed(run: EngineRun, pid: number, output: Output, signal: AbortSignal): Promise<void> {
  while (await isRunning(pid, run.dir)) {
    if (signal.aborted) await end(pid, run.dir);
    else await sleep(LOOK_MS, undefined, { signal }).catch(() => {});
    await output.follow();
  }
  await output.follow(true);
}

/** A person first wants to know which step failed; the workflow engine's own message is in the log. */
function why({ steps, workflow }: EngineRun, reason: string): string {
  const failed = steps.of(workflow).filter(step => step.state === 'failed' || step.state === 'stopped');
  const first = failed.sort((a, b) => (a.ended ?? 0) - (b.ended ?? 0))[0];
  return first ? failure(first) : reason;
}

async function stopSteps({ steps, workflow }: EngineRun): Promise<void> {
  const left = steps.of(workflow).filter(step => !isStepOver(step.state));
  await Promise.all(left.map(async ({ id }) => [await steps.stop(id), await steps.ended(id)]));
}

/** @returns a function that ends it */
function tellProgress({ steps, workflow, dir, tally, progress }: EngineRun): () => void {
  let total = 0;
  for (const step of steps.of(workflow)) tally.see(step);
  const look = async (): Promise<void> => {
    const told = await totalIn(dir);
    if (told === total) return;
    total = told;
    tally.total = told;
    progress();
  };
  const timer = setInterval(() => void look(), LOOK_MS);
  const off = steps.onChange(step => {
    if (step.request.workflow === workflow && tally.see(step)) progress();
  });
  return () => {
    clearInterval(timer);
    off();
    progress();
  };
}

/** What the workflow engine says at its end; the workflow's author can write anything in its place. */
async function resultIn(dir: string): Promise<Result | undefined> {
  const said = await readSharedJson(join(dir, 'result.json'));
  if (typeof said !== 'object' || said === null) return undefined;
  const { failed } = said as { failed?: unknown };
  return failed === undefined ? {} : { failed: String(failed).slice(0, MOST_REASON) };
}

/** The number of steps as far as the workflow engine knows; 0 until it does. */
async function totalIn(dir: string): Promise<number> {
  const said = await readSharedJson(join(dir, 'total.json'), 20);
  return Number.isSafeInteger(said) && Number(said) >= 0 ? Number(said) : 0;
}

const write = (dir: string, name: string, value: unknown): Promise<void> =>
  writeShared(dir, name, JSON.stringify(value));
