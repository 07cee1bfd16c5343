/**
 * The rooms of `src`, from the top down: a file may import files of its own room and of the rooms below it, never of a
 * room above it. A room is a folder of `src`; `.` stands for the files that lie in `src` itself. A new folder needs a line
 * here: `rooms.test.ts` fails without one.
 */
export const rooms: readonly string[] = [
  // programs that are started as processes of their own; no file imports one
  'doors',
  // the verbs of the command line: they alone read arguments and print
  'cli',
  // `scailfin sites check`
  'doctor',
  // the life of a cluster: specification, journal, up, down, status
  'cluster',
  // what a cluster offers to its user beside the pool, such as REANA
  'frameworks',
  // what is installed on a headnode
  'headnode',
  // REANA: client, the edge's server, workflow engines, steps as jobs
  'reana',
  // what runs on a node: the wrapper, what it is told and what it reports
  'steps',
  // the pool: configuration, tokens, queries
  'htcondor',
  // profiles of HPC sites
  'sites',
  // batch systems
  'schedulers',
  // the way of a site's nodes to the pool, through their login node
  'relay',
  // where a command runs: this machine, or another over SSH
  'hosts',
  // proxies, keys, certificates
  'credentials',
  // errors, quoting, templates, units, text
  '.',
];

/**
 * Rings of files that are known and not mended yet, each in the order of the alphabet. A ring that is gone must leave this
 * list: the test fails as long as it stands here.
 */
export const knownRings: readonly (readonly string[])[] = [];
