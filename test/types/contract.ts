import { defineEvents, schema, type EventsOf } from '../../lib/contract/index.js';
import type { EnvelopeServer } from '../../lib/index.js';

class SaidDto {
  text!: string;
}

const events = defineEvents({
  said: SaidDto,
  count: Number,
  names: [String],
  history: [SaidDto],
  moved: schema<{ x: number }>({ type: 'object' }),
  anything: { type: 'object' },
  bye: null,
});

export function emits(server: EnvelopeServer<Record<string, never>, EventsOf<typeof events>>): void {
  server.emit('said', { text: 'hi' });
  server.emit('count', 3);
  server.emit('names', ['ada']);
  server.to('red').emit('history', [{ text: 'hi' }]);
  server.emit('moved', { x: 1 });
  server.emit('anything', { at: 'all' });
  server.emit('bye');

  // @ts-expect-error the text is missing
  server.emit('said', { words: 'hi' });
  // @ts-expect-error not a number
  server.emit('count', '3');
  // @ts-expect-error it must be a list
  server.emit('history', { text: 'hi' });
  // @ts-expect-error not the type of the schema
  server.emit('moved', { y: 1 });
  // @ts-expect-error the event has no data
  server.emit('bye', 1);
  // @ts-expect-error unknown event
  server.emit('unknown');
}
