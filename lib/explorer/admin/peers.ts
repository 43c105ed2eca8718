import { hostname } from 'node:os';
import { WsException } from '@nestjs/websockets';
import { isRecordLike } from '../../protocol/refuse.js';
import type { EnvelopeServer } from '../../server/namespace/envelope-server.js';
import { randomId } from '../../server/util/random-id.js';
import { callSafely } from '../../server/util/safe-call.js';
import { fail, failure as failed, failureOf } from './admin-failure.js';
import { textOf } from './checked-values.js';
import type { Nodes } from './views.js';

/** Milliseconds for the other nodes to answer. */
export const DEADLINE = 1_000;
/** Milliseconds for which a node that does not answer is listed. */
const FORGET_AFTER = 600_000;
/** The largest number of other nodes that are remembered. */
const MAX_NODES = 500;
/** Events between the servers of the console. */
const ASK = 'console:ask';
const TELL = 'console:tell';
const LEAVE = 'console:leave';

/** What this node answers, to itself and to other nodes. */
export type Answer = (operation: string, data: unknown) => unknown;

/** Another node that has answered once. */
interface Peer {
  readonly id: string;
  readonly name: string;
  seenAt: number;
  isSilent: boolean;
}

/** A question that waits for answers. */
interface Pending {
  readonly values: Map<string, unknown>;
  /** The only node that is asked; `undefined`: all. */
  readonly only: string | undefined;
  finish(): void;
}

/** The answers of all nodes, by the ids of the nodes. */
export interface Answers {
  readonly values: ReadonlyMap<string, unknown>;
  readonly nodes: Nodes;
}

/**
 * Asks the consoles of all nodes, by `serverSideEmit` of the console's own server. Each question ends after a second, with the
 * answers that have arrived. A node that does not answer is remembered, and nobody waits for it again until it does.
 */
export class Peers {
  readonly id = randomId();
  readonly name = `${hostname()}:${process.pid}`;
  private readonly peers = new Map<string, Peer>();
  private readonly pending = new Map<string, Pending>();
  /** Nodes that the broker counted and that did not answer: they have no console, or have stopped before it asked. */
  private unknown = 0;

  /** @param report receives errors of this node's own answers */
  constructor(
    private readonly server: EnvelopeServer,
    private readonly answer: Answer,
    private readonly report: (error: unknown) => void,
  ) {
    server.on(ASK, (question: unknown) => void this.onAsk(question));
    server.on(TELL, (told: unknown) => this.onTell(told));
    server.on(LEAVE, (id: unknown) => void this.peers.delete(String(id)));
  }

  /** The other nodes that are known, silent ones included. */
  known(): readonly Readonly<Peer>[] {
    for (const { id, isSilent, seenAt } of this.peers.values())
      if (isSilent && Date.now() - seenAt > FORGET_AFTER) this.peers.delete(id);
    return [...this.peers.values()];
  }

  /** Resolves with the answers of this node and of all others that answer in time. Rejects if this node's own answer fails. */
  async askAll(operation: string, data?: unknown): Promise<Answers> {
    const others = this.isAlone ? new Map<string, unknown>() : await this.collect(operation, data, undefined);
    const values = new Map([[this.id, await this.answer(operation, data)], ...others]);
    const silent = this.known().filter(({ id }) => !values.has(id));
    return {
      values,
      nodes: { answered: values.size, silent: silent.map(({ id }) => id), unknown: this.unknown },
    };
  }

  /** Resolves with the answer of one node. @throws (rejects) WsException if the node is not known, is silent, or refuses */
  async askOne(node: string, operation: string, data?: unknown): Promise<unknown> {
    if (node === this.id) return this.answer(operation, data);
    if (!this.peers.has(node)) fail('not_found', 'node: no node has this id');
    const told = (await this.collect(operation, data, node)).get(node);
    if (told === undefined) fail('silent', 'The node did not answer within a second');
    return told;
  }

