/**
 * How long the slowest test files take with others beside them, in seconds: most of it is waiting. They are begun in this
 * order, so that none of them begins when all others are over. A file that is not here is a quick one.
 */
export const durations: { readonly [file: string]: number } = {
  'test/doctor/sites.test.ts': 330,
  'test/cluster/bosco.test.ts': 240,
  'test/cluster/reana.test.ts': 145,
  'test/reana/jobs-failures.test.ts': 134,
  'test/reana/edge-client.test.ts': 127,
  'test/cluster/engines.test.ts': 123,
  'test/cluster/lsf.test.ts': 123,
  'test/cluster/lifecycle.test.ts': 122,
  'test/cluster/glidein.test.ts': 119,
};
