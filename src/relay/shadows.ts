import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../errors.js';

/** Two restarts of the schedd are at least so far apart. */
const restMs = 20_000;
/** Several connections break together, and a shadow whose job has just ended needs a moment to say so. */
const gatherMs = 4_000;

/**
 * HTCondor's shadow is the process on the headnode that looks after one running job. When its connection to the job breaks, it
 * connects again, but then refuses the job's output: it has forgotten the key by which it knows the job's files
 * (RemoteResource::disconnectClaimSock calls FileTransfer::stopServer; seen in 23.9.6). After five refusals, the job runs once
 * more. A new shadow has a new key, and gives it to the job when it connects.
 *
 * New shadows come with a new schedd: told to end fast, a schedd leaves its jobs running, and the next one starts a shadow
 * for each of them, which finds its job (HTCondor's manual, `JobLeaseDuration`). The pool's master starts it at once.
 */
export class Shadows {
  #timer: NodeJS.Timeout | undefined;
  #last = 0;

  /** @param pool the pool's directory */
  constructor(
    private readonly pool: string,
    private readonly log: (line: string) => void,
  ) {}

  /** To be called when connections of nodes broke, on which jobs may run. */
  broke(): void {
    if (this.#timer) return;
    const wait = Math.max(gatherMs, this.#last + restMs - Date.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#renew();
    }, wait);
  }

  #renew(): void {
    const all = processes();
    const isOurs = (pid: number): boolean =>
      environmentOf(pid).includes(`CONDOR_CONFIG=${join(this.pool, 'condor_config')}`);
    const jobs = all.filter(p => p.name === 'condor_shadow' && isOurs(p.pid)).length;
    const schedd = all.find(p => p.name === 'condor_schedd' && isOurs(p.pid));
    if (jobs === 0 || !schedd) return;
    this.#last = Date.now();
    this.log(`jobs run whose connections broke: the schedd is started again, and finds them`);
    try {
      process.kill(schedd.pid, 'SIGQUIT');
    } catch (error) {
      this.log(`the schedd could not be told: ${messageOf(error)}`);
    }
  }
}

/** This machine's processes (proc_pid_comm(5)). */
function processes(): { readonly pid: number; readonly name: string }[] {
  return readdirSync('/proc').flatMap(name => {
    if (!/^\d+$/.test(name)) return [];
    try {
      return [{ pid: Number(name), name: readFileSync(`/proc/${name}/comm`, 'utf8').trim() }];
    } catch {
      return []; // it has just ended
    }
  });
}

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  } catch {
    return [];
  }
}
