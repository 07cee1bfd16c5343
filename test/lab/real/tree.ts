import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';

/** Each names an installed tree of a real batch system, for tests that else have only a stand-in. */
const variables = { pbs: 'SCAILFIN_TEST_PBS', torque: 'SCAILFIN_TEST_TORQUE', lsf: 'SCAILFIN_TEST_LSF' } as const;
export type RealSystem = keyof typeof variables;

export const isRealSystem = (name: string): name is RealSystem => name in variables;

/**
 * The tree of a batch system, as `make install DESTDIR=TREE` leaves it, with the libraries that the lab's root file system
 * lacks. It is laid over that of the lab's hosts, so TREE/opt/pbs becomes their /opt/pbs.
 * @returns no tree if nobody has named one
 * @throws Error if the directory is not there, or overlayfs could not name it
 */
export function realTree(system: RealSystem): { readonly tree: string | undefined; readonly variable: string } {
  const variable = variables[system];
  const tree = process.env[variable];
  if (!tree) return { tree: undefined, variable };
  if (!isAbsolute(tree) || /[:,\\]/.test(tree) || !existsSync(tree))
    throw new Error(`${variable}: ${tree} must be an absolute path, without colon or comma, of a directory`);
  return { tree: tree.replace(/\/+$/, ''), variable };
}

/** The same, for a lab that cannot do without. @throws Error if nobody has named one */
export function requiredTree(system: RealSystem): string {
  const { tree, variable } = realTree(system);
  if (tree === undefined) throw new Error(`${variable} must name the tree of an installed batch system`);
  return tree;
}

/** Removes the commands of the batch systems in the root file system: nobody is to find them. */
export const clear = `for package in slurm-client gridengine-client; do
  grep ^/usr/bin/ /var/lib/dpkg/info/$package.list | xargs rm -f
done
ldconfig
`;
