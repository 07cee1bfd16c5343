import { loginLanAddress } from './layout.js';

/** What of a site's profile is its own; all else is the lab's. */
export interface Own {
  readonly name: string;
  readonly title: string;
  /** YAML, as are the queues, a line each. */
  readonly scheduler: string;
  readonly queues?: readonly string[];
}

/** The profile of a lab's site, as scail has it. */
export const siteProfile = ({ name, title, scheduler, queues = [] }: Own): string => `name: ${name}
title: ${title}
login:
  hosts: [login]
  user: alice
scheduler: ${scheduler}
${queues.length > 0 ? `queues:\n  ${queues.join('\n  ')}\n` : ''}account: optional
containers:
  - runtime: apptainer
  - runtime: charliecloud
directories:
  work: $HOME/.scailfin
node: { cores: 8, memory: 16000M }
network:
  outbound: true
  loginAddress: ${loginLanAddress}
htcondor:
  source: system
`;
