/**
 * A lab is Debian in namespaces: it needs what bootstraps Debian, makes namespaces, networks and SSH keys. All other
 * programs that a lab uses are in its own root file system.
 */
const lab = [
  'ca-certificates',
  'debian-archive-keyring',
  'iproute2',
  'mmdebstrap',
  'nftables',
  'openssh-client',
  'util-linux',
];

/** PyPI's tools, and what the control plane's daemons are started with. */
const kubernetes = ['ca-certificates', 'openssl', 'procps', 'python3', 'python3-pip', 'util-linux'];

/** What tests use on this machine beside a lab; pip compiles a part of reana-client. */
const test = [
  ...new Set([...lab, ...kubernetes]),
  'chromium',
  'curl',
  'fish',
  'gcc',
  'git',
  'libc6-dev',
  'openssh-server',
  'patchelf',
  'python3-dev',
  'python3-venv',
  'shellcheck',
  'tcsh',
  'uidmap',
  'wget',
  'zlib1g-dev',
  'zsh',
  'zstd',
];

/**
 * The Debian packages that each verb of `run.js` needs on this machine, and no others.
 * @type {{ readonly [verb: string]: readonly string[] }}
 */
export const packages = {
  ...{ test, 'test:all': test, attack: test, slow: test },
  demo: [...lab, 'python3', 'python3-pip'],
  lab,
  bench: lab,
  faults: lab,
  load: lab,
  soak: lab,
  kubernetes,
  clients: ['ca-certificates', 'gcc', 'libc6-dev', 'python3-dev', 'python3-venv', 'util-linux'],
  // reading recordings takes Node.js alone
  conformance: [],
  model: [],
};
