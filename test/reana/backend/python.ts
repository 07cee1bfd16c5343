import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { wrapperScript } from '../../../src/steps/wrapper.js';
import { pythonWith } from '../../lab/python.js';

const here = fileURLToPath(new URL('.', import.meta.url));
const backend = fileURLToPath(new URL('../../../templates/headnode/reana', import.meta.url));

/**
 * A checkout of reana-job-controller 0.9.4 and a Python that has what it requires, where somebody has both; no registry
 * has it, so otherwise `standin/` takes its place.
 */
const real = process.env.SCAILFIN_TEST_REANA_JOB_CONTROLLER;
const realPython = process.env.SCAILFIN_TEST_REANA_PYTHON;

/** The backend's Python: how it is started, and what it is told. */
export class BackendPython {
  private constructor(
    readonly python: string,
    readonly dir: string,
    readonly env: Readonly<Record<string, string>>,
  ) {}

  static async open(): Promise<BackendPython> {
    const python = real && realPython ? realPython : await pythonWith(join(here, 'requirements.txt'));
    const dir = await mkdtemp(join(tmpdir(), 'scailfin-backend-'));
    const wrapper = join(dir, 'step.sh');
    await writeFile(wrapper, wrapperScript(), { mode: 0o755 });
    const env = {
      ...{ PATH: process.env.PATH ?? '', HOME: dir, TMPDIR: dir, LANG: 'C.UTF-8', PYTHONDONTWRITEBYTECODE: '1' },
      ...{ PYTHONPATH: `${backend}:${here}`, SCAILFIN_STEP_SCRIPT: wrapper, CONDOR_CONFIG: '/dev/null' },
      ...(real && realPython ? { SCAILFIN_TEST_REANA_JOB_CONTROLLER: real } : {}),
    };
    return new BackendPython(python, dir, env);
  }

  /** Waits for a program; what it says is in the error when it fails. */
  async run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    const options = { cwd: here, env: { ...this.env, ...env }, timeout: 240_000, maxBuffer: 1 << 26 };
    const done = await promisify(execFile)(this.python, [...args], options).catch(error => {
      throw new Error(`${error.stdout}\n${error.stderr}`);
    });
    return done.stdout;
  }

  async close(): Promise<void> {
    await rm(this.dir, { recursive: true, force: true });
  }
}

/** A path beside this file. */
export const beside = (name: string): string => join(here, name);
