import { readFile } from 'node:fs/promises';
import { withCode } from '../../protocol/with-code.js';
import { usageError } from '../arguments.js';
import { readText } from '../data.js';
import { EXIT } from '../exit-codes.js';

/** Milliseconds. */
const TIMEOUT = 10_000;

/** An error for a file or URL that cannot be read. Another attempt may succeed. */
function sourceError(message: string, exitCode: number): Error {
  return Object.assign(withCode('ERR_ENVELOPE_INVALID_ARGUMENT', new Error(message)), { exitCode });
}

/** Whether {@link readSource} could not read the contract. */
export function isSourceError(error: unknown): error is Error {
  return error instanceof Error && 'exitCode' in error;
}

/**
 * Checks the argument that says where a contract is.
 *
 * @throws TypeError if it is the URL of another protocol
 */
export function checkSource(source: string): void {
  const [scheme] = /^[a-z][a-z\d+.-]*:\/\//i.exec(source) ?? [];
  if (scheme !== undefined && !isUrl(source))
    throw usageError(`<contract> is ${JSON.stringify(source)}: it takes a file, or a URL of http or https`);
}

/**
 * Reads a contract: a file, `-` for standard input, or a URL. The URL of the explorer's page stands for its contract.
 *
 * @throws (rejects) Error if it cannot be read; the reason of the signal if that aborts first
 */
export async function readSource(source: string, signal: AbortSignal): Promise<string> {
  if (source === '-') return readText('<contract>', source);
  if (!isUrl(source)) return readContractFile(source);
  const response = await get(source, signal);
  if (!response.type.includes('text/html')) return response.text;
  return (await get(contractOfPage(response.url), signal)).text;
}

async function readContractFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const reason = `<contract> is ${JSON.stringify(file)}: ${(error as Error).message}`;
    throw sourceError(reason, EXIT.usage);
  }
}

/** The explorer serves its contract below its page. */
function contractOfPage(page: string): string {
  const url = new URL(page);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/asyncapi.json`;
  url.search = '';
  return url.href;
}

interface Document {
  /** Where it is, after redirects. */
  readonly url: string;
  readonly type: string;
  readonly text: string;
}

async function get(url: string, signal: AbortSignal): Promise<Document> {
  const timeout = AbortSignal.timeout(TIMEOUT);
  let response: Response;
  let text: string;
  try {
    response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
    text = await response.text();
  } catch (error) {
    signal.throwIfAborted();
    const { message, cause } = error as Error;
    const reason = timeout.aborted ? `no answer for ${TIMEOUT / 1_000} s` : reasonOf(cause) || message;
    throw sourceError(`could not read ${url}: ${reason}`, EXIT.connection);
  }
  if (!response.ok) throw sourceError(`could not read ${url}: HTTP status ${response.status}`, EXIT.failed);
  return { url: response.url, type: response.headers.get('content-type') ?? '', text };
}

/** `fetch` says only that it failed. An error for several addresses has no message either. */
function reasonOf(cause: unknown): string {
  const { message, errors } = Object(cause) as { message?: string; errors?: readonly Error[] };
  return errors === undefined ? (message ?? '') : errors.map((error) => error.message).join(', ');
}

function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}
