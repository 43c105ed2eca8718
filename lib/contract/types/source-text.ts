/** Returns a doc comment with a paragraph for each text; an empty text for none. */
export function docComment(...texts: readonly (string | undefined)[]): string {
  const paragraphs = texts.filter((text) => text !== undefined && text.trim() !== '');
  if (paragraphs.length === 0) return '';
  const lines = paragraphs
    .map((text) => text!.trim().replaceAll('*/', '* /'))
    .join('\n\n')
    .split(/\r\n|[\n\r\u2028\u2029]/);
  if (lines.length === 1) return `/** ${lines[0]!} */\n`;
  return `/**\n${lines.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}

/** Returns the name of a property, quoted where it is no identifier. */
export function propertyName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : quote(name);
}

/** Returns a string literal, on one line. */
export function quote(text: string): string {
  const escaped = JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'");
  return `'${escaped.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')}'`;
}

/**
 * Indents a declaration whose lines have no indentation, and ends its members with semicolons. It relies on what
 * `json-schema-to-typescript` writes: a line ends with `{` or begins with `}` only where an object type begins or ends.
 */
export function indent(text: string): string {
  let depth = 0;
  let isComment = false;
  const lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (!isComment && line.startsWith('/**')) isComment = true;
    if (isComment) {
      lines.push('  '.repeat(depth) + line);
      isComment = !line.endsWith('*/');
      continue;
    }
    if (line.startsWith('}')) depth--;
    lines.push('  '.repeat(depth) + ended(line, depth));
    if (line.endsWith('{')) depth++;
  }
  // a comment of one line
  return `${lines.join('\n')}\n`.replace(/^( *)\/\*\*\n *\* (.*)\n *\*\/$/gm, '$1/** $2 */');
}

function ended(line: string, depth: number): string {
  const isInterfaceEnd = line === '}' && depth === 0;
  if (line.endsWith('{') || isInterfaceEnd) return line;
  // the library puts every union in parentheses; without others inside they are not needed
  return `${line.replace(/^([^"()]*[:=]) \(([^()]*)\)$/, '$1 $2')};`;
}
