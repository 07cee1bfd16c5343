import { once } from 'node:events';
import net from 'node:net';
import ssh2, { type Client } from 'ssh2';
import { Connection } from '../connection.js';
import type { SshSettings } from '../sshconfig.js';
import { allPlaces, clear, control, type KeptState, type Place, placeOf, readKept } from './place.js';

/** A keeper on this machine answers at once, or hangs. */
const answerMs = 5_000;

/**
 * The kept login that covers most of the way, and how many hosts of the way it covers.
 * @param route the hosts on the way, the target last
 */
export async function keptOn(
  route: readonly SshSettings[],
): Promise<{ connection: Connection; covers: number } | undefined> {
  for (let covers = route.length; covers > 0; covers--) {
    const connection = await keptEnd(route.slice(0, covers));
    if (connection) return { connection, covers };
  }
  return undefined;
}

/** The kept login for the last host of exactly this way. */
export async function keptEnd(route: readonly SshSettings[]): Promise<Connection | undefined> {
  const place = placeOf(route);
  const file = readKept(place);
  const client = file && (await enter(place, file.hostKey));
  if (!client) return undefined;
  const connection = new Connection(client, file.name, undefined);
  connection.watch();
  return connection;
}

/** Whether a login is kept for the last host of this way, judged by its file, without a query. */
export function isKept(route: readonly SshSettings[]): boolean {
  return readKept(placeOf(route)) !== undefined;
}

/** Whether the kept login for this way could only be made by a person; undefined if none is kept. */
export const wasAsked = (route: readonly SshSettings[]): boolean | undefined => {
  const kept = readKept(placeOf(route));
  return kept && kept.asked === true;
};

/** The states of all keepers of this user. Files of keepers that died are removed. */
export async function keptLogins(): Promise<KeptState[]> {
  const states = await Promise.all(allPlaces().map(place => tell(place, 'state')));
  return states.flatMap(state => state ?? []).sort((a, b) => a.name.localeCompare(b.name));
}

/** The state of one kept login. */
export async function keptState(route: readonly SshSettings[]): Promise<KeptState | undefined> {
  return tell(placeOf(route), 'state');
}

/** Ends the kept logins that `wanted` selects. @returns those that were ended */
export async function endKept(wanted: (state: KeptState) => boolean): Promise<KeptState[]> {
  const ended = allPlaces().map(async place => {
    const state = await tell(place, 'state');
    return state && wanted(state) ? tell(place, 'stop') : undefined;
  });
  return (await Promise.all(ended)).flatMap(state => state ?? []);
}

async function tell(place: Place, word: 'state' | 'stop'): Promise<KeptState | undefined> {
  const file = readKept(place);
  const client = file && (await enter(place, file.hostKey));
  if (!client) return undefined;
  client.on('error', () => {}); // the connection breaks once the keeper has stopped
  try {
    return await new Promise<KeptState>((resolve, reject) => {
      client.once('close', () => reject(new Error('it went away')));
      client.subsys(control, (error, channel) => {
        if (error) return reject(error);
        let text = '';
        channel.setEncoding('utf8').on('data', (part: string) => {
          text += part;
        });
        channel.once('close', () => {
          try {
            resolve(JSON.parse(text) as KeptState);
          } catch (garbled) {
            reject(garbled);
          }
        });
        channel.end(`${word}\n`);
      });
    });
  } catch {
    return undefined;
  } finally {
    client.end();
  }
}

/** Undefined if nobody listens any more; then its files are removed. */
async function enter(place: Place, hostKey: string): Promise<Client | undefined> {
  const socket = net.connect(place.socket);
  const client = new ssh2.Client();
  const limit = setTimeout(() => socket.destroy(new Error('no answer')), answerMs);
  try {
    await once(socket, 'connect');
    client.connect({
      sock: socket,
      username: 'kept',
      readyTimeout: 0,
      hostVerifier: (key: Buffer) => key.toString('base64') === hostKey.split(' ')[1],
      authHandler: ['none'],
    });
    await once(client, 'ready');
    return client;
  } catch (error) {
    client.on('error', () => {});
    socket.destroy();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ECONNREFUSED' || code === 'ENOENT') clear(place);
    return undefined;
  } finally {
    clearTimeout(limit);
  }
}
