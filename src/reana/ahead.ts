import type { Duplex } from 'node:stream';

type Dial = () => Promise<Duplex>;

/** The server closes a connection that was silent for five seconds. */
const freshMs = 3_500;

interface Spare {
  readonly socket: Promise<Duplex | undefined>;
  readonly since: number;
}

/** Makes the next connection while the last one is used, so that frequent requests do not wait for it. */
export function ahead(dial: Dial): Dial {
  let spare: Spare | undefined;
  const prepare = (): void => {
    const socket = dial().then(
      made => {
        // an unused connection must not keep the program alive
        (made as Partial<{ unref(): void }>).unref?.();
        made.on('error', () => {});
        return made;
      },
      () => undefined, // the error is reported to the next caller
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
