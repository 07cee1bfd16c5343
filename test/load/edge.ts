import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundled } from '../lab/bundled.js';
import { password } from '../secrets.js';
import type { Address } from './clients.js';
import { type Used, usedBy } from './process.js';

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const signals = ['SIGINT', 'SIGTERM'] as const;

/** The edge as a cluster runs it, over a stand-in for HTCondor, in a directory that goes with it. */
export class LoadedEdge {
  readonly #dir = mkdtempSync(join(tmpdir(), 'scailfin-load-'));
  #schedd: ChildProcess | undefined;
  #edge: ChildProcess | undefined;
  #port = 0;

  /** Nothing is left when this program is interrupted. */
  readonly #interrupted = (signal: NodeJS.Signals): void => {
    for (const child of [this.#edge, this.#schedd]) child?.kill('SIGKILL');
    rmSync(this.#dir, { recursive: true, force: true, maxRetries: 10 });
    process.exit(signal === 'SIGINT' ? 130 : 143);
  };

  /** @param program the edge; @param slots of the stand-in */
  static async start(program: string, slots: number): Promise<LoadedEdge> {
    const edge = new LoadedEdge();
    for (const signal of signals) process.once(signal, edge.#interrupted);
    try {
      await edge.#start(program, slots);
      return edge;
    } catch (error) {
      await edge.end();
      throw error;
    }
  }

  get address(): Address {
    return { port: this.#port, token: password };
  }

  get used(): Used {
    return usedBy(this.#edge?.pid as number);
  }

  /** The directory of a run's files. */
  workspace(run: string): string {
    return join(this.#dir, 'edge', 'workspaces', run);
  }

  /** Ends the pool's stand-in. @returns how often each step ran */
  async ran(): Promise<ReadonlyMap<string, number>> {
    await ended(this.#schedd);
    const lines = readFileSync(join(this.#dir, 'ran'), 'utf8').trim().split('\n');
    return new Map(lines.map(line => [line.split(' ')[0] as string, Number(line.split(' ')[1])]));
  }

  /** Of how many files all steps were told, once `ran` has ended the stand-in. */
  get told(): number {
    return Number(readFileSync(join(this.#dir, 'told'), 'utf8'));
  }

  async end(): Promise<void> {
    await ended(this.#edge);
    await ended(this.#schedd);
    for (const signal of signals) process.off(signal, this.#interrupted);
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #start(program: string, slots: number): Promise<void> {
    const schedd = [await bundled(here('schedd.ts')), this.#dir, String(slots)];
    this.#schedd = spawn(process.execPath, schedd, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#schedd.stdout as NodeJS.ReadableStream, 'data');
    const dir = join(this.#dir, 'edge');
    mkdirSync(dir);
    writeFileSync(join(dir, 'python'), `#!/bin/sh\nexec python3 '${here('wide.py')}' "$@"\n`, { mode: 0o755 });
    const condor = { condorBin: join(this.#dir, 'bin'), condorConfig: join(this.#dir, 'condor_config') };
    const engines = { enginePython: { snakemake: join(dir, 'python') } };
    const settings = { cluster: 'load', token: password, port: 0, ...condor, ...engines };
    writeFileSync(join(dir, 'settings.json'), JSON.stringify(settings), { mode: 0o600 });
    const log = join(this.#dir, 'edge.log');
    this.#edge = spawn(process.execPath, [program, dir], { stdio: ['ignore', 'ignore', openSync(log, 'a')] });
    for (let tries = 0; this.#port === 0; tries++) {
      const said = existsSync(log) ? readFileSync(log, 'utf8') : '';
      this.#port = Number(/serving load on port (\d+)/.exec(said)?.[1] ?? 0);
      if (this.#edge.exitCode !== null || tries > 200) throw new Error(`the edge did not start: ${said}`);
      await sleep(50);
    }
  }
}

async function ended(child: ChildProcess | undefined): Promise<void> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}
