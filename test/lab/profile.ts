import { loginLanAddress } from './layout.js';

/** What of a site's profile is its own; all else is the lab's. */
export interface Own {
  readonly name: string;
  readonly title: string;
  /** Lines of YAML, as the queues are. */
  readonly scheduler: readonly string[];
  readonly queues?: readonly string[];
}

/** The profile of a lab's site, as scail has it. */
export function siteProfile({ name, title, scheduler, queues }: Own): string {
  const block = (key: string, lines: readonly string[]): string => `${key}:\n  ${lines.join('\n  ')}\n`;
  return `name: ${name}
title: ${title}
login:
  hosts: [login]
  user: alice
${block('scheduler', scheduler)}${queues ? block('queues', queues) : ''}account: optional
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
}
