import { readFile } from 'node:fs/promises';
import { usageError } from './arguments.js';

/**
 * Reads an argument that holds a text: the text itself, `@file` for the content of a file, or `-` for standard input.
 *
 * @throws (rejects) TypeError that names the argument if the file cannot be read
 */
export async function readText(name: string, argument: string): Promise<string> {
  if (argument === '-') return readInput();
  if (!argument.startsWith('@')) return argument;
  try {
    return await readFile(argument.slice(1), 'utf8');
  } catch (error) {
    throw usageError(`${name} is ${JSON.stringify(argument)}: ${(error as Error).message}`);
  }
}

/**
 * Reads the data of a message; see `readText`. A text that is not JSON stands for itself.
 *
 * @returns `undefined` without an argument
 */
export async function readData(name: string, argument: string | undefined): Promise<unknown> {
  return argument === undefined ? undefined : parseData(await readText(name, argument));
}

/** Parses JSON. Another text stands for itself, without spaces around it. */
export function parseData(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text.trim();
  }
}

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
