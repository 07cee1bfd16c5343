import { hostname, userInfo } from 'node:os';

/** Somebody who may use the cluster's REANA. */
export interface Person {
  /** A UUID, as in REANA. */
  readonly id: string;
  /** An e-mail address or a short name; REANA's sharing calls name people by it. */
  readonly name: string;
  readonly isOwner: boolean;
  /** How many bytes the files of all runs may have together; absent: no limit but the disk's. */
  readonly quota?: number | undefined;
}

/** The id of the cluster's owner, whose account runs everything. It is also that of runs from before there were others. */
export const ownerId = '00000000-0000-0000-0000-000000000000';

/** The owner, whose account runs the edge. */
export function ownerHere(): Person {
  return { id: ownerId, name: `${userInfo().username}@${hostname()}`, isOwner: true };
}

/**
 * A person's name can be part of a path, of a line in authorized_keys and of a job's description; capital letters make no
 * difference.
 */
export const personPattern = /^[a-z0-9][a-z0-9._+-]{0,63}(@[a-z0-9][a-z0-9.-]{0,63})?$/;

/** REANA's client gives these words another meaning than a name. */
const reserved = ['anybody', 'nobody', 'owner'];

/** The name as it is kept; undefined if it can't be one. */
export function personName(text: string): string | undefined {
  const name = text.toLowerCase();
  return personPattern.test(name) && !reserved.includes(name) ? name : undefined;
}

/** What HTCondor's accounting calls a person: it divides the pool among such names. No dot, which would make it a group. */
export const accountOf = ({ id, name, isOwner }: Person): string =>
  isOwner ? userInfo().username.replaceAll(/[^\w-]/g, '_') : `${name.replaceAll(/[^\w-]/g, '_')}-${id.slice(0, 8)}`;
