/** What a text for people mentions of the program: commands to copy and metric names. */

/** Words of every `tlsd …` command in code of a Markdown text, without `tlsd` itself or the path of its launcher. */
export function mentionedCommands(markdown: string): readonly (readonly string[])[] {
  const blocks = [...markdown.matchAll(/^```(?:sh|bash|console|text)?\n(.*?)^```$/gms)].flatMap(
    ([, block = ""]) => block.replaceAll(/\\\n/g, " ").split("\n"),
  );
  const spans = [...markdown.replaceAll(/^```.*?^```$/gms, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, span = ""]) => span,
  );
  return [...blocks, ...spans].flatMap((line) => {
    const [, words] =
      /^\s*(?:[$#] )?(?:sudo )?(?:\S*\/)?tlsd(?:\.sh)?(?: +([^|;&>]*))?/.exec(line) ?? [];
    return words === undefined ? [] : [words.trim().split(/\s+/)];
  });
}

/** Metric names, without what a histogram appends. */
export function mentionedMetrics(text: string): readonly string[] {
  const names = [...text.matchAll(/\btlsd_[a-z0-9_]*[a-z0-9]\b/g)].map(([name]) =>
    name.replace(/_(?:bucket|sum|count)$/, ""),
  );
  return [...new Set(names)];
}
