import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { didYouMean } from '../sites/closest.js';
import { isTopic, type Topic, topicList, topics, topicText, topicTitle } from './guide/topics.js';
import { jsonOption } from './options.js';
import type { Ui } from './ui.js';

/** Adds `scailfin help [COMMAND | TOPIC]`, and what help says about topics. */
export function register(program: Command, ui: Ui): void {
  program
    .command('help')
    .description('show help about a command, or read about a topic')
    .argument('[words...]', 'a command, or one of the topics below')
    .addOption(jsonOption())
    .addHelpText('after', () => `\n${topicList()}`)
    .action(async (words: string[]) => {
      const [first, ...more] = words;
      if (first === undefined) return overview(program, ui);
      const command = program.commands.find(c => c.name() === first);
      const topic = more.length === 0 && isTopic(first) ? first : undefined;
      if (command === undefined && topic === undefined) throw unknown(first, program);
      const found = command && descend(command, more);
      if (ui.json) ui.printJson({ ...(found ? commandJson(found) : {}), ...(topic ? topicJson(topic) : {}) });
      else {
        found?.outputHelp();
        if (found && topic) ui.print();
        if (topic) await showTopic(topic, ui);
      }
    });
}

async function showTopic(topic: Topic, ui: Ui): Promise<void> {
  const [{ layOut }, { readMarkdown }] = await Promise.all([
    import('./guide/layout.js'),
    import('./guide/markdown.js'),
  ]);
  const lines = layOut(readMarkdown(topicText(topic)), ui.look());
  // printed at once, so that `| head` does not end it with an error
  ui.print(...lines.flatMap((line, n) => (n > 0 ? ['\n', ...line] : line)));
}

function overview(program: Command, ui: Ui): void {
  const commands = program.commands.map(c => ({ name: c.name(), description: c.description() }));
  if (ui.json) ui.printJson({ commands, topics: topics.map(name => ({ name, title: topicTitle(name) })) });
  else program.outputHelp();
}

const commandJson = (command: Command): object => ({ command: command.name(), help: command.helpInformation() });

const topicJson = (topic: Topic): object => ({ topic, title: topicTitle(topic), text: topicText(topic) });

function descend(command: Command, words: readonly string[]): Command {
  return words.reduce((at, word) => {
    const below = at.commands.find(c => c.name() === word);
    if (below) return below;
    const near = didYouMean(
      word,
      at.commands.map(c => c.name()),
    );
    throw new UsageError(`scailfin ${at.name()} has no command ${JSON.stringify(word)}${near}`, {
      hint: `scailfin help ${at.name()}`,
    });
  }, command);
}

function unknown(word: string, program: Command): UsageError {
  const near = didYouMean(word, [...program.commands.map(c => c.name()), ...topics]);
  return new UsageError(`there is no command or topic ${JSON.stringify(word)}${near}`, {
    hint: `\`scailfin help\` lists the commands; the topics are ${topics.join(', ')}`,
  });
}
