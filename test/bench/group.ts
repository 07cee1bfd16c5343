import { Group } from '../setup/group.js';

/**
 * Measures what `work` and all that it starts use of the processors, also the hosts of a lab that is brought up in it.
 * @param work gets a function that tells how much it is so far, in ms; undefined where this machine does not count it
 */
export async function inGroup<T>(work: (cpuMs: () => number | undefined) => Promise<T>): Promise<T> {
  const group = Group.make('bench');
  const leave = group?.enter();
  const end = (): void => {
    leave?.();
    group?.end();
  };
  // a signal ends this process without a way through `finally`
  process.once('exit', end);
  try {
    return await work(() => group && 1000 * group.seconds);
  } finally {
    process.off('exit', end);
    end();
  }
}
