import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/**
 * One machine between two starts of it. One name may stand for several machines, such as the login nodes of a site, and
 * a process can be seen only on its own machine.
 */
export interface Machine {
  /** Its own name for itself (uname(1), -n), by which its neighbours can reach it. */
  readonly name: string;
  /** `templates/site/machine.sh` explains it; `unknown` if the machine can't say, or if an older scailfin did not ask. */
  readonly boot: string;
}

export const unknownBoot = 'unknown';

/** Names that many machines give themselves: they identify none. */
const COMMON_NAMES = /^localhost(\.|$)/;

/** Reads the output of `machine.sh`; undefined for anything else. The name may become the name of a host to connect to. */
export function parseMachine(text: string | undefined): Machine | undefined {
  const words = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,252}) ([0-9A-Za-z][0-9A-Za-z.-]{0,99})$/.exec(text?.trim() ?? '');
  return words ? { name: words[1] as string, boot: words[2] as string } : undefined;
}

/** As `machine.sh` prints it. */
export const machineText = ({ name, boot }: Machine): string => `${name} ${boot}`;

/**
 * What the machine that was found is to the known one: `same`, the same one `restarted`, so that all its processes are
 * gone, or `other`, where nothing can be said about the processes of the known one.
 */
export function compareMachines(known: Machine, found: Machine): 'same' | 'restarted' | 'other' {
  const isNamesake = known.name === found.name;
  if (known.boot === unknownBoot || found.boot === unknownBoot) return isNamesake ? 'same' : 'other';
  if (known.boot === found.boot) return 'same';
  // the same kernel without a restart in between: another container
  const kernel = ({ boot }: Machine): string => boot.split('.')[0] ?? '';
  return isNamesake && !COMMON_NAMES.test(known.name) && kernel(known) !== kernel(found) ? 'restarted' : 'other';
}

/** This machine, as `machine.sh` would describe it. */
export function thisMachine(): Machine {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const space = /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1];
    return { name: hostname(), boot: space === undefined || space === FIRST_SPACE ? boot : `${boot}.${space}` };
  } catch {
    return { name: hostname(), boot: unknownBoot };
  }
}

/** PROC_PID_INIT_INO of the Linux kernel (include/linux/proc_ns.h). */
const FIRST_SPACE = '4026531836';
