import type { Duplex } from 'node:stream';

type Dial = () => Promise<Duplex>;

/** The far side closes what says nothing for five seconds. */
const freshMs = 3_500;

interface Spare {
  readonly socket: Promise<Duplex | undefined>;
  readonly since: number;
}

/** Has the next connection made while the last one is used: who asks often does not wait for it. */
export function ahead(dial: Dial): Dial {
  let spare: Spare | undefined;
  const prepare = (): void => {
    const socket = dial().then(
      made => {
        // it is no reason for the program to stay
        (made as Partial<{ unref(): void }>).unref?.();
        made.on('error', () => {});
        return made;
      },
      () => undefined, // who needs one hears why
    );
    spare = { socket, since: Date.now() };
  };
  return async () => {
    const found = spare;
    spare = undefined;
    const made = await found?.socket;
    const isFresh = made && Date.now() - (found?.since ?? 0) < freshMs && !made.destroyed && !made.readableEnded;
    if (made && !isFresh) made.destroy();
    const socket = isFresh ? made : await dial();
    (socket as Partial<{ ref(): void }>).ref?.();
    prepare();
    return socket;
  };
}
