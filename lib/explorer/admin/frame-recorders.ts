import { fail } from './admin-failure.js';
import { wholeNumber } from './checked-values.js';
import { readAddress } from './connection-list.js';
import { FrameRecorder, RECORD_TIME } from './frame-recorder.js';
import { findSocket, type NodeServers } from './node-servers.js';
import type { FramesPage } from './views.js';

/** Connections of one node that are recorded at the same time. */
const MAX_RECORDERS = 20;

/** The connections of this node whose frames admins watch. */
export class FrameRecorders {
  private readonly recorders = new Map<string, { recorder: FrameRecorder; timer: NodeJS.Timeout }>();

  constructor(
    private readonly servers: NodeServers,
    private readonly payloads: boolean,
  ) {}

  /** Returns the frames of a connection since the last request, and records further ones for some seconds. */
  read(data: unknown): FramesPage {
    const fields = readAddress(data, ['after']);
    const after = wholeNumber(fields, 'after', 0, Number.MAX_SAFE_INTEGER, 0);
    return this.recorderOf(fields.id).read(after);
  }

  stop(): void {
    for (const id of this.recorders.keys()) this.end(id);
  }

  /** @throws WsException if the node has no such connection, or records many already */
  private recorderOf(id: string): FrameRecorder {
    const known = this.recorders.get(id);
    if (known !== undefined) {
      known.timer.refresh();
      return known.recorder;
    }
    const socket =
      findSocket(this.servers, id) ?? fail('not_found', 'The node has no connection with this id');
    if (this.recorders.size >= MAX_RECORDERS)
      fail('busy', `The node records ${MAX_RECORDERS} connections already`);
    const recorder = new FrameRecorder(socket, this.payloads);
    this.recorders.set(id, { recorder, timer: setTimeout(() => this.end(id), RECORD_TIME).unref() });
    return recorder;
  }

  private end(id: string): void {
    const { recorder, timer } = this.recorders.get(id)!;
    clearTimeout(timer);
    recorder.stop();
    this.recorders.delete(id);
  }
}
