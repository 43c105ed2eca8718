import { invalidArgument } from '../protocol/with-code.js';

/** Checks what a function that follows a room on a client takes. @param caller the name of the function */
export function assertRoomArguments(caller: string, socket: unknown, room: unknown, event: unknown): void {
  if (typeof (Object(socket) as { off?: unknown }).off !== 'function')
    throw invalidArgument(`${caller}: socket is missing: pass what connect(url) returned`);
  if (typeof event !== 'string')
    throw invalidArgument(`${caller}: event is ${String(event)}: it takes a name`);
  if (typeof room !== 'string')
    throw invalidArgument(`${caller}: room is missing: pass its name, such as 'board:7'`);
}
