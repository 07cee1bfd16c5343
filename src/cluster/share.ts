import { randomBytes } from 'node:crypto';
import { LeftoverError, messageOf, ScailfinError, UsageError } from '../errors.js';
import type { People, PersonThere } from '../frameworks/service.js';
import { forget, isPlainPath, letIn, peopleWith } from '../headnode/ownkey.js';
import type { Host } from '../hosts/host.js';
import { runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import { type Context, poolDir, recordOf } from './context.js';
import { step } from './events.js';
import { reachFrameworks } from './framework.js';
import { lockPart } from './lock.js';
import { headHost } from './machines.js';
import { reaches, reachFile, shareKey } from './sharekey.js';

/** How somebody with whom a cluster is shared gets to it. */
export interface Way {
  readonly user: string;
  /** The headnode's name, as it was dialled from this machine. */
  readonly host: string;
  /** The headnode is this machine. */
  readonly isHere: boolean;
  /** On the headnode's loopback address. */
  readonly port: number;
}

export interface Wanted {
  /** As `personName` makes it. */
  readonly person: string;
  /** `TYPE BASE64`: a public key that may connect to the service on the headnode, and do nothing else. */
  readonly key?: string | undefined;
  /** Replaces the token of somebody who has one. */
  readonly newToken?: boolean | undefined;
  /** Bytes that all files of the person may use. */
  readonly quota?: number | undefined;
}

export interface Added {
  readonly person: string;
  /** Secret, and known to nobody else; undefined if the person had one already, and keeps it. */
  readonly token?: string | undefined;
  readonly hasKey: boolean;
  readonly way: Way;
}

/** A person with whom a cluster is shared. */
export interface Shared extends PersonThere {
  /** A key of theirs is in the headnode's authorized_keys. */
  readonly hasKey: boolean;
}

/** The parts of a cluster that sharing changes. */
interface Shareable {
  /** The name of what is shared, for people. */
  readonly title: string;
  readonly people: People;
  readonly host: Host;
  readonly dir: string;
  readonly way: Way;
}

/**
 * Lets a person use what the cluster offers, or changes how. It may be repeated: what is there stays as it is.
 * @throws UsageError if the cluster can't be shared
 */
export async function share(context: Context, { person, key, newToken, quota }: Wanted): Promise<Added> {
  return locked(context, 'add', async () => {
    const { title, people, host, dir, way } = await shareable(context);
    if (key !== undefined && !isPlainPath(dir))
      throw new ScailfinError(`${dir} has characters that can't be part of a line of authorized_keys`, {
        hint: `leave --key out: ${person} then needs a login of their own on ${host.name}`,
      });
    const known = (await people.list()).some(({ name }) => name === person);
    // 256 random bits
    const token = known && !newToken ? undefined : randomBytes(32).toString('base64url');
    context.journal.append({ type: 'intent', what: `share the cluster with ${person}` });
    // the key comes first: without a token it leads to a port that answers nothing
    if (key !== undefined) {
      await step(context.sink, `Letting the key of ${person} reach ${title} on ${host.name}`, async () => {
        await host.put([{ path: reachFile(dir), content: templateText('headnode/share-reach.sh'), mode: 0o600 }]);
        await letIn(
          host,
          shareKey(dir, person),
          reaches(dir, person),
          key,
          'leave --key out, or see why it was refused',
        );
      });
    }
    await step(context.sink, known ? `Changing ${person}` : `Adding ${person}`, () =>
      people.put(person, { token, quota }),
    );
    return { person, token, hasKey: (await peopleWith(host, shareKey(dir))).includes(person), way };
  });
}

/** Everybody with whom a cluster is shared. */
export async function sharedWith(context: Context): Promise<Shared[]> {
  const { people, host, dir } = await shareable(context);
  const keys = await peopleWith(host, shareKey(dir));
  return (await people.list()).map(person => ({ ...person, hasKey: keys.includes(person.name) }));
}

export interface Removed {
  readonly person: string;
  /** Whether there was such a person. */
  readonly wasThere: boolean;
  /** Runs that were stopped. */
  readonly stopped: number;
}

/**
 * Ends a person's access at once. What one part refuses does not keep the other from being taken away.
 * @param keepRuns whether the person's runs go on to their end
 * @throws LeftoverError naming what may remain
 */
export async function unshare(context: Context, person: string, keepRuns: boolean): Promise<Removed> {
  return locked(context, 'remove', async () => {
    const record = recordOf(context);
    if (!record.head) throw new UsageError(`${record.name} has no headnode yet`);
    const { journal, connections, sink } = context;
    journal.append({ type: 'intent', what: `share the cluster no longer with ${person}` });
    const left: string[] = [];
    const attempt = async <T>(title: string, what: string, work: () => Promise<T>): Promise<T | undefined> => {
      try {
        return await step(sink, title, work);
      } catch (error) {
        // nothing was begun
        if (error instanceof UsageError) throw error;
        left.push(`${what}: ${messageOf(error).split('\n')[0]}`);
        return undefined;
      }
    };
    const host = await headHost(connections, record);
    const ended = await attempt(`Ending the access of ${person}`, `the token of ${person}`, async () => {
      const { people } = await shareable(context);
      const isThere = (await people.list()).some(({ name }) => name === person);
      return { isThere, stopped: isThere ? await people.remove(person, keepRuns) : 0 };
    });
    const dir = poolDir(record.head.base, record.name);
    const had = await attempt(`Removing the key of ${person}`, `the key of ${person} on ${host.name}`, async () => {
      const isThere = (await peopleWith(host, shareKey(dir))).includes(person);
      await forget(host, shareKey(dir, person));
      await runScript(host, `${templateText('headnode/share-end.sh')}\nshare_end "$@"`, [dir, person]);
      return isThere;
    });
    if (left.length > 0)
      throw new LeftoverError(`${person} may still have access:`, left, {
        hint: `once it answers: scailfin share remove ${record.name} ${person}; what was shared is started again by: scailfin up ${record.name}`,
      });
    return { person, wasThere: ended?.isThere === true || had === true, stopped: ended?.stopped ?? 0 };
  });
}

async function shareable(context: Context): Promise<Shareable> {
  const offers = await reachFrameworks(context);
  const { framework, service, facts, here, dial } = offers.find(offer => offer.service.people) ?? offers[0];
  const record = recordOf(context);
  const people = service.people?.(facts, here, dial);
  const { head, name, spec } = record;
  const titles = offers.map(offer => offer.framework.title).join(' and ');
  if (!people || !head) throw new UsageError(`${titles} of ${name} can't be shared`);
  const host = await headHost(context.connections, record);
  const isHere = spec.headnode.kind === 'local';
  const way = { user: head.user, host: isHere ? head.host : host.address, isHere, port: facts.port };
  return { title: framework.title, people, host, dir: poolDir(head.base, name), way };
}

async function locked<T>({ journal }: Context, verb: string, work: () => Promise<T>): Promise<T> {
  const release = lockPart(journal, `share ${verb}`);
  try {
    return await work();
  } finally {
    release();
  }
}