  /** Tells the other nodes that this one stops. */
  leave(): void {
    if (this.server.cluster.state === 'connected')
      callSafely(() => this.server.serverSideEmit(LEAVE, this.id), this.report);
    for (const { finish } of this.pending.values()) finish();
  }

  private get isAlone(): boolean {
    return this.server.cluster.state === 'alone';
  }

  private async collect(
    operation: string,
    data: unknown,
    only: string | undefined,
  ): Promise<Map<string, unknown>> {
    const id = randomId();
    const values = new Map<string, unknown>();
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        const question: Pending = { values, only, finish: resolve };
        this.pending.set(id, question);
        timer = setTimeout(resolve, DEADLINE);
        this.server.serverSideEmit(ASK, { id, from: this.id, only, operation, data });
        if (this.isComplete(question)) resolve();
      });
    } finally {
      // also where the adapter cannot send
      clearTimeout(timer);
      this.pending.delete(id);
    }
    for (const peer of this.peers.values())
      if ((only === undefined || only === peer.id) && !values.has(peer.id)) peer.isSilent = true;
    if (only === undefined) this.unknown = Math.max(0, this.server.cluster.nodes - 1 - this.peers.size);
    for (const [node, value] of values)
      if (value instanceof WsException) this.refused(values, node, value, only);
    return values;
  }

  /** One node's refusal is the answer if only that node was asked. Of many nodes, it counts as no answer. */
  private refused(
    values: Map<string, unknown>,
    node: string,
    error: WsException,
    only: string | undefined,
  ): void {
    if (only === node) throw error;
    values.delete(node);
  }

  private isComplete({ values, only }: Pending): boolean {
    if (only !== undefined) return values.has(only);
    const others = [...this.peers.values()];
    const silent = others.filter(({ isSilent }) => isSilent).length;
    const counted = this.server.cluster.nodes - 1 - silent - this.unknown;
    return values.size >= counted && others.every(({ id, isSilent }) => isSilent || values.has(id));
  }

  private async onAsk(question: unknown): Promise<void> {
    if (!isRecordLike(question)) return;
    const { id, from, only, operation, data } = question as Record<string, unknown>;
    if (typeof from !== 'string' || typeof operation !== 'string') return;
    if (only !== undefined && only !== null && only !== this.id) return;
    const told: Record<string, unknown> = { id, to: from, from: this.id, name: this.name };
    try {
      told['value'] = await this.answer(operation, data);
    } catch (error) {
      const failure = failureOf(error);
      if (failure === undefined) this.report(error);
      told['failure'] = failure ?? { code: 'failed' };
    }
    this.server.serverSideEmit(TELL, told);
  }

  private onTell(told: unknown): void {
    if (!isRecordLike(told)) return;
    const { id, to, from, name, value, failure } = told as Record<string, unknown>;
    if (to !== this.id || typeof from !== 'string' || from.length > 64) return;
    this.see(from, textOf(name, 200));
    const question = this.pending.get(String(id));
    if (question === undefined) return;
    question.values.set(from, failure === undefined ? (value ?? null) : toError(failure));
    if (this.isComplete(question)) question.finish();
  }

  private see(id: string, name: string): void {
    const peer = this.peers.get(id);
    if (peer !== undefined) Object.assign(peer, { seenAt: Date.now(), isSilent: false });
    else if (this.peers.size < MAX_NODES) {
      this.peers.set(id, { id, name, seenAt: Date.now(), isSilent: false });
      if (this.unknown > 0) this.unknown--;
    }
  }
}

const CODES = ['invalid', 'read_only', 'not_found', 'busy'] as const;

/** Returns the error that another node's failure stands for. */
function toError(failure: unknown): WsException {
  const { code, message } = Object(failure) as { code?: unknown; message?: unknown };
  const known = CODES.find((each) => each === code);
  if (known === undefined) return failed('failed', 'The node failed: see its log');
  return failed(known, textOf(message, 500));
}
