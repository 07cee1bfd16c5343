import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../../paths.js';

/** The topics of `scailfin help`, in the order in which help lists them. Each is the file `docs/help/<topic>.md`. */
export const topics = [
  'sites',
  'login',
  'headnode',
  'relay',
  'jobs',
  'frameworks',
  'reana',
  'workqueue',
  'dask',
  'jupyter',
  'parsl',
  'spark',
  'share',
  'bosco',
  'proxies',
  'security',
  'cleanup',
  'settings',
  'files',
  'scripts',
  'support',
  'trouble',
] as const;
export type Topic = (typeof topics)[number];

export const isTopic = (word: string): word is Topic => (topics as readonly string[]).includes(word);

/** What to read about a command. */
export const readMore: Readonly<Record<string, readonly Topic[]>> = {
  up: ['headnode', 'relay', 'frameworks', 'reana', 'bosco', 'trouble'],
  status: ['trouble'],
  scale: ['bosco'],
  down: ['cleanup'],
  exec: ['jobs', 'frameworks'],
  run: ['reana'],
  example: ['reana'],
  connect: ['frameworks', 'reana'],
  env: ['jobs', 'frameworks', 'reana'],
  logs: ['trouble'],
  images: ['reana'],
  share: ['share', 'security'],
  token: ['security'],
  login: ['login'],
  logout: ['login'],
  sshproxy: ['login'],
  proxy: ['proxies'],
  sites: ['sites'],
  config: ['settings'],
  render: ['files'],
  completion: ['scripts'],
};

/** The topic's text in Markdown. @throws Error if the file is missing */
export const topicText = (topic: Topic): string =>
  readFileSync(join(packageRoot, 'docs', 'help', `${topic}.md`), 'utf8');

/** What the topic is about, in one line: the part of the text's first heading after the colon. */
export function topicTitle(topic: Topic): string {
  const [, title = ''] = /^# [^:\n]*: (.*)/.exec(topicText(topic)) ?? [];
  return title.replaceAll('`', '');
}

/** Adds the list of topics to the program's own help, and the topics to read to the help of each command. */
export function addTopics(program: Command): void {
  program.addHelpText('after', () => `\n${topicList()}`);
  for (const command of program.commands) {
    const more = readMore[command.name()] ?? [];
    if (more.length > 0) command.addHelpText('after', `\nMore: ${more.map(t => `scailfin help ${t}`).join(', ')}`);
  }
}

/** The list of topics, in lines of at most 80 columns. */
export function topicList(): string {
  const width = Math.max(...topics.map(t => t.length)) + 2;
  return ['Topics (scailfin help TOPIC):', ...topics.map(t => `  ${t.padEnd(width)}${topicTitle(t)}`)].join('\n');
}
