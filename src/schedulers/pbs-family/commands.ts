import type { Output } from '../job.js';
import type { Scheduler } from '../scheduler.js';
import { nativeIds, submittedId } from './ids.js';
import { cancelled, refusal } from './words.js';

/** Reads the answers of qsub and qdel, which are the same for Torque and PBS. @param system its name for people */
export function qsubAndQdel(system: string): Pick<Scheduler, 'parseSubmit' | 'cancel' | 'parseCancel'> {
  return {
    parseSubmit(out: Output) {
      const id = submittedId(out.stdout);
      if (out.exitCode === 0 && id !== undefined) return id;
      throw refusal(system, 'qsub', out);
    },
    cancel: ids => ({ argv: ['qdel', ...ids.flatMap(nativeIds)] }),
    parseCancel: out => cancelled(system, out),
  };
}
