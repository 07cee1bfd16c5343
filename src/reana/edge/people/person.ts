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

/** What HTCondor's accounting calls a person: it divides the pool among such names. No dot, which would make it a group. */
export const accountOf = ({ id, name, isOwner }: Person): string =>
  isOwner ? userInfo().username.replaceAll(/[^\w-]/g, '_') : `${name.replaceAll(/[^\w-]/g, '_')}-${id.slice(0, 8)}`;
