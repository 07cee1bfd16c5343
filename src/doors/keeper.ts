import { once } from 'node:events';
import type { Prompter } from '../credentials/prompts.js';
import { messageOf, ScailfinError } from '../errors.js';
import type { ConnectOptions } from '../hosts/connect.js';
import { dial } from '../hosts/dial.js';
import type { KeeperMessage, KeepRequest } from '../hosts/kept/keep.js';
import { Master } from '../hosts/kept/master.js';
import { type KeptState, placeOf } from '../hosts/kept/place.js';
import { keptState } from '../hosts/kept/reuse.js';
import { route } from '../hosts/route.js';
import type { SshSettings } from '../hosts/sshconfig.js';
import type { SshTarget } from '../hosts/target.js';

// This is a separate program. keep.ts starts it; it connects as it is told, serves the connection, and ends when nobody
// has used it for long, when the far side closes the connection, or on TERM.

const tell = (message: KeeperMessage): void => void process.send?.(message);

async function question(message: KeeperMessage): Promise<unknown> {
  tell(message);
  const [reply] = (await once(process, 'message')) as [{ answer: unknown }];
  return reply.answer;
}

let asked = false;
const prompter: Prompter = {
  ask: async (text, { echo }) => {
    asked = true;
    return String(await question({ ask: text, echo }));
  },
  confirm: async text => (await question({ confirm: text })) === true,
};

const onNote = (note: string): void => tell({ note });

async function keep(
  target: SshTarget,
  way: readonly SshSettings[],
  options: ConnectOptions,
  idleLimit: number,
): Promise<KeptState> {
  const { link } = await dial(target, options);
  const master = new Master(link, placeOf(way), idleLimit, asked);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => master.stop());
  await master.serve();
  return master.state;
}

process.umask(0o077);
const gone = (): void => process.exit(1); // the process that asked for the login has ended
process.once('disconnect', gone);
const [request] = (await once(process, 'message')) as [KeepRequest];
try {
  const options = { auth: request.auth, prompter: request.canAsk ? prompter : undefined, onNote };
  const way = route(request.target, options);
  process.title = `scailfin: login ${way.at(-1)?.user}@${way.at(-1)?.host}`;
  const state = (await keptState(way)) ?? (await keep(request.target, way, options, request.idleLimit));
  process.off('disconnect', gone);
  tell({ ready: state });
} catch (error) {
  const told = error instanceof ScailfinError ? error : new ScailfinError(messageOf(error));
  process.off('disconnect', gone);
  tell({ failed: told.toJSON() as { error: string; message: string; hint?: string } });
  process.disconnect();
}
