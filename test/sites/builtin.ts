/** The sites that come with the package, by name. */
export const builtIn: readonly string[] = [
  'anvil',
  'aurora',
  'bluewaters',
  'bridges',
  'cern',
  'delta',
  'expanse',
  'frontera',
  'frontier',
  'juwels',
  'local',
  'lumi',
  'nersc',
  'notredame',
  'polaris',
  'stampede',
];
