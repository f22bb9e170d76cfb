import { Lexer } from "yaml";

export interface Comment {
  readonly start: number;
  /** Without the line break. */
  readonly text: string;
}

/** The lexer puts this before a scalar, and the others where the source has no character. */
const SCALAR = "\u001f";
const MARKS: readonly string[] = ["\u0002", "\u0018", SCALAR];

export function commentsOf(text: string): readonly Comment[] {
  const comments: Comment[] = [];
  let start = 0;
  let isScalarNext = false;
  for (const token of new Lexer().lex(text)) {
    if (token.startsWith("#") && !isScalarNext) comments.push({ start, text: token });
    isScalarNext = token === SCALAR;
    if (!MARKS.includes(token)) start += token.length;
  }
  return comments;
}
