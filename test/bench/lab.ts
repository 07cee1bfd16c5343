import { Lab } from '../lab/lab.js';

/** Measures in a lab of its own. Nothing of the lab is left, however this ends. */
export async function inLab<T>(work: (lab: Lab) => Promise<T>, options: { isolated?: boolean } = {}): Promise<T> {
  // named beforehand, so that it can be taken down while it comes up
  const name = `bench-${process.pid}`;
  const interrupted = (signal: NodeJS.Signals): void => {
    void Lab.down(name).finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  // the same signal may come twice, from the terminal and from whoever started this
  const signals = ['SIGINT', 'SIGTERM'] as const;
  for (const signal of signals) process.on(signal, interrupted);
  try {
    return await work(await Lab.up({ name, ...options }));
  } finally {
    await Lab.down(name);
    for (const signal of signals) process.off(signal, interrupted);
  }
}
