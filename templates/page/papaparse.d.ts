/** The build puts the library beside the page; this is what the page uses of it. */
declare const library: {
  parse(text: string, options: { preview: number; delimiter?: string; skipEmptyLines: 'greedy' }): { data: string[][] };
};
export default library;
